"""Values that the provider refuses, at validate and at plan: not on the list, out of range, malformed."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from harness.diagnostics import Diagnostic
from harness.failures import Category
from scoring.rules.base import RESOURCE_DOCS, STOPS_VALIDATION, Example, Names, Rule, listed, without_index

if TYPE_CHECKING:
    from harness.attribution import Finding

_BOTH = ("validate", "plan")
_RETENTION = "expected retention_in_days to be one of [0 1 3 5 7 14 30 60 90 120 150 180 365 400 545 731 1096 1827 2192 2557 2922 3288 3653], got 2555"
_ENUMERATION = (
    "The provided value does not match any valid values.\n\nPath: storage_class\nGiven Value: COLD\n"
    "Valid Values: [GLACIER STANDARD_IA ONEZONE_IA INTELLIGENT_TIERING DEEP_ARCHIVE GLACIER_IR ]"
)
_QUOTED = re.compile(r'"([a-z][\w.]*)"')
_BEFORE_COLON = re.compile(r"^([a-z]\w+): ")
_ALLOWED_SHOWN = 12


def _nearest_retention(names: dict[str, str], diagnostic: Diagnostic, finding: Finding) -> Names:
    days = [int(number) for number in names["allowed"].split()]
    return names | {"near": str(min(days, key=lambda day: abs(day - int(names["got"]))))}


def _enumerated(names: dict[str, str], diagnostic: Diagnostic, finding: Finding) -> Names:
    """The allowed values as a list, and whether the given one only is spelled otherwise."""
    allowed = [quoted or plain for quoted, plain in re.findall(r'"([^"]*)"|([^\s"]+)', names.get("allowed") or names.get("those") or names["valid"])]
    got = (names.get("got") or names.get("other") or names.get("given") or "").strip('"')
    path = without_index(names.get("name") or names.get("attribute") or names["path"])
    alike = next((word for word in allowed if _letters(word) == _letters(got)), "")
    shown = [word for word in allowed if word][:_ALLOWED_SHOWN]
    more = f" and {len(allowed) - len(shown)} more" if len(allowed) > len(shown) + 1 else ""
    return names | {
        "name": path,
        "got": got or "an empty value",
        "allowed": (", ".join(shown) if more else listed(shown)) + more,
        "hint": f" It is spelled {alike}." if alike else "",
    }


def _letters(word: str) -> str:
    return re.sub(r"[^a-z0-9]", "", word.lower())


def _attribute(names: dict[str, str], diagnostic: Diagnostic, finding: Finding) -> Names:
    """The attribute that a message is about: its own word for it, else the one that the diagnostic stands at."""
    found = _QUOTED.search(names["summary"]) or _BEFORE_COLON.match(names["summary"])
    standing = next((name for name in diagnostic.symbols if not name.startswith("aws_")), "")
    name = names.get("name") or names.get("named") or (found[1] if found else standing)
    demand = next((names[key] for key in ("demand", "rule") if names.get(key)), names["summary"])
    return names | {"name": without_index(name) or "the name", "demand": re.sub(r'^"[\w.]+" (?=must|can)', "", demand).rstrip(".")}


def _length(names: dict[str, str], diagnostic: Diagnostic, finding: Finding) -> Names:
    got = names.get("got", "")
    named = names.get("name") or names.get("named") or names.get("called") or names["tagged"]
    between = f"{names['least']} to {names['most']}" if "least" in names else ""
    limit = between or (f"at most {names['longest']}" if "longest" in names else f"at least {names['shortest']}" if "shortest" in names else "")
    return names | {
        "name": without_index(named),
        "limit": f"{limit} characters" if limit else names["demand"],
        "long": f" This one has {len(got)}." if got and "${" not in got else "",
    }


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
        pattern=(
            r'expected "?(?P<name>[\w.]+)"? to be one of \[(?P<allowed>[^\]]*)\], got (?P<got>[^\n]*)'
            r"|Attribute (?P<attribute>\S+) value must be one of: \[(?P<those>[^\]]*)\], got: (?P<other>[^\n]*)"
            r"|Path: (?P<path>[^\n]+)\nGiven Value: (?P<given>[^\n]*)\nValid Values: \[(?P<valid>[^\]]*)\]"
        ),
        refine=_enumerated,
        category=Category.AWS_CONSTRAINT,
        symbols=("kind", "name"),
        title="{name} of {resource} does not take {got}",
        root_cause="AWS takes only certain values for {name}, and {got} is none of them.{hint} There are {allowed}.",
        impact=STOPS_VALIDATION,
        lesson="AWS service constraints: take enumerated values from the provider's documentation, letter by letter.",
        documentation=RESOURCE_DOCS,
        examples=(
            Example("validate", "", 'expected scope to be one of ["CLOUDFRONT" "REGIONAL"], got GLOBAL', address="aws_wafv2_web_acl.w"),
            Example("validate", "", "expected max_aggregation_interval to be one of [60 600], got 300", address="aws_flow_log.f"),
            Example(
                "validate",
                "Invalid Attribute Value Match",
                'Invalid Attribute Value Match: Attribute rule[0].status value must be one of: ["Disabled" "Enabled"], got: "enabled"',
                address="aws_s3_bucket_lifecycle_configuration.l",
            ),
            Example("validate", "Invalid String Enum Value", f"Invalid String Enum Value: {_ENUMERATION}", address="aws_s3_bucket_lifecycle_configuration.l"),
        ),
    ),
    Rule(
        id="value-length",
        gates=_BOTH,
        pattern=(
            r"expected length of (?P<name>[\w.]+) to be in the range \((?P<least>\d+) - (?P<most>\d+)\), got ?(?P<got>[^\n]*)"
            r'|"(?P<named>[\w.]+)" cannot be longer than (?P<longest>\d+) characters|"(?P<called>[\w.]+)" cannot be less than (?P<shortest>\d+) characters'
            r'|"(?P<tagged>[\w.]+)" must contain (?P<demand>from \d+ to \d+ [^\n]+)'
        ),
        refine=_length,
        category=Category.AWS_CONSTRAINT,
        symbols=("kind", "name"),
        title="{name} of {resource} does not have the length that AWS allows",
        root_cause="AWS wants {limit} in {name}.{long}",
        impact=STOPS_VALIDATION,
        lesson="AWS service constraints: count the characters of names that are put together (32 for load balancers, 64 for roles).",
        documentation=RESOURCE_DOCS,
        examples=(
            Example("validate", "", f"expected length of name to be in the range (1 - 64), got {'x' * 70}", address="aws_iam_role.r"),
            Example("validate", "", "expected length of name to be in the range (1 - 1024), got ", address="aws_route53_zone.z"),
            Example("validate", "", f'"name" cannot be longer than 32 characters: "{"x" * 40}"', address="aws_lb.l"),
            Example("plan", "", '"name" cannot be less than 3 characters', address="aws_launch_template.t"),
            Example(
                "validate",
                "",
                '"auth_token" must contain from 16 to 128 alphanumeric characters or symbols (excluding @, ", and /)',
                address="aws_elasticache_replication_group.g",
            ),
        ),
    ),
    Rule(
        id="cidr-malformed",
        gates=_BOTH,
        pattern=(
            r'expected "?(?P<name>[\w.]+)"? to contain a valid (?:network )?Value|is not a valid (?:IPv[46] )?CIDR block'
            r"|Attribute (?P<named>\S+) value must be a valid IPv[46] CIDR"
        ),
        refine=_attribute,
        category=Category.AWS_CONSTRAINT,
        symbols=("kind", "name"),
        title="{name} of {resource} is no network in CIDR notation",
        root_cause="A CIDR block is an address with the bits behind its prefix zero, a slash and the prefix's length. The provider says: {summary}.",
        impact=STOPS_VALIDATION,
        lesson="AWS service constraints: networks are written as 10.0.0.0/16, one address as 10.0.0.1/32.",
        documentation="https://docs.aws.amazon.com/vpc/latest/userguide/vpc-cidr-blocks.html",
        examples=(
            Example(
                "validate", "", '"10.0.0.5/24" is not a valid IPv4 CIDR block; did you mean "10.0.0.0/24"?', address="aws_subnet.s", symbols=("cidr_block",)
            ),
            Example("validate", "", "expected cidr_block to contain a valid network Value, expected 10.0.0.0/16, got 10.0.0.1/16", address="aws_vpc.v"),
            Example(
                "validate", "", "expected cidr_block to contain a valid Value, got: 10.0.0/16 with err: invalid CIDR address: 10.0.0/16", address="aws_vpc.v"
            ),
            Example(
                "validate",
                "Invalid Attribute Value",
                "Invalid Attribute Value: Attribute cidr_ipv4 value must be a valid IPv4 CIDR that represents a network address, got: 10.0.0.1/16",
                address="aws_vpc_security_group_ingress_rule.r",
            ),
        ),
    ),
    Rule(
        id="value-out-of-range",
        gates=_BOTH,
        pattern=(
            r'expected "?(?P<name>[\w.]+)"? to (?P<demand>be in the range [^,]*|be at between [^,]*|be at least [^,]*|be at most [^,]*|be divisible by [^,]*'
            r'|contain a network Value with[^,]*), got:? (?P<got>[^\n]*)|"(?P<named>[\w.]+)" must (?P<rule>be in the range [^\n]*)'
        ),
        refine=_attribute,
        category=Category.AWS_CONSTRAINT,
        symbols=("kind", "name"),
        title="{name} of {resource} is out of range",
        root_cause="AWS limits {name}, and the response's value is beyond it: it has to {demand}.",
        impact=STOPS_VALIDATION,
        lesson="AWS service constraints: check numbers and CIDR sizes against the service's limits.",
        documentation=RESOURCE_DOCS,
        examples=(
            Example("validate", "", "expected visibility_timeout_seconds to be in the range (0 - 43200), got 50000", address="aws_sqs_queue.q"),
            Example("validate", "", "expected evaluation_periods to be at least (1), got 0", address="aws_cloudwatch_metric_alarm.m"),
            Example("validate", "", "expected period to be divisible by 60, got: 7", address="aws_cloudwatch_metric_alarm.m"),
            Example("validate", "", 'expected "cidr_block" to contain a network Value with between 16 and 28 significant bits, got: 8', address="aws_vpc.v"),
            Example("validate", "", "expected deregistration_delay to be at between (0) and (3600), got 9999", address="aws_lb_target_group.g"),
            Example(
                "validate",
                "",
                '"priority" must be in the range 1-50000 for normal rule or 99999 for the default rule',
                address="aws_lb_listener_rule.r",
            ),
        ),
    ),
    Rule(
        id="arn-malformed",
        gates=_BOTH,
        pattern=r'"(?P<name>[\w.]+)" \((?P<got>[^)]*)\) is an invalid ARN|"(?P<named>[\w.]+)" does not match EC2 automation ARN',
        refine=_attribute,
        category=Category.AWS_CONSTRAINT,
        symbols=("kind", "name"),
        title="{name} of {resource} is no ARN",
        root_cause="{name} wants an ARN (arn:aws:service:region:account:resource), and the response gives something else: a name, an id, or a placeholder.",
        impact=STOPS_VALIDATION,
        lesson="AWS service constraints: where an ARN is wanted, pass the other resource's .arn.",
        documentation="https://docs.aws.amazon.com/IAM/latest/UserGuide/reference-arns.html",
        examples=(
            Example("validate", "", '"role" (nope) is an invalid ARN: arn: invalid prefix', address="aws_lambda_function.f"),
            Example("validate", "", '"alarm_actions.0" (notarn) is an invalid ARN: arn: invalid prefix', address="aws_cloudwatch_metric_alarm.m"),
            Example(
                "validate",
                "",
                '"alarm_actions.0" does not match EC2 automation ARN ("^arn:[\\\\w-]+:automate:[\\\\w-]+:ec2:(reboot|recover|stop|terminate)$"): "notarn"',
                address="aws_cloudwatch_metric_alarm.m",
            ),
        ),
    ),
    Rule(
        id="document-malformed",
        gates=_BOTH,
        pattern=(
            r'"(?P<name>[\w.]+)" contains an invalid JSON|"(?P<named>[\w.]+)" is an empty string, which is not a valid JSON value'
            r"|(?P<called>container_definitions) is invalid: "
        ),
        refine=lambda names, diagnostic, finding: _attribute(names | ({"name": names["called"]} if "called" in names else {}), diagnostic, finding),
        category=Category.AWS_CONSTRAINT,
        symbols=("kind", "name"),
        title="{name} of {resource} is not the JSON document that it has to be",
        root_cause="{name} holds a document as JSON text, and the provider cannot read it: {summary}.",
        impact=STOPS_VALIDATION,
        lesson="AWS service constraints: build documents in Python and write them with json.dumps; never glue JSON text together.",
        documentation=RESOURCE_DOCS,
        examples=(
            Example(
                "validate",
                "",
                "\"policy\" contains an invalid JSON: invalid character 'x' looking for beginning of object key string",
                address="aws_s3_bucket_policy.p",
            ),
            Example(
                "plan",
                "",
                "\"inline_policy.0.policy\" contains an invalid JSON policy: invalid character 'b' looking for beginning of object key string, at byte "
                "offset 2",
                address="aws_iam_role.r",
            ),
            Example("validate", "", '"policy" is an empty string, which is not a valid JSON value', address="aws_iam_policy.p"),
            Example(
                "validate",
                "",
                "ECS Task Definition container_definitions is invalid: json: cannot unmarshal object into Go value of type []types.ContainerDefinition",
                address="aws_ecs_task_definition.t",
            ),
        ),
    ),
    Rule(
        id="kms-alias-prefix",
        gates=_BOTH,
        pattern=r"\"(?P<name>name(?:_prefix)?)\" must begin with 'alias/'",
        category=Category.AWS_CONSTRAINT,
        symbols=("kind",),
        title="The name of a KMS alias does not begin with alias/",
        root_cause="KMS keeps its aliases under alias/, and {name} has to say so: {summary}.",
        impact=STOPS_VALIDATION,
        lesson='AWS service constraints: a KMS alias is named "alias/...".',
        documentation="https://docs.aws.amazon.com/kms/latest/APIReference/API_CreateAlias.html",
        examples=(Example("validate", "", "\"name\" must begin with 'alias/' and be comprised of only [0-9A-Za-z_/-]", address="aws_kms_alias.a"),),
    ),
    Rule(
        id="engine-version",
        gates=_BOTH,
        pattern=r"(?P<name>engine_version): (?P<demand>must be a version string[^\n]*|[^\n]* is invalid\. [^\n]*)",
        refine=_attribute,
        category=Category.AWS_CONSTRAINT,
        symbols=("kind", "name"),
        title="{resource} wants its engine's version in another form",
        root_cause="How exactly a version is given depends on the engine: {demand}.",
        impact=STOPS_VALIDATION,
        lesson="AWS service constraints: ElastiCache takes major.minor for Redis from 6 and for Valkey, major.minor.patch for older ones and Memcached.",
        documentation=RESOURCE_DOCS,
        examples=(
            Example(
                "plan",
                "",
                "engine_version: 7 is invalid. For Redis v6 or higher, use <major>.<minor>. For Redis v5 or lower, use <major>.<minor>.<patch>.",
                address="aws_elasticache_replication_group.g",
            ),
            Example("plan", "", "engine_version: must be a version string matching <major>.<minor>.<patch>", address="aws_elasticache_cluster.c"),
        ),
    ),
    Rule(
        id="region-unknown",
        gates=_BOTH,
        pattern=r"invalid AWS Region: (?P<name>\S*)",
        category=Category.AWS_CONSTRAINT,
        symbols=("name",),
        title="AWS has no region {name}",
        root_cause="The provider is configured for {name}, which is no region: a placeholder that nobody filled in, or a misspelling.",
        impact=STOPS_VALIDATION,
        lesson="AWS service constraints: regions have AWS's own names (us-east-1), and need a default where they come from outside.",
        documentation="https://docs.aws.amazon.com/global-infrastructure/latest/regions/aws-regions.html",
        examples=(Example("plan", "invalid AWS Region: mars-1", "invalid AWS Region: mars-1", address='provider["registry.terraform.io/hashicorp/aws"]'),),
    ),
    Rule(
        id="value-malformed",
        gates=_BOTH,
        pattern=(
            r"invalid value for (?P<name>[\w.]+) \((?P<demand>[^\n]+)\)"
            r"|only (?P<rule>[^\n]+?) allowed in (?:[\w ]+ )?\"(?P<named>[\w.]+)\""
            r"|\"[\w.]+\" (?:must begin with|cannot (?:begin|end) with|cannot contain|can only|isn't a valid|doesn't comply with restrictions)"
            r"|first character of [^\n]* must be a letter|must satisfy the format of|expected (?P<called>[\w.]+) to have prefix"
            r"|invalid (?:queue|topic) name|Invalid RFC3339 String Value"
        ),
        refine=lambda names, diagnostic, finding: _attribute(
            names | ({"name": names["called"]} if "called" in names else {}) | ({"rule": f"only {names['rule']} are allowed"} if "rule" in names else {}),
            diagnostic,
            finding,
        ),
        category=Category.AWS_CONSTRAINT,
        symbols=("kind", "name"),
        title="{name} of {resource} is malformed",
        root_cause="AWS prescribes the form of {name}, and what the response gives does not have it: {demand}.",
        impact=STOPS_VALIDATION,
        lesson="AWS service constraints: names have prescribed forms (lower case, hyphens, reserved prefixes such as sg- and internal-).",
        documentation=RESOURCE_DOCS,
        examples=(
            Example("validate", "", "invalid value for name (cannot begin with sg-)", address="aws_security_group.g"),
            Example("validate", "", "invalid value for domain_name (cannot end with a period)", address="aws_acm_certificate.c"),
            Example("validate", "", 'only lowercase alphanumeric characters and hyphens allowed in "identifier"', address="aws_db_instance.d"),
            Example(
                "validate",
                "",
                'only lowercase alphanumeric characters, hyphens, underscores, periods, and spaces allowed in "name"',
                address="aws_db_subnet_group.g",
            ),
            Example("validate", "", 'only alphanumeric characters and /_+=.@- special characters are allowed in "name"', address="aws_secretsmanager_secret.s"),
            Example(
                "validate",
                "",
                'only lowercase alphanumeric characters, periods, and hyphens allowed in parameter group "name"',
                address="aws_db_parameter_group.g",
            ),
            Example("validate", "", '"identifier" cannot contain two consecutive hyphens', address="aws_db_instance.d"),
            Example("validate", "", '"identifier" cannot end with a hyphen', address="aws_db_instance.d"),
            Example("validate", "", 'first character of "identifier" must be a letter', address="aws_db_instance.d"),
            Example("validate", "", '"name" cannot begin with "internal-": "internal-x"', address="aws_lb.l"),
            Example("validate", "", '"name" can only alphanumeric characters and ()./_- symbols', address="aws_launch_template.t"),
            Example(
                "validate",
                "",
                '"name" isn\'t a valid log group name (alphanumeric characters, underscores, hyphens, slashes, hash signs and dots are allowed): "/x y"',
                address="aws_cloudwatch_log_group.g",
            ),
            Example("validate", "", '"dashboard_name" doesn\'t comply with restrictions ("^[0-9A-Za-z_-]+$"): "a b"', address="aws_cloudwatch_dashboard.d"),
            Example(
                "validate", "", '(3-4) must satisfy the format of "hh24:mi-hh24:mi"', address="aws_db_instance.d", symbols=("backup_window", "aws_db_instance")
            ),
            Example("validate", "", "expected health_check.0.path to have prefix /, got nope", address="aws_lb_target_group.g"),
            Example("plan", "", "invalid queue name: a", address="aws_sqs_queue.q"),
            Example("plan", "", "invalid topic name: t.fifo", address="aws_sns_topic.t"),
            Example(
                "validate",
                "Invalid RFC3339 String Value",
                "Invalid RFC3339 String Value: A string value was provided that is not valid RFC3339 string format.\n\nGiven Value: 2020\n"
                'Error: parsing time "2020" as "2006-01-02T15:04:05Z07:00": cannot parse "" as "-"',
                address="aws_s3_bucket_lifecycle_configuration.l",
                symbols=("rule.expiration.date", "date"),
            ),
        ),
    ),
)
