"""Rules on security groups: rules that AWS refuses, that fight with each other, and groups of another VPC."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

from harness.constraints.addresses import referred, subnet, vpc
from harness.constraints.base import Rule, Violation
from harness.constraints.graph import Node, ResourceGraph, mapping
from harness.constraints.values import blocks, is_repeated, nested, number, text
from harness.failures import Category, Severity

_GROUP = "aws_security_group"
_SOURCES = ("cidr_blocks", "ipv6_cidr_blocks", "prefix_list_ids", "security_groups", "self")
_APART = {"aws_vpc_security_group_ingress_rule": "ingress", "aws_vpc_security_group_egress_rule": "egress"}
_REFUSED = re.compile(r"[^0-9A-Za-z_ .:/()#,@\[\]+=&;{}!$*-]")


def _rules(graph: ResourceGraph) -> Iterator[tuple[Node, str, Mapping[str, Any]]]:
    """Every rule: who brings it, its direction, and its arguments."""
    for group in graph.of_type(_GROUP, "aws_default_security_group"):
        for direction in ("ingress", "egress"):
            yield from ((group, direction, rule) for rule in blocks(group.arguments, direction))
    for apart in graph.of_type("aws_security_group_rule", *_APART):
        yield apart, _direction(graph, apart), apart.arguments


def _direction(graph: ResourceGraph, rule: Node) -> str:
    """The direction of a rule apart; empty where it is not known."""
    return _APART.get(rule.type) or text(graph, rule.arguments.get("type")) or ""


def ports_make_a_range(graph: ResourceGraph) -> Iterator[Violation]:
    """Ports go from the lower to the higher, up to 65535; for ICMP they are a type and a code, and for all protocols none."""
    seen: set[str] = set()
    for owner, direction, rule in _rules(graph):
        protocol = (text(graph, rule.get("protocol", rule.get("ip_protocol"))) or "").lower()
        first, last = number(graph, rule.get("from_port")), number(graph, rule.get("to_port"))
        if first is None or last is None or owner.address in seen:
            continue
        if protocol in ("tcp", "udp", "6", "17") and (first > last or first < 0 or last > 65535):
            wrong = f"the ports from {first:g} to {last:g} are no range within 0 and 65535"
        elif protocol in ("-1", "all") and (first or last) and owner.type in (_GROUP, "aws_default_security_group"):
            # The provider refuses it when it applies; for a rule apart it drops the ports.
            wrong = f"a rule for all protocols (-1) has the ports {first:g} to {last:g}, and both are 0 then"
        else:
            continue
        seen.add(owner.address)
        yield Violation(f"{owner.address}: {direction}: {wrong}", (owner,), ("from_port", "to_port", direction, owner.type), owner.address)


def ports_are_given(graph: ResourceGraph) -> Iterator[Violation]:
    """A rule apart for TCP or UDP has both ports; AuthorizeSecurityGroupIngress refuses one without."""
    for rule in graph.of_type(*_APART):
        missing = [name for name in ("from_port", "to_port") if rule.arguments.get(name) is None]
        protocol = (text(graph, rule.arguments.get("ip_protocol")) or "").lower()
        if protocol in ("tcp", "udp", "6", "17") and missing:
            message = f"{rule.address}: a rule for {protocol} needs {' and '.join(missing)}"
            yield Violation(message, (rule,), (*missing, "ip_protocol", rule.type), rule.address)


def rules_name_a_source(graph: ResourceGraph) -> Iterator[Violation]:
    """A rule in a group's own block names whom it lets in (or out to). validate checks this for rules apart only."""
    for group in graph.of_type(_GROUP, "aws_default_security_group"):
        for direction in ("ingress", "egress"):
            for rule in blocks(group.arguments, direction):
                if not any(rule.get(name) for name in _SOURCES):
                    message = f"{group.address}: an {direction} rule names no {' or '.join(_SOURCES)}, and so opens nothing"
                    yield Violation(message, (group,), (direction, *_SOURCES, group.type), f"{group.address}.{direction}")
                    break


def rules_in_one_place(graph: ResourceGraph) -> Iterator[Violation]:
    """A group's rules stand in its own blocks or apart: with both, each apply takes away what stands apart."""
    seen: set[tuple[str, str]] = set()
    for rule in graph.of_type("aws_security_group_rule", *_APART):
        direction = _direction(graph, rule)
        group = referred(graph, rule.arguments.get("security_group_id"), _GROUP)
        if group is None or not blocks(group.arguments, direction) or (group.address, direction) in seen:
            continue
        ignored = mapping(group.arguments.get("lifecycle")).get("ignore_changes")
        if ignored != "all" and direction not in (ignored or ()):
            seen.add((group.address, direction))
            message = f"{group.address}: it has {direction} blocks of its own, and {rule.address} apart from it; each apply removes the one or the other"
            yield Violation(message, (group, rule), (direction, group.address, rule.type, group.type), f"{group.address}.{direction}")


def rules_stand_once(graph: ResourceGraph) -> Iterator[Violation]:
    """The same rule twice on a group is InvalidPermission.Duplicate."""
    first: dict[str, Node] = {}
    for rule in graph.of_type("aws_security_group_rule", *_APART):
        group = referred(graph, rule.arguments.get("security_group_id"), _GROUP)
        if group is None or is_repeated(rule):
            continue
        asked = {name: value for name, value in rule.own_arguments.items() if name not in ("description", "tags", "tags_all") and value is not None}
        key = json.dumps([rule.type, asked], sort_keys=True)
        if other := first.get(key):
            message = f"{rule.address}: it is the same rule of {group.address} as {other.address}"
            yield Violation(message, (rule, other, group), ("security_group_id", group.address, rule.type), rule.address)
        first.setdefault(key, rule)


def descriptions_in_the_alphabet(graph: ResourceGraph) -> Iterator[Violation]:
    """Descriptions of groups and rules take ASCII letters, digits, spaces and `._-:/()#,@[]+=&;{}!$*`, so no apostrophe.

    validate checks the ones of a group's own blocks and of `aws_security_group_rule`.
    """
    for node in graph.of_type(_GROUP, *_APART):
        description = text(graph, node.arguments.get("description"))
        refused = sorted(set(_REFUSED.findall(description or "")))
        if refused:
            message = f"{node.address}: its description has {' '.join(map(repr, refused))}, which EC2 does not take: {description}"
            yield Violation(message, (node,), ("description", description or "", node.type), node.address)


def groups_of_the_vpc(graph: ResourceGraph) -> Iterator[Violation]:
    """What stands in a VPC's subnets takes security groups of this VPC; a group without `vpc_id` is one of the default VPC.

    A group can be associated with other VPCs as well; one that may be is not judged.
    """
    lent = [referred(graph, node.arguments.get("security_group_id"), _GROUP) for node in graph.of_type("aws_vpc_security_group_vpc_association")]
    if None in lent:
        return
    for node in graph.nodes:
        if node.is_data or is_repeated(node):
            continue
        for subnets, groups in _placements(graph, node):
            home = next((network for member in subnets if (network := vpc(graph, member))), None)
            for group in groups:
                where = vpc(graph, group)
                if home is None or (where is None and group.arguments.get("vpc_id") is not None) or where is home or group in lent:
                    continue
                at = where.address if where else "the default VPC (it has no vpc_id)"
                message = f"{node.address}: its security group {group.address} is in {at}, and its subnets are in {home.address}"
                yield Violation(message, (node, group, home), ("vpc_id", group.address, group.type, node.type), node.address)
                break


def _placements(graph: ResourceGraph, node: Node) -> Iterator[tuple[list[Node], list[Node]]]:
    """The subnets and the security groups that a resource is given together, as far as they are this stack's."""
    given = node.arguments
    pairs: list[tuple[object, object]] = []
    if node.type == "aws_instance":
        pairs = [([given.get("subnet_id")], given.get("vpc_security_group_ids"))]
    elif node.type in ("aws_lb", "aws_alb"):
        pairs = [(given.get("subnets"), given.get("security_groups"))]
    elif node.type == "aws_vpc_endpoint":
        pairs = [(given.get("subnet_ids"), given.get("security_group_ids"))]
    elif node.type == "aws_efs_mount_target":
        pairs = [([given.get("subnet_id")], given.get("security_groups"))]
    elif node.type in ("aws_db_instance", "aws_rds_cluster"):
        pairs = [(_members(graph, given.get("db_subnet_group_name"), "aws_db_subnet_group"), given.get("vpc_security_group_ids"))]
    elif node.type == "aws_elasticache_replication_group":
        pairs = [(_members(graph, given.get("subnet_group_name"), "aws_elasticache_subnet_group"), given.get("security_group_ids"))]
    elif node.type in ("aws_lambda_function", "aws_eks_cluster"):
        pairs = [(block.get("subnet_ids"), block.get("security_group_ids")) for block in nested(given, "vpc_config")]
    elif node.type == "aws_ecs_service":
        pairs = [(block.get("subnets"), block.get("security_groups")) for block in nested(given, "network_configuration")]
    for subnets, groups in pairs:
        yield _known(graph, subnets, "aws_subnet"), _known(graph, groups, _GROUP)


def _members(graph: ResourceGraph, value: object, kind: str) -> object:
    group = referred(graph, value, kind)
    return group.arguments.get("subnet_ids") if group else None


def _known(graph: ResourceGraph, value: object, kind: str) -> list[Node]:
    found = [referred(graph, entry, kind) for entry in value] if isinstance(value, list) else []
    return [node for node in found if node]


def _group(ingress: object = None, **arguments: Any) -> dict[str, Any]:
    blocks_of_it = {} if ingress is None else {"ingress": ingress}
    return {"resource": {_GROUP: {"main": {"vpc_id": "${aws_vpc.main.id}", **blocks_of_it, **arguments}}}}


def _apart(kind: str = "aws_security_group_rule", *, group: Mapping[str, Any] | None = None, **arguments: Any) -> dict[str, Any]:
    rule = {"security_group_id": "${aws_security_group.main.id}", "from_port": 443, "to_port": 443, **arguments}
    return {"resource": {_GROUP: {"main": group or {}}, kind: {"main": {name: value for name, value in rule.items() if value is not None}}}}


def _twice(**changed: Any) -> dict[str, Any]:
    rule = {"security_group_id": "${aws_security_group.main.id}", "ip_protocol": "tcp", "from_port": 443, "to_port": 443, "cidr_ipv4": "10.0.0.0/16"}
    return {"resource": {_GROUP: {"main": {}}, "aws_vpc_security_group_ingress_rule": {"a": rule, "b": rule | changed}}}


def _placed(kind: str, arguments: Mapping[str, Any], **group: Any) -> dict[str, Any]:
    subnet_group = {"main": {"subnet_ids": ["${aws_subnet.main.id}"]}}
    resources = {"aws_vpc": {"main": {}, "other": {}}, "aws_subnet": {"main": subnet("10.0.0.0/24")}, "aws_db_subnet_group": subnet_group}
    return {"resource": {**resources, _GROUP: {"main": group}, kind: {"main": arguments}}}


_ANY = {"cidr_blocks": ["0.0.0.0/0"]}
_HTTPS = {"protocol": "tcp", "from_port": 443, "to_port": 443, **_ANY}
_MAIN, _OTHER = "${aws_vpc.main.id}", "${aws_vpc.other.id}"
_IN_VPC = {"vpc_config": {"subnet_ids": ["${aws_subnet.main.id}"], "security_group_ids": ["${aws_security_group.main.id}"]}}
_LENT = {"security_group_id": "${aws_security_group.main.id}", "vpc_id": _MAIN}
_DATABASE = {"db_subnet_group_name": "${aws_db_subnet_group.main.name}", "vpc_security_group_ids": ["${aws_security_group.main.id}"]}

RULES = (
    Rule(
        id="security-group-ports",
        title="Ports of a security group rule are no range",
        severity=Severity.HIGH,
        category=Category.AWS_CONSTRAINT,
        documentation="https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_IpPermission.html",
        check=ports_make_a_range,
        bad=(
            _group({**_HTTPS, "from_port": 443, "to_port": 80}),
            _group([_HTTPS, {**_HTTPS, "to_port": 65536}]),
            _group({"protocol": "-1", "from_port": 0, "to_port": 65535, **_ANY}),
            _apart("aws_vpc_security_group_ingress_rule", ip_protocol="tcp", from_port=8080, to_port=80),
        ),
        good=(
            _group([_HTTPS, {**_HTTPS, "from_port": 0, "to_port": "65535"}]),
            _group({"protocol": "-1", "from_port": 0, "to_port": 0, **_ANY}),
            _apart(type="egress", protocol="-1", from_port=0, to_port=65535),
            _group({"protocol": "icmp", "from_port": 8, "to_port": 0, **_ANY}),
            _group({**_HTTPS, "from_port": "${var.port}"}),
        ),
    ),
    Rule(
        id="security-group-ports-missing",
        title="Security group rule for TCP or UDP without ports",
        severity=Severity.HIGH,
        category=Category.AWS_CONSTRAINT,
        documentation="https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_IpPermission.html",
        check=ports_are_given,
        bad=(_apart("aws_vpc_security_group_ingress_rule", ip_protocol="tcp", to_port=None),),
        good=(
            _apart("aws_vpc_security_group_ingress_rule", ip_protocol="tcp"),
            _apart("aws_vpc_security_group_egress_rule", ip_protocol="-1", from_port=None, to_port=None),
        ),
    ),
    Rule(
        id="security-group-source",
        title="Security group rule without a source",
        severity=Severity.HIGH,
        category=Category.AWS_CONSTRAINT,
        documentation="https://registry.terraform.io/providers/hashicorp/aws/5.100.0/docs/resources/security_group",
        check=rules_name_a_source,
        bad=(_group({"protocol": "tcp", "from_port": 80, "to_port": 80}), _group([_HTTPS, {**_HTTPS, "cidr_blocks": [], "self": False}])),
        good=(_group(_HTTPS), _group({**_HTTPS, "cidr_blocks": None, "self": True}), _group({**_HTTPS, "cidr_blocks": "${var.blocks}"}), _group([])),
    ),
    Rule(
        id="security-group-rules-mixed",
        title="Security group with rules of its own and rules apart",
        severity=Severity.HIGH,
        category=Category.ARCHITECTURE,
        documentation="https://registry.terraform.io/providers/hashicorp/aws/5.100.0/docs/resources/security_group",
        check=rules_in_one_place,
        bad=(
            _apart(type="ingress", group={"ingress": _HTTPS}),
            _apart("aws_vpc_security_group_egress_rule", group={"ingress": _HTTPS, "egress": [_HTTPS]}),
        ),
        good=(
            _apart(type="ingress", group={"egress": [_HTTPS]}),
            _apart(type="ingress"),
            _apart(type="ingress", group={"ingress": _HTTPS, "lifecycle": {"ignore_changes": ["ingress"]}}),
            _apart(type="ingress", group={"ingress": _HTTPS}, security_group_id="${var.group}"),
        ),
    ),
    Rule(
        id="security-group-rule-repeated",
        title="Security group rule stands twice",
        severity=Severity.HIGH,
        category=Category.AWS_CONSTRAINT,
        documentation="https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_AuthorizeSecurityGroupIngress.html",
        check=rules_stand_once,
        bad=(_twice(), _twice(description="again")),
        good=(_twice(from_port=80, to_port=80), _twice(cidr_ipv4="10.1.0.0/16"), _twice(security_group_id="${var.group}")),
    ),
    Rule(
        id="security-group-description",
        title="Character that a security group's description does not take",
        severity=Severity.HIGH,
        category=Category.AWS_CONSTRAINT,
        documentation="https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_CreateSecurityGroup.html",
        check=descriptions_in_the_alphabet,
        bad=(
            _group(description="The load balancer's group"),
            _apart("aws_vpc_security_group_ingress_rule", description="web → app"),
        ),
        good=(_group(description="Web (80, 443) & admin; all of them!"), _group(description="${var.description}"), _group()),
    ),
    Rule(
        id="security-group-other-vpc",
        title="Security group of another VPC than the subnets",
        severity=Severity.HIGH,
        category=Category.AWS_CONSTRAINT,
        documentation="https://docs.aws.amazon.com/vpc/latest/userguide/vpc-security-groups.html",
        check=groups_of_the_vpc,
        bad=(
            _placed("aws_lambda_function", _IN_VPC),
            _placed("aws_lambda_function", _IN_VPC, vpc_id=_OTHER),
            _placed("aws_db_instance", _DATABASE, vpc_id=_OTHER),
            _placed("aws_lb", {"subnets": ["${aws_subnet.main.id}"], "security_groups": ["${aws_security_group.main.id}"]}),
        ),
        good=(
            _placed("aws_lambda_function", _IN_VPC, vpc_id=_MAIN),
            _placed("aws_lambda_function", _IN_VPC, vpc_id="${var.vpc}"),
            {"resource": _placed("aws_lambda_function", _IN_VPC, vpc_id=_OTHER)["resource"] | {"aws_vpc_security_group_vpc_association": {"main": _LENT}}},
            _placed("aws_db_instance", _DATABASE, vpc_id=_MAIN),
            _placed("aws_db_instance", {"vpc_security_group_ids": ["${aws_security_group.main.id}"]}),
        ),
    ),
)
