"""The stack with the registries of the teams."""

from cdktf import TerraformOutput, TerraformStack
from cdktf_cdktf_provider_aws.ecr_repository import EcrRepository, EcrRepositoryImageScanningConfiguration
from cdktf_cdktf_provider_aws.provider import AwsProvider
from constructs import Construct

TEAMS = ("checkout", "search")


class RegistryStack(TerraformStack):
    """One repository per team."""

    def __init__(self, scope: Construct, id: str, environment_suffix: str):
        super().__init__(scope, id)

        AwsProvider(
            self,
            "aws",
            region="eu-west-1",
            default_tags=[{"tags": {"Platform": "kubernetes", "Environment": environment_suffix}}],
        )

        for team in TEAMS:
            repository = EcrRepository(
                self,
                f"{team}_repository",
                name=f"{team}-{environment_suffix}",
                image_tag_mutability="IMMUTABLE",
                image_scanning_configuration=EcrRepositoryImageScanningConfiguration(scan_on_push=True),
            )
            TerraformOutput(self, f"{team}_repository_url", value=repository.repository_url)
