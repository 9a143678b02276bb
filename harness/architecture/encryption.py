"""What the ideal encrypts and the tree does not."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from harness.architecture.base import Rule, Sides
from harness.constraints.base import Violation
from harness.constraints.graph import Node, ResourceGraph
from harness.constraints.values import nested, text, truth
from harness.failures import Category, Severity

Encrypted = Callable[[ResourceGraph, Node], bool]


def _flag(argument: str) -> Encrypted:
    return lambda graph, node: _given(graph, node.arguments.get(argument))


def _nested_flag(*path: str) -> Encrypted:
    *blocks, argument = path
    return lambda graph, node: any(_given(graph, block.get(argument)) for block in nested(node.arguments, *blocks))


def _set(argument: str) -> Encrypted:
    return lambda graph, node: bool(node.arguments.get(argument))


def _word(argument: str, *words: str) -> Encrypted:
    return lambda graph, node: text(graph, node.arguments.get(argument)) in words


def _given(graph: ResourceGraph, value: object) -> bool:
    """True, or something that only a plan knows: a value that was thought of."""
    return truth(graph, value) is True or (value is not None and text(graph, value) is None and not isinstance(value, bool))


_ENCRYPTION: Mapping[str, Mapping[str, Encrypted]] = {
    "aws_db_instance": {"its storage": _flag("storage_encrypted")},
    "aws_rds_cluster": {"its storage": _flag("storage_encrypted")},
    "aws_docdb_cluster": {"its storage": _flag("storage_encrypted")},
    "aws_neptune_cluster": {"its storage": _flag("storage_encrypted")},
    "aws_ebs_volume": {"the volume": _flag("encrypted")},
    "aws_efs_file_system": {"the file system": _flag("encrypted")},
    "aws_instance": {"its root volume": _nested_flag("root_block_device", "encrypted")},
    "aws_launch_template": {"its volumes": _nested_flag("block_device_mappings", "ebs", "encrypted")},
    "aws_redshift_cluster": {"the cluster": _flag("encrypted")},
    "aws_dynamodb_table": {"the table with a key of its own": _nested_flag("server_side_encryption", "enabled")},
    "aws_elasticache_replication_group": {"data at rest": _flag("at_rest_encryption_enabled"), "data in transit": _flag("transit_encryption_enabled")},
    "aws_opensearch_domain": {
        "data at rest": _nested_flag("encrypt_at_rest", "enabled"),
        "traffic between nodes": _nested_flag("node_to_node_encryption", "enabled"),
    },
    "aws_elasticsearch_domain": {"data at rest": _nested_flag("encrypt_at_rest", "enabled")},
    "aws_kinesis_stream": {"the stream": _word("encryption_type", "KMS")},
    "aws_cloudwatch_log_group": {"the logs with a key of its own": _set("kms_key_id")},
    "aws_sns_topic": {"messages": _set("kms_master_key_id")},
    "aws_sqs_queue": {
        "messages": lambda graph, node: bool(node.arguments.get("kms_master_key_id")) or _given(graph, node.arguments.get("sqs_managed_sse_enabled"))
    },
    "aws_secretsmanager_secret": {"the secret with a key of its own": _set("kms_key_id")},
    "aws_cloudtrail": {"the trail with a key of its own": _set("kms_key_id")},
    "aws_backup_vault": {"the vault with a key of its own": _set("kms_key_arn")},
    "aws_lb_listener": {"traffic": _word("protocol", "HTTPS", "TLS")},
    "aws_sagemaker_endpoint_configuration": {"the volumes": _set("kms_key_arn")},
}
"""By type: what can be encrypted, and how one sees that it is."""


def nothing_less_is_encrypted(sides: Sides) -> Iterator[Violation]:
    """What the ideal encrypts everywhere, the tree encrypts too."""
    for graph, node in sides.nodes(*_ENCRYPTION):
        there = sides.counterparts(node)
        for what, encrypted in _ENCRYPTION[node.type].items():
            if there and all(encrypted(other_graph, other) for other_graph, other in there) and not encrypted(graph, node):
                name = node.address.rpartition(".")[2]
                yield Violation(f"{node.address}: it does not encrypt {what}, which the ideal's does", (node,), (name, node.type), f"{node.address}: {what}")


def _one(kind: str, **arguments: Any) -> dict[str, Any]:
    return {"resource": {kind: {"main": arguments}}}


RULES = (
    Rule(
        id="encryption-dropped",
        title="Not encrypted where the ideal is",
        severity=Severity.HIGH,
        category=Category.SECURITY,
        documentation="https://docs.aws.amazon.com/wellarchitected/latest/security-pillar/sec_protect_data_rest_encrypt.html",
        check=nothing_less_is_encrypted,
        bad=(
            (_one("aws_db_instance"), _one("aws_db_instance", storage_encrypted=True)),
            (_one("aws_sns_topic"), _one("aws_sns_topic", kms_master_key_id="${aws_kms_key.main.id}")),
            (_one("aws_lb_listener", protocol="HTTP"), _one("aws_lb_listener", protocol="HTTPS")),
        ),
        good=(
            (_one("aws_db_instance", storage_encrypted="true"), _one("aws_db_instance", storage_encrypted=True)),
            (_one("aws_db_instance", storage_encrypted="${var.encrypted}"), _one("aws_db_instance", storage_encrypted=True)),
            (_one("aws_db_instance"), _one("aws_db_instance")),
            (_one("aws_db_instance"), _one("aws_vpc")),
        ),
    ),
)
