"""The stack of the release pipeline."""

from cdktf import TerraformOutput, TerraformStack
from cdktf_cdktf_provider_aws.provider import AwsProvider, AwsProviderDefaultTags
from constructs import Construct

from lib.build import Build
from lib.pipeline import Pipeline
from lib.register import Register


class ReleaseStack(TerraformStack):
    """From a commit on main to an entry in the register of releases."""

    def __init__(self, scope: Construct, id_: str, *, environment_suffix: str, region: str = "us-west-2"):
        super().__init__(scope, id_)

        AwsProvider(
            self,
            "aws",
            region=region,
            default_tags=[AwsProviderDefaultTags(tags={"Team": "shop", "Environment": environment_suffix})],
        )

        register = Register(self, "register", environment_suffix=environment_suffix)
        build = Build(
            self,
            "build",
            environment_suffix=environment_suffix,
            artifact_bucket=f"shop-artifacts-{environment_suffix}",
            table=register.table,
        )
        pipeline = Pipeline(
            self,
            "pipeline",
            environment_suffix=environment_suffix,
            artifact_bucket=f"shop-artifacts-{environment_suffix}",
            project=build.project,
        )

        TerraformOutput(self, "pipeline_name", value=pipeline.pipeline.name)
        TerraformOutput(self, "table_name", value=register.table.name)
        TerraformOutput(self, "topic_arn", value=pipeline.topic.arn)
