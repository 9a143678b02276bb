"""The stack of the shared file system."""

from cdktf import S3Backend, TerraformOutput, TerraformStack
from cdktf_cdktf_provider_aws.provider import AwsProvider
from constructs import Construct

from lib.backups import Backups
from lib.file_share import FileShare
from lib.network import Network

ENVIRONMENTS = ("development", "staging", "production")
MAIN_REGION = "eu-west-1"
COPY_REGION = "eu-central-1"


class FileShareStack(TerraformStack):
    """Network, file system and backups of one environment."""

    def __init__(self, scope: Construct, id_: str, *, environment_suffix: str):
        super().__init__(scope, id_)
        if environment_suffix not in ENVIRONMENTS:
            raise ValueError(f"environment_suffix must be one of {', '.join(ENVIRONMENTS)}, not {environment_suffix}")

        S3Backend(
            self,
            bucket="research-terraform-state",
            key=f"file-share/{environment_suffix}.tfstate",
            region=MAIN_REGION,
            encrypt=True,
            use_lockfile=True,
        )

        AwsProvider(self, "aws", region=MAIN_REGION)
        copies = AwsProvider(self, "aws_copies", region=COPY_REGION, alias="copies")

        network = Network(self, "network", environment_suffix=environment_suffix)
        share = FileShare(
            self,
            "share",
            environment_suffix=environment_suffix,
            subnet_ids=network.subnet_ids,
            security_group_id=network.nfs.id,
        )
        Backups(
            self,
            "backups",
            environment_suffix=environment_suffix,
            file_system_arn=share.file_system.arn,
            copy_provider=copies,
        )

        TerraformOutput(self, "file_system_id", value=share.file_system.id)
        TerraformOutput(self, "access_point_id", value=share.access_point.id)
