"""Rules on what becomes of objects: lifecycle, object lock and replication."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from functools import partial
from itertools import pairwise
from typing import Any

from harness.constraints.base import Rule
from harness.constraints.findings import Complaint, is_unset, judged
from harness.constraints.graph import Node, ResourceGraph
from harness.constraints.s3 import BUCKET, bucket_of, of_bucket
from harness.constraints.values import blocks, is_dynamic, is_repeated, nested, number, text, truth
from harness.failures import Category, Severity

LIFECYCLE, REPLICATION = "aws_s3_bucket_lifecycle_configuration", "aws_s3_bucket_replication_configuration"
OBJECT_LOCK, VERSIONING = "aws_s3_bucket_object_lock_configuration", "aws_s3_bucket_versioning"
_GUIDE = "https://docs.aws.amazon.com/AmazonS3/latest/userguide/"
# Objects go down this list only, whether or not they stop at each class.
_WATERFALL = ("STANDARD_IA", "INTELLIGENT_TIERING", "ONEZONE_IA", "GLACIER_IR", "GLACIER", "DEEP_ARCHIVE")
_MOVES = (
    ("transition", "days", "expiration", "days"),
    ("noncurrent_version_transition", "noncurrent_days", "noncurrent_version_expiration", "noncurrent_days"),
)


def _moves(graph: ResourceGraph, rule: Any, block: str, argument: str) -> list[tuple[str, float]]:
    """The transitions of a rule as class and days, where both are known and days alone decide."""
    counted = [move for move in blocks(rule, block) if is_unset(move, "newer_noncurrent_versions")]
    found = [(text(graph, move.get("storage_class")), number(graph, move.get(argument))) for move in counted]
    return [(kind, days) for kind, days in found if kind in _WATERFALL and days is not None]


def _named(graph: ResourceGraph, rule: Any) -> str:
    return f"the rule {text(graph, rule.get('id')) or ''!r}"


def _order(graph: ResourceGraph, node: Node) -> Iterator[Complaint]:
    """Storage classes are a waterfall, so that a lower one comes later."""
    for rule in blocks(node.arguments, "rule"):
        for block, argument, _, _ in _MOVES:
            moves = sorted(_moves(graph, rule, block, argument), key=lambda move: _WATERFALL.index(move[0]))
            for (upper, earlier), (lower, later) in pairwise(moves):
                if upper != lower and later <= earlier:
                    yield Complaint(
                        f"{_named(graph, rule)} moves objects to {lower} after {later:g} days and to {upper} after {earlier:g}, against the order of classes",
                        (lower, upper, argument),
                    )


def _expiration(graph: ResourceGraph, node: Node) -> Iterator[Complaint]:
    """What expires was moved before: days to expiration are more than those to each transition."""
    for rule in blocks(node.arguments, "rule"):
        for block, argument, end, end_argument in _MOVES:
            ends = [
                days
                for last in blocks(rule, end)
                if (days := number(graph, last.get(end_argument))) is not None and is_unset(last, "newer_noncurrent_versions")
            ]
            for kind, days in _moves(graph, rule, block, argument):
                if ends and ends[0] > 0 and ends[0] <= days:
                    yield Complaint(
                        f"{_named(graph, rule)} deletes objects after {ends[0]:g} days, but moves them to {kind} after {days:g}", (end, kind, end_argument)
                    )


def is_versioned(graph: ResourceGraph, bucket: Node) -> bool | None:
    """Whether the stack enables a bucket's versioning, as object lock does by itself; None where that is not known."""
    if not is_unset(bucket.arguments, "versioning") or is_dynamic(bucket.arguments, "versioning"):
        return None
    locked = bucket.arguments.get("object_lock_enabled")
    if locked is not None and truth(graph, locked) is not False:
        return True
    if locked is None and blocks(bucket.arguments, "object_lock_configuration"):
        return True
    found = of_bucket(graph, bucket, VERSIONING)
    if found is None:
        return None
    states = [text(graph, block.get("status")) for node in found for block in nested(node.arguments, "versioning_configuration")]
    return None if None in states else "Enabled" in states


def _lock(graph: ResourceGraph, node: Node) -> Iterator[Complaint]:
    """Object lock keeps versions, so that the bucket has to be versioned."""
    bucket = bucket_of(graph, node.arguments.get("bucket"))
    if bucket is not None and not is_repeated(node) and is_versioned(graph, bucket) is False:
        yield Complaint(f"nothing enables the versioning of {bucket.address}, which object lock needs", (VERSIONING, "object_lock_enabled"), (bucket,))


def _versions(graph: ResourceGraph, node: Node) -> Iterator[Complaint]:
    """Replication is from a versioned bucket to a versioned bucket."""
    ends = [node.arguments.get("bucket"), *(block.get("bucket") for block in nested(node.arguments, "rule", "destination"))]
    for number_, value in enumerate(ends):
        bucket = bucket_of(graph, value)
        if bucket is not None and is_versioned(graph, bucket) is False:
            role = "destination" if number_ else "source"
            yield Complaint(f"nothing enables the versioning of {bucket.address}, its {role}", (VERSIONING, role), (bucket,))


def _schema(graph: ResourceGraph, node: Node) -> Iterator[Complaint]:
    """A rule with a filter is of the newer kind: it says what happens to delete markers, and has a priority of its own; without one it cannot."""
    if is_dynamic(node.arguments, "rule"):
        return
    rules = blocks(node.arguments, "rule")
    for rule in rules:
        filtered, marked = "filter" in rule and rule["filter"] is not None and rule["filter"] != [], blocks(rule, "delete_marker_replication")
        if filtered and not marked:
            yield Complaint(f"{_named(graph, rule)} has a filter, and then needs delete_marker_replication", ("delete_marker_replication", "filter"))
        elif marked and not filtered and not is_dynamic(rule, "filter"):
            yield Complaint(f"{_named(graph, rule)} has delete_marker_replication without a filter", ("filter", "delete_marker_replication"))
        enabled = any(text(graph, block.get("status")) == "Enabled" for block in marked)
        if enabled and any(blocks(block, "tag") or any(block_.get("tags") for block_ in blocks(block, "and")) for block in blocks(rule, "filter")):
            yield Complaint(f"{_named(graph, rule)} chooses by tags, and then delete markers cannot be replicated", ("delete_marker_replication", "tag"))
    given = [text(graph, rule.get("priority", 0)) for rule in rules if blocks(rule, "filter")]
    if None not in given:
        for priority, count in Counter(given).items():
            if count > 1:
                yield Complaint(f"{count} rules have the priority {priority}", ("priority", str(priority)))


def _time(graph: ResourceGraph, node: Node) -> Iterator[Complaint]:
    """Replication time control comes with metrics, and both know 15 minutes only."""
    for block in nested(node.arguments, "rule", "destination"):
        if any(text(graph, timed.get("status")) == "Enabled" for timed in blocks(block, "replication_time")) and not blocks(block, "metrics"):
            yield Complaint("replication_time is enabled without metrics, which it needs", ("metrics", "replication_time"))
        for timed in (*nested(block, "replication_time", "time"), *nested(block, "metrics", "event_threshold")):
            minutes = number(graph, timed.get("minutes"))
            if minutes is not None and minutes != 15:
                yield Complaint(f"it is to replicate within {minutes:g} minutes, and S3 offers 15", ("minutes", "replication_time"))


def _lifecycle(**rule: Any) -> dict[str, Any]:
    return {"resource": {LIFECYCLE: {"main": {"bucket": "files", "rule": [{"id": "archive", "status": "Enabled", **rule}]}}}}


def _to(*moves: tuple[str, Any]) -> list[dict[str, Any]]:
    return [{"storage_class": kind, "days": days} for kind, days in moves]


def _replicated(*rules: dict[str, Any], versioned: tuple[str, ...] = ("main", "copy"), status: str = "Enabled") -> dict[str, Any]:
    full = [{"status": "Enabled", "destination": {"bucket": "${aws_s3_bucket.copy.arn}"}, **rule} for rule in rules or ({},)]
    return {
        "resource": {
            BUCKET: {"main": {"bucket": "files"}, "copy": {"bucket": "copies"}},
            VERSIONING: {name: {"bucket": f"${{aws_s3_bucket.{name}.id}}", "versioning_configuration": {"status": status}} for name in versioned},
            REPLICATION: {"main": {"bucket": "${aws_s3_bucket.main.id}", "role": "${aws_iam_role.main.arn}", "rule": full}},
        }
    }


def _locked(bucket: dict[str, Any] | None = None, **resources: Any) -> dict[str, Any]:
    return {"resource": {BUCKET: {"main": bucket or {"bucket": "files"}}, OBJECT_LOCK: {"main": {"bucket": "${aws_s3_bucket.main.id}"}}, **resources}}


def _with(**destination: Any) -> dict[str, Any]:
    return _replicated({"destination": {"bucket": "${aws_s3_bucket.copy.arn}", **destination}})


_VERSIONED = {"main": {"bucket": "${aws_s3_bucket.main.id}", "versioning_configuration": [{"status": "Enabled"}]}}
_MARKED = {"filter": {}, "delete_marker_replication": {"status": "Enabled"}}
_15 = {"status": "Enabled", "time": {"minutes": 15}}


def _rule(id_: str, title: str, page: str, kind: str, judge: Any, bad: Any, good: Any) -> Rule:
    return Rule(id_, title, Severity.HIGH, Category.AWS_CONSTRAINT, _GUIDE + page, partial(judged, (kind,), judge), bad=tuple(bad), good=tuple(good))


RULES = (
    _rule(
        "s3-lifecycle-order",
        "Transitions against the order of storage classes",
        "lifecycle-transition-general-considerations.html",
        LIFECYCLE,
        _order,
        bad=(
            _lifecycle(transition=_to(("GLACIER", 30), ("STANDARD_IA", 60))),
            _lifecycle(transition=_to(("STANDARD_IA", 90), ("GLACIER", 90))),
            _lifecycle(
                noncurrent_version_transition=[{"storage_class": "DEEP_ARCHIVE", "noncurrent_days": 30}, {"storage_class": "GLACIER", "noncurrent_days": 90}]
            ),
        ),
        good=(
            _lifecycle(transition=_to(("GLACIER", 90), ("STANDARD_IA", 30), ("DEEP_ARCHIVE", 365))),
            _lifecycle(transition=_to(("STANDARD_IA", "${var.days}"), ("GLACIER", 30))),
            _lifecycle(
                transition=_to(("GLACIER", 90)),
                noncurrent_version_transition={"storage_class": "STANDARD_IA", "noncurrent_days": 90},
            ),
            _lifecycle(
                noncurrent_version_transition=[
                    {"storage_class": "STANDARD_IA", "noncurrent_days": 30, "newer_noncurrent_versions": 2},
                    {"storage_class": "GLACIER", "noncurrent_days": 30},
                ]
            ),
        ),
    ),
    _rule(
        "s3-lifecycle-expiration",
        "Expiration that is not after the transitions",
        "intro-lifecycle-rules.html",
        LIFECYCLE,
        _expiration,
        bad=(
            _lifecycle(transition=_to(("GLACIER", 90)), expiration={"days": 30}),
            _lifecycle(transition=_to(("GLACIER", 90)), expiration=[{"days": 90}]),
            _lifecycle(
                noncurrent_version_transition={"storage_class": "GLACIER", "noncurrent_days": 60}, noncurrent_version_expiration={"noncurrent_days": 30}
            ),
        ),
        good=(
            _lifecycle(transition=_to(("GLACIER", 90)), expiration={"days": 91}),
            _lifecycle(transition=_to(("GLACIER", 90)), expiration={"expired_object_delete_marker": True}),
            _lifecycle(transition=_to(("GLACIER", 90)), noncurrent_version_expiration={"noncurrent_days": 30}),
            _lifecycle(transition=_to(("GLACIER", "${var.days}")), expiration={"days": 30}),
        ),
    ),
    _rule(
        "s3-object-lock-versioning",
        "Object lock without versioning",
        "object-lock.html",
        OBJECT_LOCK,
        _lock,
        bad=(_locked(), _locked(**{VERSIONING: {"main": {**_VERSIONED["main"], "versioning_configuration": {"status": "Suspended"}}}})),
        good=(
            _locked(**{VERSIONING: _VERSIONED}),
            _locked({"bucket": "files", "object_lock_enabled": True}),
            _locked(**{VERSIONING: {"main": {"bucket": "${var.bucket}", "versioning_configuration": {"status": "Enabled"}}}}),
            {"resource": {OBJECT_LOCK: {"main": {"bucket": "${var.bucket}"}}}},
        ),
    ),
    _rule(
        "s3-replication-versioning",
        "Replication without versioning",
        "replication-requirements.html",
        REPLICATION,
        _versions,
        bad=(_replicated(versioned=("copy",)), _replicated(versioned=("main",)), _replicated(status="Suspended")),
        good=(_replicated(), _replicated({"destination": {"bucket": "arn:aws:s3:::elsewhere"}}, versioned=("main",)), _replicated(status="${var.status}")),
    ),
    _rule(
        "s3-replication-rule",
        "Replication rule that mixes the two kinds of rules",
        "replication-add-config.html",
        REPLICATION,
        _schema,
        bad=(
            _replicated({"filter": {"prefix": "a/"}}),
            _replicated({"delete_marker_replication": {"status": "Enabled"}}),
            _replicated({**_MARKED, "filter": {"tag": {"key": "a", "value": "b"}}}),
            _replicated({**_MARKED, "priority": 1}, {**_MARKED, "priority": "1"}),
        ),
        good=(
            _replicated(_MARKED),
            _replicated({"prefix": "a/"}),
            _replicated({**_MARKED, "priority": 1}, {**_MARKED, "priority": 2}),
            _replicated({"filter": {"tag": {"key": "a", "value": "b"}}, "delete_marker_replication": {"status": "Disabled"}}),
        ),
    ),
    _rule(
        "s3-replication-time",
        "Replication time control that S3 does not offer",
        "replication-time-control.html",
        REPLICATION,
        _time,
        bad=(_with(replication_time=_15), _with(replication_time={"status": "Enabled", "time": {"minutes": 30}}, metrics={"status": "Enabled"})),
        good=(
            _with(replication_time=_15, metrics={"status": "Enabled", "event_threshold": {"minutes": 15}}),
            _with(metrics={"status": "Enabled"}),
            _with(replication_time={"status": "Disabled", "time": {"minutes": 15}}),
        ),
    ),
)
