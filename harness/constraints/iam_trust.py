"""Rules on who a policy is about: trust policies of roles, principals in resource policies, and roles that their service cannot assume."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from functools import partial
from typing import Any

from harness.constraints.base import Rule, Violation
from harness.constraints.execution_roles import ROLE, trusts
from harness.constraints.findings import Complaint, is_literal, judged
from harness.constraints.graph import Node, ResourceGraph
from harness.constraints.iam_documents import RESOURCE, label, literal_part, policy, resource_policies, trust_policies
from harness.constraints.policies import listed
from harness.constraints.values import nested, text
from harness.failures import Category, Severity

_IAM = "https://docs.aws.amazon.com/IAM/latest/UserGuide/"
_KEYS = ("AWS", "CanonicalUser", "Federated", "Service")
_SERVICE = re.compile(
    r"(?:[A-Za-z0-9*-]+\.)+"
    r"(?:amazonaws\.com(?:\.cn)?|amazonaws\.eu|aws\.internal|amazon\.com|c2s\.ic\.gov|csp\.hci\.ic\.gov|sc2s\.sgov\.gov|cloud\.adc-e\.uk)"
)
_NO_SERVICE = frozenset({f"{name}.amazon.com" for name in ("apigateway", "ec2", "ecs", "ecs-tasks", "eks", "events", "lambda", "s3", "sns", "sqs", "states")})
_ACCOUNT_OR_ID = re.compile(r"\*|\d{12}|A[A-Z0-9]{15,}")
_ROLES: Mapping[str, tuple[tuple[tuple[str, ...], str, str], ...]] = {
    # By type: the blocks and the argument that name a role, and the service that assumes it.
    "aws_api_gateway_account": (((), "cloudwatch_role_arn", "apigateway.amazonaws.com"),),
    "aws_backup_selection": (((), "iam_role_arn", "backup.amazonaws.com"),),
    "aws_cloudtrail": (((), "cloud_watch_logs_role_arn", "cloudtrail.amazonaws.com"),),
    "aws_codebuild_project": (((), "service_role", "codebuild.amazonaws.com"),),
    "aws_codepipeline": (((), "role_arn", "codepipeline.amazonaws.com"),),
    "aws_config_configuration_recorder": (((), "role_arn", "config.amazonaws.com"),),
    "aws_db_instance": (((), "monitoring_role_arn", "monitoring.rds.amazonaws.com"),),
    "aws_db_proxy": (((), "role_arn", "rds.amazonaws.com"),),
    "aws_ecs_task_definition": (((), "execution_role_arn", "ecs-tasks.amazonaws.com"), ((), "task_role_arn", "ecs-tasks.amazonaws.com")),
    "aws_flow_log": (((), "iam_role_arn", "vpc-flow-logs.amazonaws.com"),),
    "aws_glue_crawler": (((), "role", "glue.amazonaws.com"),),
    "aws_glue_job": (((), "role_arn", "glue.amazonaws.com"),),
    "aws_iam_instance_profile": (((), "role", "ec2.amazonaws.com"),),
    "aws_kinesis_firehose_delivery_stream": ((("extended_s3_configuration",), "role_arn", "firehose.amazonaws.com"),),
    "aws_lambda_function": (((), "role", "lambda.amazonaws.com"),),
    "aws_rds_cluster_instance": (((), "monitoring_role_arn", "monitoring.rds.amazonaws.com"),),
    "aws_s3_bucket_replication_configuration": (((), "role", "s3.amazonaws.com"),),
    "aws_scheduler_schedule": ((("target",), "role_arn", "scheduler.amazonaws.com"),),
    "aws_sfn_state_machine": (((), "role_arn", "states.amazonaws.com"),),
}


def _who(graph: ResourceGraph, node: Node) -> Iterator[Complaint]:
    """Trust and resource policies say who they are about."""
    for document in (*trust_policies(graph, node), *resource_policies(graph, node)):
        for number, block in enumerate(document.statements, 1):
            if not any(block.get(element) for element in ("Principal", "NotPrincipal")):
                yield Complaint(f"{label(block, number)} has no Principal", ("Principal", document.argument))


def _form(graph: ResourceGraph, node: Node) -> Iterator[Complaint]:
    """A principal is "*", or a map from the kinds of principals to accounts, ARNs, ids and names of services."""
    for document in (*trust_policies(graph, node), *resource_policies(graph, node)):
        for number, block in enumerate(document.statements, 1):
            for element in ("Principal", "NotPrincipal"):
                for value, reason in _wrong(block.get(element)):
                    yield Complaint(f"{label(block, number)} has the {element} {value}, {reason}", (value, element))


def _wrong(principal: object) -> Iterator[tuple[str, str]]:
    """What is certainly wrong in a principal: the text, and why."""
    if isinstance(principal, str) and principal and principal != "*" and is_literal(principal):
        yield principal, 'but a text can only be "*"; anything else stands under AWS, Service or Federated'
    for kind, values in principal.items() if isinstance(principal, Mapping) else ():
        if kind not in _KEYS and is_literal(kind):
            yield kind, f"which is no kind of principal ({', '.join(_KEYS)})"
        for value in filter(lambda item: isinstance(item, str), listed(values)):
            if kind == "Service" and is_literal(value) and (not _SERVICE.fullmatch(value) or value in _NO_SERVICE) and value != "*":
                yield value, "which no service has as its name (they end in .amazonaws.com)"
            elif kind == "AWS" and is_literal(value) and not _ACCOUNT_OR_ID.fullmatch(value) and not value.startswith("arn:"):
                yield value, 'which is no account, ARN, unique id or "*"'
            elif kind == "AWS" and value != "*" and "*" in literal_part(value):
                yield value, "but a wildcard cannot stand for a part of a principal"


def _trust_action(graph: ResourceGraph, node: Node) -> Iterator[Complaint]:
    """A trust policy is about assuming the role, and about no other actions."""
    for document in trust_policies(graph, node):
        for number, block in enumerate(document.statements, 1):
            for action in listed(block.get("Action")):
                if is_literal(action) and ":" in action and not action.lower().startswith("sts:") and "*" not in action.partition(":")[0]:
                    yield Complaint(
                        f"{label(block, number)} of its trust policy has the action {action}, and only those of STS can be there", (action, "Action")
                    )


def _trust_resource(graph: ResourceGraph, node: Node) -> Iterator[Complaint]:
    """The resource of a trust policy is the role that has it: IAM refuses another mention of it."""
    for document in trust_policies(graph, node):
        for number, block in enumerate(document.statements, 1):
            for element in ("Resource", "NotResource"):
                if element in block:
                    yield Complaint(f"{label(block, number)} of its trust policy has a {element}, which no trust policy can have", (element, document.argument))


def _federated(graph: ResourceGraph, node: Node) -> Iterator[Complaint]:
    """Who an identity provider vouches for assumes a role by a call of its own, not by `sts:AssumeRole`."""
    for document in trust_policies(graph, node):
        for number, block in enumerate(document.statements, 1):
            principal = block.get("Principal")
            if block.get("Effect") == "Allow" and isinstance(principal, Mapping) and set(principal) == {"Federated"}:
                actions = [str(action).lower() for action in listed(block.get("Action"))]
                if "sts:assumerole" in actions and all(action in ("sts:assumerole", "sts:tagsession", "sts:setsourceidentity") for action in actions):
                    wanted = "sts:AssumeRoleWithWebIdentity or sts:AssumeRoleWithSAML"
                    yield Complaint(
                        f"{label(block, number)} lets a federated principal call sts:AssumeRole, but it would call {wanted}", ("sts:AssumeRole", "Federated")
                    )


def services_are_trusted(graph: ResourceGraph) -> Iterator[Violation]:
    """A service works with a role only where the role's trust policy lets that service assume it."""
    for node in graph.of_type(*_ROLES):
        # The role of a flow log to Firehose is for the account that owns the stream.
        if node.type == "aws_flow_log" and text(graph, node.arguments.get("log_destination_type", "cloud-watch-logs")) != "cloud-watch-logs":
            continue
        for path, argument, service in _ROLES[node.type]:
            for block in nested(node.arguments, *path):
                role = graph.target(block.get(argument), ROLE)
                if role is None or trusts(graph, block.get(argument), service):
                    continue
                message = f"{node.address}: its {argument} is {role.address}, whose trust policy does not let {service} assume it"
                yield Violation(message, (node, role), (service, argument, role.address.rpartition(".")[2], node.type), f"{node.address}.{argument}")


def _role(*, without: str = "", **elements: Any) -> dict[str, Any]:
    block = {"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": {"Service": "lambda.amazonaws.com"}, **elements}
    return {"resource": {"aws_iam_role": {"main": {"assume_role_policy": policy({name: value for name, value in block.items() if name != without})}}}}


def _bucket(**elements: Any) -> dict[str, Any]:
    block = {"Effect": "Allow", "Action": "s3:GetObject", "Resource": "arn:aws:s3:::a/*", **elements}
    return {"resource": {"aws_s3_bucket_policy": {"main": {"bucket": "a", "policy": policy(block)}}}}


def _used(kind: str, role: str = "${aws_iam_role.main.arn}", service: Any = "lambda.amazonaws.com", argument: str = "role") -> dict[str, Any]:
    example = _role(Principal={"Service": service})
    example["resource"][kind] = {"main": {argument: role}}
    return example


_SOURCE = {
    "resource": {"aws_iam_role": {"main": {"assume_role_policy": "${data.aws_iam_policy_document.main.json}"}}},
    "data": {"aws_iam_policy_document": {"main": {"statement": [{"actions": ["sts:AssumeRole"]}]}}},
}
_OWN = "${aws_iam_role.main.arn}"
_OIDC = {"Federated": "${aws_iam_openid_connect_provider.main.arn}"}


def _rule(id_: str, title: str, page: str, check: Any, bad: Any, good: Any) -> Rule:
    return Rule(id_, title, Severity.HIGH, Category.AWS_CONSTRAINT, _IAM + page, check, bad=tuple(bad), good=tuple(good))


RULES = (
    _rule(
        "iam-principal-missing",
        "Trust or resource policy without a principal",
        "reference_policies_elements_principal.html",
        partial(judged, (ROLE, *RESOURCE), _who),
        bad=(_role(without="Principal"), _bucket(), _SOURCE),
        good=(_role(), _bucket(Principal="*"), _bucket(NotPrincipal={"AWS": "123456789012"}, Effect="Deny"), {"resource": {"aws_kms_key": {"main": {}}}}),
    ),
    _rule(
        "iam-principal-form",
        "Principal that cannot be one",
        "reference_policies_elements_principal.html",
        partial(judged, (ROLE, *RESOURCE), _form),
        bad=(
            _role(Principal="lambda.amazonaws.com"),
            _role(Principal={"Service": "lambda"}),
            _role(Principal={"Service": ["ec2.amazonaws.com", "lambda.amazon.com"]}),
            _role(Principal={"AWS": "root"}),
            _role(Principal={"Services": "lambda.amazonaws.com"}),
            _bucket(Principal={"AWS": "arn:aws:iam::${data.aws_caller_identity.me.account_id}:role/app-*"}),
        ),
        good=(
            _role(Principal="*"),
            _role(Principal={"Service": ["logs.${var.region}.amazonaws.com", "states.eu-west-1.amazonaws.com", "ec2.amazonaws.com.cn"]}),
            _role(Principal={"Service": "${var.service}"}),
            _role(Principal={"AWS": ["${data.aws_caller_identity.me.account_id}", "123456789012", "arn:aws:iam::123456789012:root", "AROAEXAMPLEID1234567"]}),
            _role(Principal=_OIDC),
            _bucket(Principal={"CanonicalUser": "abc", "AWS": "*"}),
        ),
    ),
    _rule(
        "iam-trust-action",
        "Trust policy with an action that does not assume the role",
        "id_roles_create_for-custom.html",
        partial(judged, (ROLE,), _trust_action),
        bad=(_role(Action="lambda:InvokeFunction"), _role(Action=["sts:AssumeRole", "s3:GetObject"])),
        good=(_role(), _role(Action=["sts:AssumeRole", "sts:TagSession"]), _role(Action="sts:*"), _role(Action="${var.action}")),
    ),
    _rule(
        "iam-trust-resource",
        "Trust policy with a resource",
        "reference_policies_elements_resource.html",
        partial(judged, (ROLE,), _trust_resource),
        bad=(_role(Resource="*"), _role(NotResource="arn:aws:s3:::a")),
        good=(_role(), _bucket(Principal="*")),
    ),
    _rule(
        "iam-trust-federated",
        "Federated principal that is to call sts:AssumeRole",
        "reference_policies_elements_principal.html#principal-federated-web-identity",
        partial(judged, (ROLE,), _federated),
        bad=(_role(Principal=_OIDC), _role(Principal=_OIDC, Action=["sts:AssumeRole", "sts:TagSession"])),
        good=(
            _role(Principal=_OIDC, Action="sts:AssumeRoleWithWebIdentity"),
            _role(Principal=_OIDC, Action=["sts:AssumeRole", "sts:AssumeRoleWithSAML"]),
            _role(Principal=_OIDC, Action="sts:TagSession"),
            _role(Principal={**_OIDC, "Service": "ec2.amazonaws.com"}),
        ),
    ),
    _rule(
        "iam-role-service",
        "Role that its service cannot assume",
        "id_roles_create_for-service.html",
        services_are_trusted,
        bad=(
            _used("aws_lambda_function", service="ec2.amazonaws.com"),
            _used("aws_iam_instance_profile", role="${aws_iam_role.main.name}"),
            _used("aws_ecs_task_definition", service="ecs.amazonaws.com", argument="execution_role_arn"),
            _used("aws_sfn_state_machine", argument="role_arn"),
        ),
        good=(
            _used("aws_lambda_function"),
            _used("aws_lambda_function", service=["edgelambda.amazonaws.com", "lambda.amazonaws.com"]),
            _used("aws_lambda_function", service="${var.service}"),
            _used("aws_lambda_function", role="arn:aws:iam::123456789012:role/app", service="ec2.amazonaws.com"),
            _used("aws_iam_instance_profile", service="ec2.amazonaws.com.cn"),
            _used("aws_sfn_state_machine", service="states.eu-west-1.amazonaws.com", argument="role_arn"),
            {"resource": _role()["resource"] | {"aws_flow_log": {"main": {"log_destination_type": "kinesis-data-firehose", "iam_role_arn": _OWN}}}},
        ),
    ),
)
