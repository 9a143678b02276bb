"""What the constraints gate found in the synthesized graph; a diagnostic's code is the id of the constraint."""

from __future__ import annotations

from harness.failures import Category, Severity
from scoring.rules.base import PROVIDER_DOCS, Example, Merge, Rule

RULES = (
    Rule(
        id="kms-logs-policy",
        gates=("constraints",),
        codes=("kms-logs-policy",),
        category=Category.AWS_CONSTRAINT,
        severity=Severity.HIGH,
        merge=Merge.PER_RULE,
        title="The KMS key of a log group does not let CloudWatch Logs use it",
        root_cause=(
            "A customer-managed key serves only whom its policy names. CloudWatch Logs encrypts with the key as the service principal "
            "logs.<region>.amazonaws.com, which the response's key policy does not mention."
        ),
        impact="Deployment fails: AWS refuses to create the log group, because the logs service may not use the key.",
        lesson="CloudWatch and KMS: a log group's key needs a policy statement for the logs service principal.",
        documentation="https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/encrypt-log-data-kms.html",
        examples=(
            Example(
                "constraints",
                "kms-logs-policy",
                "the key policy of aws_kms_key.cloudwatch does not allow logs.us-east-1.amazonaws.com, which "
                "aws_cloudwatch_log_group.app needs",
                address="aws_kms_key.cloudwatch",
            ),
        ),
    ),
    Rule(
        id="account-id-hardcoded",
        gates=("constraints",),
        codes=("account-id-hardcoded",),
        category=Category.ARCHITECTURE,
        severity=Severity.HIGH,
        merge=Merge.PER_RULE,
        title="The account id is not looked up",
        root_cause=(
            "Policies and ARNs need the id of the account that the stack is deployed to. The response writes one down instead of asking "
            "AWS for it."
        ),
        impact="Policies name the wrong account: the key's own administrators are locked out, and grants lead nowhere.",
        lesson="Account ids: look the account id up with DataAwsCallerIdentity; never write one down.",
        documentation=PROVIDER_DOCS + "/data-sources/caller_identity",
        examples=(
            Example(
                "constraints",
                "account-id-hardcoded",
                "aws_kms_key.main: policy names the account 123456789012 literally",
                address="aws_kms_key.main",
            ),
        ),
    ),
    Rule(
        id="data-source-repeated",
        gates=("constraints",),
        codes=("data-source-repeated",),
        category=Category.ARCHITECTURE,
        severity=Severity.HIGH,
        merge=Merge.PER_RULE,
        title="The same data source is read again instead of handed down",
        root_cause=(
            "Several parts of the system look the same thing up, each for itself, because the value is not passed on from where it is "
            "known."
        ),
        impact=(
            "More calls to AWS at every plan, and parts that can come to different answers; the dependency between the parts stays "
            "invisible."
        ),
        lesson="Data source reusability: read the account id once at the top, and pass it to the child stacks.",
        documentation="https://developer.hashicorp.com/terraform/cdktf/concepts/data-sources",
        examples=(
            Example(
                "constraints",
                "data-source-repeated",
                "data.aws_caller_identity is read 3 times with the same arguments",
                address="data.aws_caller_identity.current",
            ),
        ),
    ),
)
