"""What Terraform and the provider's schema refuse, at validate and at plan."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from harness.diagnostics import Diagnostic
from harness.failures import Category
from scoring.rules.base import RESOURCE_DOCS, STOPS_PLAN, STOPS_VALIDATION, Example, Names, Rule

if TYPE_CHECKING:
    from harness.attribution import Finding

_TERRAFORM_DOCS = "https://developer.hashicorp.com/terraform/language"
_BOTH = ("validate", "plan")
_RETENTION = "expected retention_in_days to be one of [0 1 3 5 7 14 30 60 90 120 150 180 365 400 545 731 1096 1827 2192 2557 2922 3288 3653], got 2555"


def _nearest_retention(names: dict[str, str], diagnostic: Diagnostic, finding: Finding) -> Names:
    days = [int(number) for number in names["allowed"].split()]
    return names | {"near": str(min(days, key=lambda day: abs(day - int(names["got"]))))}


def _first_quoted(names: dict[str, str], diagnostic: Diagnostic, finding: Finding) -> Names:
    found = re.search(r'"(\w+)"', names["summary"])
    return names | {"name": names.get("name") or (found[1] if found else "a value")}


RULES = (
    Rule(
        id="log-retention",
        gates=_BOTH,
        pattern=r"expected retention_in_days to be one of \[(?P<allowed>[\d ]+)\], got (?P<got>\d+)",
        refine=_nearest_retention,
        category=Category.AWS_CONSTRAINT,
        symbols=("kind",),
        title="CloudWatch does not offer a retention of {got} days",
        root_cause=(
            "CloudWatch Logs knows a fixed list of retention periods, and {got} is not on it: a length of time was converted to days. The nearest is {near}."
        ),
        impact="Deployment blocked: the provider refuses the log group before anything is created.",
        lesson="AWS service constraints: log retention comes from a fixed list (7 years are 2557 days, not 2555).",
        documentation="https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_PutRetentionPolicy.html",
        examples=(Example("validate", _RETENTION, _RETENTION, address="aws_cloudwatch_log_group.app"),),
    ),
    Rule(
        id="value-not-allowed",
        gates=_BOTH,
        pattern=r'expected "?(?P<name>[\w.]+)"? to be one of \[(?P<allowed>[^\]]*)\], got (?P<got>[^\n]*)',
        category=Category.AWS_CONSTRAINT,
        symbols=("kind", "name"),
        title="{name} of {resource} does not take {got}",
        root_cause="AWS takes only certain values for {name}, spelled exactly so; {got} is none of them.",
        impact=STOPS_VALIDATION,
        lesson="AWS service constraints: take enumerated values from the provider's documentation, letter by letter.",
        documentation=RESOURCE_DOCS,
        examples=(
            Example("validate", "", 'expected scope to be one of ["CLOUDFRONT" "REGIONAL"], got GLOBAL', address="aws_wafv2_web_acl.w"),
            Example("validate", "", 'expected type to be one of ["S" "N" "B"], got X', address="aws_dynamodb_table.t"),
        ),
    ),
    Rule(
        id="value-out-of-range",
        gates=_BOTH,
        pattern=r'expected "?(?P<name>[\w.]+)"? to (?:be in the range|be at least|be at most|be divisible by|contain a)[^\n]*? got:? (?P<got>[^\n]*)',
        category=Category.AWS_CONSTRAINT,
        symbols=("kind", "name"),
        title="{name} of {resource} is out of range: {got}",
        root_cause="AWS limits {name}, and {got} is beyond it.",
        impact=STOPS_VALIDATION,
        lesson="AWS service constraints: check numbers and CIDR sizes against the service's limits.",
        documentation=RESOURCE_DOCS,
        examples=(
            Example("validate", "", "expected visibility_timeout_seconds to be in the range (0 - 43200), got 50000", address="aws_sqs_queue.q"),
            Example("validate", "", "expected evaluation_periods to be at least (1), got 0", address="aws_cloudwatch_metric_alarm.m"),
            Example(
                "validate",
                "",
                'expected "cidr_block" to contain a network Value with between 16 and 28 significant bits, got: 8',
                address="aws_vpc.v",
            ),
        ),
    ),
    Rule(
        id="value-malformed",
        gates=_BOTH,
        pattern=(
            r"must begin with|invalid JSON|is an invalid ARN|only [\w ]+ characters[\w ]* allowed|must be a letter|invalid queue name"
            r"|cannot be longer than|contains invalid|doesn't comply with restrictions"
        ),
        refine=_first_quoted,
        category=Category.AWS_CONSTRAINT,
        symbols=("kind", "name"),
        title="{name} of {resource} is malformed",
        root_cause="AWS prescribes the form of {name}: characters, prefix, length or syntax. What the response gives does not have it.",
        impact=STOPS_VALIDATION,
        lesson="AWS service constraints: names, ARNs and policies have prescribed forms (alias/..., lower case, valid JSON).",
        documentation=RESOURCE_DOCS,
        examples=(
            Example("validate", "", "\"name\" must begin with 'alias/' and be comprised of only [0-9A-Za-z_/-]", address="aws_kms_alias.a"),
            Example("validate", "", 'only lowercase alphanumeric characters and hyphens allowed in "identifier"', address="aws_db_instance.d"),
            Example("validate", "", '"role" (nope) is an invalid ARN: arn: invalid prefix', address="aws_lambda_function.f"),
            Example("plan", "", "invalid queue name: a", address="aws_sqs_queue.q"),
        ),
    ),
    Rule(
        id="arguments-conflict",
        gates=_BOTH,
        pattern=r'(?:Invalid combination of arguments|Conflicting configuration arguments|conflicts with)(?:: "(?P<name>[\w.]+)")?',
        refine=_first_quoted,
        category=Category.AWS_CONSTRAINT,
        symbols=("kind",),
        title="{resource}: arguments that do not go together",
        root_cause="The provider wants exactly one of several arguments, and the response gives none of them, or more than one.",
        impact=STOPS_VALIDATION,
        lesson="AWS resources: where arguments exclude each other, give exactly one.",
        documentation=RESOURCE_DOCS,
        examples=(
            Example(
                "validate",
                "Invalid combination of arguments",
                '"filename": one of `filename,image_uri,s3_bucket` must be specified',
                address="aws_lambda_function.f",
            ),
        ),
    ),
    Rule(
        id="combination-refused",
        gates=("plan", "validate"),
        pattern=r"all attributes must be indexed|must be at least \d+ when|is required when|must be set when|can only be set when",
        category=Category.AWS_CONSTRAINT,
        symbols=("kind",),
        title="{resource}: settings that AWS does not take together",
        root_cause="Each setting is valid by itself; together AWS refuses them: {summary}.",
        impact=STOPS_PLAN,
        lesson="AWS service constraints: check settings against each other (billing mode and capacity, attributes and indexes).",
        documentation=RESOURCE_DOCS,
        examples=(
            Example("plan", "", 'all attributes must be indexed. Unused attributes: ["b"]', address="aws_dynamodb_table.t"),
            Example("plan", "", 'read_capacity must be at least 1 when billing_mode is "PROVISIONED"', address="aws_dynamodb_table.u"),
        ),
    ),
    Rule(
        id="unsupported-argument",
        gates=_BOTH,
        pattern=r'(?:Extraneous JSON object property|Unsupported argument)(?s:.*?)named "(?P<name>\w+)"',
        category=Category.TERRAFORM,
        symbols=("kind", "name"),
        title="{resource} has no argument {name}",
        root_cause=("The provider's schema has no {name} here: an override put it in the wrong place, or it belongs to another resource or version."),
        impact=STOPS_VALIDATION,
        lesson="Terraform: an override's path is relative to its resource; use only arguments of the provider's schema.",
        documentation=_TERRAFORM_DOCS + "/syntax/json",
        examples=(Example("validate", "Extraneous JSON object property", 'No argument or block type is named "bogus".', address="aws_s3_bucket.b"),),
    ),
    Rule(
        id="missing-required-argument",
        gates=_BOTH,
        pattern=r'Missing required argument(?s:.*?)argument "(?P<name>\w+)" is required',
        category=Category.TERRAFORM,
        symbols=("kind", "name"),
        title="{resource} needs {name}",
        root_cause="The provider requires {name}, and the synthesized stack has none: it was left out, or was null.",
        impact=STOPS_VALIDATION,
        lesson="Terraform: give every required argument a value that is known to be there.",
        documentation=RESOURCE_DOCS,
        examples=(
            Example(
                "validate",
                "Missing required argument",
                'The argument "vpc_id" is required, but no definition was found.',
                address="aws_subnet.s",
            ),
        ),
    ),
    Rule(
        id="wrong-attribute-type",
        gates=_BOTH,
        pattern=r'Incorrect attribute value type(?s:.*?)attribute "(?P<name>\w+)"|Too many (?P<block>\w+) blocks',
        refine=lambda names, diagnostic, finding: names | {"name": names.get("name") or names["block"]},
        category=Category.TERRAFORM,
        symbols=("kind", "name"),
        title="{name} of {resource} has the wrong shape",
        root_cause="The provider's schema wants another type or number of {name} than the synthesized stack has.",
        impact=STOPS_VALIDATION,
        lesson="Terraform: give attributes and blocks the shape that the provider's schema has.",
        documentation=RESOURCE_DOCS,
        examples=(
            Example(
                "validate",
                "Incorrect attribute value type",
                'Inappropriate value for attribute "instance": string required.',
                address="aws_eip.e",
            ),
            Example("validate", "Too many credit_specification blocks", 'No more than 1 "credit_specification" blocks are allowed'),
        ),
    ),
    Rule(
        id="undeclared-reference",
        gates=_BOTH,
        pattern=r"Reference to undeclared|Invalid resource type|Unsupported attribute",
        refine=_first_quoted,
        category=Category.TERRAFORM,
        symbols=("code", "name"),
        title="A reference to something that does not exist: {name}",
        root_cause="The stack refers to a resource, type or attribute that neither it nor the provider has: {summary}",
        impact=STOPS_VALIDATION,
        lesson="Terraform: refer to resources through their objects, which cannot name what does not exist.",
        documentation=_TERRAFORM_DOCS + "/expressions/references",
        examples=(
            Example(
                "validate",
                "Reference to undeclared resource",
                'A managed resource "aws_vpc" "nothere" has not been declared in the root module.',
            ),
            Example("validate", "Invalid resource type", 'The provider hashicorp/aws does not support resource type "aws_bogus_thing".'),
        ),
    ),
    Rule(
        id="asset-file-missing",
        gates=_BOTH,
        pattern=r"function \"(?P<function>\w+)\" failed: open (?P<path>\S+): no such file",
        category=Category.PACKAGING,
        symbols=("path",),
        title="A file that the stack deploys was never written: {path}",
        root_cause="The stack hashes or uploads {path}, which the response does not contain.",
        impact=STOPS_PLAN,
        lesson="Packaging: ship or build the archives that lambda functions and uploads are made of.",
        documentation=_TERRAFORM_DOCS + "/functions/filebase64sha256",
        examples=(Example("plan", "Error in function call", 'Call to function "filebase64sha256" failed: open nope.zip: no such file or directory.'),),
    ),
    Rule(
        id="expression-error",
        gates=_BOTH,
        pattern=r"(?:Error in function call|Not enough function arguments|Too many function arguments|Call to unknown function|Invalid function argument)"
        r'(?:(?s:.*?)[Ff]unction "(?P<function>\w+)")?',
        category=Category.TERRAFORM,
        symbols=("function",),
        title="A Terraform expression that cannot be evaluated",
        root_cause="An expression that the stack hands to Terraform is wrong: {summary}",
        impact=STOPS_PLAN,
        lesson="Terraform: write expressions with Fn.*, which checks their arguments.",
        documentation=_TERRAFORM_DOCS + "/functions",
        examples=(
            Example("validate", "Not enough function arguments", 'Function "element" expects 2 argument(s). Missing value for "index".'),
            Example("plan", "Error in function call", 'Call to function "element" failed: cannot use element function with an empty list.'),
        ),
    ),
    Rule(
        id="dependency-cycle",
        gates=_BOTH,
        pattern=r"Cycle: (?P<members>[^\n]+)",
        category=Category.ARCHITECTURE,
        symbols=("members",),
        title="Resources depend on each other in a circle: {members}",
        root_cause="Each of the resources needs the other to exist first, so there is no order in which they can be created.",
        impact=STOPS_VALIDATION,
        lesson="Architecture: break cycles with a resource of their own for the link (security group rules, attachments).",
        documentation="https://developer.hashicorp.com/terraform/internals/graph",
        examples=(Example("validate", "", "Cycle: aws_security_group.b, aws_security_group.a"),),
    ),
    Rule(
        id="unknown-at-plan",
        gates=("plan",),
        pattern=r"Invalid (?P<name>for_each|count) argument",
        category=Category.TERRAFORM,
        symbols=("name",),
        title="{name} depends on what is known only after apply",
        root_cause=("Terraform has to know how many instances there are when it plans; here that comes from attributes of resources that do not exist yet."),
        impact=STOPS_PLAN,
        lesson="Terraform: take keys and counts from inputs, not from attributes of resources that are created in the same run.",
        documentation=_TERRAFORM_DOCS + "/meta-arguments/for_each",
        examples=(
            Example(
                "plan",
                "Invalid for_each argument",
                'The "for_each" set includes values derived from resource attributes that cannot be determined until apply',
            ),
        ),
    ),
)
