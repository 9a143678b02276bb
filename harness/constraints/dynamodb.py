"""Rules on DynamoDB tables: keys, indexes, capacities and replicas."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from harness.constraints.base import Rule, Violation
from harness.constraints.graph import ResourceGraph
from harness.constraints.values import blocks, is_dynamic, number, text, truth
from harness.failures import Category, Severity

_TABLE = "aws_dynamodb_table"
_INDEXES = ("global_secondary_index", "local_secondary_index")


def table_names(graph: ResourceGraph) -> Iterator[Violation]:
    """Tables and indexes have names of 3 to 255 letters, digits, `_`, `-` and `.`; validate checks neither."""
    for table in graph.of_type(_TABLE):
        named = [("name", table.arguments), *((kind, index) for kind in _INDEXES for index in blocks(table.arguments, kind))]
        for kind, given in named:
            name = text(graph, given.get("name"))
            if name and not re.fullmatch(r"[\w.-]{3,255}", name, re.ASCII):
                message = f"{table.address}: the {kind} {name} is not 3 to 255 letters, digits, _, - and ."
                yield Violation(message, (table,), ("name", name, table.type), table.address)


def keys_differ(graph: ResourceGraph) -> Iterator[Violation]:
    """A key's two parts are two attributes."""
    for table in graph.of_type(_TABLE):
        keyed: list[tuple[str, Mapping[str, Any], object]] = [("table", table.arguments, table.arguments.get("hash_key"))]
        keyed += [("index", index, index.get("hash_key")) for index in blocks(table.arguments, _INDEXES[0])]
        keyed += [("index", index, table.arguments.get("hash_key")) for index in blocks(table.arguments, _INDEXES[1])]
        for kind, given, value in keyed:
            hashed, ranged = text(graph, value), text(graph, given.get("range_key"))
            if hashed and hashed == ranged:
                message = f"{table.address}: {hashed} is both hash_key and range_key of the {kind} {given.get('name')}"
                yield Violation(message, (table,), ("range_key", "hash_key", hashed, table.type), table.address)


def local_indexes_need_a_range(graph: ResourceGraph) -> Iterator[Violation]:
    """A local secondary index is another range key: a table without one takes none."""
    for table in graph.of_type(_TABLE):
        if blocks(table.arguments, "local_secondary_index") and table.arguments.get("range_key") is None:
            message = f"{table.address}: it has a local_secondary_index and no range_key"
            yield Violation(message, (table,), ("range_key", "local_secondary_index", table.type), table.address)


def projections(graph: ResourceGraph) -> Iterator[Violation]:
    """`non_key_attributes` belong to the projection INCLUDE, which needs them, and to no other."""
    for table in graph.of_type(_TABLE):
        for index in (index for kind in _INDEXES for index in blocks(table.arguments, kind)):
            kind, attributes = text(graph, index.get("projection_type")), index.get("non_key_attributes")
            if (kind == "INCLUDE" and not attributes) or (kind in ("ALL", "KEYS_ONLY") and attributes):
                message = f"{table.address}: the index {index.get('name')} has projection_type {kind} and {'' if attributes else 'no '}non_key_attributes"
                yield Violation(message, (table,), ("non_key_attributes", "projection_type", str(kind), table.type), table.address)


def index_names_differ(graph: ResourceGraph) -> Iterator[Violation]:
    """A table's indexes, global and local, have names of their own."""
    for table in graph.of_type(_TABLE):
        names = [text(graph, index.get("name")) for kind in _INDEXES for index in blocks(table.arguments, kind)]
        repeated = sorted({name for name in names if name and names.count(name) > 1})
        if repeated:
            message = f"{table.address}: two indexes are named {repeated[0]}"
            yield Violation(message, (table,), ("name", *repeated, *_INDEXES, table.type), table.address)


def index_capacities(graph: ResourceGraph) -> Iterator[Violation]:
    """Each global index of a provisioned table has capacities of its own, 1 at least."""
    for table in graph.of_type(_TABLE):
        if text(graph, table.arguments.get("billing_mode") or "PROVISIONED") != "PROVISIONED":
            continue
        for index in blocks(table.arguments, "global_secondary_index"):
            missing = [name for name in ("read_capacity", "write_capacity") if index.get(name) is None or number(graph, index.get(name)) == 0]
            if missing:
                message = f"{table.address}: the index {index.get('name')} of the provisioned table has no {' and no '.join(missing)}"
                yield Violation(message, (table,), (*missing, "global_secondary_index", "billing_mode", table.type), table.address)


def replicas_fit(graph: ResourceGraph) -> Iterator[Violation]:
    """A table with replicas has a stream and no fixed capacity, and its replicas are in other regions.

    Replicas (but strongly consistent ones) turn the stream on by themselves; a configuration without it tries to turn it off
    with the next apply, which DynamoDB refuses. Fixed capacity would have to be autoscaled before the replica is made.
    """
    for table in graph.of_type(_TABLE):
        replicas, region = blocks(table.arguments, "replica"), graph.region(table)
        enabled, mode = table.arguments.get("stream_enabled"), text(graph, table.arguments.get("billing_mode") or "PROVISIONED")
        if not replicas or is_dynamic(table.arguments, "replica"):
            continue
        eventual = all(replica.get("consistency_mode") in (None, "EVENTUAL") for replica in replicas)
        if region and any(text(graph, replica.get("region_name")) == region for replica in replicas):
            message, name = f"{table.address}: a replica is in {region}, where the table itself is", "region_name"
        elif eventual and (enabled is None or truth(graph, enabled) is False):
            message, name = f"{table.address}: replicas need stream_enabled; the next apply tries to turn their stream off", "stream_enabled"
        elif mode == "PROVISIONED":
            message, name = f"{table.address}: replicas need billing_mode PAY_PER_REQUEST, or capacity that is autoscaled before they are made", "billing_mode"
        else:
            continue
        yield Violation(message, (table,), (name, "replica", table.type), table.address)


def scaling_of_a_provisioned_table(graph: ResourceGraph) -> Iterator[Violation]:
    """Capacity is scaled on provisioned tables; an on-demand table has none to scale."""
    for target in graph.of_type("aws_appautoscaling_target"):
        if text(graph, target.arguments.get("service_namespace")) != "dynamodb":
            continue
        table = graph.target(target.arguments.get("resource_id"), _TABLE)
        if table and text(graph, table.arguments.get("billing_mode")) == "PAY_PER_REQUEST":
            message = f"{target.address}: it scales {table.address}, which is PAY_PER_REQUEST and has no capacity to scale"
            yield Violation(message, (target, table), ("billing_mode", "PAY_PER_REQUEST", table.address, target.type), target.address)


def _table(**arguments: Any) -> dict[str, Any]:
    table = {"name": "orders", "billing_mode": "PAY_PER_REQUEST", "hash_key": "id"} | arguments
    return {"provider": {"aws": [{"region": "eu-west-1"}]}, "resource": {_TABLE: {"main": table}}}


def _index(kind: str = "global_secondary_index", table: Mapping[str, Any] | None = None, **arguments: Any) -> dict[str, Any]:
    return _table(**{kind: [{"name": "by-day", "hash_key": "day", "projection_type": "ALL", **arguments}]}, **(table or {}))


def _scaled(mode: str) -> dict[str, Any]:
    stack = _table(billing_mode=mode)
    target = {"service_namespace": "dynamodb", "resource_id": "table/${aws_dynamodb_table.main.name}"}
    stack["resource"]["aws_appautoscaling_target"] = {"main": target}
    return stack


def _replicated(region: str, **arguments: Any) -> dict[str, Any]:
    return _table(replica=[{"region_name": region}], **arguments)


def _rule(id: str, title: str, check: Any, bad: tuple[Mapping[str, Any], ...], good: tuple[Mapping[str, Any], ...], **changed: Any) -> Rule:
    page = "https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_CreateTable.html"
    common = {"severity": Severity.HIGH, "category": Category.AWS_CONSTRAINT, "documentation": page} | changed
    return Rule(id=id, title=title, check=check, bad=bad, good=good, **common)


_TWO = [{"name": "by-day", "hash_key": "day", "projection_type": "ALL"}]
_STREAM = {"stream_enabled": True, "stream_view_type": "NEW_AND_OLD_IMAGES"}

RULES = (
    _rule(
        "dynamodb-name",
        "Table or index name that DynamoDB does not take",
        table_names,
        (_table(name="my orders"), _table(name="ab"), _index(name="by day")),
        (_table(name="my.orders_-1"), _table(name="${var.name} table"), _index()),
    ),
    _rule(
        "dynamodb-key-repeated",
        "One attribute for both parts of a key",
        keys_differ,
        (_table(range_key="id"), _index(range_key="day"), _index("local_secondary_index", {"range_key": "at"}, range_key="id")),
        (_table(range_key="at"), _table(), _index(hash_key="id", range_key="day")),
    ),
    _rule(
        "dynamodb-local-index",
        "Local index on a table without a range key",
        local_indexes_need_a_range,
        (_index("local_secondary_index", range_key="day"),),
        (_index("local_secondary_index", {"range_key": "at"}, range_key="day"), _table()),
        documentation="https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/LSI.html",
    ),
    _rule(
        "dynamodb-projection",
        "Projection and attributes that do not go together",
        projections,
        (_index(projection_type="INCLUDE"), _index(non_key_attributes=["total"])),
        (_index(), _index(projection_type="INCLUDE", non_key_attributes=["total"]), _index(projection_type="${var.kind}")),
        documentation="https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_Projection.html",
    ),
    _rule(
        "dynamodb-index-repeated",
        "Two indexes with one name",
        index_names_differ,
        (_table(global_secondary_index=[*_TWO, *_TWO]), _table(global_secondary_index=_TWO, local_secondary_index=_TWO, range_key="at")),
        (_table(global_secondary_index=[*_TWO, {"name": "by-hour", "hash_key": "hour"}]), _table()),
    ),
    _rule(
        "dynamodb-index-capacity",
        "Global index of a provisioned table without capacity",
        index_capacities,
        (_index(table={"billing_mode": "PROVISIONED"}), _index(table={"billing_mode": None}, read_capacity=5)),
        (
            _index(),
            _index(table={"billing_mode": "PROVISIONED"}, read_capacity=5, write_capacity="${var.units}"),
            _index(table={"billing_mode": "${var.mode}"}),
        ),
        documentation="https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_GlobalSecondaryIndex.html",
    ),
    _rule(
        "dynamodb-replica",
        "Replica without a stream, of a fixed capacity, or in the table's own region",
        replicas_fit,
        (_replicated("eu-north-1"), _replicated("eu-north-1", billing_mode="PROVISIONED", **_STREAM), _replicated("eu-west-1", **_STREAM)),
        (_replicated("eu-north-1", **_STREAM), _replicated("${var.region}", **_STREAM), _table()),
        documentation="https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/V2globaltables_HowItWorks.html",
    ),
    _rule(
        "dynamodb-scaling-on-demand",
        "Autoscaling of an on-demand table",
        scaling_of_a_provisioned_table,
        (_scaled("PAY_PER_REQUEST"),),
        (_scaled("PROVISIONED"), _scaled("${var.mode}")),
        severity=Severity.MEDIUM,
        category=Category.ARCHITECTURE,
        documentation="https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/AutoScaling.html",
    ),
)
