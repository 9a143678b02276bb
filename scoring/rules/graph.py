"""What the constraints gate found in the synthesized graph; a diagnostic's code is the id of the constraint."""

from __future__ import annotations

from collections.abc import Iterable

from harness.architecture.base import Rule as Comparison
from harness.constraints.base import Rule as Constraint
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
        symbols=("kind",),
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
                "aws_kms_key.cloudwatch: its key policy does not let logs.us-east-1.amazonaws.com use it (kms:Encrypt, kms:Decrypt, "
                "kms:ReEncryptFrom, kms:GenerateDataKey, kms:DescribeKey), but it encrypts aws_cloudwatch_log_group.app"
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
        symbols=("kind",),
        title="The account id is not looked up",
        root_cause=("Policies and ARNs need the id of the account that the stack is deployed to. The response writes one down instead of asking AWS for it."),
        impact="Policies name the wrong account: the key's own administrators are locked out, and grants lead nowhere.",
        lesson="Account ids: look the account id up with DataAwsCallerIdentity; never write one down.",
        documentation=PROVIDER_DOCS + "/data-sources/caller_identity",
        examples=(
            Example(
                "constraints",
                "account-id-hardcoded",
                "aws_kms_key.main: the account id 123456789012 is written into it instead of coming from aws_caller_identity",
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
        symbols=("kind",),
        title="The same data source is read again instead of handed down",
        root_cause=("Several parts of the system look the same thing up, each for itself, because the value is not passed on from where it is known."),
        impact=("More calls to AWS at every plan, and parts that can come to different answers; the dependency between the parts stays invisible."),
        lesson="Data source reusability: read the account id once at the top, and pass it to the child stacks.",
        documentation="https://developer.hashicorp.com/terraform/cdktf/concepts/data-sources",
        examples=(
            Example(
                "constraints",
                "data-source-repeated",
                "aws_caller_identity is looked up 2 times with the same arguments instead of once and handed down: Stack/compliance/current, Stack/current",
                address="aws_caller_identity",
            ),
        ),
    ),
)


def rules_of(gate: str, described: Iterable[Constraint | Comparison]) -> tuple[Rule, ...]:
    """A rule for each constraint, or rule over two graphs, that has none above: it says itself what it means."""
    known = {rule.id for rule in RULES}
    return tuple(_rule_of(gate, one) for one in described if one.id not in known)


def _rule_of(gate: str, described: Constraint | Comparison) -> Rule:
    title = described.title.replace("{", "{{").replace("}", "}}")
    refused = described.category in (Category.AWS_CONSTRAINT, Category.PACKAGING)
    return Rule(
        id=described.id,
        gates=(gate,),
        codes=(described.id,),
        category=described.category,
        severity=described.severity,
        merge=Merge.PER_RULE,
        symbols=("kind",),
        title=title,
        root_cause="{summary}.",
        impact="AWS refuses it at deployment, or what is deployed does not work." if refused else _IMPACT.get(described.category, _WEAKER),
        lesson=f"{_SUBJECT.get(described.category, 'AWS service constraints')}: {title}.",
        documentation=described.documentation.replace("{", "{{").replace("}", "}}"),
        examples=(),
    )


_WEAKER = "It deploys, and does less than what was asked for."
_IMPACT = {
    Category.SECURITY: "It deploys, and is less protected than it has to be.",
    Category.ARCHITECTURE: "It deploys, and does less, or ties itself to one account or region.",
}
_SUBJECT = {Category.SECURITY: "Security of the architecture", Category.ARCHITECTURE: "Architecture", Category.PACKAGING: "Packaging"}
