"""Rules on the prefixes that Firehose writes to."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import partial
from typing import Any

from harness.constraints.base import Rule
from harness.constraints.findings import Complaint, is_unset, judged
from harness.constraints.graph import Node, ResourceGraph
from harness.constraints.values import blocks, is_dynamic, truth
from harness.failures import Category, Severity

FIREHOSE = "aws_kinesis_firehose_delivery_stream"


def _error_prefix(graph: ResourceGraph, stream: Node) -> Iterator[Complaint]:
    """Where a prefix has expressions, failed records need a prefix of their own."""
    for block in blocks(stream.arguments, "extended_s3_configuration"):
        prefix = block.get("prefix")
        if isinstance(prefix, str) and "!{" in prefix and is_unset(block, "error_output_prefix"):
            yield Complaint(f"its prefix {prefix!r} has expressions, and it has no error_output_prefix", ("error_output_prefix", "prefix"))


def _partitioned(graph: ResourceGraph, stream: Node) -> Iterator[Complaint]:
    """Keys of a partition in a prefix are there with dynamic partitioning only."""
    for block in blocks(stream.arguments, "extended_s3_configuration"):
        prefix, on = block.get("prefix"), [truth(graph, inner.get("enabled", False)) for inner in blocks(block, "dynamic_partitioning_configuration")]
        used = [name for name in ("partitionKeyFromQuery", "partitionKeyFromLambda") if isinstance(prefix, str) and f"!{{{name}:" in prefix]
        if used and all(one is False for one in on) and not is_dynamic(block, "dynamic_partitioning_configuration"):
            sentence = f"its prefix uses {' and '.join(used)}, and dynamic_partitioning_configuration is not enabled"
            yield Complaint(sentence, ("dynamic_partitioning_configuration", *used))


def _s3(**block: Any) -> dict[str, Any]:
    return {"resource": {FIREHOSE: {"main": {"name": "main", "destination": "extended_s3", "extended_s3_configuration": block}}}}


_PARTITIONED: Mapping[str, Any] = {"dynamic_partitioning_configuration": {"enabled": True}}
_KEYED = "orders/!{partitionKeyFromQuery:region}/"
_rule = partial(Rule, severity=Severity.HIGH, category=Category.AWS_CONSTRAINT)

RULES = (
    _rule(
        id="firehose-error-prefix",
        title="Prefix with expressions and none for errors",
        documentation="https://docs.aws.amazon.com/firehose/latest/dev/s3-prefixes.html",
        check=partial(judged, (FIREHOSE,), _error_prefix),
        bad=(_s3(prefix="orders/!{timestamp:yyyy}/"),),
        good=(_s3(prefix="orders/!{timestamp:yyyy}/", error_output_prefix="errors/!{firehose:error-output-type}/"), _s3(prefix="orders/")),
    ),
    _rule(
        id="firehose-partition-keys",
        title="Partition keys without dynamic partitioning",
        documentation="https://docs.aws.amazon.com/firehose/latest/dev/dynamic-partitioning.html",
        check=partial(judged, (FIREHOSE,), _partitioned),
        bad=(_s3(prefix=_KEYED), _s3(prefix=_KEYED, dynamic_partitioning_configuration={"enabled": False})),
        good=(_s3(prefix=_KEYED, **_PARTITIONED), _s3(prefix="orders/!{timestamp:yyyy}/")),
    ),
)
