"""Rules on address ranges: subnets lie inside their VPC, apart from each other, and are of a size that AWS hands out.

What other modules ask about places stands here too: which node an argument names, a subnet's VPC, its availability zone.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterable, Iterator, Mapping
from itertools import combinations
from typing import Any

from harness.constraints.base import Rule, Violation
from harness.constraints.graph import Node, ResourceGraph
from harness.constraints.values import is_repeated, text, truth
from harness.failures import Category, Severity

_ITSELF = re.compile(
    r"\$\{\s*([a-z][a-z0-9_]*\.[A-Za-z_][\w-]*)\.(?:id|arn|name|allocation_id|identifier|user_id|user_group_id|cluster_identifier|global_cluster_identifier)\s*\}"
)
_NAMED_ZONE = re.compile(r"[a-z]{2}(?:-[a-z]+)+-\d[a-z]")
_LISTED_ZONE = re.compile(
    r"\$\{\s*(?:element\(\s*(?P<list>data\.aws_availability_zones\.[\w-]+)\.names\s*,\s*(?P<at>\d+)\s*\)"
    r"|(?P<indexed>data\.aws_availability_zones\.[\w-]+)\.names\[(?P<position>\d+)\])\s*\}"
)


def referred(graph: ResourceGraph, value: object, *types: str) -> Node | None:
    """The one resource of `types` that a value is the id (or ARN, or name) of, and nothing else.

    None for a value that is more than one plain reference, for data sources, and for resources that stand for several.
    """
    match = _ITSELF.fullmatch(value.strip()) if isinstance(value, str) else None
    node = graph.by_address.get(match[1]) if match else None
    return node if node is not None and node.type in types and not is_repeated(node) else None


def all_referred(graph: ResourceGraph, value: object, *types: str) -> list[Node] | None:
    """What each entry of a list is the id of; None where one of them is not known, and for no list."""
    if not isinstance(value, list):
        return None
    found = [referred(graph, entry, *types) for entry in value]
    return [node for node in found if node is not None] if None not in found else None


def vpc(graph: ResourceGraph, node: Node) -> Node | None:
    """The VPC of this stack that a resource's `vpc_id` names."""
    return None if is_repeated(node) else referred(graph, node.arguments.get("vpc_id"), "aws_vpc")


def zone(graph: ResourceGraph, subnet: Node) -> str | None:
    """What names a subnet's availability zone: two subnets with the same answer are in the same zone.

    Either the zone's name, or the place in a list of zones that a data source looks up. None where it is neither.
    """
    written = subnet.arguments.get("availability_zone")
    if isinstance(written, str) and (match := _LISTED_ZONE.fullmatch(written)):
        return f"{match['list'] or match['indexed']}[{match['at'] or match['position']}]"
    name = text(graph, written)
    return name if name and _NAMED_ZONE.fullmatch(name) else None


def cidr(graph: ResourceGraph, value: object) -> ipaddress.IPv4Network | None:
    """The IPv4 range that a literal is; None for what is computed, and for what validate refuses."""
    written = text(graph, value)
    try:
        return ipaddress.IPv4Network(written) if written and "/" in written else None
    except ValueError:
        return None


def ranges(graph: ResourceGraph, network: Node) -> list[ipaddress.IPv4Network] | None:
    """All IPv4 ranges of a VPC, with those associated later; None where one of them is not known."""
    found = [cidr(graph, network.arguments.get("cidr_block"))]
    for association in graph.of_type("aws_vpc_ipv4_cidr_block_association"):
        target = vpc(graph, association)
        if target is None:
            return None
        if target is network:
            found.append(cidr(graph, association.arguments.get("cidr_block")))
    return [block for block in found if block is not None] if None not in found else None


def subnets_inside_vpc(graph: ResourceGraph) -> Iterator[Violation]:
    """A subnet's range is a part of one of its VPC's; else InvalidSubnet.Range."""
    for subnet in graph.of_type("aws_subnet"):
        network, block = vpc(graph, subnet), cidr(graph, subnet.arguments.get("cidr_block"))
        known = ranges(graph, network) if network else None
        if network and block and known and not any(block.subnet_of(one) for one in known):
            blocks = ", ".join(map(str, known))
            message = f"{subnet.address}: its cidr_block {block} is not inside {network.address}'s {blocks}"
            yield Violation(message, (subnet, network), ("cidr_block", str(block), blocks, subnet.type), subnet.address)


def subnets_do_not_overlap(graph: ResourceGraph) -> Iterator[Violation]:
    """No two subnets of a VPC share addresses; else InvalidSubnet.Conflict."""
    by_vpc: dict[str, list[Node]] = {}
    for subnet in graph.of_type("aws_subnet"):
        if network := vpc(graph, subnet):
            by_vpc.setdefault(network.address, []).append(subnet)
    for address, members in by_vpc.items():
        for one, other in combinations(members, 2):
            first, second = cidr(graph, one.arguments.get("cidr_block")), cidr(graph, other.arguments.get("cidr_block"))
            if first and second and first.overlaps(second):
                message = f"{other.address}: its cidr_block {second} overlaps {one.address}'s {first} in {address}"
                yield Violation(message, (other, one), ("cidr_block", str(second), str(first), other.type), other.address)
                break


def subnet_sizes(graph: ResourceGraph) -> Iterator[Violation]:
    """Subnets have between 16 and 65,536 addresses: /28 to /16. Only the VPC's range is checked by validate."""
    for subnet in graph.of_type("aws_subnet"):
        block = cidr(graph, subnet.arguments.get("cidr_block"))
        if block and not 16 <= block.prefixlen <= 28:
            message = f"{subnet.address}: its cidr_block {block} is a /{block.prefixlen}, and a subnet is between /28 and /16"
            yield Violation(message, (subnet,), ("cidr_block", str(block), subnet.type), subnet.address)


def peers_do_not_overlap(graph: ResourceGraph) -> Iterator[Violation]:
    """VPCs with overlapping ranges cannot be peered: the connection goes to `failed`."""
    for peering in graph.of_type("aws_vpc_peering_connection"):
        ours, theirs = (referred(graph, peering.arguments.get(name), "aws_vpc") for name in ("vpc_id", "peer_vpc_id"))
        if ours is None or theirs is None or is_repeated(peering):
            continue
        if ours is theirs:
            message = f"{peering.address}: it peers {ours.address} with itself"
            yield Violation(message, (peering, ours), ("peer_vpc_id", "vpc_id", peering.type), peering.address)
            continue
        pairs = [(a, b) for a in ranges(graph, ours) or () for b in ranges(graph, theirs) or () if a.overlaps(b)]
        if pairs:
            message = f"{peering.address}: it peers {ours.address} ({pairs[0][0]}) with {theirs.address} ({pairs[0][1]}), whose ranges overlap"
            symbols = ("cidr_block", *map(str, pairs[0]), peering.type)
            yield Violation(message, (peering, ours, theirs), symbols, peering.address)


def peering_accepts(graph: ResourceGraph) -> Iterator[Violation]:
    """A peering across regions is accepted in the other one: the provider refuses `auto_accept` beside `peer_region`."""
    for peering in graph.of_type("aws_vpc_peering_connection"):
        region = peering.arguments.get("peer_region")
        if region is not None and truth(graph, peering.arguments.get("auto_accept")):
            message = f"{peering.address}: auto_accept cannot be true for a peering with another region (peer_region {region})"
            yield Violation(message, (peering,), ("auto_accept", "peer_region", str(region), peering.type), peering.address)


def group(nodes: Iterable[Node]) -> str:
    """Nodes' addresses in one text."""
    return ", ".join(node.address for node in nodes)


def subnet(block: str, network: str = "main", **arguments: Any) -> dict[str, Any]:
    """For examples: a subnet of the VPC `network`."""
    return {"vpc_id": f"${{aws_vpc.{network}.id}}", "cidr_block": block, **arguments}


def _vpc(*blocks: str, network: str = "10.0.0.0/16", **resources: Mapping[str, Any]) -> dict[str, Any]:
    subnets = {f"s{position}": subnet(block) for position, block in enumerate(blocks)}
    return {"resource": {"aws_vpc": {"main": {"cidr_block": network}}, "aws_subnet": subnets, **resources}}


def _peered(theirs: str, **arguments: Any) -> dict[str, Any]:
    vpcs = {"ours": {"cidr_block": "10.0.0.0/16"}, "theirs": {"cidr_block": theirs}}
    peering = {"vpc_id": "${aws_vpc.ours.id}", "peer_vpc_id": "${aws_vpc.theirs.id}", **arguments}
    return {"resource": {"aws_vpc": vpcs, "aws_vpc_peering_connection": {"main": peering}}}


_SECOND = {"later": {"vpc_id": "${aws_vpc.main.id}", "cidr_block": "10.1.0.0/16"}}

RULES = (
    Rule(
        id="subnet-outside-vpc",
        title="Subnet outside its VPC's address range",
        severity=Severity.HIGH,
        category=Category.AWS_CONSTRAINT,
        documentation="https://docs.aws.amazon.com/vpc/latest/userguide/subnet-sizing.html",
        check=subnets_inside_vpc,
        bad=(_vpc("10.1.1.0/24"), _vpc("10.0.0.0/16", network="10.0.0.0/20")),
        good=(
            _vpc("10.0.1.0/24"),
            _vpc("10.0.0.0/16"),
            _vpc("10.1.1.0/24", aws_vpc_ipv4_cidr_block_association=_SECOND),
            _vpc("10.1.1.0/24", network="${var.cidr}"),
            _vpc("${cidrsubnet(aws_vpc.main.cidr_block, 8, 1)}"),
        ),
    ),
    Rule(
        id="subnet-overlap",
        title="Subnets of a VPC overlap",
        severity=Severity.HIGH,
        category=Category.AWS_CONSTRAINT,
        documentation="https://docs.aws.amazon.com/vpc/latest/userguide/subnet-sizing.html",
        check=subnets_do_not_overlap,
        bad=(_vpc("10.0.1.0/24", "10.0.1.0/24"), _vpc("10.0.0.0/20", "10.0.4.0/24")),
        good=(_vpc("10.0.1.0/24", "10.0.2.0/24"), _vpc("10.0.1.0/25", "10.0.1.128/25"), _vpc("10.0.1.0/24", "${var.block}")),
    ),
    Rule(
        id="subnet-size",
        title="Subnet smaller than /28 or larger than /16",
        severity=Severity.HIGH,
        category=Category.AWS_CONSTRAINT,
        documentation="https://docs.aws.amazon.com/vpc/latest/userguide/subnet-sizing.html",
        check=subnet_sizes,
        bad=(_vpc("10.0.1.0/29"), _vpc("10.0.0.0/15", network="${var.cidr}")),
        good=(_vpc("10.0.1.0/28"), _vpc("10.0.0.0/16"), _vpc("${var.block}")),
    ),
    Rule(
        id="vpc-peering-overlap",
        title="Peered VPCs have overlapping address ranges",
        severity=Severity.HIGH,
        category=Category.AWS_CONSTRAINT,
        documentation="https://docs.aws.amazon.com/vpc/latest/peering/vpc-peering-basics.html",
        check=peers_do_not_overlap,
        bad=(_peered("10.0.0.0/16"), _peered("10.0.128.0/17"), _peered("10.1.0.0/16", peer_vpc_id="${aws_vpc.ours.id}")),
        good=(_peered("10.1.0.0/16"), _peered("${var.cidr}"), _peered("10.0.0.0/16", peer_vpc_id="${var.peer}")),
    ),
    Rule(
        id="vpc-peering-auto-accept",
        title="Peering with another region accepts itself",
        severity=Severity.HIGH,
        category=Category.AWS_CONSTRAINT,
        documentation="https://registry.terraform.io/providers/hashicorp/aws/5.100.0/docs/resources/vpc_peering_connection",
        check=peering_accepts,
        bad=(_peered("10.1.0.0/16", peer_region="eu-west-1", auto_accept=True),),
        good=(
            _peered("10.1.0.0/16", peer_region="eu-west-1", auto_accept=False),
            _peered("10.1.0.0/16", peer_region="eu-west-1"),
            _peered("10.1.0.0/16", auto_accept=True),
        ),
    ),
)
