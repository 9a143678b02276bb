"""Rules on Route 53: zones, records and health checks that it refuses, or that are not what they seem."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterator
from functools import partial
from typing import Any

from harness.constraints.base import Rule, Violation
from harness.constraints.findings import Complaint, is_literal, is_unset, judged
from harness.constraints.graph import Node, ResourceGraph
from harness.constraints.values import blocks, is_dynamic, is_repeated, text, truth
from harness.failures import Category, Severity

RECORD, ZONE, CHECK = "aws_route53_record", "aws_route53_zone", "aws_route53_health_check"
_API = "https://docs.aws.amazon.com/Route53/latest/APIReference/"
_GUIDE = "https://docs.aws.amazon.com/Route53/latest/DeveloperGuide/"
_ROUTING = (
    "cidr_routing_policy",
    "failover_routing_policy",
    "geolocation_routing_policy",
    "geoproximity_routing_policy",
    "latency_routing_policy",
    "weighted_routing_policy",
)
_RESERVED = "example.com"
_FULL_NAME = re.compile(r"(?:[a-z0-9_*-]+\.)+(?:com|net|org|io|internal|local)\.?|(?:[a-z0-9_*-]+\.)+", re.IGNORECASE)
_STRING = 255


def zone_name(graph: ResourceGraph, record: Node) -> tuple[Node, str] | None:
    """The zone of the stack that a record is in, and its name; None for another zone, and for a name that is not known."""
    zone = graph.target(record.arguments.get("zone_id"), ZONE)
    name = None if zone is None else text(graph, zone.arguments.get("name"))
    return (zone, name.rstrip(".").lower()) if zone and name else None


def _values(graph: ResourceGraph, node: Node) -> Iterator[Complaint]:
    """What stands in a record fits its type."""
    kind = text(graph, node.arguments.get("type")) or ""
    records = node.arguments.get("records")
    if not isinstance(records, list):
        return
    if kind == "CNAME" and len(records) > 1:
        yield Complaint(f"it is a CNAME with {len(records)} values, and a CNAME has one", ("CNAME", "records"))
    for value in (written for written in (text(graph, record) for record in records) if written):
        if reason := _misfit(kind, value):
            yield Complaint(f"its value {value[:60]!r} {reason}", (value[:60], kind))


def _misfit(kind: str, value: str) -> str | None:
    if kind in ("A", "AAAA"):
        version = 4 if kind == "A" else 6
        return None if _version(value) == version else f"is no IPv{version} address, which a record of type {kind} has"
    if kind == "MX":
        return None if re.fullmatch(r"\s*\d+\s+\S+\s*", value) else "is no priority and host, which an MX record has"
    if kind == "CNAME" and _version(value):
        return "is an address, and a CNAME has a name"
    if kind in ("TXT", "SPF") and len(value) > _STRING and '"' not in value:
        return f'has {len(value)} characters, and a string in a TXT record has {_STRING} (join several by "")'
    return None


def _version(value: str) -> int | None:
    try:
        return ipaddress.ip_address(value.strip()).version
    except ValueError:
        return None


def _time(graph: ResourceGraph, node: Node) -> Iterator[Complaint]:
    """A record that is no alias has a time to live."""
    if (
        is_unset(node.arguments, "ttl")
        and not is_unset(node.arguments, "records")
        and not blocks(node.arguments, "alias")
        and not is_dynamic(node.arguments, "alias")
    ):
        yield Complaint("it has records and no ttl", ("ttl", "records"))


def _routing(graph: ResourceGraph, node: Node) -> Iterator[Complaint]:
    """A set identifier tells records of one name apart, which only a routing policy has several of."""
    several = any(blocks(node.arguments, name) or is_dynamic(node.arguments, name) for name in _ROUTING)
    if not is_unset(node.arguments, "set_identifier") and not several and node.arguments.get("multivalue_answer_routing_policy") in (None, False):
        yield Complaint("it has a set_identifier and no routing policy", ("set_identifier",))


def _apex(graph: ResourceGraph, node: Node) -> Iterator[Complaint]:
    """The zone's own name has records already (SOA and NS), and a CNAME is alone at its name."""
    found = zone_name(graph, node)
    name = node.arguments.get("name")
    if found is None or text(graph, node.arguments.get("type")) != "CNAME" or not isinstance(name, str):
        return
    zone, domain = found
    if name.rstrip(".").lower() in (domain, "", "${" + f"{zone.address}.name" + "}"):
        yield Complaint(f"it is a CNAME at {domain}, the name of its zone; there an alias is possible", ("CNAME", domain), (zone,))


def _outside(graph: ResourceGraph, node: Node) -> Iterator[Complaint]:
    """The provider takes a name that does not end in the zone's as relative to the zone, and appends the zone's name."""
    found = zone_name(graph, node)
    name = text(graph, node.arguments.get("name"))
    if found is None or not name or not _FULL_NAME.fullmatch(name) or "." not in name.rstrip("."):
        return
    zone, domain = found
    if not name.rstrip(".").lower().endswith(domain):
        whole = f"{name.rstrip('.')}.{domain}"
        yield Complaint(f"its name {name} is not in its zone {domain}, so that it becomes {whole}", (name, domain, "name"), (zone,))


def records_stand_once(graph: ResourceGraph) -> Iterator[Violation]:
    """A zone has one record of a name and type, or several that a routing policy tells apart by their set identifiers."""
    made: dict[tuple[str, ...], Node] = {}
    for node in graph.of_type(RECORD):
        zone, name, kind = (node.arguments.get(argument) for argument in ("zone_id", "name", "type"))
        own = str(node.arguments.get("set_identifier") or "")
        if (
            is_repeated(node)
            or not (isinstance(zone, str) and isinstance(name, str) and is_literal(kind))
            or truth(graph, node.arguments.get("allow_overwrite"))
        ):
            continue
        if "each." in name or "count." in name or "element(" in name or "tolist(" in name:
            continue
        found = zone_name(graph, node)
        domain = found[1] if found else ""
        full = name.rstrip(".").lower()
        full = full if not domain or full.endswith(domain) else f"{full}.{domain}".strip(".")
        key = (zone, full, str(kind), own)
        first = made.setdefault(key, node)
        if first is not node:
            identified = f" and set identifier {own}" if own else ""
            message = f"{node.address}: {first.address} is already the {kind} record for {name}{identified} in this zone"
            yield Violation(message, (node, first), (name, str(kind), RECORD), node.address)


def _zone(graph: ResourceGraph, node: Node) -> Iterator[Complaint]:
    """Route 53 keeps example.com, and all below it, to itself ("InvalidDomainName: ... is reserved by AWS!"); a label has 63 characters."""
    name = (text(graph, node.arguments.get("name")) or "").rstrip(".").lower()
    private = blocks(node.arguments, "vpc") or is_dynamic(node.arguments, "vpc")
    if f".{name}".endswith(f".{_RESERVED}") and not private:
        yield Complaint(f"its name {name} is reserved: Route 53 makes no public zone for it", (name, "name"))
    elif ".." in name or name.startswith(".") or any(len(part) > 63 for part in name.split(".")):
        yield Complaint(f"its name {name!r} is no domain name", (name, "name"))


def _check(graph: ResourceGraph, node: Node) -> Iterator[Complaint]:
    """A health check calls an address or a name that the internet has, by what its type needs."""
    kind = text(graph, node.arguments.get("type")) or ""
    if kind not in ("HTTP", "HTTPS", "HTTP_STR_MATCH", "HTTPS_STR_MATCH", "TCP"):
        return
    unset = [name for name in ("fqdn", "ip_address") if is_unset(node.arguments, name)]
    if len(unset) == 2:
        yield Complaint(f"it is of type {kind} and has neither fqdn nor ip_address", ("fqdn", "ip_address", kind))
    if kind == "TCP" and is_unset(node.arguments, "port"):
        yield Complaint("it is of type TCP and has no port", ("port", kind))
    if kind.endswith("_STR_MATCH") and is_unset(node.arguments, "search_string"):
        yield Complaint(f"it is of type {kind} and has no search_string", ("search_string", kind))
    elif not kind.endswith("_STR_MATCH") and not is_unset(node.arguments, "search_string"):
        yield Complaint(f"it has a search_string and is of type {kind}, which looks at no content", ("search_string", kind))
    address = text(graph, node.arguments.get("ip_address"))
    if address and _version(address) and _is_private(address):
        yield Complaint(f"its address {address} is a private one, which no health checker reaches", (address, "ip_address"))


def _is_private(address: str) -> bool:
    parsed = ipaddress.ip_address(address.strip())
    networks = ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "127.0.0.0/8", "169.254.0.0/16")
    return parsed.version == 4 and any(parsed in ipaddress.ip_network(network) for network in networks)


def _record(zone: str = "${aws_route53_zone.main.zone_id}", **arguments: Any) -> dict[str, Any]:
    main = {"zone_id": zone, "name": "www.shop.example", "type": "A", "ttl": 60, "records": ["192.0.2.1"], **arguments}
    return {"resource": {ZONE: {"main": {"name": "shop.example"}}, RECORD: {"main": main}}}


def _records(*records: dict[str, Any]) -> dict[str, Any]:
    full = {f"r{number}": {"zone_id": "${aws_route53_zone.main.zone_id}", "name": "www", "type": "A", **record} for number, record in enumerate(records)}
    return {"resource": {ZONE: {"main": {"name": "shop.example"}}, RECORD: full}}


def _named(name: str, **arguments: Any) -> dict[str, Any]:
    return {"resource": {ZONE: {"main": {"name": name, **arguments}}}}


def _checked(kind: str = "HTTPS", fqdn: str | None = "www.shop.example", **arguments: Any) -> dict[str, Any]:
    return {"resource": {CHECK: {"main": {"type": kind, "fqdn": fqdn, "port": 443, **arguments}}}}


_ALIAS = {"name": "${aws_lb.main.dns_name}", "zone_id": "${aws_lb.main.zone_id}", "evaluate_target_health": True}
_WEIGHTED: dict[str, Any] = {"weighted_routing_policy": {"weight": 10}}


def _rule(id_: str, title: str, page: str, check: Any, bad: Any, good: Any, **kind: Any) -> Rule:
    kinds = {"severity": Severity.HIGH, "category": Category.AWS_CONSTRAINT, **kind}
    return Rule(id=id_, title=title, documentation=page, check=check, bad=tuple(bad), good=tuple(good), **kinds)


RULES = (
    _rule(
        "route53-record-value",
        "Record whose value does not fit its type",
        _GUIDE + "ResourceRecordTypes.html",
        partial(judged, (RECORD,), _values),
        bad=(
            _record(records=["app.shop.example"]),
            _record(type="AAAA"),
            _record(type="CNAME", records=["a.shop.example", "b.shop.example"]),
            _record(type="CNAME"),
            _record(type="MX", records=["mail.shop.example"]),
            _record(type="TXT", records=["v" * 256]),
        ),
        good=(
            _record(),
            _record(records=["${aws_eip.main.public_ip}"]),
            _record(type="AAAA", records=["2001:db8::1"]),
            _record(type="CNAME", records=["${aws_lb.main.dns_name}"]),
            _record(type="MX", records=["10 mail.shop.example", "20 backup.shop.example"]),
            _record(type="TXT", records=["v" * 255 + '""' + "w" * 20]),
        ),
    ),
    _rule(
        "route53-record-ttl",
        "Record without a time to live",
        _API + "API_ResourceRecordSet.html",
        partial(judged, (RECORD,), _time),
        bad=(_record(ttl=None),),
        good=(_record(), _record(ttl=0), _record(ttl=None, records=None, alias=_ALIAS)),
    ),
    _rule(
        "route53-set-identifier",
        "Set identifier without a routing policy",
        _API + "API_ResourceRecordSet.html",
        partial(judged, (RECORD,), _routing),
        bad=(_record(set_identifier="a"),),
        good=(_record(), _record(set_identifier="a", **_WEIGHTED), _record(set_identifier="a", multivalue_answer_routing_policy=True)),
    ),
    _rule(
        "route53-cname-apex",
        "CNAME at the name of its zone",
        _GUIDE + "ResourceRecordTypes.html#CNAMEFormat",
        partial(judged, (RECORD,), _apex),
        bad=(
            _record(type="CNAME", name="shop.example", records=["app.shop.example"]),
            _record(type="CNAME", name="${aws_route53_zone.main.name}", records=["app.shop.example"]),
        ),
        good=(
            _record(type="CNAME", records=["app.shop.example"]),
            _record(type="CNAME", name="${var.name}", records=["app.shop.example"]),
            _record(name="shop.example"),
            _record("${var.zone}", type="CNAME", name="shop.example"),
        ),
    ),
    _rule(
        "route53-record-outside-zone",
        "Record with a full name that is not in its zone",
        "https://registry.terraform.io/providers/hashicorp/aws/latest/docs/resources/route53_record",
        partial(judged, (RECORD,), _outside),
        bad=(_record(name="api.store.com"), _record(name="api.store.example.")),
        good=(_record(), _record(name="api"), _record(name="api.v2"), _record(name="WWW.shop.example."), _record("${var.zone}", name="api.store.com")),
        severity=Severity.MEDIUM,
        category=Category.ARCHITECTURE,
    ),
    _rule(
        "route53-record-repeated",
        "Two records of one name and type",
        _API + "API_ResourceRecordSet.html",
        records_stand_once,
        bad=(
            _records({"records": ["192.0.2.1"]}, {"name": "www.shop.example", "records": ["192.0.2.2"]}),
            _records({"set_identifier": "a", **_WEIGHTED}, {"set_identifier": "a", **_WEIGHTED}),
        ),
        good=(
            _records({}, {"type": "AAAA"}),
            _records({}, {"name": "api"}),
            _records({"set_identifier": "a", **_WEIGHTED}, {"set_identifier": "b", **_WEIGHTED}),
            _records({}, {"zone_id": "${aws_route53_zone.other.zone_id}"}),
            _records({}, {"allow_overwrite": True}),
        ),
    ),
    _rule(
        "route53-zone-name",
        "Zone for a name that Route 53 does not take",
        _API + "API_CreateHostedZone.html",
        partial(judged, (ZONE,), _zone),
        bad=(_named("example.com"), _named("shop-dev.Example.com."), _named("shop..example")),
        good=(
            _named("shop.example"),
            _named("example.com", vpc={"vpc_id": "${aws_vpc.main.id}"}),
            _named("${var.domain}"),
            _named("shopexample.com"),
            _named("example.com.shop.example"),
        ),
    ),
    _rule(
        "route53-health-check",
        "Health check that Route 53 refuses",
        _API + "API_HealthCheckConfig.html",
        partial(judged, (CHECK,), _check),
        bad=(
            _checked(fqdn=None),
            _checked("TCP", port=None),
            _checked("HTTPS_STR_MATCH"),
            _checked(search_string="ok"),
            _checked(fqdn=None, ip_address="10.0.1.4"),
        ),
        good=(
            _checked(),
            _checked("HTTPS_STR_MATCH", search_string="ok"),
            _checked(fqdn=None, ip_address="${aws_eip.main.public_ip}"),
            _checked("CALCULATED", fqdn=None, child_healthchecks=["${var.child}"]),
            _checked("CLOUDWATCH_METRIC", fqdn=None, cloudwatch_alarm_name="a"),
        ),
    ),
)
