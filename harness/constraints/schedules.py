"""Reads schedule expressions (`cron(...)`, `rate(...)`, `at(...)`), and the rules on them.

The grammar: https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-scheduled-rule-pattern.html (rules), and
https://docs.aws.amazon.com/scheduler/latest/UserGuide/schedule-types.html (EventBridge Scheduler).
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import partial
from typing import Any, NamedTuple

from harness.constraints.base import Rule
from harness.constraints.findings import Complaint, is_unset, judged
from harness.constraints.graph import Node, ResourceGraph
from harness.constraints.values import blocks, text
from harness.failures import Category, Severity

_MONTHS = ("JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC")
_DAYS = ("SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT")
_CRON, _RATE = re.compile(r"cron\((.*)\)", re.DOTALL), re.compile(r"rate\(\s*(\d+)\s+([A-Za-z]+)\s*\)")
_AT = re.compile(r"at\(\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}\)")


class _Field(NamedTuple):
    name: str
    first: int
    last: int
    names: tuple[str, ...] = ()


_FIELDS = (
    _Field("minutes", 0, 59),
    _Field("hours", 0, 23),
    _Field("day of month", 1, 31),
    _Field("month", 1, 12, _MONTHS),
    _Field("day of week", 1, 7, _DAYS),
    _Field("year", 1970, 2199),
)


def cron_mistake(fields_text: str, *, strict: bool = True) -> str | None:
    """What is wrong with the content of `cron(...)`: six fields, each in its range.

    With `strict`, one of the two days has to be a question mark, as EventBridge says.
    """
    fields = fields_text.split()
    if len(fields) != len(_FIELDS):
        return f"cron has {len(_FIELDS)} fields (minutes, hours, day of month, month, day of week, year), not {len(fields)}"
    for field, value in zip(_FIELDS, fields, strict=True):
        if any(not _fits(field, item) for item in value.split(",")):
            return f"{value!r} is no {field.name}"
    if strict and "?" not in (fields[2], fields[4]):
        return f"day of month {fields[2]!r} and day of week {fields[4]!r} are both set; one of them has to be ?"
    return None


def _fits(field: _Field, item: str) -> bool:
    """Whether one item of a field (`*`, `5`, `MON-FRI`, `0/15`, `L`, `15W`, `6#3`) is in the field's range."""
    base, _, step = item.partition("/")
    if step and not step.isdigit():
        return False
    if field.name.startswith("day of"):
        if base in ("?", "L", "LW") or re.fullmatch(r"L-\d+", base):
            return True
        base = re.sub(r"(#[1-5]|W|L)$", "", base)
    # Quartz, whose grammar this is, takes `/5` for `0/5`; whether EventBridge does is not written.
    return base == "*" or (not base and bool(step)) or all(_is_value(field, end) for end in base.split("-", 1))


def _is_value(field: _Field, value: str) -> bool:
    return value.upper() in field.names or (value.isdigit() and field.first <= int(value) <= field.last)


def schedule_mistake(expression: str, *, at: bool = False, strict: bool = True) -> str | None:
    """What is wrong with a schedule expression; `at` allows `at(...)`, `strict` asks for what only EventBridge's rules ask for."""
    expression = expression.strip()
    if found := _CRON.fullmatch(expression):
        return cron_mistake(found[1], strict=strict)
    if found := _RATE.fullmatch(expression):
        return _rate_mistake(int(found[1]), found[2], strict)
    if at and _AT.fullmatch(expression):
        return None
    return f"it is neither rate(VALUE UNIT) nor cron(FIELDS){' nor at(yyyy-mm-ddThh:mm:ss)' if at else ''}"


def _rate_mistake(value: int, unit: str, strict: bool) -> str | None:
    if unit.removesuffix("s") not in ("minute", "hour", "day"):
        return f"{unit!r} is no unit of rate; minutes, hours and days are"
    if value < 1:
        return "a rate is 1 at least"
    if strict and (value == 1) == unit.endswith("s"):
        return f"after {value} the unit is {unit.removesuffix('s') + ('' if value == 1 else 's')}"
    return None


def _rule_schedule(graph: ResourceGraph, rule: Node) -> Iterator[Complaint]:
    """PutRule refuses what the grammar does not know."""
    yield from _complain(graph, rule, "schedule_expression")


def _scheduler(graph: ResourceGraph, schedule: Node) -> Iterator[Complaint]:
    """EventBridge Scheduler takes at(...) too. Whether it wants the singular after 1 is not written, so that is not asked for."""
    expression = text(graph, schedule.arguments.get("schedule_expression"))
    if expression is not None and (mistake := schedule_mistake(expression, at=True, strict=expression.strip().startswith("cron("))):
        yield Complaint(f"the schedule_expression {expression!r} is refused: {mistake}", ("schedule_expression", expression))


def _complain(graph: ResourceGraph, node: Node, argument: str) -> Iterator[Complaint]:
    expression = text(graph, node.arguments.get(argument))
    if expression and (mistake := schedule_mistake(expression)):
        yield Complaint(f"the {argument} {expression!r} is refused: {mistake}", (argument, expression))


def _flexible(graph: ResourceGraph, schedule: Node) -> Iterator[Complaint]:
    """A flexible window has a length, and no window has none."""
    for window in blocks(schedule.arguments, "flexible_time_window"):
        mode, unset = text(graph, window.get("mode")), is_unset(window, "maximum_window_in_minutes")
        if mode == "FLEXIBLE" and unset:
            yield Complaint("its flexible_time_window is FLEXIBLE and has no maximum_window_in_minutes", ("maximum_window_in_minutes",))


def _recurrence(graph: ResourceGraph, schedule: Node) -> Iterator[Complaint]:
    """A scheduled action of an Auto Scaling group recurs by Unix cron: five bare fields."""
    recurrence = text(graph, schedule.arguments.get("recurrence"))
    if recurrence and ("(" in recurrence or "?" in recurrence or len(recurrence.split()) != 5):
        yield Complaint(f"the recurrence {recurrence!r} is not Unix cron (five fields, nothing round them)", ("recurrence", recurrence))


def _one(kind: str, **arguments: Any) -> dict[str, Any]:
    return {"resource": {kind: {"main": arguments}}}


def _event_rule(expression: str) -> dict[str, Any]:
    return _one("aws_cloudwatch_event_rule", schedule_expression=expression)


def _schedule(expression: str, **window: Any) -> dict[str, Any]:
    return _one("aws_scheduler_schedule", schedule_expression=expression, flexible_time_window=window or {"mode": "OFF"})


_rule = partial(Rule, severity=Severity.HIGH, category=Category.AWS_CONSTRAINT)

RULES = (
    _rule(
        id="eventbridge-schedule",
        title="Schedule expression that EventBridge refuses",
        documentation="https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-scheduled-rule-pattern.html",
        check=partial(judged, ("aws_cloudwatch_event_rule",), _rule_schedule),
        bad=(
            _event_rule("rate(1 minutes)"),
            _event_rule("rate(5 minute)"),
            _event_rule("rate(30 seconds)"),
            _event_rule("cron(0 12 * * ?)"),
            _event_rule("cron(0 12 * * * *)"),
            _event_rule("cron(0 24 * * ? *)"),
            _event_rule("cron(0 8 ? * 0-6 *)"),
            _event_rule("0 12 * * ? *"),
        ),
        good=(
            _event_rule("rate(1 minute)"),
            _event_rule("rate(5 minutes)"),
            _event_rule("cron(0/15 8-17 ? * MON-FRI *)"),
            _event_rule("cron(0 2 L * ? *)"),
            _event_rule("cron(0 2 ? * 6#3 2026-2030)"),
            _event_rule("cron(0 2,14 1 JAN,JUL ? *)"),
            _event_rule("${var.schedule}"),
            _event_rule("cron(0 ${var.hour} * * ? *)"),
        ),
    ),
    _rule(
        id="scheduler-expression",
        title="Schedule expression that EventBridge Scheduler refuses",
        documentation="https://docs.aws.amazon.com/scheduler/latest/UserGuide/schedule-types.html",
        check=partial(judged, ("aws_scheduler_schedule",), _scheduler),
        bad=(_schedule("cron(0 12 * * *)"), _schedule("at(2026-11-20 13:00)"), _schedule("rate(2 weeks)"), _schedule("cron(0 9 1 * MON *)")),
        good=(_schedule("cron(0 12 * * ? *)"), _schedule("at(2026-11-20T13:00:00)"), _schedule("rate(1 hours)"), _schedule("${var.schedule}")),
    ),
    _rule(
        id="scheduler-flexible-window",
        title="Flexible time window without a length",
        documentation="https://docs.aws.amazon.com/scheduler/latest/UserGuide/managing-schedule-flexible-time-windows.html",
        check=partial(judged, ("aws_scheduler_schedule",), _flexible),
        bad=(_schedule("rate(5 minutes)", mode="FLEXIBLE"),),
        good=(_schedule("rate(5 minutes)"), _schedule("rate(5 minutes)", mode="FLEXIBLE", maximum_window_in_minutes=15)),
    ),
    _rule(
        id="autoscaling-recurrence",
        title="Recurrence of a scheduled scaling action that is not Unix cron",
        documentation="https://docs.aws.amazon.com/autoscaling/ec2/userguide/ec2-auto-scaling-scheduled-scaling.html",
        check=partial(judged, ("aws_autoscaling_schedule",), _recurrence),
        bad=(_one("aws_autoscaling_schedule", recurrence="cron(0 9 * * ? *)"), _one("aws_autoscaling_schedule", recurrence="0 9 * * ? *")),
        good=(_one("aws_autoscaling_schedule", recurrence="0 9 * * 1-5"), _one("aws_autoscaling_schedule", start_time="2026-12-01T00:00:00Z")),
    ),
)
