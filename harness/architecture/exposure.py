"""What the tree opens to the whole internet and the ideal does not."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from harness.architecture.base import Rule, Sides
from harness.constraints.base import Violation
from harness.constraints.graph import Node, ResourceGraph, mapping
from harness.constraints.policies import listed, statements
from harness.constraints.values import blocks, nested, number, text, truth
from harness.failures import Category, Severity

_EVERYWHERE = ("0.0.0.0/0", "::/0")
Exposures = Callable[[ResourceGraph, Node], Iterator[str]]


def _flag(argument: str, exposed: bool, words: str) -> Exposures:
    """Exposed where a boolean argument is written as `exposed`."""

    def find(graph: ResourceGraph, node: Node) -> Iterator[str]:
        if truth(graph, node.arguments.get(argument)) is exposed:
            yield words

    return find


def _nested_flag(block: str, argument: str, words: str) -> Exposures:
    def find(graph: ResourceGraph, node: Node) -> Iterator[str]:
        if any(truth(graph, inner.get(argument)) is True for inner in nested(node.arguments, block)):
            yield words

    return find


def _word(argument: str, exposed: tuple[str, ...], words: str) -> Exposures:
    def find(graph: ResourceGraph, node: Node) -> Iterator[str]:
        if text(graph, node.arguments.get(argument)) in exposed:
            yield words.format(text(graph, node.arguments.get(argument)))

    return find


def _group_rules(graph: ResourceGraph, node: Node) -> Iterator[str]:
    for block in blocks(node.arguments, "ingress"):
        yield from _open_ports(graph, block, ("cidr_blocks", "ipv6_cidr_blocks"))


def _single_rule(graph: ResourceGraph, node: Node) -> Iterator[str]:
    if node.type == "aws_vpc_security_group_ingress_rule" or text(graph, node.arguments.get("type")) == "ingress":
        yield from _open_ports(graph, node.arguments, ("cidr_blocks", "ipv6_cidr_blocks", "cidr_ipv4", "cidr_ipv6"))


def _open_ports(graph: ResourceGraph, block: Mapping[str, Any], arguments: tuple[str, ...]) -> Iterator[str]:
    sources = [text(graph, value) for argument in arguments for value in listed(block.get(argument))]
    if not any(source in _EVERYWHERE for source in sources):
        return
    protocol = text(graph, block.get("protocol", block.get("ip_protocol")))
    first, last = number(graph, block.get("from_port")), number(graph, block.get("to_port"))
    if protocol in ("-1", "all"):
        yield "lets the whole internet in on every port"
    elif first is not None and last is not None:
        yield f"lets the whole internet in on port {first:.0f}" if first == last else f"lets the whole internet in on ports {first:.0f} to {last:.0f}"


def _policy(graph: ResourceGraph, node: Node) -> Iterator[str]:
    for block in statements(graph, node.arguments.get("policy")) or ():
        named = block.get("Principal")
        anybody = named == "*" or "*" in listed(mapping(named).get("AWS"))
        # A condition may narrow it down to nobody from outside.
        if block.get("Effect") == "Allow" and anybody and not block.get("Condition") and node.type != "aws_kms_key":
            yield "allows everybody in its policy"


_EXPOSURES: Mapping[str, tuple[Exposures, ...]] = {
    "aws_db_instance": (_flag("publicly_accessible", True, "has a public address"),),
    "aws_rds_cluster_instance": (_flag("publicly_accessible", True, "has a public address"),),
    "aws_redshift_cluster": (_flag("publicly_accessible", True, "has a public address"),),
    "aws_dms_replication_instance": (_flag("publicly_accessible", True, "has a public address"),),
    "aws_mq_broker": (_flag("publicly_accessible", True, "has a public address"),),
    "aws_instance": (_flag("associate_public_ip_address", True, "has a public address"),),
    "aws_launch_template": (_nested_flag("network_interfaces", "associate_public_ip_address", "gives its instances public addresses"),),
    "aws_ecs_service": (_nested_flag("network_configuration", "assign_public_ip", "gives its tasks public addresses"),),
    "aws_lb": (_flag("internal", False, "faces the internet"),),
    "aws_alb": (_flag("internal", False, "faces the internet"),),
    "aws_eks_cluster": (_nested_flag("vpc_config", "endpoint_public_access", "has a public endpoint"),),
    "aws_s3_bucket": (_word("acl", ("public-read", "public-read-write"), "has the ACL {}"),),
    "aws_s3_bucket_acl": (_word("acl", ("public-read", "public-read-write"), "has the ACL {}"),),
    "aws_s3_bucket_public_access_block": tuple(
        _flag(name, False, f"does not {words}")
        for name, words in {
            "block_public_acls": "block public ACLs",
            "block_public_policy": "block public policies",
            "ignore_public_acls": "ignore public ACLs",
            "restrict_public_buckets": "restrict public buckets",
        }.items()
    ),
    "aws_s3_bucket_policy": (_policy,),
    "aws_sqs_queue_policy": (_policy,),
    "aws_sqs_queue": (_policy,),
    "aws_sns_topic_policy": (_policy,),
    "aws_ecr_repository_policy": (_policy,),
    "aws_secretsmanager_secret_policy": (_policy,),
    "aws_lambda_function_url": (_word("authorization_type", ("NONE",), "can be called without signing in"),),
    "aws_api_gateway_method": (_word("authorization", ("NONE",), "can be called without signing in"),),
    "aws_security_group": (_group_rules,),
    "aws_security_group_rule": (_single_rule,),
    "aws_vpc_security_group_ingress_rule": (_single_rule,),
}


def nothing_more_is_public(sides: Sides) -> Iterator[Violation]:
    """Nothing is open to everybody that the ideal keeps closed.

    A resource that the ideal has no counterpart of is compared with nothing, and reported nowhere.
    """
    for graph, node in sides.nodes(*_EXPOSURES):
        there = sides.counterparts(node)
        if not there:
            continue
        allowed = {words for other_graph, other in there for find in _EXPOSURES[node.type] for words in find(other_graph, other)}
        if "lets the whole internet in on every port" in allowed:
            continue
        for words in dict.fromkeys(words for find in _EXPOSURES[node.type] for words in find(graph, node)):
            if words not in allowed:
                name = node.address.rpartition(".")[2]
                yield Violation(f"{node.address}: it {words}, which the ideal's does not", (node,), (name, node.type), f"{node.address}: {words}")


def _one(kind: str, **arguments: Any) -> dict[str, Any]:
    return {"resource": {kind: {"main": arguments}}}


def _group(*cidrs: str, port: int = 22) -> dict[str, Any]:
    return _one("aws_security_group", ingress=[{"protocol": "tcp", "from_port": port, "to_port": port, "cidr_blocks": list(cidrs)}])


RULES = (
    Rule(
        id="public-exposure",
        title="Open to the whole internet where the ideal is not",
        severity=Severity.HIGH,
        category=Category.SECURITY,
        documentation="https://docs.aws.amazon.com/wellarchitected/latest/security-pillar/sec_network_protection_create_layers.html",
        check=nothing_more_is_public,
        bad=(
            (_group("0.0.0.0/0"), _group("10.0.0.0/16")),
            (_one("aws_db_instance", publicly_accessible=True), _one("aws_db_instance", publicly_accessible=False)),
            (_one("aws_lambda_function_url", authorization_type="NONE"), _one("aws_lambda_function_url", authorization_type="AWS_IAM")),
            (_one("aws_sqs_queue", policy='{"Statement": [{"Effect": "Allow", "Principal": "*", "Action": "sqs:*"}]}'), _one("aws_sqs_queue")),
        ),
        good=(
            (_group("0.0.0.0/0", port=443), _group("0.0.0.0/0", port=443)),
            (_group("${var.office}"), _group("10.0.0.0/16")),
            (_one("aws_db_instance", publicly_accessible=True), _one("aws_vpc")),
            (_one("aws_lb", internal=True), _one("aws_lb", internal=True)),
        ),
    ),
)
