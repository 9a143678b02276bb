"""Rules on OpenSearch domains, MSK clusters, Kinesis streams and EFS file systems."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from harness.constraints.base import Rule, Violation
from harness.constraints.graph import ResourceGraph
from harness.constraints.values import blocks, is_dynamic, number, text, truth
from harness.failures import Category, Severity

_DOMAINS = ("aws_opensearch_domain", "aws_elasticsearch_domain")
_EBS_ONLY = re.compile(r"(t2|t3|m4|m5|m6g|m7g|c4|c5|c6g|c7g|r4|r5|r6g|r7g)\.\w+\.(search|elasticsearch)")


def _off(graph: ResourceGraph, arguments: Mapping[str, Any], block: str, name: str) -> bool:
    """Whether a switch in a block is certainly off: the block or the argument is not there, or it is false."""
    if is_dynamic(arguments, block):
        return False
    found = [each.get(name) for each in blocks(arguments, block)]
    return all(value is None or truth(graph, value) is False for value in found)


def fine_grained_access(graph: ResourceGraph) -> Iterator[Violation]:
    """Fine-grained access control needs encryption at rest, node-to-node encryption and HTTPS only."""
    for domain in graph.of_type(*_DOMAINS):
        if not any(truth(graph, options.get("enabled")) for options in blocks(domain.arguments, "advanced_security_options")):
            continue
        needed = {"encrypt_at_rest": "enabled", "node_to_node_encryption": "enabled", "domain_endpoint_options": "enforce_https"}
        off = [block for block, name in needed.items() if _off(graph, domain.arguments, block, name)]
        if off:
            message = f"{domain.address}: advanced_security_options need {', '.join(f'{block}.{needed[block]}' for block in off)}"
            yield Violation(message, (domain,), (*off, "advanced_security_options", domain.type), domain.address)


def search_instances(graph: ResourceGraph) -> Iterator[Violation]:
    """A domain's instance types end in `.search`, and those without disks of their own need EBS volumes."""
    for domain in graph.of_type(*_DOMAINS):
        for cluster in blocks(domain.arguments, "cluster_config"):
            kind = text(graph, cluster.get("instance_type"))
            if kind and not kind.endswith((".search", ".elasticsearch")):
                message, names = f"{domain.address}: the instance_type {kind} does not end in .search", ["instance_type", kind]
            elif kind and _EBS_ONLY.fullmatch(kind) and _off(graph, domain.arguments, "ebs_options", "ebs_enabled"):
                message, names = f"{domain.address}: {kind} has no disk of its own and needs ebs_options.ebs_enabled", ["ebs_options", "ebs_enabled", kind]
            else:
                continue
            yield Violation(message, (domain,), (*names, domain.type), domain.address)


def search_zones(graph: ResourceGraph) -> Iterator[Violation]:
    """A domain that is spread over zones has a data node in each."""
    for domain in graph.of_type(*_DOMAINS):
        for cluster in blocks(domain.arguments, "cluster_config"):
            if not truth(graph, cluster.get("zone_awareness_enabled")) or is_dynamic(cluster, "zone_awareness_config"):
                continue
            configured = next(iter(blocks(cluster, "zone_awareness_config")), {}).get("availability_zone_count")
            zones, nodes = number(graph, 2 if configured is None else configured), number(graph, cluster.get("instance_count", 1))
            if zones is not None and nodes is not None and nodes < zones:
                message = f"{domain.address}: {nodes:g} data node{'s' * (nodes > 1)} cannot be spread over {zones:g} availability zones"
                yield Violation(message, (domain,), ("instance_count", "zone_awareness_enabled", domain.type), domain.address)


def brokers_by_zone(graph: ResourceGraph) -> Iterator[Violation]:
    """An MSK cluster has the same number of brokers in each of its subnets, and types that begin with `kafka.` or `express.`."""
    for cluster in graph.of_type("aws_msk_cluster"):
        brokers = number(graph, cluster.arguments.get("number_of_broker_nodes"))
        for group in blocks(cluster.arguments, "broker_node_group_info"):
            subnets, kind = group.get("client_subnets"), text(graph, group.get("instance_type"))
            known = isinstance(subnets, list) and all(
                isinstance(entry, str) and re.fullmatch(r"subnet-\w+|\$\{aws_subnet\.[\w-]+\.id\}", entry) for entry in subnets
            )
            count = len(subnets) if known and isinstance(subnets, list) else 0
            if brokers and count and brokers % count:
                message = f"{cluster.address}: {brokers:g} brokers are no multiple of its {count} client_subnets"
                yield Violation(message, (cluster,), ("number_of_broker_nodes", "client_subnets", cluster.type), cluster.address)
            elif kind and not kind.startswith(("kafka.", "express.")):
                message = f"{cluster.address}: the instance_type {kind} does not begin with kafka. or express."
                yield Violation(message, (cluster,), ("instance_type", kind, cluster.type), cluster.address)


def streams_have_keys(graph: ResourceGraph) -> Iterator[Violation]:
    """A stream encrypted with KMS names its key (`alias/aws/kinesis` is the service's own)."""
    for stream in graph.of_type("aws_kinesis_stream"):
        if text(graph, stream.arguments.get("encryption_type")) == "KMS" and stream.arguments.get("kms_key_id") is None:
            message = f"{stream.address}: encryption_type KMS needs a kms_key_id"
            yield Violation(message, (stream,), ("kms_key_id", "encryption_type", stream.type), stream.address)


def file_system_throughput(graph: ResourceGraph) -> Iterator[Violation]:
    """Provisioned throughput says how much; elastic throughput is for the general-purpose mode."""
    for system in graph.of_type("aws_efs_file_system"):
        mode = text(graph, system.arguments.get("throughput_mode"))
        if mode == "provisioned" and system.arguments.get("provisioned_throughput_in_mibps") is None:
            wrong, name = "throughput_mode provisioned needs provisioned_throughput_in_mibps", "provisioned_throughput_in_mibps"
        elif mode == "elastic" and text(graph, system.arguments.get("performance_mode")) == "maxIO":
            wrong, name = "performance_mode maxIO does not go with throughput_mode elastic", "performance_mode"
        else:
            continue
        yield Violation(f"{system.address}: {wrong}", (system,), (name, "throughput_mode", system.type), system.address)


def _domain(cluster: Any = None, **arguments: Any) -> dict[str, Any]:
    return {"resource": {"aws_opensearch_domain": {"main": {"cluster_config": cluster or {}, **arguments}}}}


def _brokers(count: object, subnets: object, kind: str = "kafka.t3.small") -> dict[str, Any]:
    group = {"client_subnets": subnets, "instance_type": kind}
    return {"resource": {"aws_msk_cluster": {"main": {"number_of_broker_nodes": count, "broker_node_group_info": group}}}}


def _one(kind: str, **arguments: Any) -> dict[str, Any]:
    return {"resource": {kind: {"main": arguments}}}


def _rule(id: str, title: str, check: Any, page: str, bad: tuple[Mapping[str, Any], ...], good: tuple[Mapping[str, Any], ...]) -> Rule:
    return Rule(id, title, Severity.HIGH, Category.AWS_CONSTRAINT, f"https://docs.aws.amazon.com/{page}", check, bad, good)


_FINE: dict[str, Any] = {"advanced_security_options": {"enabled": True}}
_SAFE: dict[str, Any] = {
    "encrypt_at_rest": {"enabled": True},
    "node_to_node_encryption": [{"enabled": True}],
    "domain_endpoint_options": {"enforce_https": True},
}
_SPREAD = {"zone_awareness_enabled": True}
_SMALL = {"instance_type": "t3.small.search"}
_SUBNETS = ["${aws_subnet.a.id}", "${aws_subnet.b.id}", "${aws_subnet.c.id}"]

RULES = (
    _rule(
        "opensearch-fine-grained-access",
        "Fine-grained access control without encryption",
        fine_grained_access,
        "opensearch-service/latest/developerguide/fgac.html",
        (_domain(**_FINE), _domain(**_FINE, **_SAFE | {"node_to_node_encryption": {"enabled": False}})),
        (_domain(**_FINE, **_SAFE), _domain(), _domain(**_FINE, **_SAFE | {"encrypt_at_rest": {"enabled": "${var.encrypt}"}})),
    ),
    _rule(
        "opensearch-instance-type",
        "Instance type that OpenSearch does not have, or without the volume it needs",
        search_instances,
        "opensearch-service/latest/developerguide/supported-instance-types.html",
        (_domain({"instance_type": "t3.small"}), _domain(_SMALL), _domain({"instance_type": "r6g.large.search"}, ebs_options={"ebs_enabled": False})),
        (_domain(_SMALL, ebs_options={"ebs_enabled": True}), _domain({"instance_type": "r6gd.large.search"}), _domain({"instance_type": "${var.size}"})),
    ),
    _rule(
        "opensearch-zones",
        "Fewer data nodes than availability zones",
        search_zones,
        "opensearch-service/latest/developerguide/managedomains-multiaz.html",
        (_domain(_SPREAD), _domain({**_SPREAD, "instance_count": 2, "zone_awareness_config": {"availability_zone_count": 3}})),
        (_domain({**_SPREAD, "instance_count": 2}), _domain({"instance_count": 1}), _domain({**_SPREAD, "instance_count": "${var.nodes}"})),
    ),
    _rule(
        "msk-brokers",
        "Brokers that cannot be shared out to the subnets",
        brokers_by_zone,
        "msk/1.0/apireference/clusters.html",
        (_brokers(2, _SUBNETS), _brokers("4", _SUBNETS), _brokers(3, _SUBNETS, "t3.small")),
        (_brokers(3, _SUBNETS), _brokers(6, _SUBNETS, "express.m7g.large"), _brokers(2, "${var.subnets}"), _brokers(2, ["${var.a}", "${var.b}", "${var.c}"])),
    ),
    _rule(
        "kinesis-key",
        "Encrypted stream without a key",
        streams_have_keys,
        "kinesis/latest/APIReference/API_StartStreamEncryption.html",
        (_one("aws_kinesis_stream", encryption_type="KMS"),),
        (_one("aws_kinesis_stream", encryption_type="KMS", kms_key_id="alias/aws/kinesis"), _one("aws_kinesis_stream", encryption_type="NONE")),
    ),
    _rule(
        "efs-throughput",
        "Throughput mode without what it needs",
        file_system_throughput,
        "efs/latest/ug/performance.html",
        (_one("aws_efs_file_system", throughput_mode="provisioned"), _one("aws_efs_file_system", throughput_mode="elastic", performance_mode="maxIO")),
        (
            _one("aws_efs_file_system", throughput_mode="provisioned", provisioned_throughput_in_mibps=10),
            _one("aws_efs_file_system", throughput_mode="elastic"),
            _one("aws_efs_file_system", performance_mode="maxIO"),
        ),
    ),
)
