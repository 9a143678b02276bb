"""Arguments that do not go together, at validate and at plan."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from harness.diagnostics import Diagnostic
from harness.failures import Category
from scoring.rules.base import RESOURCE_DOCS, STOPS_PLAN, STOPS_VALIDATION, Example, Names, Rule, listed, without_index

if TYPE_CHECKING:
    from harness.attribution import Finding

_BOTH = ("validate", "plan")
_WORD = re.compile(r'[^" ]+')
_COMBINATION = "Invalid Attribute Combination"


def _choices(names: dict[str, str], diagnostic: Diagnostic, finding: Finding) -> Names:
    """The group of arguments, the same for each of its members that a message is about."""
    choices = (names.get("choices") or names["attributes"]).replace(" ", "").split(",")
    return names | {"choices": ", ".join(choices)}


def _pair(names: dict[str, str], diagnostic: Diagnostic, finding: Finding) -> Names:
    """What was given together: both ends of a conflict, which is reported from either end."""
    both = re.findall(r"[\w.]+", names["given"]) if "given" in names else [names["name"], names["other"]]
    return names | {"both": listed(sorted(without_index(name) for name in both))}


def _unused(names: dict[str, str], diagnostic: Diagnostic, finding: Finding) -> Names:
    said = re.findall(r"(Unused attributes|Unmatched indexes): \[([^\]]*)\]", diagnostic.message)
    problems = {
        "Unused attributes": "declared, and no key uses it:",
        "Unmatched indexes": "used as a key, and not declared:",
    }
    return names | {"problem": "; ".join(f"{problems[what]} {listed(_WORD.findall(found))}" for what, found in said)}


RULES = (
    Rule(
        id="one-argument-required",
        gates=_BOTH,
        pattern=(
            r"(?<!only )one of `(?P<choices>[\w.,]+)` must be specified"
            r"|Exactly one of these attributes must be configured: \[(?P<attributes>[^\]]+)\]"
        ),
        refine=_choices,
        category=Category.AWS_CONSTRAINT,
        symbols=("kind", "choices"),
        title="{resource} needs one of {choices}",
        root_cause="The provider wants at least one of {choices}, and the response gives none of them, or one that is null.",
        impact=STOPS_VALIDATION,
        lesson="AWS resources: where the documentation asks for one of several arguments, give one.",
        documentation=RESOURCE_DOCS,
        examples=(
            Example(
                "validate",
                "Invalid combination of arguments",
                'Invalid combination of arguments: "filename": one of `filename,image_uri,s3_bucket` must be specified',
                address="aws_lambda_function.f",
            ),
            Example(
                "validate",
                "Missing required argument",
                'Missing required argument: "event_pattern": one of `event_pattern,schedule_expression` must be specified',
                address="aws_cloudwatch_event_rule.r",
            ),
            Example(
                "validate",
                "Missing Attribute Configuration",
                "Missing Attribute Configuration: Exactly one of these attributes must be configured: "
                "[cidr_ipv4,cidr_ipv6,prefix_list_id,referenced_security_group_id]",
                address="aws_vpc_security_group_ingress_rule.r",
            ),
        ),
    ),
    Rule(
        id="arguments-conflict",
        gates=_BOTH,
        pattern=r'"(?P<name>[\w.]+)": conflicts with (?P<other>[\w.]+)|only one of `[\w.,]+` can be specified, but `(?P<given>[\w.,]+)` were specified',
        refine=_pair,
        category=Category.AWS_CONSTRAINT,
        symbols=("kind", "both"),
        title="{resource} does not take {both} together",
        root_cause="The provider takes only one of {both}, and the response gives more than one.",
        impact=STOPS_VALIDATION,
        lesson="AWS resources: where arguments exclude each other, give exactly one.",
        documentation=RESOURCE_DOCS,
        examples=(
            Example(
                "validate",
                "Conflicting configuration arguments",
                'Conflicting configuration arguments: "name": conflicts with name_prefix',
                address="aws_security_group.g",
            ),
            Example(
                "validate",
                "Invalid combination of arguments",
                'Invalid combination of arguments: "alias": only one of `alias,records` can be specified, but `alias,records` were specified.',
                address="aws_route53_record.r",
            ),
        ),
    ),
    Rule(
        id="table-attributes",
        gates=_BOTH,
        pattern=r"all attributes must be indexed|all indexes must match a defined attribute",
        refine=_unused,
        category=Category.AWS_CONSTRAINT,
        symbols=("kind",),
        title="A table's attributes and its keys do not match",
        root_cause="DynamoDB wants exactly those attributes declared that are keys of the table or of an index. Here one is {problem}.",
        impact=STOPS_PLAN,
        lesson="DynamoDB: declare the attributes that are keys, all of them and no others; the rest of an item needs no declaration.",
        documentation=RESOURCE_DOCS,
        examples=(
            Example("plan", "", 'all attributes must be indexed. Unused attributes: ["b"]', address="aws_dynamodb_table.t"),
            Example("plan", "", 'all indexes must match a defined attribute. Unmatched indexes: ["x"]', address="aws_dynamodb_table.t"),
            Example(
                "plan",
                "",
                'all attributes must be indexed. Unused attributes: ["id"]\nall indexes must match a defined attribute. Unmatched indexes: ["zz"]',
                address="aws_dynamodb_table.t",
            ),
        ),
    ),
    Rule(
        id="combination-refused",
        gates=("plan", "validate"),
        pattern=(
            r"must be at least \d+ (?:when|if)|is required when|when .+ is .+, \w+ is required"
            r"|(?:must(?: not)?|can(?: ?not)?|can only) be (?:set|specified) (?:when|for)"
            r"|must be true if|engine \"\w+\" does not support"
        ),
        # The sentence that says it stands below the provider's heading, where there is one.
        refine=lambda names, diagnostic, finding: (
            names | {"why": re.sub(rf"^{_COMBINATION}\s*", "", without_index(diagnostic.message)).strip().splitlines()[0].rstrip(".")}
        ),
        category=Category.AWS_CONSTRAINT,
        symbols=("kind", "why"),
        title="{resource}: settings that AWS does not take together",
        root_cause="Each setting is valid by itself; together AWS refuses them: {why}.",
        impact=STOPS_PLAN,
        lesson="AWS service constraints: check settings against each other (billing mode and capacity, failover and number of nodes).",
        documentation=RESOURCE_DOCS,
        examples=(
            Example(
                "plan",
                "",
                'read_capacity must be at least 1 when billing_mode is "PROVISIONED"\nwrite_capacity must be at least 1 when billing_mode is "PROVISIONED"',
                address="aws_dynamodb_table.u",
            ),
            Example("plan", "", 'read_capacity can not be set when billing_mode is "PAY_PER_REQUEST"', address="aws_dynamodb_table.u"),
            Example("plan", "", "stream_view_type is required when stream_enabled = true", address="aws_dynamodb_table.u"),
            Example("plan", "", "'iops' must be set when 'type' is 'io1'", address="aws_ebs_volume.v"),
            Example("plan", "", "handler and runtime must be set when PackageType is Zip", address="aws_lambda_function.f"),
            Example("plan", "", "content-based deduplication can only be set for FIFO topics", address="aws_sns_topic.t"),
            Example(
                "plan",
                "",
                '"num_cache_clusters": must be at least 2 if automatic_failover_enabled is true',
                address="aws_elasticache_replication_group.g",
            ),
            Example("plan", "", "automatic_failover_enabled must be true if multi_az_enabled is true", address="aws_elasticache_replication_group.g"),
            Example("plan", "", 'engine "redis" does not support num_cache_nodes > 1', address="aws_elasticache_cluster.c"),
            Example(
                "plan",
                f'{_COMBINATION}\n\nAttribute "vpc_id" must be specified when "target_type" is "instance".\n\nPath: target_type',
                f'{_COMBINATION}\n\nAttribute "vpc_id" must be specified when "target_type" is "instance".\n\nPath: target_type',
                address="aws_lb_target_group.g",
            ),
            Example(
                "plan",
                "",
                f'{_COMBINATION}\n\nAttribute "health_check[0].matcher" cannot be specified when "health_check[0].protocol" is "TCP".\n\n'
                "Path: health_check[0].matcher",
                address="aws_lb_target_group.g",
            ),
            Example(
                "plan",
                "",
                "when destination is 'extended_s3', extended_s3_configuration is required",
                address="aws_kinesis_firehose_delivery_stream.s",
            ),
        ),
    ),
    Rule(
        id="statement-id-repeated",
        gates=_BOTH,
        pattern=r"duplicate Sid \((?P<name>[^)]*)\)",
        category=Category.AWS_CONSTRAINT,
        symbols=("kind", "name"),
        title="Two statements of a policy have the Sid {name}",
        root_cause="The Sid of a statement is unique in its policy, and {name} is there twice.",
        impact=STOPS_PLAN,
        lesson="IAM: give each statement of a policy a Sid of its own, or none.",
        documentation="https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_sid.html",
        examples=(
            Example(
                "plan",
                "",
                "writing IAM Policy Document: duplicate Sid (a). Remove the Sid or ensure the Sid is unique.",
                address="data.aws_iam_policy_document.d",
            ),
        ),
    ),
)
