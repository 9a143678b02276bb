"""The stack of the order workflow."""

from cdktf import TerraformOutput, TerraformStack
from cdktf_cdktf_provider_aws.data_aws_caller_identity import DataAwsCallerIdentity
from cdktf_cdktf_provider_aws.provider import AwsProvider
from constructs import Construct

from lib.functions import OrderFunctions
from lib.notifications import Notifications
from lib.workflow import OrderWorkflow


class OrderWorkflowStack(TerraformStack):
    """Functions, state machine and notifications of one environment."""

    def __init__(self, scope: Construct, id_: str, *, environment_suffix: str, region: str = "eu-west-1"):
        super().__init__(scope, id_)

        AwsProvider(
            self,
            "aws",
            region=region,
            default_tags=[{"tags": {"Service": "orders", "Environment": environment_suffix}}],
        )
        DataAwsCallerIdentity(self, "account")

        functions = OrderFunctions(self, "functions", environment_suffix=environment_suffix)
        notifications = Notifications(self, "notifications", environment_suffix=environment_suffix)
        workflow = OrderWorkflow(
            self,
            "workflow",
            environment_suffix=environment_suffix,
            functions=functions,
            topic_arn=notifications.topic.arn,
        )

        TerraformOutput(self, "state_machine_arn", value=workflow.state_machine.arn)
        TerraformOutput(self, "topic_arn", value=notifications.topic.arn)
