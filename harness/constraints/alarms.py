"""Rules on CloudWatch alarms: what PutMetricAlarm refuses."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import partial
from typing import Any

from harness.constraints.base import Rule
from harness.constraints.findings import Complaint, is_unset, judged
from harness.constraints.graph import Node, ResourceGraph
from harness.constraints.values import blocks, is_dynamic, number, truth
from harness.failures import Category, Severity

ALARM = "aws_cloudwatch_metric_alarm"
DAY, WEEK, HOUR = 86_400, 604_800, 3_600


def _metric(graph: ResourceGraph, alarm: Node) -> Iterator[Complaint]:
    """An alarm watches one metric (name, namespace and period), or what its queries or its criteria return."""
    if any(not is_unset(alarm.arguments, name) or is_dynamic(alarm.arguments, name) for name in ("metric_query", "evaluation_criteria")):
        return
    missing = [name for name in ("metric_name", "namespace", "period") if is_unset(alarm.arguments, name)]
    if "metric_name" in missing:
        yield Complaint("it has neither metric_name nor metric_query", ("metric_name", "metric_query"))
    elif missing:
        yield Complaint(f"it watches a metric and has no {' and no '.join(missing)}", tuple(missing))


def _range(graph: ResourceGraph, alarm: Node) -> Iterator[Complaint]:
    """All periods together are a week at most, and a day at most where a period is below an hour."""
    periods = number(graph, alarm.arguments.get("evaluation_periods"))
    for holder in (alarm.arguments, *(metric for query in blocks(alarm.arguments, "metric_query") for metric in blocks(query, "metric"))):
        length = number(graph, holder.get("period"))
        if periods is None or length is None:
            continue
        limit, said = (DAY, "a day") if length < HOUR else (WEEK, "a week")
        if periods * length > limit:
            sentence = f"{periods:g} evaluation_periods of {length:g} s are {periods * length:g} s, more than {said} ({limit} s)"
            yield Complaint(sentence, ("evaluation_periods", "period"))
            return


def _datapoints(graph: ResourceGraph, alarm: Node) -> Iterator[Complaint]:
    """No more periods can be in alarm than are looked at."""
    points, periods = (number(graph, alarm.arguments.get(name)) for name in ("datapoints_to_alarm", "evaluation_periods"))
    if points is not None and periods is not None and points > periods:
        yield Complaint(f"datapoints_to_alarm {points:g} is above evaluation_periods {periods:g}", ("datapoints_to_alarm", "evaluation_periods"))


def _returned(graph: ResourceGraph, alarm: Node) -> Iterator[Complaint]:
    """One query returns what is compared. (With an anomaly band, the band and the metric do.)"""
    queries = blocks(alarm.arguments, "metric_query")
    answers = [False if is_unset(query, "return_data") else truth(graph, query["return_data"]) for query in queries]
    if not queries or None in answers or is_dynamic(alarm.arguments, "metric_query") or not is_unset(alarm.arguments, "threshold_metric_id"):
        return
    if (count := answers.count(True)) != 1:
        yield Complaint(
            f"{count or 'none'} of its {len(queries)} metric_query blocks have return_data, and exactly one has to", ("return_data", "metric_query")
        )


def _alarm(**arguments: Any) -> dict[str, Any]:
    given = {"metric_name": "Errors", "namespace": "AWS/Lambda", "period": 300, "evaluation_periods": 2, **arguments}
    return {"resource": {ALARM: {"main": {name: value for name, value in given.items() if value is not None}}}}


def _queried(*returned: object, **arguments: Any) -> dict[str, Any]:
    queries: list[Mapping[str, Any]] = [
        {"id": f"m{index}", "expression": "1", **({} if one is None else {"return_data": one})} for index, one in enumerate(returned)
    ]
    return _alarm(metric_name=None, namespace=None, period=None, metric_query=queries, **arguments)


_PAGE = "https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_PutMetricAlarm.html"
_rule = partial(Rule, severity=Severity.HIGH, category=Category.AWS_CONSTRAINT)

RULES = (
    _rule(
        id="alarm-metric-missing",
        title="Alarm without a whole metric",
        documentation=_PAGE,
        check=partial(judged, (ALARM,), _metric),
        bad=(_alarm(metric_name=None), _alarm(namespace=None), _alarm(period=None)),
        good=(_alarm(), _queried(True), _alarm(metric_name=None, dynamic={"metric_query": {"for_each": "${var.queries}"}})),
    ),
    _rule(
        id="alarm-evaluation-range",
        title="Alarm that looks back too far",
        documentation=_PAGE,
        check=partial(judged, (ALARM,), _range),
        bad=(_alarm(period=300, evaluation_periods=289), _alarm(period=86400, evaluation_periods=8)),
        good=(_alarm(period=300, evaluation_periods=288), _alarm(period=3600, evaluation_periods=168), _alarm(period="${var.period}", evaluation_periods=500)),
    ),
    _rule(
        id="alarm-datapoints",
        title="Alarm that waits for more datapoints than it looks at",
        documentation=_PAGE,
        check=partial(judged, (ALARM,), _datapoints),
        bad=(_alarm(datapoints_to_alarm=3),),
        good=(_alarm(datapoints_to_alarm=2), _alarm(), _alarm(datapoints_to_alarm="${var.points}")),
    ),
    _rule(
        id="alarm-query-returned",
        title="Alarm whose queries return nothing, or several things",
        documentation="https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_MetricDataQuery.html",
        check=partial(judged, (ALARM,), _returned),
        bad=(_queried(None), _queried(True, True)),
        good=(_queried(True, None), _queried(True, "${var.returned}"), _queried(True, True, threshold_metric_id="m1"), _alarm()),
    ),
)
