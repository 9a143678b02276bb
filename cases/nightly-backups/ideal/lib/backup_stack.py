"""The stack of the nightly backups."""

from cdktf import TerraformOutput, TerraformStack
from cdktf_cdktf_provider_aws.provider import AwsProvider, AwsProviderDefaultTags
from constructs import Construct

from lib.schedule import Schedule
from lib.vault import Vault


class BackupStack(TerraformStack):
    """A vault, and what is put into it when."""

    def __init__(self, scope: Construct, id_: str, *, environment_suffix: str, region: str = "eu-north-1"):
        super().__init__(scope, id_)

        AwsProvider(
            self,
            "aws",
            region=region,
            default_tags=[AwsProviderDefaultTags(tags={"Purpose": "backup", "Environment": environment_suffix})],
        )
        vault = Vault(self, "vault", environment_suffix=environment_suffix)
        schedule = Schedule(self, "schedule", environment_suffix=environment_suffix, vault_name=vault.vault.name)

        TerraformOutput(self, "vault_arn", value=vault.vault.arn)
        TerraformOutput(self, "plan_id", value=schedule.plan.id)
