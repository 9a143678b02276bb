"""What checkov's policies say, by what they are about; a diagnostic's code is the policy's id (`CKV_AWS_18`).

checkov has far too many policies for a rule each. The policy's own name says what is wrong; the rules say why it matters.
"""

from __future__ import annotations

from harness.failures import Category
from scoring.rules.base import Example, Rule

# checkov knows a page for each policy only from its vendor's platform, which a run without network does not reach.
_POLICIES = "https://www.checkov.io/5.Policy%20Index/terraform.html"
_ABOUT = r"^CKV\w*_\d+: (?P<policy>.*(?i:{words}).*): (?:data\.)?\w+\.[^ ]+$"


def _rule(name: str, words: str, why: str, impact: str, lesson: str, *examples: Example) -> Rule:
    return Rule(
        id=f"security-{name}",
        gates=("security",),
        pattern=_ABOUT.replace("{words}", words),
        category=Category.SECURITY,
        title="{policy}",
        root_cause=why + " The policy {code} asks of {resource}: {policy}.",
        impact=impact,
        lesson=f"Security: {lesson}",
        documentation=_POLICIES,
        # Every resource that fails one policy is a place of one failure.
        symbols=("code",),
        examples=examples,
    )


def _said(check: str, policy: str, address: str) -> Example:
    return Example("security", check, f"{policy}: {address}", address=address)


RULES = (
    _rule(
        "permissions",
        r"IAM |\*|wildcard|permission|privilege|principal|assume|policy documents?",
        "A policy grants more than its bearer needs.",
        "The stack deploys; whoever takes over one part of it can do more than that part should.",
        "grant the actions and resources that are needed by name, without wildcards.",
        _said("CKV_AWS_63", 'Ensure no IAM policies documents allow "*" as a statement\'s actions', "aws_iam_role_policy.worker_policy_1A2B3C4D"),
        _said("CKV_AWS_111", "Ensure IAM policies does not allow write access without constraints", "data.aws_iam_policy_document.worker_document_1A2B3C4D"),
    ),
    _rule(
        "encryption",
        r"encrypt|KMS|CMK|SSL|TLS|HTTPS|rotation",
        "Data lies or travels without the encryption that the fix has.",
        "The stack deploys; its data can be read by whoever gets at the storage or the wire.",
        "encrypt at rest with a key of one's own where the task asks for it, and in transit everywhere.",
        _said("CKV_AWS_26", "Ensure all data stored in the SNS topic is encrypted", "aws_sns_topic.alerts_5E6F7A8B"),
        _said("CKV_AWS_7", "Ensure rotation for customer created CMKs is enabled", "aws_kms_key.main_5E6F7A8B"),
    ),
    _rule(
        "exposure",
        r"public|0\.0\.0\.0|internet|ingress|egress|firewall|WAF\b|IMDS|metadata service|security group|inside (?:a )?VPC",
        "Something can be reached from where it should not be.",
        "The stack deploys; parts of it answer to strangers.",
        "open only the ports and sources that are needed, and block public access where nothing is meant for the public.",
        _said("CKV_AWS_24", "Ensure no security groups allow ingress from 0.0.0.0:0 to port 22", "aws_security_group.bastion_9C0D1E2F"),
        _said("CKV2_AWS_6", "Ensure that S3 bucket has a Public Access block", "aws_s3_bucket.reports_9C0D1E2F"),
    ),
    _rule(
        "records",
        r"\blog|trac(?:e|ing)|monitor|audit|X-Ray|alarm|insights",
        "Nobody could find out later what happened.",
        "The stack deploys; misuse and faults leave no trace.",
        "switch on access logs, tracing and monitoring where the service has them.",
        _said("CKV_AWS_18", "Ensure the S3 bucket has access logging enabled", "aws_s3_bucket.reports_9C0D1E2F"),
        _said("CKV_AWS_50", "X-Ray tracing is enabled for Lambda", "aws_lambda_function.worker_1A2B3C4D"),
    ),
    _rule(
        "recovery",
        r"back-?up|version(?:ing|ed)|deletion|replication|recover|lifecycle|retention|retain|multi-?AZ|dead letter|DLQ",
        "What is lost or deleted cannot be had back as the fix can.",
        "The stack deploys; a mistake, or somebody's malice, loses data for good.",
        "keep versions, backups and protection against deletion for data that matters.",
        _said("CKV_AWS_21", "Ensure all data stored in the S3 bucket have versioning enabled", "aws_s3_bucket.reports_9C0D1E2F"),
        _said("CKV_AWS_28", "Ensure DynamoDB point in time recovery (backup) is enabled", "aws_dynamodb_table.orders_3A4B5C6D"),
    ),
    _rule(
        "policy",
        "",
        "A resource is set up in a way that a security policy forbids.",
        "The stack deploys, and is weaker than the fix makes it.",
        "follow the service's security recommendations also where the task does not spell them out.",
        _said(
            "CKV_AWS_115", "Ensure that AWS Lambda function is configured for function-level concurrent execution limit", "aws_lambda_function.worker_1A2B3C4D"
        ),
    ),
)
