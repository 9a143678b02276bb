"""The stack of the reporting database."""

from cdktf import TerraformOutput, TerraformStack
from cdktf_cdktf_provider_aws.provider import AwsProvider, AwsProviderDefaultTags
from constructs import Construct

from lib.database import Database
from lib.encryption import Encryption
from lib.parameters import Parameters
from lib.settings import ReportSettings
from stacks.network_stack import Network


class ReportingStack(TerraformStack):
    """Network, keys, parameters, cluster, and what report jobs need to find it."""

    def __init__(self, scope: Construct, id: str, environment_suffix: str):
        super().__init__(scope, id)

        AwsProvider(
            self,
            "aws",
            region="us-east-1",
            default_tags=[
                AwsProviderDefaultTags(
                    tags={
                        "Project": "reporting",
                        "Environment": environment_suffix,
                        "CostCenter": 4711,
                    }
                )
            ],
        )

        network = Network(self, "network", environment_suffix=environment_suffix)
        encryption = Encryption(
            self,
            "encryption",
            environment_suffix=environment_suffix,
            aws_region="us-east-1",
        )
        parameters = Parameters(self, "parameters", environment_suffix=environment_suffix)
        database = Database(
            self,
            "database",
            environment_suffix=environment_suffix,
            subnet_ids=[subnet.id for subnet in network.subnets],
            security_group_id=network.security_group.id,
            data_key_arn=encryption.data_key.arn,
            logs_key_arn=encryption.logs_key.arn,
            cluster_parameter_group_name=parameters.cluster_group.name,
            instance_parameter_group_name=parameters.instance_group.name,
        )
        settings = ReportSettings(
            self,
            "settings",
            environment_suffix=environment_suffix,
            key_arn=encryption.data_key.arn,
            cluster=database.cluster,
        )

        TerraformOutput(self, "writer_endpoint", value=database.cluster.endpoint)
        TerraformOutput(self, "reader_endpoint", value=database.cluster.reader_endpoint)
        TerraformOutput(self, "settings_secret_arn", value=settings.secret.arn)
