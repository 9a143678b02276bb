"""Rules on what watches: dashboards, metric filters, log subscriptions, Config, GuardDuty and X-Ray."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from functools import partial
from typing import Any

from harness.constraints.base import Rule
from harness.constraints.findings import Complaint, document, is_literal, is_unset, judged
from harness.constraints.graph import Node, ResourceGraph, mapping
from harness.constraints.ordering import prerequisites
from harness.constraints.values import blocks, is_repeated, number, text, truth
from harness.failures import Category, Severity

DASHBOARD, FILTER, SUBSCRIPTION = "aws_cloudwatch_dashboard", "aws_cloudwatch_log_metric_filter", "aws_cloudwatch_log_subscription_filter"
RECORDER, CHANNEL, STATUS = "aws_config_configuration_recorder", "aws_config_delivery_channel", "aws_config_configuration_recorder_status"
CONFIG_RULE, DETECTOR, SAMPLING = "aws_config_config_rule", "aws_guardduty_detector", "aws_xray_sampling_rule"
FREQUENCIES = ("FIFTEEN_MINUTES", "ONE_HOUR", "SIX_HOURS")
COLUMNS = 24


def _dashboard(graph: ResourceGraph, dashboard: Node) -> Iterator[Complaint]:
    """A dashboard is 24 columns wide; a metric widget has a list of lists, or an alarm among its annotations."""
    body = document(dashboard.arguments.get("dashboard_body"))
    widgets = mapping(body).get("widgets")
    if body is not None and not isinstance(widgets, list):
        yield Complaint("its dashboard_body has no list of widgets", ("dashboard_body", "widgets"))
    for index, widget in enumerate(map(mapping, widgets if isinstance(widgets, list) else [])):
        width, properties = widget.get("width"), mapping(widget.get("properties"))
        if isinstance(width, int) and not 1 <= width <= COLUMNS:
            yield Complaint(f"widget {index} is {width} columns wide, of {COLUMNS}", ("width", "dashboard_body"))
        if widget.get("type") != "metric":
            continue
        metrics = properties.get("metrics")
        # Contributor Insights and PromQL bring data of their own.
        if metrics is None and not {"annotations", "insightRule", "data"} & set(properties):
            yield Complaint(f"the metric widget {index} has neither metrics nor annotations", ("metrics", "dashboard_body"))
        if isinstance(metrics, list) and any(isinstance(metric, Mapping) or is_literal(metric) for metric in metrics):
            yield Complaint(f"the metrics of widget {index} are not a list of lists", ("metrics", "dashboard_body"))


def _transformation(graph: ResourceGraph, metric_filter: Node) -> Iterator[Complaint]:
    """Dimensions come from fields of JSON or of columns, and exclude a default value."""
    pattern = text(graph, metric_filter.arguments.get("pattern"))
    for transformation in blocks(metric_filter.arguments, "metric_transformation"):
        if is_unset(transformation, "dimensions"):
            continue
        if not is_unset(transformation, "default_value"):
            yield Complaint("its metric_transformation has dimensions and a default_value, and may have one of them", ("default_value", "dimensions"))
        if pattern and pattern.strip() and not pattern.strip().startswith(("{", "[")):
            yield Complaint(f"its pattern {pattern!r} has no fields that could be dimensions", ("dimensions", "pattern"))


def _brackets(graph: ResourceGraph, metric_filter: Node) -> Iterator[Complaint]:
    """A pattern that begins as one for JSON, or for columns, ends as one."""
    argument = "pattern" if metric_filter.type == FILTER else "filter_pattern"
    pattern = (text(graph, metric_filter.arguments.get(argument)) or "").strip()
    closing = {"{": "}", "[": "]"}.get(pattern[:1])
    if closing and not pattern.endswith(closing):
        yield Complaint(f"its {argument} {pattern!r} begins with {pattern[0]} and does not end with {closing}", (argument, pattern))


def _stream_role(graph: ResourceGraph, subscription: Node) -> Iterator[Complaint]:
    """CloudWatch Logs writes to a stream as a role."""
    stream = graph.target(subscription.arguments.get("destination_arn"), "aws_kinesis_stream", "aws_kinesis_firehose_delivery_stream")
    if stream is not None and is_unset(subscription.arguments, "role_arn"):
        yield Complaint(f"it writes to {stream.address} and has no role_arn", ("role_arn", "destination_arn"), (stream,))


def _waits(graph: ResourceGraph, node: Node) -> Iterator[Complaint]:
    """Config's recorder is there before its channel and its rules, and the channel before the recorder is started."""
    if node.type == STATUS and truth(graph, node.arguments.get("is_enabled")) is not True:
        return
    needed = list(graph.of_type(CHANNEL if node.type == STATUS else RECORDER))
    ahead = prerequisites(graph, node)
    # Several regions, each with its own recorder, are told apart by their provider.
    beside = [other for other in needed if other.arguments.get("provider") == node.arguments.get("provider")]
    if ahead is not None and len(beside) == 1 and not is_repeated(beside[0]) and beside[0] not in ahead and not _behind(graph, node, beside[0]):
        yield Complaint(f"nothing makes it wait for {beside[0].address}, without which AWS Config refuses it", ("depends_on", beside[0].type), (beside[0],))


def _behind(graph: ResourceGraph, node: Node, other: Node) -> bool:
    """Whether the other waits for this node, which would be a circle."""
    return node in (prerequisites(graph, other) or ())


def _identifier(graph: ResourceGraph, rule: Node) -> Iterator[Complaint]:
    """AWS's own rules are identified in capitals with underscores; the name with hyphens is only their title."""
    for source in blocks(rule.arguments, "source"):
        identifier = text(graph, source.get("source_identifier"))
        if text(graph, source.get("owner")) == "AWS" and identifier and re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)+", identifier):
            meant = identifier.upper().replace("-", "_")
            yield Complaint(f"the source_identifier {identifier!r} is a rule's title; identifiers are written like {meant}", ("source_identifier", identifier))


def _frequency(graph: ResourceGraph, detector: Node) -> Iterator[Complaint]:
    """GuardDuty publishes every fifteen minutes, every hour or every six."""
    frequency = text(graph, detector.arguments.get("finding_publishing_frequency"))
    if frequency and frequency not in FREQUENCIES:
        sentence = f"the finding_publishing_frequency {frequency!r} is none of {', '.join(FREQUENCIES)}"
        yield Complaint(sentence, ("finding_publishing_frequency", frequency))


def _sampling(graph: ResourceGraph, rule: Node) -> Iterator[Complaint]:
    """A rate is a share, and there is one version of the format."""
    rate, version = (number(graph, rule.arguments.get(name)) for name in ("fixed_rate", "version"))
    if rate is not None and not 0 <= rate <= 1:
        yield Complaint(f"the fixed_rate {rate:g} is not between 0 and 1", ("fixed_rate", f"{rate:g}"))
    if version is not None and version != 1:
        yield Complaint(f"the version {version:g} is not 1", ("version", f"{version:g}"))


def _one(kind: str, **arguments: Any) -> dict[str, Any]:
    return {"resource": {kind: {"main": arguments}}}


def _widget(properties: Mapping[str, Any], **widget: Any) -> dict[str, Any]:
    return _one(DASHBOARD, dashboard_body=json.dumps({"widgets": [{"type": "metric", "properties": properties, **widget}]}))


def _filtered(pattern: str, **transformation: Any) -> dict[str, Any]:
    return _one(FILTER, pattern=pattern, metric_transformation={"name": "errors", "namespace": "app", "value": "1", **transformation})


def _config(status: Mapping[str, Any], channel: Mapping[str, Any]) -> dict[str, Any]:
    started = {"name": "${aws_config_configuration_recorder.main.name}", "is_enabled": True, **status}
    return {"resource": {RECORDER: {"main": {"name": "main"}}, CHANNEL: {"main": channel}, STATUS: {"main": started}}}


def _subscribed(**arguments: Any) -> dict[str, Any]:
    stream = {"destination_arn": "${aws_kinesis_stream.main.arn}", **arguments}
    return {"resource": {SUBSCRIPTION: {"main": stream}, "aws_kinesis_stream": {"main": {"name": "main"}}}}


def _sourced(identifier: str, owner: str = "AWS") -> dict[str, Any]:
    return _one(CONFIG_RULE, source={"owner": owner, "source_identifier": identifier})


_METRIC = ["AWS/Lambda", "Errors", "FunctionName", "main"]
_AFTER = {"depends_on": ["aws_config_configuration_recorder.main"]}
_STARTED = {"depends_on": ["aws_config_delivery_channel.main"]}
_FIELDS = {"dimensions": {"service": "$.service"}}
_FILTERS = "https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/MonitoringLogData.html"
_rule = partial(Rule, severity=Severity.HIGH, category=Category.AWS_CONSTRAINT)

RULES = (
    _rule(
        id="dashboard-body",
        title="Dashboard body that CloudWatch refuses",
        documentation="https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/CloudWatch-Dashboard-Body-Structure.html",
        check=partial(judged, (DASHBOARD,), _dashboard),
        bad=(
            _widget({"region": "eu-west-1"}),
            _widget({"metrics": [{"namespace": "AWS/Lambda"}], "region": "eu-west-1"}),
            _widget({"metrics": [_METRIC], "region": "eu-west-1"}, width=25),
            _one(DASHBOARD, dashboard_body="{}"),
        ),
        good=(
            _widget({"metrics": [_METRIC, ["...", "other"]], "region": "eu-west-1"}, width=24),
            _widget({"annotations": {"alarms": ["${aws_cloudwatch_metric_alarm.main.arn}"]}}),
            _one(DASHBOARD, dashboard_body="${jsonencode({})}"),
            _one(DASHBOARD, dashboard_body='{"widgets": [{"type": "text", "properties": {"markdown": "x"}}]}'),
        ),
    ),
    _rule(
        id="metric-filter-dimensions",
        title="Metric filter with dimensions that it cannot have",
        documentation=_FILTERS,
        check=partial(judged, (FILTER,), _transformation),
        bad=(_filtered("{ $.level = ERROR }", default_value="0", **_FIELDS), _filtered("ERROR", **_FIELDS)),
        good=(_filtered("{ $.level = ERROR }", **_FIELDS), _filtered("ERROR", default_value="0"), _filtered("[ip, user]", dimensions={"user": "$user"})),
    ),
    _rule(
        id="filter-pattern-brackets",
        title="Filter pattern that is not closed",
        documentation="https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/FilterAndPatternSyntax.html",
        check=partial(judged, (FILTER, SUBSCRIPTION), _brackets),
        bad=(_filtered("{ $.level = ERROR"), _one(SUBSCRIPTION, filter_pattern="[ip, user")),
        good=(_filtered("{ $.level = ERROR }"), _filtered("?ERROR ?WARN"), _one(SUBSCRIPTION, filter_pattern=""), _filtered('"[ERROR"')),
    ),
    _rule(
        id="log-subscription-role",
        title="Log subscription to a stream without a role",
        documentation="https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_PutSubscriptionFilter.html",
        check=partial(judged, (SUBSCRIPTION,), _stream_role),
        bad=(_subscribed(),),
        good=(_subscribed(role_arn="${aws_iam_role.logs.arn}"), _one(SUBSCRIPTION, destination_arn="${aws_lambda_function.main.arn}")),
    ),
    _rule(
        id="config-order",
        title="AWS Config set up in no certain order",
        documentation="https://registry.terraform.io/providers/hashicorp/aws/latest/docs/resources/config_configuration_recorder_status",
        check=partial(judged, (STATUS, CHANNEL, CONFIG_RULE), _waits),
        bad=(_config({}, _AFTER), _config(_STARTED, {})),
        good=(_config(_STARTED, _AFTER), _config({"is_enabled": False}, _AFTER), _one(CONFIG_RULE, source={"owner": "AWS", "source_identifier": "X"})),
    ),
    _rule(
        id="config-rule-identifier",
        title="Config rule by its title instead of its identifier",
        documentation="https://docs.aws.amazon.com/config/latest/developerguide/managed-rules-by-aws-config.html",
        check=partial(judged, (CONFIG_RULE,), _identifier),
        bad=(_sourced("s3-bucket-versioning-enabled"),),
        good=(_sourced("S3_BUCKET_VERSIONING_ENABLED"), _sourced("${var.rule}"), _sourced("my-function", "CUSTOM_LAMBDA")),
    ),
    _rule(
        id="guardduty-frequency",
        title="Publishing frequency that GuardDuty does not have",
        documentation="https://docs.aws.amazon.com/guardduty/latest/APIReference/API_CreateDetector.html",
        check=partial(judged, (DETECTOR,), _frequency),
        bad=(_one(DETECTOR, finding_publishing_frequency="TEN_MINUTES"),),
        good=(_one(DETECTOR, finding_publishing_frequency="SIX_HOURS"), _one(DETECTOR), _one(DETECTOR, finding_publishing_frequency="${var.f}")),
    ),
    _rule(
        id="xray-sampling-rate",
        title="Sampling rule out of its ranges",
        documentation="https://docs.aws.amazon.com/xray/latest/api/API_SamplingRule.html",
        check=partial(judged, (SAMPLING,), _sampling),
        bad=(_one(SAMPLING, fixed_rate=5, version=1), _one(SAMPLING, fixed_rate=0.05, version=2)),
        good=(_one(SAMPLING, fixed_rate=1, version=1), _one(SAMPLING, fixed_rate="${var.rate}")),
    ),
)
