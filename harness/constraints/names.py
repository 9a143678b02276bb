"""Rules on names: characters and lengths that AWS refuses. What the provider or the schemas (`aws_schema.py`) check is not here."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from typing import Any

from harness.constraints.base import Rule
from harness.constraints.findings import Complaint, judged
from harness.constraints.graph import Node, ResourceGraph
from harness.constraints.iam_documents import literal_part
from harness.constraints.values import text
from harness.failures import Category, Severity

_PAGES = "https://docs.aws.amazon.com/"


@dataclass(frozen=True, slots=True)
class NameLimit:
    """What AWS takes as a name: `characters` is a pattern for one of them, `whole` for the name, `wants` says it in words.

    `whole` holds for names that are literal; characters are looked at in the literal parts of a template too.
    """

    type: str
    argument: str
    what: str
    page: str
    wants: str
    characters: str
    whole: str
    bad: tuple[str, ...]
    good: tuple[str, ...]
    rule: str


LIMITS = (
    NameLimit(
        "aws_lambda_function",
        "function_name",
        "Lambda function",
        "lambda/latest/api/API_CreateFunction.html#lambda-CreateFunction-request-FunctionName",
        "at most 64 characters",
        # An ARN is taken too, and the provider looks at the characters.
        r"[\s\S]",
        r".{1,64}|arn:.*",
        ("a" * 65,),
        ("a" * 64, "${var.a}" * 20),
        "lambda-function-name",
    ),
    NameLimit(
        "aws_lambda_layer_version",
        "layer_name",
        "Lambda layer",
        "lambda/latest/api/API_PublishLayerVersion.html",
        "letters, digits, hyphens and underscores",
        r"[a-zA-Z0-9_:-]",
        r"[a-zA-Z0-9_-]{1,140}|arn:.*",
        ("shared code", "libs.common"),
        ("shared-code", "arn:aws:lambda:eu-west-1:123456789012:layer:libs"),
        "lambda-layer-name",
    ),
    NameLimit(
        "aws_cloudwatch_log_group",
        "name",
        "Log group",
        "AmazonCloudWatchLogs/latest/APIReference/API_CreateLogGroup.html",
        "no name that starts with aws/",
        r"[\s\S]",
        r"(?!aws/)[\s\S]*",
        ("aws/lambda/app",),
        ("/aws/lambda/app", "awslogs", "aws-app"),
        "log-group-name",
    ),
    NameLimit(
        "aws_ssm_parameter",
        "name",
        "SSM parameter",
        "systems-manager/latest/userguide/sysman-paramstore-su-create.html",
        "letters, digits, _.-, in at most 15 levels that begin with a slash, and none that starts with aws or ssm",
        r"[a-zA-Z0-9_./-]",
        r"(?!(?:[aA][wW][sS]|[sS][sS][mM])|/[aA][wW][sS]/)(?:[a-zA-Z0-9_.-]+|(?:/[a-zA-Z0-9_.-]+){1,15}/?)",
        ("app/db/host", "db host", "/aws/app", "ssm-app", "/" + "/".join("abcdefghijklmnop"), "/a b/${var.c}"),
        ("/app/db/host", "db.host", "/a/${var.b}", "${var.a}/b", "/" + "/".join("abcdefghijklmno"), "/app/aws", "/awesome/app"),
        "ssm-parameter-name",
    ),
    NameLimit(
        "aws_cognito_user_pool",
        "name",
        "User pool",
        "cognito-user-identity-pools/latest/APIReference/API_CreateUserPool.html",
        "letters, digits, white space and +=,.@-_",
        r"[\w\s+=,.@-]",
        r"[\w\s+=,.@-]*",
        ("users!", "shop/users"),
        ("shop users", "a@b+c=d,e.f-g_h"),
        "cognito-pool-name",
    ),
    NameLimit(
        "aws_cognito_user_pool_client",
        "name",
        "User pool client",
        "cognito-user-identity-pools/latest/APIReference/API_CreateUserPoolClient.html",
        "at most 128 letters, digits, white space and +=,.@-_",
        r"[\w\s+=,.@-]",
        r"[\w\s+=,.@-]{1,128}",
        ("web/app", "a" * 129),
        ("web app", "a" * 128),
        "cognito-client-name",
    ),
    NameLimit(
        "aws_ecs_service",
        "name",
        "ECS service",
        "AmazonECS/latest/APIReference/API_CreateService.html#ECS-CreateService-request-serviceName",
        "at most 255 letters, digits, underscores and hyphens",
        r"[a-zA-Z0-9_-]",
        r"[a-zA-Z0-9_-]{1,255}",
        ("web service", "web.service-${var.stage}"),
        ("web-service", "web_${var.stage}"),
        "ecs-service-name",
    ),
    NameLimit(
        "aws_eks_node_group",
        "node_group_name",
        "EKS node group",
        "eks/latest/APIReference/API_CreateNodegroup.html",
        "at most 63 letters, digits, hyphens and underscores, a letter or digit first",
        r"[a-zA-Z0-9_-]",
        r"[a-zA-Z0-9][a-zA-Z0-9_-]{0,62}",
        ("my nodes", "-nodes", "a" * 64),
        ("my-nodes_1", "a" * 63),
        "eks-node-group-name",
    ),
    NameLimit(
        "aws_codepipeline",
        "name",
        "Pipeline",
        "codepipeline/latest/APIReference/API_PipelineDeclaration.html",
        "at most 100 letters, digits and .@-_",
        r"[A-Za-z0-9.@_-]",
        r"[A-Za-z0-9.@_-]{1,100}",
        ("release pipeline", "a" * 101),
        ("release-pipeline", "a" * 100),
        "codepipeline-name",
    ),
)


def _name(limit: NameLimit, graph: ResourceGraph, node: Node) -> Iterator[Complaint]:
    value = node.arguments.get(limit.argument)
    if not isinstance(value, str) or "%{" in value:
        return
    written = text(graph, value)
    wrong = sorted({character for character in literal_part(value if written is None else written) if not re.fullmatch(limit.characters, character)})
    if wrong or (written and not re.fullmatch(limit.whole, written)):
        because = f" (not {' '.join(map(repr, wrong))})" if wrong else ""
        yield Complaint(f"its {limit.argument} is {value!r}, and AWS takes {limit.wants}{because}", (value, limit.argument))


def _domain(graph: ResourceGraph, node: Node) -> Iterator[Complaint]:
    """A prefix of Cognito's own domain is lower case, and none of AWS's names is in it; with a certificate it is a domain of one's own."""
    written = text(graph, node.arguments.get("domain"))
    if not written or node.arguments.get("certificate_arn") is not None or "." in written:
        return
    if reserved := [word for word in ("amazon", "aws", "cognito") if word in written]:
        yield Complaint(f"its domain is {written!r}, and no prefix may have {reserved[0]} in it", (written, "domain"))
    elif not re.fullmatch(r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?", written):
        yield Complaint(f"its domain is {written!r}, and a prefix is at most 63 lower-case letters, digits and inner hyphens", (written, "domain"))


def _example(kind: str, argument: str, value: str) -> dict[str, Any]:
    return {"resource": {kind: {"main": {argument: value}}}}


def _prefix(domain: str, **arguments: str) -> dict[str, Any]:
    return {"resource": {"aws_cognito_user_pool_domain": {"main": {"domain": domain, **arguments}}}}


RULES = (
    *(
        Rule(
            id=limit.rule,
            title=f"{limit.what} with a name that AWS refuses",
            severity=Severity.HIGH,
            category=Category.AWS_CONSTRAINT,
            documentation=_PAGES + limit.page,
            check=partial(judged, (limit.type,), partial(_name, limit)),
            bad=tuple(_example(limit.type, limit.argument, value) for value in limit.bad),
            good=tuple(_example(limit.type, limit.argument, value) for value in limit.good),
        )
        for limit in LIMITS
    ),
    Rule(
        id="cognito-domain-prefix",
        title="Domain prefix that Cognito refuses",
        severity=Severity.HIGH,
        category=Category.AWS_CONSTRAINT,
        documentation=_PAGES + "cognito/latest/developerguide/cognito-user-pools-assign-domain-prefix.html",
        check=partial(judged, ("aws_cognito_user_pool_domain",), _domain),
        bad=(_prefix("my_shop"), _prefix("Shop"), _prefix("shop-on-aws"), _prefix("shop-")),
        good=(_prefix("my-shop"), _prefix("login.shop.example", certificate_arn="${var.certificate}"), _prefix("${var.prefix}"), _prefix("s")),
    ),
)
