"""Rules on single values: what AWS's own schema of a resource type refuses, and terraform's provider lets through.

The schemas come with cfn-lint (`aws_schema_data.py`). `aws_schema_map.yaml` says which argument is which property; it names an argument only
where both are sure to mean the same, and where `terraform validate` has no complaint of its own (`docs/dependencies.md` says how it was made).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from difflib import get_close_matches
from typing import Any

from harness.constraints.aws_schema_data import Limit, library_version, limits
from harness.constraints.base import Rule, Violation
from harness.constraints.graph import Node, ResourceGraph
from harness.constraints.values import blocks, number, text
from harness.failures import Category, Severity

_LONGEST = 512
"""Longer text is not matched against a pattern: it is no name, and a pattern may take very long over it."""
_MATCH_SECONDS = 0.01
_SHOWN = 8
_UNSET = ("0", "-1", "")
"""The provider does not send what is empty or zero, and uses -1 for "no limit"."""

Wrong = Callable[[ResourceGraph, object, Limit], str]
"""What is wrong with a value, and what AWS wants; empty where nothing is, and where that is not known."""


def values_at(arguments: Mapping[str, Any], path: tuple[str, ...]) -> Iterator[object]:
    """The values that stand at a path of block names and an argument; the elements of a list one by one."""
    name, *rest = path
    if rest:
        for block in blocks(arguments, name):
            yield from values_at(block, tuple(rest))
    elif isinstance(value := arguments.get(name), list):
        yield from value
    elif value is not None:
        yield value


def _check(*kinds: str, wrong: Wrong) -> Callable[[ResourceGraph], Iterator[Violation]]:
    def check(graph: ResourceGraph) -> Iterator[Violation]:
        for node in graph.nodes:
            if node.is_data:
                continue
            for limit in limits(node.type, graph.region(node)):
                if limit.kind in kinds and (found := _found(graph, node, limit, wrong)):
                    yield _violation(node, limit, found)

    return check


def _found(graph: ResourceGraph, node: Node, limit: Limit, wrong: Wrong) -> dict[str, str]:
    """The values that are wrong, each with what is wrong with it."""
    found = {}
    for value in values_at(node.arguments, limit.path):
        if (written := text(graph, value)) not in (None, *_UNSET) and (said := wrong(graph, value, limit)):
            found[str(written)] = said
    return found


def _violation(node: Node, limit: Limit, found: Mapping[str, str]) -> Violation:
    path = ".".join(limit.path)
    message = f"{node.address}: {'; '.join(f'{path} {said}' for said in found.values())}"
    symbols = (limit.path[-1], *found, node.address.rpartition(".")[2], node.type)
    return Violation(message, (node,), symbols, f"{node.address}.{path}")


def _not_listed(graph: ResourceGraph, value: object, limit: Limit) -> str:
    written = text(graph, value) or ""
    # Some services take a value in any case, and the schemas do not say which.
    if written.lower() in {one.lower() for one in limit.allowed}:
        return ""
    near = get_close_matches(written, limit.allowed, _SHOWN) if len(limit.allowed) > _SHOWN else limit.allowed
    wanted = f"one of {', '.join(near)}" if near else f"one of {len(limit.allowed)} others"
    return f"is {_shown(written)}, and AWS wants {wanted}"


def _does_not_match(graph: ResourceGraph, value: object, limit: Limit) -> str:
    written = text(graph, value) or ""
    if len(written) > _LONGEST:
        return ""
    try:
        fits = limit.allowed.search(written, timeout=_MATCH_SECONDS)
    except TimeoutError:
        return ""
    return "" if fits else f"is {_shown(written)}, and AWS wants it to match {limit.allowed.pattern}"


def _wrong_length(graph: ResourceGraph, value: object, limit: Limit) -> str:
    length = len(text(graph, value) or "")
    if limit.kind == "min_length":
        return f"has {length} characters, and AWS wants at least {limit.allowed}" if length < limit.allowed else ""
    return f"has {length} characters, and AWS wants at most {limit.allowed}" if length > limit.allowed else ""


def _out_of_range(graph: ResourceGraph, value: object, limit: Limit) -> str:
    given = number(graph, value)
    if given is None:
        return ""
    if limit.kind == "minimum":
        return f"is {given:g}, and AWS wants at least {limit.allowed:g}" if given < limit.allowed else ""
    return f"is {given:.15g}, and AWS wants at most {limit.allowed:.15g}" if given > limit.allowed else ""


def _shown(written: str) -> str:
    return repr(written if len(written) <= 80 else f"{written[:77]}...")


def _one(kind: str, **arguments: Any) -> dict[str, Any]:
    return {"resource": {kind: {"main": arguments}}}


def _rule(name: str, title: str, check: Any, bad: tuple[Mapping[str, Any], ...], good: tuple[Mapping[str, Any], ...]) -> Rule:
    return Rule(
        id=f"aws-schema-{name}",
        title=title,
        severity=Severity.HIGH,
        category=Category.AWS_CONSTRAINT,
        documentation="https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-template-resource-type-ref.html",
        check=check,
        bad=bad,
        good=good,
        version=f"1, cfn-lint {library_version()}",
    )


RULES = (
    _rule(
        "enum",
        "A value that AWS does not know",
        _check("enum", wrong=_not_listed),
        (
            _one("aws_autoscaling_policy", adjustment_type="AddCapacity"),
            _one("aws_codedeploy_deployment_group", auto_rollback_configuration={"enabled": True, "events": ["DEPLOYMENT_FAILURE", "ALARM"]}),
            _one("aws_wafv2_web_acl", rule=[{"statement": {"geo_match_statement": [{"country_codes": ["US", "UK"]}]}}]),
        ),
        (
            _one("aws_autoscaling_policy", adjustment_type="ChangeInCapacity"),
            _one("aws_autoscaling_policy", adjustment_type="changeincapacity"),
            _one("aws_autoscaling_policy", adjustment_type="${var.adjustment}"),
            _one("aws_codedeploy_deployment_group", auto_rollback_configuration=[{"events": "${var.events}"}]),
            {"data": {"aws_autoscaling_policy": {"main": {"adjustment_type": "AddCapacity"}}}},
        ),
    ),
    _rule(
        "pattern",
        "A value that is not written as AWS wants it",
        _check("pattern", wrong=_does_not_match),
        (
            _one("aws_iam_role", path="service-roles/"),
            _one("aws_iam_role", description="Runs the job \u2014 nightly"),
            _one("aws_wafv2_web_acl", rule=[{"name": "rate limit"}]),
            _one("aws_ecr_repository", name="Payments/API"),
        ),
        (
            _one("aws_iam_role", path="/service-roles/", description="Runs the job - nightly"),
            _one("aws_iam_role", path="", description="${var.purpose} \u2014 nightly"),
            _one("aws_wafv2_web_acl", rule=[{"name": "rate-limit"}, {"name": "${var.name} limit"}]),
            _one("aws_ecr_repository", name="payments/api"),
        ),
    ),
    _rule(
        "length",
        "A value that is too long or too short for AWS",
        _check("min_length", "max_length", wrong=_wrong_length),
        (
            _one("aws_lambda_function", description="d" * 257),
            _one("aws_apprunner_service", service_name="web"),
            _one("aws_networkfirewall_firewall", name="f" * 129),
        ),
        (
            _one("aws_lambda_function", description="d" * 256),
            _one("aws_lambda_function", description="d" * 250 + "${var.purpose}"),
            _one("aws_apprunner_service", service_name="webs"),
            _one("aws_apprunner_service", service_name=""),
        ),
    ),
    _rule(
        "range",
        "A number that is too large or too small for AWS",
        _check("minimum", "maximum", wrong=_out_of_range),
        (
            _one("aws_rds_cluster_instance", promotion_tier=16),
            _one("aws_wafv2_web_acl", captcha_config={"immunity_time_property": {"immunity_time": "30"}}),
            _one("aws_lambda_event_source_mapping", scaling_config=[{"maximum_concurrency": 1001}]),
        ),
        (
            _one("aws_rds_cluster_instance", promotion_tier=15),
            _one("aws_wafv2_web_acl", captcha_config={"immunity_time_property": {"immunity_time": 60}}),
            _one("aws_wafv2_web_acl", captcha_config={"immunity_time_property": {"immunity_time": "${var.seconds}"}}),
            _one("aws_lambda_event_source_mapping", scaling_config=[{"maximum_concurrency": 1000}]),
        ),
    ),
)
