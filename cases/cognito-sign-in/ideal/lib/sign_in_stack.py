"""The stack of the sign-in."""

from cdktf import TerraformOutput, TerraformStack
from cdktf_cdktf_provider_aws.lambda_permission import LambdaPermission
from cdktf_cdktf_provider_aws.provider import AwsProvider, AwsProviderDefaultTags
from constructs import Construct

from lib.directory import Directory
from lib.token_hook import TokenHook


class SignInStack(TerraformStack):
    """A user pool, and the function that it asks before it issues tokens."""

    def __init__(self, scope: Construct, id_: str, *, environment_suffix: str, region: str = "eu-central-1"):
        super().__init__(scope, id_)

        AwsProvider(
            self,
            "aws",
            region=region,
            default_tags=[AwsProviderDefaultTags(tags={"Service": "portal", "Environment": environment_suffix})],
        )

        hook = TokenHook(self, "token_hook", environment_suffix=environment_suffix)
        directory = Directory(
            self,
            "directory",
            environment_suffix=environment_suffix,
            token_hook_arn=hook.function.arn,
        )

        LambdaPermission(
            self,
            "pool_invokes_hook",
            function_name=hook.function.function_name,
            action="lambda:InvokeFunction",
            principal="cognito-idp.amazonaws.com",
            source_arn=directory.pool.arn,
        )

        TerraformOutput(self, "user_pool_id", value=directory.pool.id)
        TerraformOutput(self, "client_id", value=directory.client.id)
        TerraformOutput(self, "domain", value=directory.domain.domain)
