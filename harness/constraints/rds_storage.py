"""Rules on what RDS stores and when it is maintained: storage sizes, IOPS, windows."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from harness.constraints.base import Rule, Violation
from harness.constraints.graph import Node, ResourceGraph
from harness.constraints.values import number, text
from harness.failures import Category, Severity

_INSTANCE = "aws_db_instance"
_OPEN_SOURCE = ("mysql", "mariadb", "postgres")
_DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_WEEK = 7 * 24 * 60
_WINDOWS = {
    _INSTANCE: ("backup_window", "maintenance_window"),
    "aws_rds_cluster": ("preferred_backup_window", "preferred_maintenance_window"),
    "aws_docdb_cluster": ("preferred_backup_window", "preferred_maintenance_window"),
    "aws_neptune_cluster": ("preferred_backup_window", "preferred_maintenance_window"),
}
_COPIES = ("replicate_source_db", "snapshot_identifier", "restore_to_point_in_time")


def storage_types(graph: ResourceGraph) -> Iterator[Violation]:
    """Storage has a least size by its type, and IOPS where the type wants or takes them.

    gp2 and gp3 begin at 20 GiB, io1 and io2 at 100 GiB. io1 and io2 need IOPS; on gp3 only volumes from 400 GiB take them.
    """
    for node in graph.of_type(_INSTANCE):
        if text(graph, node.arguments.get("engine")) not in _OPEN_SOURCE or any(node.arguments.get(name) for name in _COPIES):
            continue
        size, iops = number(graph, node.arguments.get("allocated_storage")), node.arguments.get("iops")
        # Without a type the provider's documentation says io1 where IOPS are given, and else gp2.
        kind = text(graph, node.arguments.get("storage_type") or ("gp2" if iops is None else "io1"))
        if wrong := _wrong_storage(graph, node, kind, size):
            yield Violation(f"{node.address}: {wrong}", (node,), ("allocated_storage", "storage_type", "iops", node.type), node.address)


def _wrong_storage(graph: ResourceGraph, node: Node, kind: str | None, size: float | None) -> str | None:
    iops, most = node.arguments.get("iops"), number(graph, node.arguments.get("max_allocated_storage"))
    least = {"gp2": 20, "gp3": 20, "io1": 100, "io2": 100}.get(kind or "", 0)
    fast = [name for name in ("iops", "storage_throughput") if number(graph, node.arguments.get(name))]
    if size is not None and size < least:
        return f"allocated_storage {size:g} GiB is below the {least} GiB that {kind} begins at"
    if kind in ("io1", "io2") and iops is None:
        return f"storage_type {kind} needs iops"
    if kind == "gp3" and fast and size is not None and size < 400:
        return f"gp3 takes {' and '.join(fast)} from 400 GiB on, and allocated_storage is {size:g} GiB"
    if size is not None and most and most < size:
        return f"max_allocated_storage {most:g} is below allocated_storage {size:g}"
    return None


def windows_lie_apart(graph: ResourceGraph) -> Iterator[Violation]:
    """The daily backup window and the weekly maintenance window last 30 minutes at least and do not overlap."""
    for node in graph.of_type(*_WINDOWS):
        backup_name, maintenance_name = _WINDOWS[node.type]
        backup, maintenance = text(graph, node.arguments.get(backup_name)), text(graph, node.arguments.get(maintenance_name))
        daily, weekly = _daily(backup), _weekly(maintenance)
        short = [window for window, span in ((backup, daily), (maintenance, weekly)) if span and span[1] < 30]
        if short:
            message = f"{node.address}: the window {short[0]} is shorter than 30 minutes"
        elif daily and weekly and any(_overlap((daily[0] + day * 1440, daily[1]), weekly) for day in range(7)):
            message = f"{node.address}: its {backup_name} {backup} overlaps its {maintenance_name} {maintenance}"
        else:
            continue
        yield Violation(message, (node,), (backup_name, maintenance_name, node.type), node.address)


def _daily(window: str | None) -> tuple[int, int] | None:
    """The start of `hh:mm-hh:mm` in minutes of the day, and how long it lasts."""
    match = re.fullmatch(r"(\d\d):(\d\d)-(\d\d):(\d\d)", window or "")
    if not match:
        return None
    first, last = int(match[1]) * 60 + int(match[2]), int(match[3]) * 60 + int(match[4])
    return first, (last - first) % 1440


def _weekly(window: str | None) -> tuple[int, int] | None:
    """The start of `ddd:hh:mm-ddd:hh:mm` in minutes of the week, and how long it lasts."""
    match = re.fullmatch(r"([a-z]{3}):(\d\d):(\d\d)-([a-z]{3}):(\d\d):(\d\d)", (window or "").lower())
    if not match or match[1] not in _DAYS or match[4] not in _DAYS:
        return None
    first, last = (_DAYS.index(match[at]) * 1440 + int(match[at + 1]) * 60 + int(match[at + 2]) for at in (1, 4))
    return first, (last - first) % _WEEK


def _overlap(one: tuple[int, int], other: tuple[int, int]) -> bool:
    """Whether two spans of the week, each a start and a length, share a minute."""
    return (other[0] - one[0]) % _WEEK < one[1] or (one[0] - other[0]) % _WEEK < other[1]


def _instance(**arguments: Any) -> dict[str, Any]:
    return {"resource": {_INSTANCE: {"main": {"engine": "postgres", "allocated_storage": 20, **arguments}}}}


def _windows(backup: str, maintenance: str) -> dict[str, Any]:
    return {"resource": {"aws_rds_cluster": {"main": {"preferred_backup_window": backup, "preferred_maintenance_window": maintenance}}}}


def _rule(id: str, title: str, check: Any, page: str, bad: tuple[Mapping[str, Any], ...], good: tuple[Mapping[str, Any], ...]) -> Rule:
    documentation = f"https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/{page}"
    return Rule(id, title, Severity.HIGH, Category.AWS_CONSTRAINT, documentation, check, bad, good)


RULES = (
    _rule(
        "rds-storage",
        "Storage size and IOPS that the type does not take",
        storage_types,
        "CHAP_Storage.html",
        (
            _instance(allocated_storage=10),
            _instance(storage_type="io1", allocated_storage=100),
            _instance(storage_type="io2", iops=3000),
            _instance(storage_type="gp3", iops=3000),
            _instance(max_allocated_storage=10),
        ),
        (
            _instance(),
            _instance(storage_type="standard", allocated_storage=5),
            _instance(storage_type="io1", allocated_storage="100", iops=1000),
            _instance(storage_type="gp3", allocated_storage=400, iops=12000),
            _instance(allocated_storage=10, engine="${var.engine}"),
            _instance(max_allocated_storage=100),
        ),
    ),
    _rule(
        "rds-windows",
        "Backup and maintenance windows that overlap, or are too short",
        windows_lie_apart,
        "USER_WorkingWithAutomatedBackups.html",
        (
            _windows("03:00-04:00", "sun:03:30-sun:04:30"),
            _windows("23:30-00:30", "sun:00:00-sun:01:00"),
            _windows("03:00-03:15", "sun:05:00-sun:06:00"),
        ),
        (_windows("03:00-04:00", "mon:04:00-mon:05:00"), _windows("${var.window}", "sun:03:30-sun:04:30"), _windows("04:00-05:00", "Sun:03:00-Sun:04:00")),
    ),
)
