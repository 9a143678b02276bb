"""Regions and ARNs that the tree writes down and the ideal looks up or refers to."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from harness.architecture.base import Rule, Sides
from harness.constraints.base import Violation
from harness.constraints.expressions import named_strings
from harness.constraints.graph import Node
from harness.failures import Category, Severity

_REGION = re.compile(
    r"(?<![\w-])(?:us|eu|ap|sa|ca|me|af|il|mx)-(?:gov-)?(?:north|south|east|west|central|northeast|northwest|southeast|southwest)-\d(?=[a-f]?(?![\w]))"
)
_ARN = re.compile(r"arn:aws[\w-]*:(?!iam::aws:)[a-z0-9-]+:[^\s\"'$]*:[^\s\"'$]*:[^\s\"'$]+")
_FREE_TEXT = frozenset({"description", "comment", "name", "tags", "Name", "alarm_description", "Sid", "definition"})


def regions_are_looked_up(sides: Sides) -> Iterator[Violation]:
    """A region that stands in an argument where the ideal's resource has none comes from somewhere else there."""
    for node, others, name, text in _strings(sides):
        for region in sorted(set(_REGION.findall(text))):
            if name not in _FREE_TEXT and not any(region in theirs for theirs in others):
                message = f"{node.address}: the region {region} is written into {name or 'it'}, which the ideal leaves to the provider"
                yield Violation(message, (node,), (region, name, node.address.rpartition(".")[2], node.type), f"{node.address}: {region}")


def arns_are_referred_to(sides: Sides) -> Iterator[Violation]:
    """An ARN that stands in an argument, literally, where the ideal's resource has a reference."""
    for node, others, name, text in _strings(sides):
        for arn in sorted(set(_ARN.findall(text))):
            # An account id in it is another rule's finding, and a wildcard is a pattern and no ARN of one thing.
            if re.search(r":\d{12}:", arn) or "*" in arn or any(arn in theirs for theirs in others) or not any("${" in theirs for theirs in others):
                continue
            message = f"{node.address}: {arn} is written into {name or 'it'}, where the ideal refers to the resource"
            yield Violation(message, (node,), (arn, name, node.address.rpartition(".")[2], node.type), f"{node.address}: {name}")


def _strings(sides: Sides) -> Iterator[tuple[Node, list[str], str, str]]:
    """Every literal string of a resource that has exactly one counterpart, with what stands under the same name there."""
    for graph in sides.tree:
        for node in graph.nodes:
            there = [] if node.is_data else sides.counterparts(node)
            if len(there) != 1:
                continue
            theirs: dict[str, list[str]] = {}
            for name, text in named_strings(there[0][1].own_arguments):
                theirs.setdefault(name, []).append(text)
            for name, text in named_strings(node.own_arguments):
                if name in theirs:
                    yield node, theirs[name], name, text


def _one(kind: str, **arguments: Any) -> dict[str, Any]:
    return {"resource": {kind: {"main": arguments}}}


RULES = (
    Rule(
        id="region-hardcoded",
        title="Region hard-coded",
        severity=Severity.MEDIUM,
        category=Category.ARCHITECTURE,
        documentation="https://registry.terraform.io/providers/hashicorp/aws/latest/docs/data-sources/region",
        check=regions_are_looked_up,
        bad=(
            (
                _one("aws_vpc_endpoint", service_name="com.amazonaws.us-east-1.s3"),
                _one("aws_vpc_endpoint", service_name="com.amazonaws.${data.aws_region.current.name}.s3"),
            ),
            (_one("aws_subnet", availability_zone="us-east-1a"), _one("aws_subnet", availability_zone="${data.aws_availability_zones.all.names[0]}")),
        ),
        good=(
            (_one("aws_subnet", availability_zone="us-east-1a"), _one("aws_subnet", availability_zone="us-east-1b")),
            (_one("aws_subnet", availability_zone="us-east-1a"), _one("aws_subnet")),
            (_one("aws_lambda_function", description="runs in us-east-1"), _one("aws_lambda_function", description="runs")),
        ),
    ),
    Rule(
        id="arn-hardcoded",
        title="ARN written down instead of referred to",
        severity=Severity.MEDIUM,
        category=Category.ARCHITECTURE,
        documentation="https://developer.hashicorp.com/terraform/language/expressions/references",
        check=arns_are_referred_to,
        bad=(
            (
                _one("aws_sns_topic_subscription", endpoint="arn:aws:s3:::uploads-bucket"),
                _one("aws_sns_topic_subscription", endpoint="${aws_s3_bucket.uploads.arn}"),
            ),
        ),
        good=(
            (
                _one("aws_iam_role_policy_attachment", policy_arn="arn:aws:iam::aws:policy/ReadOnlyAccess"),
                _one("aws_iam_role_policy_attachment", policy_arn="${aws_iam_policy.read.arn}"),
            ),
            (_one("aws_s3_bucket_policy", policy="arn:aws:s3:::logs/*"), _one("aws_s3_bucket_policy", policy="${aws_s3_bucket.logs.arn}/*")),
            (_one("aws_sns_topic", policy="arn:aws:s3:::logs"), _one("aws_sns_topic", policy="arn:aws:s3:::logs")),
        ),
    ),
)
