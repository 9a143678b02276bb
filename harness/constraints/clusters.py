"""Rules on EKS clusters and ECR repositories."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from functools import partial
from typing import Any

from harness.constraints.base import Rule
from harness.constraints.dated import section
from harness.constraints.execution_roles import trusts
from harness.constraints.findings import Complaint, document, judged
from harness.constraints.graph import Node, ResourceGraph, mapping
from harness.constraints.policies import listed
from harness.constraints.values import blocks, number, text, truth
from harness.failures import Category, Severity

CLUSTER, NODES, FARGATE, LIFECYCLE = "aws_eks_cluster", "aws_eks_node_group", "aws_eks_fargate_profile", "aws_ecr_lifecycle_policy"
_ROLES = {
    # Who assumes the role: the argument that names it, and the service (https://docs.aws.amazon.com/eks/latest/userguide/security-iam-service-with-iam.html).
    CLUSTER: ("role_arn", "eks.amazonaws.com"),
    NODES: ("node_role_arn", "ec2.amazonaws.com"),
    FARGATE: ("pod_execution_role_arn", "eks-fargate-pods.amazonaws.com"),
}


def _version(graph: ResourceGraph, cluster: Node) -> Iterator[Complaint]:
    """A Kubernetes version is taken for new clusters until its extended support ends; a version is MAJOR.MINOR."""
    version = text(graph, cluster.arguments.get("version"))
    parts = version.split(".") if version else []
    if version is None or not parts:
        return
    if len(parts) != 2 or not all(part.isdigit() for part in parts) or parts[0] != "1":
        yield Complaint(f"the version {version!r} is no Kubernetes version of EKS, which are named like 1.33", ("version", version))
        return
    data = section("eks-versions")
    ended = [int(name.partition(".")[2]) for name in data.values["ended"] if data.ended(name)]
    if int(parts[1]) <= max(ended):
        yield Complaint(f"EKS makes no new clusters of Kubernetes {version} (as of {data.as_of})", ("version", version))


def _node_numbers(graph: ResourceGraph, nodes: Node) -> Iterator[Complaint]:
    """The desired number of nodes lies between the least and the most."""
    for block in blocks(nodes.arguments, "scaling_config"):
        least, wanted, most = (number(graph, block.get(name)) for name in ("min_size", "desired_size", "max_size"))
        if (least is not None and wanted is not None and wanted < least) or (most is not None and wanted is not None and wanted > most):
            sentence = f"desired_size {wanted:g} is not between min_size {block.get('min_size')} and max_size {block.get('max_size')}"
            yield Complaint(sentence, ("desired_size", "min_size", "max_size"))
        elif least is not None and most is not None and least > most:
            yield Complaint(f"min_size {least:g} is above max_size {most:g}", ("min_size", "max_size"))


def _role(graph: ResourceGraph, node: Node) -> Iterator[Complaint]:
    """EKS refuses a role that the service cannot assume."""
    argument, service = _ROLES[node.type]
    role = graph.target(node.arguments.get(argument), "aws_iam_role")
    if role is not None and not trusts(graph, node.arguments.get(argument), service):
        yield Complaint(f"the trust policy of its role {role.address} does not let in {service}", (service, argument, role.address.rpartition(".")[2]), (role,))


def _endpoints(graph: ResourceGraph, cluster: Node) -> Iterator[Complaint]:
    """A cluster's endpoint is public, private or both."""
    for block in blocks(cluster.arguments, "vpc_config"):
        closed = truth(graph, block.get("endpoint_public_access")) is False
        if closed and truth(graph, block.get("endpoint_private_access", False)) is False:
            yield Complaint("its endpoint is neither public nor private", ("endpoint_private_access", "endpoint_public_access"))


def _lifecycle(graph: ResourceGraph, policy: Node) -> Iterator[Complaint]:
    """What PutLifecyclePolicy checks: priorities once each, `any` last, lists for tagged images, a unit for ages."""
    written = document(policy.arguments.get("policy"))
    rules = mapping(written).get("rules")
    if written is None:
        return
    if not isinstance(rules, list) or not rules:
        yield Complaint("its policy has no rules", ("policy", "rules"))
        return
    priorities = [priority for rule in rules if isinstance(priority := mapping(rule).get("rulePriority"), int)]
    if len(priorities) != len(rules):
        return
    if twice := sorted({priority for priority in priorities if priorities.count(priority) > 1}):
        yield Complaint(f"the rulePriority {', '.join(map(str, twice))} is there more than once", ("rulePriority",))
    for rule in map(mapping, rules):
        priority, selection = rule.get("rulePriority"), mapping(rule.get("selection"))
        status = selection.get("tagStatus")
        if status == "any" and priority != max(priorities):
            yield Complaint(f"the rule {priority} is for any tag and has not the highest rulePriority", ("rulePriority", "tagStatus"))
        if status == "tagged" and not listed(selection.get("tagPrefixList")) and not listed(selection.get("tagPatternList")):
            yield Complaint(f"the rule {priority} is for tagged images and has no tagPrefixList or tagPatternList", ("tagPrefixList", "tagStatus"))
        if selection.get("countType") == "sinceImagePushed" and "countUnit" not in selection:
            yield Complaint(f"the rule {priority} counts sinceImagePushed and has no countUnit", ("countUnit",))


def _one(kind: str, **arguments: Any) -> dict[str, Any]:
    return {"resource": {kind: {"main": arguments}}}


def _scaled(least: object, wanted: object, most: object) -> dict[str, Any]:
    return _one(NODES, scaling_config={"min_size": least, "desired_size": wanted, "max_size": most})


def _trusting(kind: str, service: str) -> dict[str, Any]:
    policy = json.dumps({"Statement": [{"Effect": "Allow", "Principal": {"Service": service}, "Action": "sts:AssumeRole"}]})
    return {"resource": {kind: {"main": {_ROLES[kind][0]: "${aws_iam_role.main.arn}"}}, "aws_iam_role": {"main": {"assume_role_policy": policy}}}}


def _policy(*rules: Mapping[str, Any]) -> dict[str, Any]:
    return _one(LIFECYCLE, repository="main", policy=json.dumps({"rules": list(rules)}))


def _expiring(priority: int, status: str = "untagged", **selection: Any) -> dict[str, Any]:
    counted = {"tagStatus": status, "countType": "imageCountMoreThan", "countNumber": 5, **selection}
    return {"rulePriority": priority, "selection": counted, "action": {"type": "expire"}}


_rule = partial(Rule, severity=Severity.HIGH, category=Category.AWS_CONSTRAINT)

RULES = (
    _rule(
        id="eks-version",
        title="Kubernetes version that EKS makes no clusters of",
        documentation="https://docs.aws.amazon.com/eks/latest/userguide/kubernetes-versions.html",
        check=partial(judged, (CLUSTER,), _version),
        bad=(_one(CLUSTER, version="1.10"), _one(CLUSTER, version="1.24"), _one(CLUSTER, version="1.30"), _one(CLUSTER, version="1.33.1")),
        good=(_one(CLUSTER, version="1.31"), _one(CLUSTER, version="1.34"), _one(CLUSTER, version="${var.version}"), _one(CLUSTER)),
    ),
    _rule(
        id="eks-node-numbers",
        title="Node group whose sizes are out of order",
        documentation="https://docs.aws.amazon.com/eks/latest/APIReference/API_NodegroupScalingConfig.html",
        check=partial(judged, (NODES,), _node_numbers),
        bad=(_scaled(2, 1, 3), _scaled(1, 5, 3), _scaled(4, "${var.wanted}", 3)),
        good=(_scaled(1, 1, 1), _scaled(0, 0, 3), _scaled("${var.least}", 2, 3)),
    ),
    _rule(
        id="eks-role-trust",
        title="EKS role that EKS cannot assume",
        documentation="https://docs.aws.amazon.com/eks/latest/userguide/cluster-iam-role.html",
        check=partial(judged, tuple(_ROLES), _role),
        bad=(_trusting(CLUSTER, "ec2.amazonaws.com"), _trusting(NODES, "eks.amazonaws.com"), _trusting(FARGATE, "eks.amazonaws.com")),
        good=(
            _trusting(CLUSTER, "eks.amazonaws.com"),
            _trusting(NODES, "ec2.amazonaws.com.cn"),
            _trusting(NODES, "${var.service}"),
            _one(CLUSTER, role_arn="x"),
        ),
    ),
    _rule(
        id="eks-endpoint-access",
        title="EKS cluster without any endpoint",
        documentation="https://docs.aws.amazon.com/eks/latest/userguide/cluster-endpoint.html",
        check=partial(judged, (CLUSTER,), _endpoints),
        bad=(_one(CLUSTER, vpc_config={"endpoint_public_access": False}),),
        good=(
            _one(CLUSTER, vpc_config={"endpoint_public_access": False, "endpoint_private_access": True}),
            _one(CLUSTER, vpc_config={"endpoint_public_access": False, "endpoint_private_access": "${var.private}"}),
            _one(CLUSTER, vpc_config={}),
        ),
    ),
    _rule(
        id="ecr-lifecycle-policy",
        title="Lifecycle policy that ECR refuses",
        documentation="https://docs.aws.amazon.com/AmazonECR/latest/userguide/lifecycle_policy_parameters.html",
        check=partial(judged, (LIFECYCLE,), _lifecycle),
        bad=(
            _policy(_expiring(1, "tagged")),
            _policy(_expiring(1, "any"), _expiring(2)),
            _policy(_expiring(1), _expiring(1, "tagged", tagPrefixList=["v"])),
            _policy(_expiring(1, countType="sinceImagePushed")),
        ),
        good=(
            _policy(_expiring(1, "tagged", tagPrefixList=["v"]), _expiring(2, "any")),
            _policy(_expiring(1, "tagged", tagPatternList=["*"])),
            _policy(_expiring(1, countType="sinceImagePushed", countUnit="days")),
        ),
    ),
)
