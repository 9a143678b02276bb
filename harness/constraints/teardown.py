"""Rules on taking a stack down again: what `terraform destroy` cannot do with what the stack says."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from harness.constraints.base import Rule, Violation
from harness.constraints.graph import ResourceGraph
from harness.constraints.values import truth
from harness.failures import Category, Severity

_WITH_FINAL_SNAPSHOT = ("aws_db_instance", "aws_rds_cluster", "aws_docdb_cluster", "aws_neptune_cluster", "aws_redshift_cluster")


def final_snapshots_have_names(graph: ResourceGraph) -> Iterator[Violation]:
    """A database is deleted with a final snapshot unless `skip_final_snapshot` says no, and the provider then asks for its name.

    Nothing shows before the destroy (or the replacement), which the provider refuses.
    """
    for node in graph.of_type(*_WITH_FINAL_SNAPSHOT):
        skip = node.arguments.get("skip_final_snapshot")
        if (skip is None or truth(graph, skip) is False) and node.arguments.get("final_snapshot_identifier") is None:
            message = f"{node.address}: it can never be destroyed: it has neither skip_final_snapshot nor a final_snapshot_identifier"
            yield Violation(message, (node,), ("skip_final_snapshot", "final_snapshot_identifier", node.type), node.address)


def _database(kind: str = "aws_db_instance", **arguments: Any) -> dict[str, Any]:
    return {"resource": {kind: {"main": arguments}}}


RULES = (
    Rule(
        id="final-snapshot-name",
        title="Database that cannot be destroyed: no name for its final snapshot",
        severity=Severity.HIGH,
        category=Category.AWS_CONSTRAINT,
        documentation="https://registry.terraform.io/providers/hashicorp/aws/5.100.0/docs/resources/db_instance",
        check=final_snapshots_have_names,
        bad=(_database(), _database("aws_rds_cluster", skip_final_snapshot=False), _database("aws_docdb_cluster", skip_final_snapshot="false")),
        good=(
            _database(skip_final_snapshot=True),
            _database(final_snapshot_identifier="last"),
            _database(skip_final_snapshot="${var.skip}"),
            _database("aws_elasticache_cluster"),
        ),
    ),
)
