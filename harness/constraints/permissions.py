"""Rules on who may invoke a Lambda function: whatever calls one on its own account has to be let in by `aws_lambda_permission`."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from typing import Any

from harness.constraints.base import Rule, Violation
from harness.constraints.expressions import could_become
from harness.constraints.findings import sole_reference
from harness.constraints.graph import Node, ResourceGraph
from harness.constraints.kms import is_logs
from harness.constraints.ordering import comes_after
from harness.constraints.policies import is_named, is_service, listed
from harness.constraints.values import blocks, nested, text
from harness.failures import Category, Severity

Call = tuple[Node, object, Node | None]
"""What calls a function, the value that names the function, and what AWS names as the source of the call (None where that is not known)."""

Calls = Callable[[ResourceGraph], Iterator[Call]]

# Callers that AWS refuses while the permission is not there. (Rotations and log subscriptions too, but those the provider tries again.)
_CHECKED = ("aws_s3_bucket_notification", "aws_lb_target_group_attachment")


def _bucket_notifications(graph: ResourceGraph) -> Iterator[Call]:
    for node in graph.of_type("aws_s3_bucket_notification"):
        for block in blocks(node.arguments, "lambda_function"):
            yield node, block.get("lambda_function_arn"), graph.target(node.arguments.get("bucket"), "aws_s3_bucket")


def _topic_subscriptions(graph: ResourceGraph) -> Iterator[Call]:
    for node in graph.of_type("aws_sns_topic_subscription"):
        if text(graph, node.arguments.get("protocol")) == "lambda":
            yield node, node.arguments.get("endpoint"), graph.target(node.arguments.get("topic_arn"), "aws_sns_topic")


def _event_targets(graph: ResourceGraph) -> Iterator[Call]:
    for node in graph.of_type("aws_cloudwatch_event_target"):
        # With a role, EventBridge calls with the role's permissions.
        if node.arguments.get("role_arn") is None:
            yield node, node.arguments.get("arn"), graph.target(node.arguments.get("rule"), "aws_cloudwatch_event_rule")


def _rest_integrations(graph: ResourceGraph) -> Iterator[Call]:
    for node in graph.of_type("aws_api_gateway_integration"):
        if node.arguments.get("credentials") is None:
            yield node, node.arguments.get("uri"), graph.target(node.arguments.get("rest_api_id"), "aws_api_gateway_rest_api")
    for node in graph.of_type("aws_api_gateway_authorizer"):
        if node.arguments.get("authorizer_credentials") is None:
            yield node, node.arguments.get("authorizer_uri"), graph.target(node.arguments.get("rest_api_id"), "aws_api_gateway_rest_api")


def _http_integrations(graph: ResourceGraph) -> Iterator[Call]:
    for node in graph.of_type("aws_apigatewayv2_integration"):
        if node.arguments.get("credentials_arn") is None:
            yield node, node.arguments.get("integration_uri"), graph.target(node.arguments.get("api_id"), "aws_apigatewayv2_api")
    for node in graph.of_type("aws_apigatewayv2_authorizer"):
        if node.arguments.get("authorizer_credentials_arn") is None:
            yield node, node.arguments.get("authorizer_uri"), graph.target(node.arguments.get("api_id"), "aws_apigatewayv2_api")


def _pool_triggers(graph: ResourceGraph) -> Iterator[Call]:
    for node in graph.of_type("aws_cognito_user_pool"):
        for block in blocks(node.arguments, "lambda_config"):
            for name, value in block.items():
                if name != "kms_key_id":
                    yield from ((node, inner.get("lambda_arn"), node) for inner in blocks(block, name))
                    yield node, value if isinstance(value, str) else None, node


def _rotations(graph: ResourceGraph) -> Iterator[Call]:
    for node in graph.of_type("aws_secretsmanager_secret_rotation"):
        yield node, node.arguments.get("rotation_lambda_arn"), graph.target(node.arguments.get("secret_id"), "aws_secretsmanager_secret")


def _log_subscriptions(graph: ResourceGraph) -> Iterator[Call]:
    for node in graph.of_type("aws_cloudwatch_log_subscription_filter"):
        yield node, node.arguments.get("destination_arn"), graph.target(node.arguments.get("log_group_name"), "aws_cloudwatch_log_group")


def _config_rules(graph: ResourceGraph) -> Iterator[Call]:
    for node in graph.of_type("aws_config_config_rule"):
        for block in blocks(node.arguments, "source"):
            if text(graph, block.get("owner")) == "CUSTOM_LAMBDA":
                yield node, block.get("source_identifier"), None


def _load_balancer_targets(graph: ResourceGraph) -> Iterator[Call]:
    for node in graph.of_type("aws_lb_target_group_attachment"):
        yield node, node.arguments.get("target_id"), graph.target(node.arguments.get("target_group_arn"), "aws_lb_target_group")


def _alarm_actions(graph: ResourceGraph) -> Iterator[Call]:
    for node in graph.of_type("aws_cloudwatch_metric_alarm", "aws_cloudwatch_composite_alarm"):
        for name in ("alarm_actions", "ok_actions", "insufficient_data_actions"):
            yield from ((node, value, None) for value in listed(node.arguments.get(name)))


def _receipt_rules(graph: ResourceGraph) -> Iterator[Call]:
    for node in graph.of_type("aws_ses_receipt_rule"):
        yield from ((node, block.get("function_arn"), None) for block in blocks(node.arguments, "lambda_action"))


def _topic_rules(graph: ResourceGraph) -> Iterator[Call]:
    for node in graph.of_type("aws_iot_topic_rule"):
        yield from ((node, block.get("function_arn"), node) for block in nested(node.arguments, "lambda"))


def may_call(calls: Calls, service: str, graph: ResourceGraph) -> Iterator[Violation]:
    """A function that `service` invokes on its own account has a permission that names this service."""
    told = set()
    for caller, value, source in calls(graph):
        function = called(graph, value)
        if function is None or (caller, function) in told or permitting(graph, function, service, source) is not None:
            continue
        told.add((caller, function))
        message = f"{caller.address}: it calls {function.address}, which no aws_lambda_permission lets {service} invoke"
        yield Violation(message, (caller, function), ("aws_lambda_permission", service, *_names(caller, function)), f"{caller.address}:{function.address}")


def called(graph: ResourceGraph, value: object) -> Node | None:
    """The function of this stack that a value names, by itself or by its alias; the value may be the path that API Gateway takes."""
    alias = graph.target(value, "aws_lambda_alias")
    function = graph.target(alias.arguments.get("function_name") if alias else value, "aws_lambda_function")
    return None if function is None or function.is_data else function


def permitting(graph: ResourceGraph, function: Node, service: str, source: Node | None) -> tuple[Node, ...] | None:
    """The permissions that may let `service` call a function; None where no permission of the stack does."""
    found = []
    for permission in graph.of_type("aws_lambda_permission"):
        value = permission.arguments.get("function_name")
        alias = graph.target(value, "aws_lambda_alias")
        if is_named(graph, alias.arguments.get("function_name") if alias else value, function, "function_name") is False:
            continue
        if _is_principal(graph, permission, service) and not _is_elsewhere(graph, permission, source):
            found.append(permission)
    return tuple(found) or None


def _is_principal(graph: ResourceGraph, permission: Node, service: str) -> bool:
    principal = permission.arguments.get("principal")
    if not isinstance(principal, str) or could_become(principal, "*"):
        return True
    return is_logs(principal, graph.region(permission)) if service == "logs.amazonaws.com" else is_service(principal, service)


def _is_elsewhere(graph: ResourceGraph, permission: Node, source: Node | None) -> bool:
    """Whether a permission is certainly for another source: its `source_arn` names a different resource of the same type."""
    if source is None:
        return False
    named = [node for node in graph.targets(permission.arguments.get("source_arn")) if node.type == source.type]
    return bool(named) and source not in named


def permission_comes_first(graph: ResourceGraph) -> Iterator[Violation]:
    """AWS tries the function, or looks at its policy, when it gets such a caller: the permission has to be there before."""
    for calls, service in _ALL.values():
        for caller, value, source in calls(graph):
            function = called(graph, value)
            if function is None or caller.type not in _CHECKED:
                continue
            permissions = permitting(graph, function, service, source)
            if permissions and not comes_after(graph, caller, permissions):
                names = " or ".join(permission.address for permission in permissions)
                message = f"{caller.address}: it does not wait for {names}, which AWS checks for when it creates this"
                symbols = ("depends_on", *_names(*permissions), *_names(caller))
                yield Violation(message, (caller, *permissions), symbols, f"{caller.address}:{function.address}")


def principal_is_whole(graph: ResourceGraph) -> Iterator[Violation]:
    """A permission's principal is a service by its domain name (`events.amazonaws.com`), an account id, an ARN or `*`."""
    for node in graph.of_type("aws_lambda_permission"):
        principal = text(graph, node.arguments.get("principal"))
        if principal is not None and not re.search(r"[.:*]|^\d{12}$", principal):
            message = f'{node.address}: the principal "{principal}" is neither a service (like events.amazonaws.com) nor an account nor an ARN'
            yield Violation(message, (node,), ("principal", principal, *_names(node)), node.address)


_EXECUTED = ("aws_api_gateway_rest_api", "aws_api_gateway_stage", "aws_api_gateway_deployment", "aws_apigatewayv2_api", "aws_apigatewayv2_stage")


def source_can_match(graph: ResourceGraph) -> Iterator[Violation]:
    """The `source_arn` has to match the ARN that the service calls with.

    API Gateway's has stage, method and path behind the API's execution ARN, CloudWatch Logs' ends in `:*`
    (which `aws_cloudwatch_log_group.arn` leaves out), and S3's is the bucket without any key.
    """
    for node in graph.of_type("aws_lambda_permission"):
        value, principal = node.arguments.get("source_arn"), text(graph, node.arguments.get("principal")) or ""
        wanted = _mismatch(value, principal) if isinstance(value, str) else None
        if wanted:
            message = f'{node.address}: the source_arn "{value}" never matches a call from {principal}, which needs {wanted}'
            yield Violation(message, (node,), ("source_arn", str(value), *_names(node)), node.address)


def _mismatch(value: str, principal: str) -> str | None:
    reference = sole_reference(value)
    kind, attribute = (reference.kind, reference.attribute) if reference else ("", "")
    if principal == "apigateway.amazonaws.com":
        if kind in _EXECUTED and attribute == "execution_arn":
            return "something like /*/* behind the execution ARN"
        if re.match(r"\$\{aws_(api_gateway_rest_api|apigatewayv2_api)\.[\w-]+(\[[^\]]*\])?\.arn\}", value):
            return "execution_arn instead of arn, with something like /*/* behind it"
    if principal.startswith("logs.") and kind == "aws_cloudwatch_log_group" and attribute == "arn":
        return ":* behind the log group's ARN"
    bucket = re.fullmatch(r"\$\{aws_s3_bucket\.[\w-]+\.arn\}/.*", value)
    return "the bucket's ARN without a key" if principal == "s3.amazonaws.com" and bucket else None


def _names(*nodes: Node) -> tuple[str, ...]:
    return tuple(name for node in nodes for name in (node.address.rpartition(".")[2], node.type))


_FUNCTION = {"function_name": "worker", "role": "r", "handler": "a.b", "runtime": "python3.13"}
_ARN = "${aws_lambda_function.worker.arn}"


def _stack(caller: Mapping[str, Any], permission: Mapping[str, Any] | None = None, **others: Mapping[str, Any]) -> dict[str, Any]:
    """Resources by type, each with one instance `main` next to the function `worker`."""
    resources = {"aws_lambda_function": {"worker": _FUNCTION}, **others, **{kind: {"main": arguments} for kind, arguments in caller.items()}}
    if permission is not None:
        resources["aws_lambda_permission"] = {"main": {"action": "lambda:InvokeFunction", "function_name": _ARN, **permission}}
    return {"resource": resources}


_NOTIFICATION = {"bucket": "${aws_s3_bucket.inbox.id}", "lambda_function": [{"lambda_function_arn": _ARN, "events": ["s3:ObjectCreated:*"]}]}
_FILTER = {"log_group_name": "${aws_cloudwatch_log_group.app.name}", "destination_arn": _ARN}
_ROTATION = {"secret_id": "${aws_secretsmanager_secret.db.id}", "rotation_lambda_arn": _ARN}
_TARGET = {"rule": "${aws_cloudwatch_event_rule.hourly.name}", "arn": _ARN}

# By caller: its calls, and the service that makes them.
_ALL: Mapping[str, tuple[Calls, str]] = {
    "s3-notification": (_bucket_notifications, "s3.amazonaws.com"),
    "sns": (_topic_subscriptions, "sns.amazonaws.com"),
    "eventbridge": (_event_targets, "events.amazonaws.com"),
    "rest-api": (_rest_integrations, "apigateway.amazonaws.com"),
    "http-api": (_http_integrations, "apigateway.amazonaws.com"),
    "cognito": (_pool_triggers, "cognito-idp.amazonaws.com"),
    "secret-rotation": (_rotations, "secretsmanager.amazonaws.com"),
    "log-subscription": (_log_subscriptions, "logs.amazonaws.com"),
    "config-rule": (_config_rules, "config.amazonaws.com"),
    "load-balancer": (_load_balancer_targets, "elasticloadbalancing.amazonaws.com"),
    "alarm": (_alarm_actions, "lambda.alarms.cloudwatch.amazonaws.com"),
    "ses": (_receipt_rules, "ses.amazonaws.com"),
    "iot": (_topic_rules, "iot.amazonaws.com"),
}
# By caller: what it is called in a title, an example of it, and the page that asks for the permission.
_TOLD: Mapping[str, tuple[str, Mapping[str, Any], str]] = {
    "s3-notification": ("S3", {"aws_s3_bucket_notification": _NOTIFICATION}, "lambda/latest/dg/with-s3.html"),
    "sns": ("SNS", {"aws_sns_topic_subscription": {"topic_arn": "t", "protocol": "lambda", "endpoint": _ARN}}, "lambda/latest/dg/with-sns.html"),
    "eventbridge": ("EventBridge", {"aws_cloudwatch_event_target": _TARGET}, "eventbridge/latest/userguide/eb-use-resource-based.html"),
    "rest-api": (
        "API Gateway (REST)",
        {"aws_api_gateway_integration": {"type": "AWS_PROXY", "uri": "${aws_lambda_function.worker.invoke_arn}"}},
        "lambda/latest/dg/services-apigateway.html",
    ),
    "http-api": (
        "API Gateway (HTTP)",
        {"aws_apigatewayv2_integration": {"integration_type": "AWS_PROXY", "integration_uri": "${aws_lambda_function.worker.invoke_arn}"}},
        "apigateway/latest/developerguide/http-api-develop-integrations-lambda.html",
    ),
    "cognito": (
        "Cognito",
        {"aws_cognito_user_pool": {"lambda_config": {"pre_sign_up": _ARN}}},
        "cognito/latest/developerguide/cognito-user-pools-working-with-lambda-triggers.html",
    ),
    "secret-rotation": (
        "Secrets Manager",
        {"aws_secretsmanager_secret_rotation": _ROTATION},
        "secretsmanager/latest/userguide/rotating-secrets-required-permissions-function.html",
    ),
    "log-subscription": ("CloudWatch Logs", {"aws_cloudwatch_log_subscription_filter": _FILTER}, "AmazonCloudWatch/latest/logs/SubscriptionFilters.html"),
    "config-rule": (
        "AWS Config",
        {"aws_config_config_rule": {"source": [{"owner": "CUSTOM_LAMBDA", "source_identifier": _ARN}]}},
        "config/latest/developerguide/evaluate-config_develop-rules_lambda-functions.html",
    ),
    "load-balancer": (
        "the load balancer",
        {"aws_lb_target_group_attachment": {"target_group_arn": "t", "target_id": _ARN}},
        "elasticloadbalancing/latest/application/lambda-functions.html",
    ),
    "alarm": (
        "the CloudWatch alarm",
        {"aws_cloudwatch_metric_alarm": {"alarm_actions": [_ARN]}},
        "AmazonCloudWatch/latest/monitoring/alarms-and-actions-Lambda.html",
    ),
    "ses": ("SES", {"aws_ses_receipt_rule": {"lambda_action": [{"function_arn": _ARN, "position": 1}]}}, "ses/latest/dg/receiving-email-permissions.html"),
    "iot": ("the IoT rule", {"aws_iot_topic_rule": {"lambda": [{"function_arn": _ARN}]}}, "iot/latest/developerguide/lambda-rule-action.html"),
}
_OTHER = {"principal": "lambda.amazonaws.com"}
_S3 = {"principal": "s3.amazonaws.com"}
_BUCKETS = {"inbox": {"bucket": "inbox"}, "archive": {"bucket": "archive"}}
_ELSEWHERE = {
    "s3-notification": _stack({"aws_s3_bucket_notification": _NOTIFICATION}, _S3 | {"source_arn": "${aws_s3_bucket.archive.arn}"}, aws_s3_bucket=_BUCKETS)
}


def _of(caller: str) -> Rule:
    calls, service = _ALL[caller]
    name, example, page = _TOLD[caller]
    imported = {kind: {**arguments} for kind, arguments in example.items()}
    alias = {"function_name": "${aws_lambda_alias.live.arn}", "principal": service}
    return Rule(
        id=f"{caller}-lambda-permission",
        title=f"Nothing lets {name} invoke the Lambda function",
        severity=Severity.HIGH,
        category=Category.AWS_CONSTRAINT,
        documentation=f"https://docs.aws.amazon.com/{page}",
        check=partial(may_call, calls, service),
        bad=(
            _stack(example),
            _stack(example, _OTHER),
            _stack(example, {"principal": service, "function_name": "another"}),
            *([_ELSEWHERE[caller]] if caller in _ELSEWHERE else []),
        ),
        good=(
            _stack(example, {"principal": service}),
            _stack(example, {"principal": service, "function_name": "${aws_lambda_function.worker.function_name}"}),
            _stack(example, {"principal": service, "function_name": "worker"}),
            _stack(example, {"principal": "${var.principal}"}),
            _stack(example, alias, aws_lambda_alias={"live": {"function_name": _ARN}}),
            _stack(example, {"principal": service, "function_name": "${each.value}", "for_each": "${toset(local.functions)}"}),
            # A function of another stack.
            {"resource": {kind: {"main": arguments} for kind, arguments in imported.items()}},
        ),
    )


def _source(principal: str, value: str) -> dict[str, Any]:
    return _stack({}, {"principal": principal, "source_arn": value})


RULES = (
    *(_of(caller) for caller in _ALL),
    Rule(
        id="lambda-permission-source",
        title="Lambda permission is for another source",
        severity=Severity.HIGH,
        category=Category.AWS_CONSTRAINT,
        documentation="https://docs.aws.amazon.com/lambda/latest/dg/permissions-function-services.html",
        check=source_can_match,
        bad=(
            _source("apigateway.amazonaws.com", "${aws_api_gateway_rest_api.main.execution_arn}"),
            _source("apigateway.amazonaws.com", "${aws_apigatewayv2_stage.main.execution_arn}"),
            _source("apigateway.amazonaws.com", "${aws_api_gateway_rest_api.main.arn}"),
            _source("apigateway.amazonaws.com", "${aws_api_gateway_rest_api.main[0].arn}/*/POST/orders"),
            _source("apigateway.amazonaws.com", "${aws_apigatewayv2_api.main.arn}/*/*"),
            _source("logs.amazonaws.com", "${aws_cloudwatch_log_group.main.arn}"),
            _source("s3.amazonaws.com", "${aws_s3_bucket.main.arn}/*"),
        ),
        good=(
            _source("apigateway.amazonaws.com", "${aws_api_gateway_rest_api.main.execution_arn}/*/*"),
            _source("logs.amazonaws.com", "${aws_cloudwatch_log_group.main.arn}:*"),
            _source("s3.amazonaws.com", "${aws_s3_bucket.main.arn}"),
            _source("events.amazonaws.com", "${aws_cloudwatch_event_rule.main.arn}"),
        ),
    ),
    Rule(
        id="lambda-permission-principal",
        title="Lambda permission for a principal that is none",
        severity=Severity.HIGH,
        category=Category.AWS_CONSTRAINT,
        documentation="https://docs.aws.amazon.com/lambda/latest/api/API_AddPermission.html",
        check=principal_is_whole,
        bad=(_stack({}, {"principal": "apigateway"}),),
        good=(
            _stack({}, {"principal": "apigateway.amazonaws.com"}),
            _stack({}, {"principal": "123456789012"}),
            _stack({}, {"principal": "${data.aws_caller_identity.current.account_id}"}),
        ),
    ),
    Rule(
        id="lambda-permission-order",
        title="Caller of a Lambda function does not wait for its permission",
        severity=Severity.MEDIUM,
        category=Category.ARCHITECTURE,
        documentation="https://registry.terraform.io/providers/hashicorp/aws/latest/docs/resources/s3_bucket_notification",
        check=permission_comes_first,
        bad=(_stack({"aws_s3_bucket_notification": _NOTIFICATION}, _S3),),
        good=(
            _stack({"aws_s3_bucket_notification": _NOTIFICATION | {"depends_on": ["aws_lambda_permission.main"]}}, _S3),
            _stack({"aws_cloudwatch_event_target": _TARGET}, {"principal": "events.amazonaws.com"}),
            _stack({"aws_secretsmanager_secret_rotation": _ROTATION}, {"principal": "secretsmanager.amazonaws.com"}),
            _stack({"aws_s3_bucket_notification": _NOTIFICATION}),
        ),
    ),
)
