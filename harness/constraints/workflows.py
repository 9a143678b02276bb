"""Rules on Step Functions: state machines that do not parse as such, and logs that they may not write."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from functools import partial
from typing import Any

from harness.constraints.base import Rule
from harness.constraints.execution_roles import lacking
from harness.constraints.findings import Complaint, document, is_unset, judged, sole_reference
from harness.constraints.graph import Node, ResourceGraph, mapping
from harness.constraints.policies import listed
from harness.constraints.values import blocks, text
from harness.failures import Category, Severity

MACHINE = "aws_sfn_state_machine"
_ENDS = ("Succeed", "Fail")
_TYPES = ("Task", "Pass", "Choice", "Wait", "Parallel", "Map", *_ENDS)


def _definition(graph: ResourceGraph, machine: Node) -> Iterator[Complaint]:
    """The Amazon States Language as CreateStateMachine checks it, as far as names and transitions go."""
    definition = machine.arguments.get("definition")
    written = document(definition)
    if written is None and text(graph, definition):
        yield Complaint("its definition is no JSON", ("definition",))
    if isinstance(written, Mapping):
        mistakes = list(dict.fromkeys(_machine(written, "")))
        if mistakes:
            yield Complaint(f"in its definition {'; '.join(mistakes)}", ("definition", "StartAt", "Next"))


def _machine(machine: Mapping[str, Any], where: str) -> Iterator[str]:
    """What is wrong with one machine: the whole, a branch of Parallel, or what Map repeats."""
    states = machine.get("States")
    if not isinstance(states, Mapping) or not states:
        yield f"{where or 'the top level'} has no States"
        return
    start = machine.get("StartAt")
    if start not in states:
        yield f"StartAt names {start!r}, which is no state" if start is not None else f"{where or 'the top level'} has no StartAt"
    reached = {start}
    for name, state in states.items():
        if not isinstance(state, Mapping):
            yield f"{name!r} is no state"
            continue
        for target in _targets(state):
            reached.add(target)
            if target not in states:
                yield f"{name!r} goes on to {target!r}, which is no state"
        yield from _state(name, state)
    if lost := [name for name in states if name not in reached]:
        yield f"nothing leads to {', '.join(map(repr, lost))}"


def _targets(state: Mapping[str, Any]) -> Iterator[Any]:
    """The names of the states that may come next."""
    for part in (state, *listed(state.get("Choices")), *listed(state.get("Catch"))):
        yield from (mapping(part)[name] for name in ("Next", "Default") if name in mapping(part))


def _state(name: str, state: Mapping[str, Any]) -> Iterator[str]:
    """A state is of one type, and goes on, ends, or chooses."""
    kind = state.get("Type")
    if kind not in _TYPES:
        yield f"{name!r} has the Type {kind!r}, which does not exist" if kind is not None else f"{name!r} has no Type"
        return
    goes_on, ends = "Next" in state, state.get("End") is True
    if kind in (*_ENDS, "Choice"):
        if "End" in state or goes_on:
            yield f"{name!r} is a {kind} and has Next or End"
    elif goes_on == ends:
        yield f"{name!r} has {'both Next and End' if ends else 'neither Next nor End'}"
    if kind == "Choice" and not listed(state.get("Choices")):
        yield f"{name!r} has no Choices"
    if kind == "Task" and "Resource" not in state:
        yield f"{name!r} has no Resource"
    inner = listed(state.get("Branches")) if kind == "Parallel" else listed(state.get("ItemProcessor", state.get("Iterator"))) if kind == "Map" else []
    if kind in ("Parallel", "Map") and not inner:
        yield f"{name!r} has no {'Branches' if kind == 'Parallel' else 'ItemProcessor'}"
    for machine in inner:
        if isinstance(machine, Mapping):
            yield from _machine(machine, repr(name))


def _destination(graph: ResourceGraph, machine: Node) -> Iterator[Complaint]:
    """Logs go to the group's ARN with `:*` behind it, which the provider's `arn` does not have; a level needs a destination."""
    for logging in blocks(machine.arguments, "logging_configuration"):
        destination, level = logging.get("log_destination"), text(graph, logging.get("level", "OFF"))
        reference, written = sole_reference(destination), text(graph, destination)
        if reference is not None and (reference.kind, reference.attribute) == ("aws_cloudwatch_log_group", "arn"):
            yield Complaint(f"its log_destination is the arn of {reference.address}; it has to end in :*", ("log_destination", ":*"))
        elif written and not written.endswith(":*"):
            yield Complaint(f"its log_destination {written!r} does not end in :*", ("log_destination", ":*"))
        elif level in ("ALL", "ERROR", "FATAL") and is_unset(logging, "log_destination"):
            yield Complaint(f"its log level is {level} and it has no log_destination", ("log_destination", "level"))


def _log_role(graph: ResourceGraph, machine: Node) -> Iterator[Complaint]:
    """CreateStateMachine checks that the role may set up the delivery of logs."""
    logging = [block for block in blocks(machine.arguments, "logging_configuration") if text(graph, block.get("level")) in ("ALL", "ERROR", "FATAL")]
    found = lacking(graph, machine.arguments.get("role_arn"), "logs:CreateLogDelivery") if logging else None
    if found is not None:
        role, missing = found
        yield Complaint(f"it writes logs, but its role {role.address} does not allow {', '.join(missing)}", (*missing, "role_arn"), (role,))


def _defined(states: Mapping[str, Any], start: str = "Start", **arguments: Any) -> dict[str, Any]:
    return {"resource": {MACHINE: {"main": {"definition": json.dumps({"StartAt": start, "States": states}), **arguments}}}}


def _logging(destination: str | None, level: str = "ALL", actions: str | None = None) -> dict[str, Any]:
    block = {"level": level, **({} if destination is None else {"log_destination": destination})}
    resources: dict[str, Any] = {
        MACHINE: {"main": {"logging_configuration": block, "role_arn": "${aws_iam_role.main.arn}"}},
        "aws_cloudwatch_log_group": {"main": {"name": "main"}},
    }
    if actions is not None:
        policy = json.dumps({"Statement": [{"Effect": "Allow", "Action": actions, "Resource": "*"}]})
        resources["aws_iam_role"] = {"main": {"name": "main", "inline_policy": {"name": "main", "policy": policy}}}
    return {"resource": resources}


_TASK = {"Type": "Task", "Resource": "${aws_lambda_function.main.arn}"}
_DONE = {"Type": "Succeed"}
_GROUP = "${aws_cloudwatch_log_group.main.arn}"
_INNER = {"StartAt": "Inner", "States": {"Inner": {**_TASK, "End": True}}}
_rule = partial(Rule, severity=Severity.HIGH, category=Category.AWS_CONSTRAINT)

RULES = (
    _rule(
        id="states-definition",
        title="State machine whose states do not fit together",
        documentation="https://docs.aws.amazon.com/step-functions/latest/dg/statemachine-structure.html",
        check=partial(judged, (MACHINE,), _definition),
        bad=(
            _defined({"First": {**_TASK, "End": True}}),
            _defined({"Start": {**_TASK, "Next": "Missing"}}),
            _defined({"Start": _TASK}),
            _defined({"Start": {**_TASK, "End": True}, "Lost": _DONE}),
            _defined({"Start": {**_TASK, "Type": "Lambda", "End": True}}),
            _defined({"Start": {"Type": "Parallel", "Branches": [{"StartAt": "A", "States": {"B": _DONE}}], "End": True}}),
            _defined({"Start": {"Type": "Choice", "Choices": [{"Variable": "$.a", "IsPresent": True, "Next": "Gone"}]}}),
        ),
        good=(
            _defined({"Start": {**_TASK, "Catch": [{"ErrorEquals": ["States.ALL"], "Next": "Failed"}], "End": True}, "Failed": {"Type": "Fail"}}),
            _defined({"Start": {"Type": "Choice", "Choices": [{"Variable": "$.a", "IsPresent": True, "Next": "Done"}], "Default": "Done"}, "Done": _DONE}),
            _defined({"Start": {"Type": "Map", "ItemProcessor": _INNER, "End": True}}),
            _defined({"Start": {"Type": "Map", "Iterator": _INNER, "Next": "Done"}, "Done": _DONE}),
            _defined({"Start": {"Type": "Wait", "Seconds": 5, "Next": "Start"}}),
            {"resource": {MACHINE: {"main": {"definition": '${templatefile("machine.json", {})}'}}}},
        ),
    ),
    _rule(
        id="states-log-destination",
        title="Log destination of a state machine without :*",
        documentation="https://docs.aws.amazon.com/step-functions/latest/apireference/API_CloudWatchLogsLogGroup.html",
        check=partial(judged, (MACHINE,), _destination),
        bad=(_logging(_GROUP), _logging(None)),
        good=(_logging(f"{_GROUP}:*"), _logging(None, "OFF"), _logging("${var.group}")),
    ),
    _rule(
        id="states-log-permissions",
        title="Role of a state machine that may not deliver its logs",
        documentation="https://docs.aws.amazon.com/step-functions/latest/dg/cw-logs.html",
        check=partial(judged, (MACHINE,), _log_role),
        bad=(_logging(f"{_GROUP}:*", actions="lambda:InvokeFunction"), _logging(f"{_GROUP}:*", actions="logs:PutLogEvents")),
        good=(_logging(f"{_GROUP}:*", actions="logs:*"), _logging(f"{_GROUP}:*"), _logging(None, "OFF", "lambda:InvokeFunction")),
    ),
)
