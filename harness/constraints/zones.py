"""Rules on availability zones: those of the stack's own region, two where a service wants two, and no zone twice where it wants each once."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from harness.constraints.addresses import all_referred, group, referred, subnet, zone
from harness.constraints.base import Rule, Violation
from harness.constraints.graph import Node, ResourceGraph
from harness.constraints.policies import listed
from harness.constraints.values import blocks, is_dynamic, is_repeated, text
from harness.failures import Category, Severity

_ZONE = re.compile(r"([a-z]{2}(?:-[a-z]+)+-\d)[a-z]")
_TWO_ZONES = {
    # https://docs.aws.amazon.com/documentdb/latest/developerguide/document-db-subnet-groups.html says the same of DocumentDB,
    # https://docs.aws.amazon.com/neptune/latest/userguide/get-started-vpc.html of Neptune,
    # https://docs.aws.amazon.com/dms/latest/userguide/subnet-group.html of DMS.
    "aws_db_subnet_group": "subnet_ids",
    "aws_docdb_subnet_group": "subnet_ids",
    "aws_neptune_subnet_group": "subnet_ids",
    "aws_dms_replication_subnet_group": "subnet_ids",
}
_EACH_ZONE_ONCE = {"aws_lb": "subnets", "aws_alb": "subnets", "aws_vpc_endpoint": "subnet_ids", "aws_ec2_transit_gateway_vpc_attachment": "subnet_ids"}


def zones_of_the_region(graph: ResourceGraph) -> Iterator[Violation]:
    """A zone that is written out belongs to the region of the resource's provider."""
    for node in graph.nodes:
        region = graph.region(node)
        if region is None:
            continue
        for name in ("availability_zone", "availability_zones"):
            for written in listed(node.arguments.get(name)):
                match = _ZONE.fullmatch(text(graph, written) or "")
                if match and match[1] != region:
                    message = f"{node.address}: its {name} {match[0]} is in {match[1]}, and its provider is in {region}"
                    yield Violation(message, (node,), (name, match[0], region, node.type), node.address)


def two_zones(graph: ResourceGraph) -> Iterator[Violation]:
    """Subnet groups of RDS, DocumentDB, Neptune and DMS, Application Load Balancers and EKS clusters span two zones at least."""
    for node in graph.nodes:
        if node.is_data or (where := _spanned(graph, node)) is None:
            continue
        entries, name = where
        if len(entries) == 1 and _is_ordinary(graph, entries[0]):
            message = f"{node.address}: {name} has one subnet ({entries[0]}), and AWS wants subnets in two availability zones at least"
            yield Violation(message, (node, *graph.targets(entries[0])), (name, "availability_zone", node.type), node.address)
            continue
        members = all_referred(graph, entries, "aws_subnet") or []
        zones = {zone(graph, member) for member in members}
        if len(zones) == 1 and (only := zones.pop()):
            message = f"{node.address}: {name} has subnets in one availability zone only, {only} ({group(members)}), and AWS wants two at least"
            yield Violation(message, (node, *members), (name, "availability_zone", only, node.type), node.address)


def _is_ordinary(graph: ResourceGraph, entry: object) -> bool:
    """Whether a list's entry is one subnet of this stack in a region's ordinary zones: Outposts and Local Zones have but one."""
    if not isinstance(entry, str) or not _is_one(entry):
        return False
    member = graph.target(entry, "aws_subnet")
    name = text(graph, member.arguments.get("availability_zone")) if member else None
    return member is not None and not member.arguments.get("outpost_arn") and (name is None or _ZONE.fullmatch(name) is not None)


def _is_one(entry: str) -> bool:
    """Whether a list's entry is certainly one subnet: an id, or one plain reference to one."""
    return re.fullmatch(r"subnet-\w+|\$\{aws_subnet\.[\w-]+(\[\d+\])?\.id\}", entry.strip()) is not None


def _spanned(graph: ResourceGraph, node: Node) -> tuple[list[Any], str] | None:
    """The list of subnets that has to span two zones, and its name."""
    if node.type in _TWO_ZONES:
        value, name = node.arguments.get(_TWO_ZONES[node.type]), _TWO_ZONES[node.type]
    elif node.type == "aws_eks_cluster":
        configurations = blocks(node.arguments, "vpc_config")
        value, name = (configurations[0].get("subnet_ids") if len(configurations) == 1 else None), "subnet_ids"
    elif node.type in ("aws_lb", "aws_alb") and text(graph, node.arguments.get("load_balancer_type", "application")) == "application":
        value, name = node.arguments.get("subnets"), "subnets"
    else:
        return None
    return (value, name) if isinstance(value, list) else None


def each_zone_once(graph: ResourceGraph) -> Iterator[Violation]:
    """A load balancer, an interface endpoint and a transit gateway attachment take one subnet of each zone."""
    for node in graph.of_type(*_EACH_ZONE_ONCE):
        name = _EACH_ZONE_ONCE[node.type]
        seen: dict[str, Node] = {}
        members = all_referred(graph, node.arguments.get(name), "aws_subnet") or []
        if _spanned(graph, node) and len({zone(graph, member) for member in members}) == 1:
            continue  # subnets-one-zone reports it
        for member in members:
            where = zone(graph, member)
            if where is None:
                continue
            if where in seen:
                message = f"{node.address}: {name} has {group((seen[where], member))}, both in {where}, and AWS takes one subnet of each zone"
                yield Violation(message, (node, seen[where], member), (name, "availability_zone", where, node.type), node.address)
                break
            seen[where] = member


def one_mount_target_a_zone(graph: ResourceGraph) -> Iterator[Violation]:
    """A file system has one mount target in a zone; the second one is a MountTargetConflict."""
    seen: dict[tuple[str, str], Node] = {}
    for target in graph.of_type("aws_efs_mount_target"):
        system = referred(graph, target.arguments.get("file_system_id"), "aws_efs_file_system")
        member = referred(graph, target.arguments.get("subnet_id"), "aws_subnet")
        where = member and zone(graph, member)
        if not system or not where or is_repeated(target):
            continue
        if first := seen.get((system.address, where)):
            message = f"{target.address}: {first.address} is already {system.address}'s mount target in {where}, and a zone has one"
            yield Violation(message, (target, first), ("subnet_id", where, target.type), target.address)
        seen.setdefault((system.address, where), target)


def subnets_of_a_search_domain(graph: ResourceGraph) -> Iterator[Violation]:
    """An OpenSearch domain takes one subnet, and with zone awareness exactly one for each of its zones."""
    for domain in graph.of_type("aws_opensearch_domain", "aws_elasticsearch_domain"):
        options = blocks(domain.arguments, "vpc_options")
        wanted = _domain_zones(graph, domain)
        found = options[0].get("subnet_ids") if len(options) == 1 else None
        certain = isinstance(found, list) and all(isinstance(entry, str) and _is_one(entry) for entry in found)
        if wanted and certain and len(found or ()) != wanted:
            message = f"{domain.address}: vpc_options has {len(found or ())} subnets, and the domain spans {wanted} availability zone{'s' * (wanted > 1)}"
            yield Violation(message, (domain,), ("subnet_ids", "zone_awareness_enabled", "vpc_options", domain.type), domain.address)


def _domain_zones(graph: ResourceGraph, domain: Node) -> int | None:
    """Over how many zones a domain is spread; None where that is not known."""
    cluster: Mapping[str, Any] = next(iter(blocks(domain.arguments, "cluster_config")), {})
    aware = cluster.get("zone_awareness_enabled")
    if is_dynamic(domain.arguments, "cluster_config") or is_dynamic(cluster, "zone_awareness_config") or cluster.get("multi_az_with_standby_enabled"):
        return None
    if aware is None or aware is False:
        return 1
    configured = next(iter(blocks(cluster, "zone_awareness_config")), {}).get("availability_zone_count") or 2
    return configured if aware is True and isinstance(configured, int) else None


def _stack(kind: str, arguments: Mapping[str, Any], *zones: str, region: str = "eu-west-1") -> dict[str, Any]:
    subnets = {f"s{position}": subnet(f"10.0.{position}.0/24", availability_zone=name) for position, name in enumerate(zones)}
    resources = {"aws_vpc": {"main": {"cidr_block": "10.0.0.0/16"}}, "aws_subnet": subnets, kind: {"main": arguments}}
    return {"provider": {"aws": [{"region": region}]}, "resource": resources}


def _ids(count: int = 2) -> list[str]:
    return [f"${{aws_subnet.s{position}.id}}" for position in range(count)]


def _mounted(*zones: str) -> dict[str, Any]:
    stack = _stack("aws_efs_file_system", {}, *zones)
    target = {"file_system_id": "${aws_efs_file_system.main.id}"}
    stack["resource"]["aws_efs_mount_target"] = {f"t{position}": target | {"subnet_id": name} for position, name in enumerate(_ids(len(zones)))}
    return stack


def _domain(count: int, cluster: Mapping[str, Any]) -> dict[str, Any]:
    return _stack("aws_opensearch_domain", {"cluster_config": cluster, "vpc_options": {"subnet_ids": _ids(count)}}, "eu-west-1a", "eu-west-1b")


_NAMES = "data.aws_availability_zones.here.names"
_A, _B = "eu-west-1a", "eu-west-1b"

RULES = (
    Rule(
        id="availability-zone-other-region",
        title="Availability zone of another region",
        severity=Severity.HIGH,
        category=Category.AWS_CONSTRAINT,
        documentation="https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/using-regions-availability-zones.html",
        check=zones_of_the_region,
        bad=(_stack("aws_db_instance", {}, "us-east-1a"), _stack("aws_rds_cluster", {"availability_zones": ["us-east-1a"]})),
        good=(_stack("aws_db_instance", {}, _A), _stack("aws_db_instance", {}, "us-east-1a", region="${var.region}"), _stack("aws_db_instance", {}, "x")),
    ),
    Rule(
        id="subnets-one-zone",
        title="Subnets in one availability zone where AWS wants two",
        severity=Severity.HIGH,
        category=Category.AWS_CONSTRAINT,
        documentation="https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/USER_VPC.WorkingWithRDSInstanceinaVPC.html",
        check=two_zones,
        bad=(
            _stack("aws_db_subnet_group", {"subnet_ids": _ids()}, _A, _A),
            _stack("aws_db_subnet_group", {"subnet_ids": _ids(1)}, _A),
            _stack("aws_lb", {"subnets": _ids()}, f"${{element({_NAMES}, 0)}}", f"${{{_NAMES}[0]}}"),
            _stack("aws_eks_cluster", {"vpc_config": {"subnet_ids": _ids(1)}}, _A),
        ),
        good=(
            _stack("aws_db_subnet_group", {"subnet_ids": _ids()}, _A, _B),
            _stack("aws_db_subnet_group", {"subnet_ids": _ids()}, f"${{element({_NAMES}, 0)}}", f"${{{_NAMES}[1]}}"),
            _stack("aws_db_subnet_group", {"subnet_ids": ["${var.subnets}"]}, _A),
            _stack("aws_db_subnet_group", {"subnet_ids": "${var.subnets}"}, _A),
            _stack("aws_db_subnet_group", {"subnet_ids": _ids()}, "${var.zone}", "${var.zone}"),
            _stack("aws_lb", {"subnets": _ids(1), "load_balancer_type": "network"}, _A),
            _stack("aws_lb", {"subnets": _ids(1)}, "us-west-2-lax-1a"),
            _stack("aws_db_subnet_group", {"subnet_ids": ["subnet-1"]}),
        ),
    ),
    Rule(
        id="subnets-same-zone",
        title="Two subnets of one zone where AWS takes one of each",
        severity=Severity.HIGH,
        category=Category.AWS_CONSTRAINT,
        documentation="https://docs.aws.amazon.com/elasticloadbalancing/latest/application/application-load-balancers.html",
        check=each_zone_once,
        bad=(
            _stack("aws_lb", {"subnets": _ids(3)}, _A, _B, _A),
            _stack("aws_vpc_endpoint", {"vpc_endpoint_type": "Interface", "subnet_ids": _ids()}, _A, _A),
            _stack("aws_ec2_transit_gateway_vpc_attachment", {"subnet_ids": _ids()}, f"${{{_NAMES}[1]}}", f"${{{_NAMES}[1]}}"),
        ),
        good=(_stack("aws_lb", {"subnets": _ids()}, _A, _B), _stack("aws_lb", {"subnets": [*_ids(1), "${var.subnet}"]}, _A)),
    ),
    Rule(
        id="efs-mount-target-zone",
        title="Two mount targets of one file system in a zone",
        severity=Severity.HIGH,
        category=Category.AWS_CONSTRAINT,
        documentation="https://docs.aws.amazon.com/efs/latest/ug/accessing-fs.html",
        check=one_mount_target_a_zone,
        bad=(_mounted(_A, _A),),
        good=(_mounted(_A, _B), _mounted(_A, "${var.zone}")),
    ),
    Rule(
        id="opensearch-subnets",
        title="OpenSearch domain with another number of subnets than zones",
        severity=Severity.HIGH,
        category=Category.AWS_CONSTRAINT,
        documentation="https://docs.aws.amazon.com/opensearch-service/latest/developerguide/vpc.html",
        check=subnets_of_a_search_domain,
        bad=(_domain(2, {"instance_count": 2}), _domain(1, {"zone_awareness_enabled": True})),
        good=(
            _domain(1, {}),
            _domain(2, {"zone_awareness_enabled": True}),
            _domain(3, {"zone_awareness_enabled": True, "zone_awareness_config": {"availability_zone_count": 3}}),
            _domain(2, {"zone_awareness_enabled": "${var.spread}"}),
        ),
    ),
)
