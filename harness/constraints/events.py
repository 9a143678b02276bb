"""Rules on EventBridge: patterns, buses and targets."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterator, Mapping
from functools import partial
from typing import Any

from harness.constraints.base import Rule, Violation
from harness.constraints.findings import Complaint, document, is_unset, judged
from harness.constraints.graph import Node, ResourceGraph
from harness.constraints.values import is_repeated, text, truth
from harness.failures import Category, Severity

RULE, TARGET, BUS = "aws_cloudwatch_event_rule", "aws_cloudwatch_event_target", "aws_cloudwatch_event_bus"
TARGETS_PER_RULE = 5
_MISSPELT = {"detailType": "detail-type", "detail_type": "detail-type", "DetailType": "detail-type", "Source": "source", "Detail": "detail"}


def _pattern(graph: ResourceGraph, rule: Node) -> Iterator[Complaint]:
    """A pattern is an object whose leaves are lists of what may match; an event's own fields have fixed names."""
    pattern = document(rule.arguments.get("event_pattern"))
    if pattern is None:
        return
    if not isinstance(pattern, Mapping):
        yield Complaint("its event_pattern is not a JSON object", ("event_pattern",))
        return
    if scalars := sorted(_scalars(pattern)):
        yield Complaint(f"in its event_pattern the value of {', '.join(scalars)} is not in a list", ("event_pattern", *scalars))
    if misspelt := sorted(set(pattern) & set(_MISSPELT)):
        meant = ", ".join(f"{name} ({_MISSPELT[name]} is meant)" for name in misspelt)
        yield Complaint(f"no event has the field {meant}, so its event_pattern matches nothing", (*misspelt, "event_pattern"))


def _scalars(pattern: Mapping[str, Any]) -> Iterator[str]:
    """The names in a pattern whose value is neither an object nor a list."""
    for name, value in pattern.items():
        if isinstance(value, Mapping):
            yield from _scalars(value)
        elif not isinstance(value, list) and not str(value).startswith("${"):
            yield name


def _bus(graph: ResourceGraph, value: object) -> str | None:
    """Which bus: the address of one of the stack, `default`, or None for one that is not known."""
    bus = graph.target(value, BUS)
    return bus.address if bus else "default" if value in (None, "", "default") else None


def _scheduled_bus(graph: ResourceGraph, rule: Node) -> Iterator[Complaint]:
    """Only the default bus has scheduled rules."""
    bus = graph.target(rule.arguments.get("event_bus_name"), BUS)
    if bus is not None and not is_unset(rule.arguments, "schedule_expression"):
        yield Complaint(f"it has a schedule_expression on {bus.address}; schedules are for the default bus", ("schedule_expression", "event_bus_name"), (bus,))


def _target_bus(graph: ResourceGraph, target: Node) -> Iterator[Complaint]:
    """A target names the bus of its rule: on another bus the rule does not exist."""
    rule = graph.target(target.arguments.get("rule"), RULE)
    if rule is None:
        return
    here, there = (_bus(graph, node.arguments.get("event_bus_name")) for node in (target, rule))
    if None not in (here, there) and here != there:
        sentence = f"its event_bus_name is that of {here}, and {rule.address} is on {there}"
        yield Complaint(sentence, ("event_bus_name", rule.address.rpartition(".")[2]), (rule,))


def too_many_targets(graph: ResourceGraph) -> Iterator[Violation]:
    """A rule has five targets at most."""
    found: dict[Node, list[Node]] = defaultdict(list)
    for target in graph.of_type(TARGET):
        rule = graph.target(target.arguments.get("rule"), RULE)
        if rule is not None and not is_repeated(rule) and not is_repeated(target):
            found[rule].append(target)
    for rule, targets in found.items():
        if len(targets) > TARGETS_PER_RULE:
            message = f"{rule.address}: it has {len(targets)} targets, and a rule may have {TARGETS_PER_RULE}"
            yield Violation(message, (rule, *targets), (rule.address.rpartition(".")[2], TARGET), rule.address)


def _fifo_target(graph: ResourceGraph, target: Node) -> Iterator[Complaint]:
    """A message to a FIFO queue has a group."""
    queue = graph.target(target.arguments.get("arn"), "aws_sqs_queue")
    if queue is not None and truth(graph, queue.arguments.get("fifo_queue")) and is_unset(target.arguments, "sqs_target"):
        yield Complaint(f"{queue.address} is a FIFO queue, and it has no sqs_target with a message_group_id", ("sqs_target", "message_group_id"), (queue,))


def _bus_name(graph: ResourceGraph, bus: Node) -> Iterator[Complaint]:
    """`default` is there in every account; and the names of custom buses have no slash."""
    name = text(graph, bus.arguments.get("name"))
    if name == "default" or (name and "/" in name and not name.startswith("aws.partner/")):
        yield Complaint(f"an event bus of one's own cannot be named {name!r}", ("name", name))


def _rule_example(pattern: object) -> dict[str, Any]:
    return {"resource": {RULE: {"main": {"event_pattern": pattern if isinstance(pattern, str) else json.dumps(pattern)}}}}


def _targeted(rule: Mapping[str, Any], target: Mapping[str, Any], **resources: Any) -> dict[str, Any]:
    aimed = {"rule": "${aws_cloudwatch_event_rule.main.name}", "arn": "${aws_sqs_queue.main.arn}", **target}
    return {"resource": {RULE: {"main": rule}, TARGET: {"main": aimed}, BUS: {"own": {"name": "own"}}, "aws_sqs_queue": {"main": {}}, **resources}}


def _many(count: int) -> dict[str, Any]:
    aimed = {"rule": "${aws_cloudwatch_event_rule.main.name}", "arn": "${aws_sqs_queue.main.arn}"}
    return {"resource": {RULE: {"main": {}}, TARGET: {f"target-{index}": aimed for index in range(count)}}}


_OWN = {"event_bus_name": "${aws_cloudwatch_event_bus.own.name}"}
_FIFO = {"aws_sqs_queue": {"main": {"fifo_queue": True}}}
_rule = partial(Rule, severity=Severity.HIGH, category=Category.AWS_CONSTRAINT)

RULES = (
    _rule(
        id="eventbridge-pattern",
        title="Event pattern that is refused or matches nothing",
        documentation="https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-event-patterns.html",
        check=partial(judged, (RULE,), _pattern),
        bad=(
            _rule_example({"source": "aws.ec2"}),
            _rule_example({"source": ["aws.ec2"], "detail": {"state": "stopped"}}),
            _rule_example(["aws.ec2"]),
            _rule_example({"source": ["aws.ec2"], "detailType": ["EC2 Instance State-change Notification"]}),
        ),
        good=(
            _rule_example({"source": ["aws.ec2"], "detail-type": ["x"], "detail": {"state": ["stopped"], "count": [{"numeric": [">", 1]}]}}),
            _rule_example({"$or": [{"source": ["a"]}, {"account": ["${data.aws_caller_identity.current.account_id}"]}]}),
            _rule_example('${jsonencode({"source" = "x"})}'),
        ),
    ),
    _rule(
        id="eventbridge-schedule-bus",
        title="Schedule on a custom event bus",
        documentation="https://docs.aws.amazon.com/eventbridge/latest/APIReference/API_PutRule.html",
        check=partial(judged, (RULE,), _scheduled_bus),
        bad=(_targeted({**_OWN, "schedule_expression": "rate(5 minutes)"}, _OWN),),
        good=(
            _targeted({"schedule_expression": "rate(5 minutes)"}, {}),
            _targeted({"event_bus_name": "default", "schedule_expression": "rate(5 minutes)"}, {}),
            _targeted({**_OWN, "event_pattern": "{}"}, _OWN),
        ),
    ),
    _rule(
        id="eventbridge-target-bus",
        title="Target on another event bus than its rule",
        documentation="https://docs.aws.amazon.com/eventbridge/latest/APIReference/API_PutTargets.html",
        check=partial(judged, (TARGET,), _target_bus),
        bad=(_targeted(_OWN, {}), _targeted({}, _OWN), _targeted(_OWN, {"event_bus_name": "default"})),
        good=(
            _targeted(_OWN, _OWN),
            _targeted({}, {}),
            _targeted(_OWN, {"event_bus_name": "${aws_cloudwatch_event_rule.main.event_bus_name}"}),
            _targeted({"event_bus_name": "${var.bus}"}, {}),
        ),
    ),
    _rule(
        id="eventbridge-target-count",
        title="Rule with more than five targets",
        documentation="https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-quota.html",
        check=too_many_targets,
        bad=(_many(6),),
        good=(_many(5),),
    ),
    _rule(
        id="eventbridge-target-fifo",
        title="FIFO queue as a target without message group",
        documentation="https://docs.aws.amazon.com/eventbridge/latest/APIReference/API_SqsParameters.html",
        check=partial(judged, (TARGET,), _fifo_target),
        bad=(_targeted({}, {}, **_FIFO),),
        good=(_targeted({}, {"sqs_target": {"message_group_id": "orders"}}, **_FIFO), _targeted({}, {})),
    ),
    _rule(
        id="eventbridge-bus-name",
        title="Event bus with a name that it cannot have",
        documentation="https://docs.aws.amazon.com/eventbridge/latest/APIReference/API_CreateEventBus.html",
        check=partial(judged, (BUS,), _bus_name),
        bad=({"resource": {BUS: {"main": {"name": "default"}}}}, {"resource": {BUS: {"main": {"name": "orders/eu"}}}}),
        good=({"resource": {BUS: {"main": {"name": "orders"}}}}, {"resource": {BUS: {"main": {"name": "aws.partner/example.com/1"}}}}),
    ),
)
