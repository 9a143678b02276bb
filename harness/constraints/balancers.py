"""Rules on load balancers: listeners, target groups and what they have to agree on."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from harness.constraints.addresses import referred, subnet, vpc
from harness.constraints.base import Rule, Violation
from harness.constraints.graph import Node, ResourceGraph
from harness.constraints.values import blocks, is_dynamic, is_repeated, nested, number, text, truth
from harness.failures import Category, Severity

_BALANCERS, _GROUPS = ("aws_lb", "aws_alb"), ("aws_lb_target_group", "aws_alb_target_group")
_LISTENERS, _RULES = ("aws_lb_listener", "aws_alb_listener"), ("aws_lb_listener_rule", "aws_alb_listener_rule")
_PROTOCOLS = {"application": ("HTTP", "HTTPS"), "network": ("TCP", "UDP", "TCP_UDP", "TLS", "QUIC", "TCP_QUIC")}
_CONDITIONS = ("host_header", "http_header", "http_request_method", "path_pattern", "query_string", "source_ip")


def listeners_have_certificates(graph: ResourceGraph) -> Iterator[Violation]:
    """HTTPS and TLS listeners need a certificate; the others take none."""
    for listener in graph.of_type(*_LISTENERS):
        protocol, certificate = text(graph, listener.arguments.get("protocol")), listener.arguments.get("certificate_arn")
        if protocol in ("HTTPS", "TLS") and certificate is None:
            message = f"{listener.address}: a listener for {protocol} needs a certificate_arn"
        elif protocol in ("HTTP", "TCP", "UDP", "TCP_UDP") and certificate is not None and text(graph, certificate) != "":
            message = f"{listener.address}: a listener for {protocol} takes no certificate_arn"
        else:
            continue
        yield Violation(message, (listener,), ("certificate_arn", protocol, listener.type), listener.address)


def listener_protocols(graph: ResourceGraph) -> Iterator[Violation]:
    """An Application Load Balancer listens to HTTP and HTTPS, a Network Load Balancer to TCP, UDP, TLS and QUIC."""
    for listener in graph.of_type(*_LISTENERS):
        balancer = referred(graph, listener.arguments.get("load_balancer_arn"), *_BALANCERS)
        kind = text(graph, balancer.arguments.get("load_balancer_type") or "application") if balancer else None
        protocol = text(graph, listener.arguments.get("protocol"))
        taken = _PROTOCOLS.get(kind or "")
        if balancer and taken and protocol and protocol not in taken:
            message = f"{listener.address}: its protocol is {protocol}, and {balancer.address} is of the type {kind}, which takes {', '.join(taken)}"
            yield Violation(message, (listener, balancer), ("protocol", protocol, "load_balancer_type", listener.type), listener.address)


def _forwarded(listener: Node) -> Iterator[object]:
    """The target groups that a listener, or a rule of one, forwards to."""
    for action in (*blocks(listener.arguments, "default_action"), *blocks(listener.arguments, "action")):
        yield action.get("target_group_arn")
        yield from (group.get("arn") for group in nested(action, "forward", "target_group"))


def forwarding(graph: ResourceGraph) -> Iterator[Violation]:
    """A target group has a protocol of its load balancer's layer, and is in the load balancer's VPC."""
    for listener in graph.of_type(*_LISTENERS):
        balancer = referred(graph, listener.arguments.get("load_balancer_arn"), *_BALANCERS)
        layer = "network" if text(graph, listener.arguments.get("protocol")) in _PROTOCOLS["network"] else "application"
        known = text(graph, listener.arguments.get("protocol")) is not None
        for value in _forwarded(listener):
            group = referred(graph, value, *_GROUPS)
            if group is None:
                continue
            protocol, home, other = text(graph, group.arguments.get("protocol")), _home(graph, balancer), vpc(graph, group)
            if known and protocol and protocol not in _PROTOCOLS[layer] and protocol != "GENEVE":
                written = text(graph, listener.arguments.get("protocol"))
                message = f"{listener.address}: it listens to {written} and forwards to {group.address}, whose protocol is {protocol}"
                yield Violation(message, (listener, group), ("protocol", protocol, group.type, listener.type), listener.address)
            elif home and other and home is not other:
                message = f"{group.address}: it is in {other.address}, and the load balancer that forwards to it in {home.address}"
                yield Violation(message, (group, listener), ("vpc_id", other.address, group.type), group.address)


def _home(graph: ResourceGraph, balancer: Node | None) -> Node | None:
    """The VPC of a load balancer's first known subnet."""
    subnets = balancer.arguments.get("subnets") if balancer else None
    members = [referred(graph, entry, "aws_subnet") for entry in subnets] if isinstance(subnets, list) else []
    return next((network for member in members if member and (network := vpc(graph, member))), None)


def health_checks(graph: ResourceGraph) -> Iterator[Violation]:
    """A health check's timeout is below its interval (30 seconds by default); Network Load Balancers take one as long as the interval."""
    for group in graph.of_type(*_GROUPS):
        for check in blocks(group.arguments, "health_check"):
            timeout, interval = number(graph, check.get("timeout")), number(graph, 30 if check.get("interval") is None else check.get("interval"))
            http = text(graph, group.arguments.get("protocol")) in _PROTOCOLS["application"]
            if timeout is not None and interval is not None and (timeout > interval or (http and timeout == interval)):
                message = f"{group.address}: the health check's timeout of {timeout:g} seconds is not below its interval of {interval:g}"
                yield Violation(message, (group,), ("timeout", "interval", "health_check", group.type), group.address)


def stickiness(graph: ResourceGraph) -> Iterator[Violation]:
    """Cookies stick to HTTP target groups, source addresses to those of a Network Load Balancer."""
    for group in graph.of_type(*_GROUPS):
        protocol = text(graph, group.arguments.get("protocol"))
        for sticky in blocks(group.arguments, "stickiness"):
            kind, enabled = text(graph, sticky.get("type")), truth(graph, sticky.get("enabled", True))
            cookies = kind in ("lb_cookie", "app_cookie")
            wrong = (protocol in _PROTOCOLS["network"] and cookies) or (protocol in _PROTOCOLS["application"] and kind in ("source_ip",))
            if enabled and wrong:
                message = f"{group.address}: stickiness of the type {kind} is not for the protocol {protocol}"
                yield Violation(message, (group,), ("stickiness", str(kind), str(protocol), group.type), group.address)


def rules_have_priorities(graph: ResourceGraph) -> Iterator[Violation]:
    """A listener's rules have a priority each."""
    first: dict[tuple[str, float], Node] = {}
    for rule in graph.of_type(*_RULES):
        listener, priority = referred(graph, rule.arguments.get("listener_arn"), *_LISTENERS), number(graph, rule.arguments.get("priority"))
        if listener is None or priority is None or is_repeated(rule):
            continue
        if other := first.get((listener.address, priority)):
            message = f"{rule.address}: the priority {priority:g} at {listener.address} is taken by {other.address}"
            yield Violation(message, (rule, other, listener), ("priority", f"{priority:g}", rule.type), rule.address)
        first.setdefault((listener.address, priority), rule)


def rules_have_conditions(graph: ResourceGraph) -> Iterator[Violation]:
    """A rule's condition says what it looks at; the provider refuses an empty one when it applies."""
    for rule in graph.of_type(*_RULES):
        for condition in blocks(rule.arguments, "condition"):
            if not any(condition.get(name) or is_dynamic(condition, name) for name in _CONDITIONS):
                message = f"{rule.address}: a condition has none of {', '.join(_CONDITIONS)}"
                yield Violation(message, (rule,), ("condition", *_CONDITIONS, rule.type), rule.address)
                break


def one_listener_a_port(graph: ResourceGraph) -> Iterator[Violation]:
    """A load balancer has one listener at a port; the second one is DuplicateListener."""
    first: dict[tuple[str, float], Node] = {}
    for listener in graph.of_type(*_LISTENERS):
        balancer, port = referred(graph, listener.arguments.get("load_balancer_arn"), *_BALANCERS), number(graph, listener.arguments.get("port"))
        http = text(graph, listener.arguments.get("protocol")) in _PROTOCOLS["application"]
        if balancer is None or port is None or not http or is_repeated(listener):
            continue
        if other := first.get((balancer.address, port)):
            message = f"{listener.address}: {balancer.address} already has {other.address} at the port {port:g}"
            yield Violation(message, (listener, other, balancer), ("port", f"{port:g}", listener.type), listener.address)
        first.setdefault((balancer.address, port), listener)


def redirects_lead_elsewhere(graph: ResourceGraph) -> Iterator[Violation]:
    """A listener's redirect changes the protocol, port, host, path or query; one back to itself is refused as a loop."""
    for listener in graph.of_type(*_LISTENERS):
        own = {"protocol": text(graph, listener.arguments.get("protocol")), "port": text(graph, listener.arguments.get("port"))}
        for redirect in nested(listener.arguments, "default_action", "redirect"):
            same = all(redirect.get(name) in (None, f"#{{{name}}}") or (own[name] and text(graph, redirect.get(name)) == own[name]) for name in own)
            kept = all(redirect.get(name) in (None, unchanged) for name, unchanged in (("host", "#{host}"), ("path", "/#{path}"), ("query", "#{query}")))
            if same and kept:
                message = f"{listener.address}: its redirect leads back to {own['protocol']}:{own['port']} itself"
                yield Violation(message, (listener,), ("redirect", "protocol", "port", listener.type), listener.address)


def _stack(**resources: Mapping[str, Any]) -> dict[str, Any]:
    kept = {"lb": {"main": {"subnets": ["${aws_subnet.main.id}"]}}, "lb_target_group": {"main": {"protocol": "HTTP", "port": 80}}} | resources
    subnets = {"main": subnet("10.0.0.0/24")}
    return {"resource": {"aws_vpc": {"main": {}, "other": {}}, "aws_subnet": subnets, **{f"aws_{kind}": nodes for kind, nodes in kept.items()}}}


def _listener(*, balancer: Mapping[str, Any] | None = None, group: Mapping[str, Any] | None = None, **arguments: Any) -> dict[str, Any]:
    forward = {"type": "forward", "target_group_arn": "${aws_lb_target_group.main.arn}"}
    listener = {"load_balancer_arn": "${aws_lb.main.arn}", "port": 80, "protocol": "HTTP", "default_action": forward, **arguments}
    home = {"subnets": ["${aws_subnet.main.id}"]}
    return _stack(lb={"main": {**home, **(balancer or {})}}, lb_target_group={"main": {"protocol": "HTTP", **(group or {})}}, lb_listener={"main": listener})


def _group(**arguments: Any) -> dict[str, Any]:
    return _stack(lb_target_group={"main": {"protocol": "HTTP", "port": 80, **arguments}})


def _pair(kind: str, first: Mapping[str, Any], **changed: Any) -> dict[str, Any]:
    resources: dict[str, Any] = {"lb_listener": {"main": {}}, kind: {"main": {}, "a": first, "b": {**first, **changed}}}
    return _stack(**resources)


def _rule(id: str, title: str, check: Any, page: str, bad: tuple[Mapping[str, Any], ...], good: tuple[Mapping[str, Any], ...]) -> Rule:
    documentation = f"https://docs.aws.amazon.com/elasticloadbalancing/latest/{page}"
    return Rule(id, title, Severity.HIGH, Category.AWS_CONSTRAINT, documentation, check, bad, good)


_RULE = {"listener_arn": "${aws_lb_listener.main.arn}", "priority": 100, "condition": [{"path_pattern": {"values": ["/api/*"]}}]}
_PORT = {"load_balancer_arn": "${aws_lb.main.arn}", "port": 80, "protocol": "HTTP"}
_NETWORK = {"load_balancer_type": "network"}
_MAIN, _OTHER = {"vpc_id": "${aws_vpc.main.id}"}, {"vpc_id": "${aws_vpc.other.id}"}


def _redirected(**redirect: Any) -> dict[str, Any]:
    return _listener(default_action=[{"type": "redirect", "redirect": {"status_code": "HTTP_301", **redirect}}])


RULES = (
    _rule(
        "lb-listener-certificate",
        "HTTPS listener without a certificate, or another with one",
        listeners_have_certificates,
        "APIReference/API_CreateListener.html",
        (_listener(protocol="HTTPS", port=443), _listener(certificate_arn="${aws_acm_certificate.main.arn}")),
        (_listener(), _listener(protocol="HTTPS", certificate_arn="${aws_acm_certificate.main.arn}"), _listener(protocol="${var.protocol}")),
    ),
    _rule(
        "lb-listener-protocol",
        "Listener protocol that the load balancer does not take",
        listener_protocols,
        "APIReference/API_CreateListener.html",
        (_listener(protocol="TCP"), _listener(balancer=_NETWORK)),
        (
            _listener(),
            _listener(balancer=_NETWORK, protocol="TCP"),
            _listener(balancer=_NETWORK, protocol="QUIC"),
            _listener(balancer={"load_balancer_type": "${var.kind}"}, protocol="TCP"),
        ),
    ),
    _rule(
        "lb-target-group-mismatch",
        "Target group of another layer or VPC than its load balancer",
        forwarding,
        "APIReference/API_CreateTargetGroup.html",
        (_listener(group={"protocol": "TCP"}), _listener(balancer=_NETWORK, protocol="TCP"), _listener(group=_OTHER)),
        (_listener(group=_MAIN), _listener(balancer=_NETWORK, protocol="TLS", group={"protocol": "TCP"}), _listener(group={"vpc_id": "${var.vpc}"})),
    ),
    _rule(
        "lb-health-check-timeout",
        "Health check with a timeout as long as its interval",
        health_checks,
        "APIReference/API_CreateTargetGroup.html",
        (_group(health_check={"timeout": 30, "interval": 30}), _group(health_check={"timeout": 60}), _group(health_check=[{"timeout": "10", "interval": 5}])),
        (
            _group(health_check={"timeout": 5, "interval": 30}),
            _group(health_check={"timeout": 29}),
            _group(health_check={"timeout": "${var.wait}"}),
            _group(protocol="TCP", health_check={"timeout": 10, "interval": 10}),
        ),
    ),
    _rule(
        "lb-stickiness",
        "Stickiness of another layer than the target group",
        stickiness,
        "APIReference/API_TargetGroupAttribute.html",
        (_group(stickiness={"type": "source_ip"}), _group(protocol="TCP", stickiness={"type": "lb_cookie", "enabled": True})),
        (_group(stickiness={"type": "lb_cookie"}), _group(protocol="TCP", stickiness={"type": "lb_cookie", "enabled": False})),
    ),
    _rule(
        "lb-rule-priority",
        "Two rules of a listener with one priority",
        rules_have_priorities,
        "APIReference/API_CreateRule.html",
        (_pair("lb_listener_rule", _RULE), _pair("lb_listener_rule", _RULE, priority="100")),
        (_pair("lb_listener_rule", _RULE, priority=110), _pair("lb_listener_rule", _RULE, listener_arn="${var.listener}")),
    ),
    _rule(
        "lb-rule-condition",
        "Listener rule with an empty condition",
        rules_have_conditions,
        "APIReference/API_CreateRule.html",
        (_pair("lb_listener_rule", _RULE, condition=[{"path_pattern": None}]), _pair("lb_listener_rule", _RULE, condition={})),
        (_pair("lb_listener_rule", _RULE), _pair("lb_listener_rule", _RULE, condition=[{"source_ip": {"values": ["10.0.0.0/8"]}}])),
    ),
    _rule(
        "lb-listener-repeated",
        "Two listeners at one port",
        one_listener_a_port,
        "APIReference/API_CreateListener.html",
        (_pair("lb_listener", _PORT), _pair("lb_listener", _PORT, protocol="HTTPS")),
        (_pair("lb_listener", _PORT, port=443), _pair("lb_listener", _PORT, load_balancer_arn="${var.balancer}")),
    ),
    _rule(
        "lb-redirect-loop",
        "Redirect to where it comes from",
        redirects_lead_elsewhere,
        "application/rule-action-types.html",
        (_redirected(), _redirected(protocol="HTTP", port="80", host="#{host}")),
        (_redirected(protocol="HTTPS", port="443"), _redirected(host="www.example.com"), _redirected(port="${var.port}")),
    ),
)
