"""A rule on kinds of instances (`t3.micro`, `db.r6g.large`): which sizes a family has, and where AWS offers it.

cfn-lint takes the lists, region by region, from AWS's price list.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from harness.constraints.aws_schema import values_at
from harness.constraints.aws_schema_data import InstanceArgument, instance_argument, instances, library_version
from harness.constraints.base import Rule, Violation
from harness.constraints.graph import Node, ResourceGraph
from harness.constraints.values import text
from harness.failures import Category, Severity

_BY_ENGINE = ("aws_db_instance",)
"""Types whose engine decides on the classes, and stands beside them."""


def instances_exist(graph: ResourceGraph) -> Iterator[Violation]:
    """A size is one that its family has, and the region that the stack names offers it.

    A family that no region lists may be newer than the lists, and is not judged; nor is what is not written like a kind of instance at all.
    """
    for node in graph.nodes:
        argument = None if node.is_data else instance_argument(node.type)
        if argument is None:
            continue
        for value in values_at(node.arguments, argument.path):
            written = text(graph, value)
            if written and (said := _wrong(graph, node, argument, written)):
                path = ".".join(argument.path)
                symbols = (argument.path[-1], written, node.address.rpartition(".")[2], node.type)
                yield Violation(f"{node.address}: {path} {written} {said}", (node,), symbols, f"{node.address}.{path}")


def _wrong(graph: ResourceGraph, node: Node, argument: InstanceArgument, written: str) -> str:
    family = _family(argument, written)
    if not family:
        return ""
    engine = text(graph, node.arguments.get("engine")) if node.type in _BY_ENGINE else None
    offered = instances(argument.file, engine)
    region = graph.region(node)
    everywhere = frozenset().union(*offered.values())
    sizes = sorted((one for one in everywhere if _family(argument, one) == family), key=_by_size)
    if not sizes:
        return ""
    if written not in everywhere:
        return f"does not exist{f' for {engine}' if engine else ''}: {family} has {', '.join(sizes)}"
    if region is not None and region in offered and written not in offered[region]:
        return f"is not offered in {region}"
    return ""


def _family(argument: InstanceArgument, written: str) -> str:
    """`db.t3` of `db.t3.micro`; empty where the text is not written like a kind of instance of this service."""
    if not (written.startswith(argument.prefix) and written.endswith(argument.suffix)):
        return ""
    return written.removesuffix(argument.suffix).rpartition(".")[0]


def _by_size(kind: str) -> tuple[int, str]:
    return len(kind), kind


def _one(kind: str, region: str | None = None, **arguments: Any) -> dict[str, Any]:
    return {"provider": {"aws": [{"region": region or "${var.region}"}]}, "resource": {kind: {"main": arguments}}}


def _domain(kind: str) -> dict[str, Any]:
    return _one("aws_opensearch_domain", cluster_config=[{"instance_type": kind}])


_BAD: Iterable[dict[str, Any]] = (
    _one("aws_instance", instance_type="t3.tiny"),
    _one("aws_instance", region="ap-southeast-7", instance_type="t2.micro"),
    _one("aws_db_instance", engine="postgres", instance_class="db.m5.micro"),
    _one("aws_db_instance", engine="sqlserver-ee", instance_class="db.t3.micro"),
    _one("aws_elasticache_replication_group", node_type="cache.t3.large"),
    _domain("t3.large.search"),
)
_GOOD: Iterable[dict[str, Any]] = (
    _one("aws_instance", instance_type="t3.micro"),
    _one("aws_instance", instance_type="t3.${var.size}"),
    _one("aws_instance", region="us-east-1", instance_type="t2.micro"),
    _one("aws_instance", instance_type="z99.large"),
    _one("aws_instance", instance_type="micro"),
    _one("aws_db_instance", engine="postgres", instance_class="db.t3.micro"),
    _one("aws_db_instance", engine="${var.engine}", instance_class="db.t3.micro"),
    _one("aws_rds_cluster_instance", engine="aurora-postgresql", instance_class="db.serverless"),
    _one("aws_elasticache_replication_group", node_type="cache.t3.medium"),
    _domain("t3.small.search"),
)

RULES = (
    Rule(
        id="aws-instance-type",
        title="A kind of instance that AWS does not offer",
        severity=Severity.HIGH,
        category=Category.AWS_CONSTRAINT,
        documentation="https://docs.aws.amazon.com/ec2/latest/instancetypes/instance-types.html",
        check=instances_exist,
        bad=tuple(_BAD),
        good=tuple(_GOOD),
        version=f"1, cfn-lint {library_version()}",
    ),
)
