"""Rules on WAF: web ACLs that it refuses, and ACLs that do not fit what they are put in front of."""

from __future__ import annotations

import ipaddress
from collections import Counter
from collections.abc import Iterator, Mapping
from functools import partial
from typing import Any

from harness.constraints.base import Rule
from harness.constraints.findings import Complaint, is_literal, is_unset, judged
from harness.constraints.graph import Node, ResourceGraph
from harness.constraints.policies import listed
from harness.constraints.values import blocks, is_dynamic, text
from harness.failures import Category, Severity

ACL, GROUP = "aws_wafv2_web_acl", "aws_wafv2_rule_group"
DISTRIBUTION = "aws_cloudfront_distribution"
_GUIDE = "https://docs.aws.amazon.com/waf/latest/developerguide/"
_API = "https://docs.aws.amazon.com/waf/latest/APIReference/"
_REGION = "us-east-1"
_GROUPS = ("managed_rule_group_statement", "rule_group_reference_statement")
_SCOPED = (ACL, GROUP, "aws_wafv2_ip_set", "aws_wafv2_regex_pattern_set")
_UNPROTECTED = {
    "aws_apigatewayv2_api": "HTTP APIs and WebSocket APIs",
    "aws_apigatewayv2_stage": "stages of HTTP APIs and WebSocket APIs",
    "aws_cloudfront_distribution": "distributions, which name their ACL themselves (web_acl_id)",
}
_LOG_NAMES = {
    # By type: the argument that is the name of what logs go to.
    "aws_cloudwatch_log_group": "name",
    "aws_kinesis_firehose_delivery_stream": "name",
    "aws_s3_bucket": "bucket",
}
_LOG_PREFIX = "aws-waf-logs-"


def _rules(node: Node) -> list[Mapping[str, Any]]:
    """The rules of an ACL or a group; nothing where some of them are not known."""
    return [] if is_dynamic(node.arguments, "rule") else blocks(node.arguments, "rule")


def _statement(rule: Mapping[str, Any]) -> Mapping[str, Any] | None:
    """The statement of a rule; None where it is not known."""
    found = blocks(rule, "statement")
    return found[0] if len(found) == 1 and "dynamic" not in found[0] else None


def _kinds(statement: Mapping[str, Any]) -> list[str]:
    """The kinds of statements that stand in one."""
    return [name for name, value in statement.items() if value is not None and value != [] and name != "//"]


def _priority(graph: ResourceGraph, node: Node) -> Iterator[Complaint]:
    """Rules are looked at in the order of their priorities, so that each has its own."""
    given = Counter(text(graph, rule.get("priority")) for rule in _rules(node))
    for priority, count in given.items():
        if priority is not None and count > 1:
            names = ", ".join(str(rule.get("name")) for rule in _rules(node) if text(graph, rule.get("priority")) == priority)
            yield Complaint(f"{count} of its rules have the priority {priority} ({names})", ("priority", priority))


def _action(graph: ResourceGraph, node: Node) -> Iterator[Complaint]:
    """A rule that refers to a group of rules has override_action, any other has action."""
    for rule in _rules(node):
        statement = _statement(rule)
        kinds = [] if statement is None else _kinds(statement)
        if len(kinds) != 1 or any(is_dynamic(rule, name) for name in ("action", "override_action")):
            continue
        wanted, other = ("override_action", "action") if kinds[0] in _GROUPS else ("action", "override_action")
        if other in rule and not is_unset(rule, other):
            yield Complaint(f"its rule {rule.get('name')} has {other}; with {kinds[0]} a rule has {wanted}", (other, wanted, kinds[0]))
        elif not blocks(rule, wanted):
            yield Complaint(f"its rule {rule.get('name')} has no {wanted}, which a rule with {kinds[0]} needs", (wanted, kinds[0]))


def _one(graph: ResourceGraph, node: Node) -> Iterator[Complaint]:
    """A statement is of one kind, an action too; `and` and `or` join at least two statements."""
    for rule in _rules(node):
        statement = _statement(rule)
        if statement is not None:
            kinds = _kinds(statement)
            if len(kinds) != 1:
                yield Complaint(f"the statement of its rule {rule.get('name')} is {' and '.join(kinds) or 'empty'}; it is of one kind", ("statement", *kinds))
            for name in ("and_statement", "or_statement"):
                for joined in blocks(statement, name):
                    if not is_dynamic(joined, "statement") and len(blocks(joined, "statement")) < 2:
                        yield Complaint(f"the {name} of its rule {rule.get('name')} joins fewer than two statements", (name, "statement"))
        for name in ("action", "override_action"):
            for block in blocks(rule, name):
                if len(_kinds(block)) != 1:
                    yield Complaint(f"the {name} of its rule {rule.get('name')} is {' and '.join(_kinds(block)) or 'empty'}; it is one", (name,))
    for block in blocks(node.arguments, "default_action"):
        if len(_kinds(block)) != 1 and "dynamic" not in block:
            yield Complaint(
                f"its default_action is {' and '.join(_kinds(block)) or 'empty'}, where it is either allow or block", ("default_action", "allow", "block")
            )


def _region(graph: ResourceGraph, node: Node) -> Iterator[Complaint]:
    """What is for CloudFront is made in us-east-1."""
    region = graph.region(node)
    if text(graph, node.arguments.get("scope")) == "CLOUDFRONT" and region not in (None, _REGION):
        yield Complaint(f"its scope is CLOUDFRONT and its region {region}, where only {_REGION} has that scope", ("CLOUDFRONT", "scope", str(region)))


def _distribution(graph: ResourceGraph, node: Node) -> Iterator[Complaint]:
    """A distribution takes web ACLs of the scope CLOUDFRONT, by their ARN."""
    value = node.arguments.get("web_acl_id")
    acl = graph.target(value, ACL)
    if acl is not None and text(graph, acl.arguments.get("scope")) == "REGIONAL":
        yield Complaint(f"its web ACL {acl.address} has the scope REGIONAL, and a distribution takes CLOUDFRONT", ("web_acl_id", "REGIONAL", "scope"), (acl,))
    elif is_literal(value) and ":regional/webacl/" in str(value):
        yield Complaint(f"its web ACL {value} is a regional one", ("web_acl_id", "scope"))
    elif acl is not None and isinstance(value, str) and value == "${" + f"{acl.address}.id" + "}":
        yield Complaint(f"its web_acl_id is the id of {acl.address}, where CloudFront wants the ARN of such an ACL", ("web_acl_id", "arn"), (acl,))


def _association(graph: ResourceGraph, node: Node) -> Iterator[Complaint]:
    """Associations are for regional ACLs, and for load balancers of the type application, stages of REST APIs and some more."""
    acl = graph.target(node.arguments.get("web_acl_arn"), ACL)
    if acl is not None and text(graph, acl.arguments.get("scope")) == "CLOUDFRONT":
        yield Complaint(f"{acl.address} has the scope CLOUDFRONT, and an association takes REGIONAL", ("web_acl_arn", "CLOUDFRONT", "scope"), (acl,))
    for target in graph.targets(node.arguments.get("resource_arn")):
        kind = text(graph, target.arguments.get("load_balancer_type")) if target.type in ("aws_lb", "aws_alb") else None
        refused = _UNPROTECTED.get(target.type) or (f"{kind} load balancers" if kind in ("network", "gateway") else None)
        if refused and not target.is_data:
            yield Complaint(f"it associates {target.address}, and WAF does not go in front of {refused}", ("resource_arn", target.type), (target,))


def _addresses(graph: ResourceGraph, node: Node) -> Iterator[Complaint]:
    """Addresses are ranges in CIDR notation, of the set's version, and none of them is everything (/0)."""
    version = text(graph, node.arguments.get("ip_address_version"))
    for value in listed(node.arguments.get("addresses")):
        written = text(graph, value)
        if written is None or version not in ("IPV4", "IPV6"):
            continue
        reason = _no_range(written, 4 if version == "IPV4" else 6)
        if reason:
            yield Complaint(f"its address {written} {reason}", (written, "addresses"))


def _no_range(written: str, version: int) -> str | None:
    if "/" not in written:
        return "has no prefix length (a single address is /32, or /128)"
    try:
        network = ipaddress.ip_network(written, strict=False)
    except ValueError:
        return "is no range of addresses"
    if network.version != version:
        return f"is of IPv{network.version}, and the set of IPv{version}"
    return "is everything, which no set takes" if network.prefixlen == 0 else None


def _logs(graph: ResourceGraph, node: Node) -> Iterator[Complaint]:
    """What WAF logs go to has a name that begins with aws-waf-logs-."""
    for value in listed(node.arguments.get("log_destination_configs")):
        target = graph.target(value, *_LOG_NAMES)
        name = target.arguments.get(_LOG_NAMES[target.type]) if target else _last(value) if is_literal(value) else None
        if (
            isinstance(name, str)
            and name
            and not name.startswith("$")
            and not (name.startswith(_LOG_PREFIX) or _LOG_PREFIX.startswith(name.partition("${")[0] + "$"))
        ):
            where = target.address if target else str(value)
            yield Complaint(
                f"it logs to {where}, whose name {name} does not begin with {_LOG_PREFIX}",
                (name, _LOG_PREFIX, "log_destination_configs"),
                (target,) if target else (),
            )


def _last(arn: str) -> str:
    """The name in the ARN of a log group, a delivery stream or a bucket."""
    return arn.removesuffix(":*").rpartition(":")[2].rpartition("/")[2]


def _rule_of(kind: str, priority: Any = 1, **arguments: Any) -> dict[str, Any]:
    return {"name": f"rule-{priority}", "priority": priority, "statement": {kind: {"limit": 100}}, **arguments}


def _acl(*rules: dict[str, Any], region: str = _REGION, **arguments: Any) -> dict[str, Any]:
    main = {"name": "shop", "scope": "REGIONAL", "default_action": {"allow": {}}, "rule": list(rules), **arguments}
    return {"provider": {"aws": [{"region": region}]}, "resource": {ACL: {"main": main}}}


def _before(kind: str, arguments: dict[str, Any], scope: str = "REGIONAL", **others: Any) -> dict[str, Any]:
    return {"resource": {ACL: {"main": {"name": "shop", "scope": scope}}, kind: {"main": arguments}, **others}}


def _associated(target: str, scope: str = "REGIONAL", **others: Any) -> dict[str, Any]:
    return _before("aws_wafv2_web_acl_association", {"web_acl_arn": "${aws_wafv2_web_acl.main.arn}", "resource_arn": target}, scope, **others)


def _set(*addresses: str, version: str = "IPV4") -> dict[str, Any]:
    return {"resource": {"aws_wafv2_ip_set": {"main": {"ip_address_version": version, "addresses": list(addresses)}}}}


def _logged(to: str, name: str = "shop") -> dict[str, Any]:
    configuration = {"main": {"log_destination_configs": [to]}}
    return {"resource": {"aws_cloudwatch_log_group": {"main": {"name": name}}, "aws_wafv2_web_acl_logging_configuration": configuration}}


_MANAGED, _RATE = "managed_rule_group_statement", "rate_based_statement"
_BLOCK: dict[str, Any] = {"action": {"block": {}}}
_OVERRIDE: dict[str, Any] = {"override_action": {"none": {}}}
_JOINED = {"name": "a", "priority": 1, "statement": {"and_statement": {"statement": [{"geo_match_statement": {"country_codes": ["DE"]}}]}}, **_BLOCK}
_GROUP = "${aws_cloudwatch_log_group.main.arn}"
_HTTP: dict[str, Any] = {"aws_apigatewayv2_stage": {"main": {}}}


def _rule(id_: str, title: str, page: str, kinds: tuple[str, ...], judge: Any, bad: Any, good: Any) -> Rule:
    return Rule(id_, title, Severity.HIGH, Category.AWS_CONSTRAINT, page, partial(judged, kinds, judge), bad=tuple(bad), good=tuple(good))


RULES = (
    _rule(
        "waf-rule-priority",
        "Two rules of a web ACL with one priority",
        _API + "API_Rule.html",
        (ACL, GROUP),
        _priority,
        bad=(_acl(_rule_of(_RATE, 1, **_BLOCK), _rule_of(_RATE, "1", **_BLOCK)),),
        good=(
            _acl(_rule_of(_RATE, 0, **_BLOCK), _rule_of(_RATE, 1, **_BLOCK)),
            _acl(_rule_of(_RATE, "${var.a}", **_BLOCK), _rule_of(_RATE, "${var.b}", **_BLOCK)),
        ),
    ),
    _rule(
        "waf-rule-action",
        "WAF rule with the wrong one of action and override_action",
        _API + "API_Rule.html",
        (ACL,),
        _action,
        bad=(_acl(_rule_of(_MANAGED, **_BLOCK)), _acl(_rule_of(_RATE, **_OVERRIDE)), _acl(_rule_of(_RATE)), _acl(_rule_of(_MANAGED, **_BLOCK, **_OVERRIDE))),
        good=(
            _acl(_rule_of(_MANAGED, **_OVERRIDE), _rule_of(_RATE, 2, **_BLOCK)),
            _acl(_rule_of(_MANAGED, override_action=[{"count": {}}])),
            _acl({"name": "a", "priority": 1, "dynamic": {"statement": {}}}),
        ),
    ),
    _rule(
        "waf-one-of",
        "WAF statement or action that is none or several",
        _API + "API_Statement.html",
        (ACL, GROUP),
        _one,
        bad=(
            _acl({"name": "a", "priority": 1, "statement": {}, **_BLOCK}),
            _acl({"name": "a", "priority": 1, "statement": {_MANAGED: {"name": "a"}, _RATE: {"limit": 100}}, **_OVERRIDE}),
            _acl(default_action={"allow": {}, "block": {}}),
            _acl(default_action={}),
            _acl(_JOINED),
            _acl(_rule_of(_MANAGED, override_action={"none": {}, "count": {}})),
        ),
        good=(
            _acl(_rule_of(_RATE, **_BLOCK)),
            _acl(default_action=[{"block": {"custom_response": {"response_code": 403}}}]),
            _acl(_rule_of(_RATE, action="${var.action}")),
        ),
    ),
    _rule(
        "waf-scope-region",
        "Scope CLOUDFRONT outside us-east-1",
        _API + "API_CreateWebACL.html",
        _SCOPED,
        _region,
        bad=(_acl(scope="CLOUDFRONT", region="eu-west-1"),),
        good=(_acl(scope="CLOUDFRONT"), _acl(region="eu-west-1"), _acl(scope="CLOUDFRONT", region="${var.region}")),
    ),
    _rule(
        "waf-distribution-scope",
        "Distribution with a web ACL that is not for CloudFront",
        _GUIDE + "how-aws-waf-works-resources.html",
        (DISTRIBUTION,),
        _distribution,
        bad=(
            _before(DISTRIBUTION, {"web_acl_id": "${aws_wafv2_web_acl.main.arn}"}),
            _before(DISTRIBUTION, {"web_acl_id": "${aws_wafv2_web_acl.main.id}"}, "CLOUDFRONT"),
            _before(DISTRIBUTION, {"web_acl_id": "arn:aws:wafv2:us-east-1:123456789012:regional/webacl/shop/a"}),
        ),
        good=(
            _before(DISTRIBUTION, {"web_acl_id": "${aws_wafv2_web_acl.main.arn}"}, "CLOUDFRONT"),
            _before(DISTRIBUTION, {"web_acl_id": "${var.acl}"}),
            _before(DISTRIBUTION, {}),
        ),
    ),
    _rule(
        "waf-association",
        "Web ACL in front of what it cannot protect",
        _GUIDE + "how-aws-waf-works-resources.html",
        ("aws_wafv2_web_acl_association",),
        _association,
        bad=(
            _associated("${aws_apigatewayv2_stage.main.arn}", **_HTTP),
            _associated("${aws_lb.main.arn}", "CLOUDFRONT", aws_lb={"main": {}}),
            _associated("${aws_lb.main.arn}", aws_lb={"main": {"load_balancer_type": "network"}}),
        ),
        good=(
            _associated("${aws_lb.main.arn}", aws_lb={"main": {"load_balancer_type": "application"}}),
            _associated("${aws_api_gateway_stage.main.arn}", aws_api_gateway_stage={"main": {}}),
            _associated("${var.target}"),
        ),
    ),
    _rule(
        "waf-ip-set-address",
        "Address that a WAF IP set does not take",
        _API + "API_CreateIPSet.html",
        ("aws_wafv2_ip_set",),
        _addresses,
        bad=(_set("192.0.2.1"), _set("0.0.0.0/0"), _set("2001:db8::/32"), _set("192.0.2.0/24", version="IPV6"), _set("192.0.2.300/32")),
        good=(_set("192.0.2.1/32", "198.51.100.0/24"), _set("2001:db8::/32", version="IPV6"), _set(), _set("${var.office}")),
    ),
    _rule(
        "waf-log-destination",
        "WAF logs to a name that does not begin with aws-waf-logs-",
        _GUIDE + "logging-destinations.html",
        ("aws_wafv2_web_acl_logging_configuration",),
        _logs,
        bad=(_logged(_GROUP), _logged(_GROUP, "/aws/waf/shop-${var.stage}"), _logged("arn:aws:logs:eu-west-1:123456789012:log-group:shop:*")),
        good=(_logged(_GROUP, "aws-waf-logs-shop"), _logged(_GROUP, "${var.name}"), _logged("arn:aws:s3:::aws-waf-logs-shop"), _logged("${var.stream}")),
    ),
)
