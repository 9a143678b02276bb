"""Rules on gateways, routes and network ACLs."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from harness.constraints.addresses import referred, subnet, vpc
from harness.constraints.base import Rule, Violation
from harness.constraints.graph import Node, ResourceGraph
from harness.constraints.values import blocks, is_repeated, number, text, truth
from harness.failures import Category, Severity

_DESTINATIONS = ("cidr_block", "destination_cidr_block", "ipv6_cidr_block", "destination_ipv6_cidr_block", "destination_prefix_list_id")
_ROUTE_TARGETS = (
    "carrier_gateway_id",
    "core_network_arn",
    "egress_only_gateway_id",
    "gateway_id",
    "local_gateway_id",
    "nat_gateway_id",
    "network_interface_id",
    "transit_gateway_id",
    "vpc_endpoint_id",
    "vpc_peering_connection_id",
)
_EVERYWHERE = "0.0.0.0/0"
_ADDRESSING = ("allocation_id", "availability_mode")  # a regional NAT gateway (later providers) brings its own addresses


def attachments(graph: ResourceGraph) -> list[tuple[Node, Node | None]]:
    """What attaches an internet gateway, and the VPC of this stack that it attaches one to (None: not known which).

    A gateway without a `vpc_id` attaches itself to nothing.
    """
    return [(node, vpc(graph, node)) for node in graph.of_type("aws_internet_gateway", "aws_internet_gateway_attachment") if node.arguments.get("vpc_id")]


def one_internet_gateway(graph: ResourceGraph) -> Iterator[Violation]:
    """A VPC takes one internet gateway; the second attachment is Resource.AlreadyAssociated."""
    first: dict[str, Node] = {}
    for gateway, network in attachments(graph):
        if network and (other := first.get(network.address)):
            message = f"{gateway.address}: {network.address} already has an internet gateway attached by {other.address}, and a VPC takes one"
            yield Violation(message, (gateway, other, network), ("vpc_id", gateway.type, network.address), gateway.address)
        elif network:
            first[network.address] = gateway


def nat_gateways_reach_the_internet(graph: ResourceGraph) -> Iterator[Violation]:
    """A public NAT gateway needs an internet gateway at its VPC (else it ends as Gateway.NotAttached), and a route to it."""
    attached = attachments(graph)
    looked_up = any(node.type == "aws_internet_gateway" for node in graph.data())
    for nat in graph.of_type("aws_nat_gateway"):
        home = referred(graph, nat.arguments.get("subnet_id"), "aws_subnet")
        network = vpc(graph, home) if home else None
        if home is None or network is None or text(graph, nat.arguments.get("connectivity_type", "public")) != "public" or is_repeated(nat):
            continue
        symbols = ("subnet_id", home.address, nat.type)
        if not looked_up and all(owner is not None and owner is not network for _, owner in attached):
            message = f"{nat.address}: {network.address} has no internet gateway, and a public NAT gateway needs one"
            yield Violation(message, (nat, home, network), (*symbols, "aws_internet_gateway"), nat.address)
        elif (via := _default_route(graph, home)) is not None:
            message = f"{nat.address}: its subnet {home.address} sends {_EVERYWHERE} to {via.address} instead of an internet gateway"
            yield Violation(message, (nat, home, via), (*symbols, "aws_route_table_association"), nat.address)


def _default_route(graph: ResourceGraph, home: Node) -> Node | None:
    """The NAT gateway that a subnet's route table sends everything to; None for any other route, and where it is not known."""
    tables = [
        referred(graph, association.arguments.get("route_table_id"), "aws_route_table")
        for association in graph.of_type("aws_route_table_association")
        if referred(graph, association.arguments.get("subnet_id"), "aws_subnet") is home
    ]
    if len(tables) != 1 or tables[0] is None:
        return None
    routes = [route for owner, table, route in _routes(graph) if table is tables[0] and _destination(graph, route) == _EVERYWHERE]
    return referred(graph, routes[0].get("nat_gateway_id"), "aws_nat_gateway") if len(routes) == 1 else None


def nat_gateways_have_an_address(graph: ResourceGraph) -> Iterator[Violation]:
    """A public NAT gateway needs an Elastic IP address: CreateNatGateway wants an AllocationId."""
    for nat in graph.of_type("aws_nat_gateway"):
        if text(graph, nat.arguments.get("connectivity_type", "public")) == "public" and all(nat.arguments.get(name) is None for name in _ADDRESSING):
            message = f"{nat.address}: a public NAT gateway needs an Elastic IP address (allocation_id)"
            yield Violation(message, (nat,), ("allocation_id", nat.type, "aws_eip"), nat.address)


def addresses_used_once(graph: ResourceGraph) -> Iterator[Violation]:
    """An Elastic IP address serves one NAT gateway; the second one fails with Resource.AlreadyAssociated."""
    first: dict[str, Node] = {}
    for nat in graph.of_type("aws_nat_gateway"):
        address = referred(graph, nat.arguments.get("allocation_id"), "aws_eip")
        if address is None or is_repeated(nat):
            continue
        if other := first.get(address.address):
            message = f"{nat.address}: its address {address.address} is already that of {other.address}, and each NAT gateway needs its own"
            yield Violation(message, (nat, other, address), ("allocation_id", address.address, nat.type), nat.address)
        first.setdefault(address.address, nat)


def _routes(graph: ResourceGraph) -> Iterator[tuple[Node, Node | None, Mapping[str, Any]]]:
    """Every route: who brings it, the table that it is in (None: not known), and its arguments."""
    for table in graph.of_type("aws_route_table"):
        if not is_repeated(table):
            yield from ((table, table, route) for route in blocks(table.arguments, "route"))
    for route in graph.of_type("aws_route"):
        if not is_repeated(route):
            yield route, referred(graph, route.arguments.get("route_table_id"), "aws_route_table"), route.arguments


def _destination(graph: ResourceGraph, route: Mapping[str, Any]) -> str | None:
    return next((text(graph, route[name]) for name in _DESTINATIONS if route.get(name)), None)


def one_route_to_a_destination(graph: ResourceGraph) -> Iterator[Violation]:
    """A route table has one route to a destination; the second one is RouteAlreadyExists."""
    first: dict[tuple[str, str], Node] = {}
    for owner, table, route in _routes(graph):
        destination = _destination(graph, route)
        if table is None or destination is None:
            continue
        if (other := first.get((table.address, destination))) is not None:
            message = f"{owner.address}: {table.address} has two routes to {destination} (the other from {other.address})"
            yield Violation(message, (owner, other), (destination, "route", table.address, owner.type), owner.address)
        first.setdefault((table.address, destination), owner)


def routes_have_one_target(graph: ResourceGraph) -> Iterator[Violation]:
    """A route in a table's own block has one target. validate checks this for `aws_route` only."""
    for table in graph.of_type("aws_route_table", "aws_default_route_table"):
        for route in blocks(table.arguments, "route"):
            found = [name for name in _ROUTE_TARGETS if route.get(name)]
            if len(found) != 1 and "dynamic" not in route:
                message = f"{table.address}: its route to {_destination(graph, route)} has {' and '.join(found) or 'no target'}, and a route has one target"
                yield Violation(message, (table,), ("route", *found, table.type), table.address)
                break


def routes_stay_in_their_vpc(graph: ResourceGraph) -> Iterator[Violation]:
    """An internet gateway or NAT gateway that a route names is one of the route table's VPC."""
    for owner, table, route in _routes(graph):
        home = vpc(graph, table) if table else None
        gateway = referred(graph, route.get("gateway_id"), "aws_internet_gateway")
        nat = referred(graph, route.get("nat_gateway_id"), "aws_nat_gateway")
        placed = referred(graph, nat.arguments.get("subnet_id"), "aws_subnet") if nat else gateway
        other = vpc(graph, placed) if placed else None
        if table and home and other and other is not home and (target := gateway or nat):
            message = f"{owner.address}: {table.address} is in {home.address}, and the gateway that it routes to ({target.address}) in {other.address}"
            yield Violation(message, (owner, target), (target.address, "vpc_id", owner.type), owner.address)


def one_table_for_a_subnet(graph: ResourceGraph) -> Iterator[Violation]:
    """A subnet is associated with one route table; the second association is Resource.AlreadyAssociated."""
    first: dict[str, Node] = {}
    for association in graph.of_type("aws_route_table_association"):
        member = referred(graph, association.arguments.get("subnet_id"), "aws_subnet")
        if member is None or is_repeated(association):
            continue
        if other := first.get(member.address):
            message = f"{association.address}: {member.address} is already associated with a route table by {other.address}"
            yield Violation(message, (association, other, member), ("subnet_id", member.address, association.type), association.address)
        first.setdefault(member.address, association)


def acl_rules(graph: ResourceGraph) -> Iterator[Violation]:
    """A network ACL's rules have numbers from 1 to 32766, each once in a direction."""
    seen: set[tuple[str, str, float]] = set()
    for owner, acl, direction, place in _acl_rules(graph):
        label = "rule_number" if owner.type == "aws_network_acl_rule" else "rule_no"
        if not 1 <= place <= 32766:
            message = f"{owner.address}: {label} {place:g} is not between 1 and 32766"
        elif (acl.address, direction, place) in seen:
            message = f"{owner.address}: {acl.address} has two {direction} rules with the {label} {place:g}"
        else:
            seen.add((acl.address, direction, place))
            continue
        yield Violation(message, (owner, acl), (label, f"{place:g}", direction, owner.type), owner.address)


def _acl_rules(graph: ResourceGraph) -> Iterator[tuple[Node, Node, str, float]]:
    """Every rule with a known number: who brings it, its ACL, its direction and number."""
    for acl in graph.of_type("aws_network_acl", "aws_default_network_acl"):
        for direction in ("ingress", "egress"):
            for rule in blocks(acl.arguments, direction):
                if (place := number(graph, rule.get("rule_no"))) is not None and not is_repeated(acl):
                    yield acl, acl, direction, place
    for apart in graph.of_type("aws_network_acl_rule"):
        owner = referred(graph, apart.arguments.get("network_acl_id"), "aws_network_acl")
        outward = truth(graph, apart.arguments.get("egress", False))
        direction = "egress" if outward else "ingress"
        if outward is None:
            continue
        if (place := number(graph, apart.arguments.get("rule_number"))) is not None and not is_repeated(apart):
            # An ACL that is not known keeps its rules to itself: only the number is judged.
            yield apart, owner or apart, direction, place


def acl_all_protocols(graph: ResourceGraph) -> Iterator[Violation]:
    """An ACL's block for all protocols has the ports 0 and 0; the provider refuses others when it applies."""
    for acl in graph.of_type("aws_network_acl", "aws_default_network_acl"):
        for rule in (*blocks(acl.arguments, "ingress"), *blocks(acl.arguments, "egress")):
            ports = [number(graph, rule.get(name)) for name in ("from_port", "to_port")]
            if text(graph, rule.get("protocol")) in ("-1", "all") and any(ports):
                shown = "-".join("?" if port is None else f"{port:g}" for port in ports)
                message = f"{acl.address}: a rule for all protocols (-1) has the ports {shown}, and both are 0 then"
                yield Violation(message, (acl,), ("protocol", "from_port", "to_port", acl.type), acl.address)
                break


_HOME = {"vpc_id": "${aws_vpc.main.id}"}
_TO_INTERNET = {"cidr_block": _EVERYWHERE, "gateway_id": "${aws_internet_gateway.main.id}"}
_TO_NAT = {"cidr_block": _EVERYWHERE, "nat_gateway_id": "${aws_nat_gateway.main.id}"}
_ADDRESSED = {"allocation_id": "${aws_eip.main.id}", "subnet_id": "${aws_subnet.main.id}"}


def _stack(**resources: Mapping[str, Any]) -> dict[str, Any]:
    kept = {f"aws_{kind}": nodes for kind, nodes in resources.items()}
    return {"resource": {"aws_vpc": {"main": {}, "other": {}}, "aws_subnet": {"main": subnet("10.0.0.0/24")}, "aws_eip": {"main": {}}, **kept}}


def _table(*routes: Mapping[str, Any], **resources: Mapping[str, Any]) -> dict[str, Any]:
    return _stack(route_table={"main": {**_HOME, "route": list(routes)}}, internet_gateway={"main": _HOME}, **resources)


def _nat(route: Mapping[str, Any] | None = None, *, gateways: Mapping[str, Any] | None = None, **arguments: Any) -> dict[str, Any]:
    associated = {"main": {"route_table_id": "${aws_route_table.main.id}", "subnet_id": "${aws_subnet.main.id}"}}
    return _stack(
        nat_gateway={"main": {**_ADDRESSED, **arguments}},
        internet_gateway={"main": _HOME} if gateways is None else gateways,
        route_table={"main": {**_HOME, "route": route or _TO_INTERNET}},
        route_table_association=associated,
    )


def _associated(*subnets: str) -> dict[str, Any]:
    return _stack(route_table_association={f"a{place}": {"subnet_id": name, "route_table_id": f"rtb-{place}"} for place, name in enumerate(subnets)})


def _acl(*places: object, **rule: Any) -> dict[str, Any]:
    return _stack(network_acl={"main": {**_HOME, "ingress": [{"protocol": "tcp", "rule_no": place, **rule} for place in places]}})


def _acl_rule(place: object, **arguments: Any) -> dict[str, Any]:
    rule = {"network_acl_id": "${aws_network_acl.main.id}", "rule_number": place, **arguments}
    return _stack(network_acl={"main": _HOME}, network_acl_rule={"one": rule, "two": rule | {"rule_number": 200}})


def _route(**arguments: Any) -> dict[str, Any]:
    return {"one": {"route_table_id": "${aws_route_table.main.id}", **arguments}}


RULES = (
    Rule(
        id="internet-gateway-repeated",
        title="Two internet gateways at one VPC",
        severity=Severity.HIGH,
        category=Category.AWS_CONSTRAINT,
        documentation="https://docs.aws.amazon.com/vpc/latest/userguide/VPC_Internet_Gateway.html",
        check=one_internet_gateway,
        bad=(
            _stack(internet_gateway={"a": _HOME, "b": _HOME}),
            _stack(internet_gateway={"a": _HOME}, internet_gateway_attachment={"a": {**_HOME, "internet_gateway_id": "${aws_internet_gateway.a.id}"}}),
        ),
        good=(
            _stack(internet_gateway={"a": _HOME, "b": {"vpc_id": "${aws_vpc.other.id}"}}),
            _stack(internet_gateway={"a": {}}, internet_gateway_attachment={"a": {**_HOME, "internet_gateway_id": "${aws_internet_gateway.a.id}"}}),
        ),
    ),
    Rule(
        id="nat-gateway-without-internet",
        title="Public NAT gateway that cannot reach the internet",
        severity=Severity.HIGH,
        category=Category.AWS_CONSTRAINT,
        documentation="https://docs.aws.amazon.com/vpc/latest/userguide/nat-gateway-troubleshooting.html",
        check=nat_gateways_reach_the_internet,
        bad=(_nat(gateways={}), _nat(gateways={"main": {"vpc_id": "${aws_vpc.other.id}"}}), _nat(_TO_NAT)),
        good=(
            _nat(),
            _nat(gateways={}, connectivity_type="private"),
            _nat(gateways={}, subnet_id="${var.subnet}"),
            _nat(gateways={"main": {"vpc_id": "${var.vpc}"}}),
            _nat({"cidr_block": _EVERYWHERE, "transit_gateway_id": "tgw-1"}),
        ),
    ),
    Rule(
        id="nat-gateway-address",
        title="Public NAT gateway without an Elastic IP address",
        severity=Severity.HIGH,
        category=Category.AWS_CONSTRAINT,
        documentation="https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_CreateNatGateway.html",
        check=nat_gateways_have_an_address,
        bad=(_nat(allocation_id=None),),
        good=(_nat(), _nat(allocation_id="${var.address}"), _nat(allocation_id=None, connectivity_type="private")),
    ),
    Rule(
        id="nat-gateway-address-shared",
        title="One Elastic IP address for two NAT gateways",
        severity=Severity.HIGH,
        category=Category.AWS_CONSTRAINT,
        documentation="https://docs.aws.amazon.com/vpc/latest/userguide/nat-gateway-basics.html",
        check=addresses_used_once,
        bad=(_stack(nat_gateway={"a": _ADDRESSED, "b": _ADDRESSED}),),
        good=(_stack(nat_gateway={"a": _ADDRESSED, "b": _ADDRESSED | {"allocation_id": "${var.address}"}}),),
    ),
    Rule(
        id="route-repeated",
        title="Two routes to one destination in a route table",
        severity=Severity.HIGH,
        category=Category.AWS_CONSTRAINT,
        documentation="https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_CreateRoute.html",
        check=one_route_to_a_destination,
        bad=(_table(_TO_INTERNET, _TO_NAT), _table(_TO_INTERNET, route=_route(destination_cidr_block=_EVERYWHERE, transit_gateway_id="tgw-1"))),
        good=(
            _table(_TO_INTERNET, _TO_NAT | {"cidr_block": "10.1.0.0/16"}),
            _table(_TO_INTERNET, route=_route(destination_ipv6_cidr_block="::/0", gateway_id="igw-1")),
            _table(_TO_INTERNET, route={"a": {"destination_cidr_block": _EVERYWHERE, "route_table_id": "${var.table}"}}),
        ),
    ),
    Rule(
        id="route-target",
        title="Route without a target, or with several",
        severity=Severity.HIGH,
        category=Category.AWS_CONSTRAINT,
        documentation="https://registry.terraform.io/providers/hashicorp/aws/5.100.0/docs/resources/route_table",
        check=routes_have_one_target,
        bad=(_table({"cidr_block": _EVERYWHERE, "gateway_id": None}), _table(_TO_INTERNET | _TO_NAT)),
        good=(_table(_TO_INTERNET | {"nat_gateway_id": None}), _table({"cidr_block": "10.1.0.0/16", "vpc_peering_connection_id": "${var.peering}"}), _table()),
    ),
    Rule(
        id="route-other-vpc",
        title="Route to a gateway of another VPC",
        severity=Severity.HIGH,
        category=Category.AWS_CONSTRAINT,
        documentation="https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_CreateRoute.html",
        check=routes_stay_in_their_vpc,
        bad=(
            _stack(route_table={"main": {"vpc_id": "${aws_vpc.other.id}", "route": [_TO_INTERNET]}}, internet_gateway={"main": _HOME}),
            _stack(route_table={"main": {"vpc_id": "${aws_vpc.other.id}", "route": _TO_NAT}}, nat_gateway={"main": _ADDRESSED}),
        ),
        good=(
            _table(_TO_INTERNET),
            _table(_TO_NAT),
            _stack(route_table={"main": {"vpc_id": "${var.vpc}", "route": [_TO_INTERNET]}}, internet_gateway={"main": _HOME}),
        ),
    ),
    Rule(
        id="route-table-association-repeated",
        title="Subnet associated with two route tables",
        severity=Severity.HIGH,
        category=Category.AWS_CONSTRAINT,
        documentation="https://docs.aws.amazon.com/vpc/latest/userguide/VPC_Route_Tables.html",
        check=one_table_for_a_subnet,
        bad=(_associated("${aws_subnet.main.id}", "${aws_subnet.main.id}"),),
        good=(_associated("${aws_subnet.main.id}", "${var.subnet}"), _associated("${var.subnet}", "${var.subnet}")),
    ),
    Rule(
        id="network-acl-rule-number",
        title="Network ACL rule number out of range or used twice",
        severity=Severity.HIGH,
        category=Category.AWS_CONSTRAINT,
        documentation="https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_CreateNetworkAclEntry.html",
        check=acl_rules,
        bad=(_acl(100, "100"), _acl_rule(40000), _acl_rule(200)),
        good=(_acl(100, 110), _acl_rule(32766), _acl_rule("${var.place}"), _acl_rule(100), _acl_rule(200, egress="${var.egress}")),
    ),
    Rule(
        id="network-acl-all-protocols",
        title="Network ACL rule for all protocols with ports",
        severity=Severity.HIGH,
        category=Category.AWS_CONSTRAINT,
        documentation="https://registry.terraform.io/providers/hashicorp/aws/5.100.0/docs/resources/network_acl",
        check=acl_all_protocols,
        bad=(_acl(100, protocol="-1", from_port=0, to_port=65535),),
        good=(_acl(100, protocol="-1", from_port=0, to_port=0), _acl(100, protocol="tcp", from_port=0, to_port=65535)),
    ),
)
