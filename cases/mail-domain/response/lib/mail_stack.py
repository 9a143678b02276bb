"""Sending and receiving."""

from cdktf import TerraformOutput, TerraformStack
from cdktf_cdktf_provider_aws.data_aws_caller_identity import DataAwsCallerIdentity
from cdktf_cdktf_provider_aws.provider import AwsProvider
from constructs import Construct

from lib.feedback import Feedback
from lib.inbox import Inbox


class MailStack(TerraformStack):
    """What a verified domain sends with, and where its mail arrives."""

    def __init__(
        self,
        scope: Construct,
        id_: str,
        *,
        domain_name: str,
        environment_suffix: str,
        region: str = "eu-west-1",
    ):
        super().__init__(scope, id_)
        AwsProvider(self, "aws", region=region)
        account = DataAwsCallerIdentity(self, "account")

        feedback = Feedback(
            self,
            "feedback",
            environment_suffix=environment_suffix,
            account_id=account.account_id,
        )
        inbox = Inbox(
            self,
            "inbox",
            domain_name=domain_name,
            environment_suffix=environment_suffix,
            account_id=account.account_id,
        )

        TerraformOutput(self, "configuration_set", value=feedback.configuration_set.configuration_set_name)
        TerraformOutput(self, "inbox_bucket", value=inbox.bucket.bucket)
