"""Rules on API Gateway: REST APIs that are deployed too early, methods that lead nowhere, settings that CreateX refuses."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from functools import partial
from typing import Any

from harness.constraints.base import Rule
from harness.constraints.findings import Complaint, is_unset, judged
from harness.constraints.graph import Node, ResourceGraph
from harness.constraints.ordering import comes_after, prerequisites
from harness.constraints.policies import listed
from harness.constraints.values import blocks, is_repeated, text, truth
from harness.failures import Category, Severity

API, DEPLOYMENT, STAGE = "aws_api_gateway_rest_api", "aws_api_gateway_deployment", "aws_api_gateway_stage"
METHOD, INTEGRATION = "aws_api_gateway_method", "aws_api_gateway_integration"
_STAGE_NAME = re.compile(r"[A-Za-z0-9_-]+")
_PATH_PART = re.compile(r"[A-Za-z0-9._:$~@!*'(),;=&%+-]+|\{[A-Za-z0-9._:-]+\+?\}")
_ROUTE_KEY = re.compile(r"\$default|(ANY|GET|POST|PUT|PATCH|DELETE|HEAD|OPTIONS) /.*")


def _of(graph: ResourceGraph, api: Node, kind: str) -> list[Node] | None:
    """The resources of a type that belong to the API; None where one of them may or may not, or stands for several."""
    found = []
    for node in graph.of_type(kind):
        owner = graph.target(node.arguments.get("rest_api_id"), API)
        if owner is None:
            return None
        if owner is api:
            found.append(node)
    return None if any(map(is_repeated, found)) else found


def _deployed(graph: ResourceGraph, deployment: Node) -> tuple[Node, list[Node], list[Node]] | None:
    """The API that is deployed, its methods and its integrations; None where they are not all known."""
    api = graph.target(deployment.arguments.get("rest_api_id"), API)
    if api is None or not is_unset(api.arguments, "body"):
        return None
    methods, integrations = _of(graph, api, METHOD), _of(graph, api, INTEGRATION)
    return None if methods is None or integrations is None else (api, methods, integrations)


def _too_early(graph: ResourceGraph, deployment: Node) -> Iterator[Complaint]:
    """CreateDeployment refuses an API without methods, so a deployment waits for them: by `depends_on`, or by `triggers` that refer to them."""
    found = _deployed(graph, deployment)
    if found is not None and found[1] and not comes_after(graph, deployment, [*found[1], *found[2]]):
        names = ", ".join(method.address for method in found[1])
        yield Complaint(f"nothing makes it wait for the methods that it deploys ({names})", ("depends_on", "triggers"), tuple(found[1]))


def _no_integration(graph: ResourceGraph, deployment: Node) -> Iterator[Complaint]:
    """CreateDeployment refuses a method without integration."""
    found = _deployed(graph, deployment)
    if found is None:
        return
    _, methods, integrations = found
    for method in methods:
        if not any(_may_integrate(graph, integration, method) for integration in integrations):
            yield Complaint(f"the method {method.address} that it deploys has no integration", (method.address.rpartition(".")[2], INTEGRATION), (method,))


def _may_integrate(graph: ResourceGraph, integration: Node, method: Node) -> bool:
    """Whether an integration may be the method's: unless its resource or its HTTP method is certainly another."""
    named = graph.target(integration.arguments.get("http_method"), METHOD)
    verbs = text(graph, (named or integration).arguments.get("http_method")), text(graph, method.arguments.get("http_method"))
    places = _place(graph, integration), _place(graph, method)
    return (None in verbs or verbs[0] == verbs[1]) and (None in places or places[0] == places[1])


def _place(graph: ResourceGraph, node: Node) -> str | None:
    """The address of the resource (or, for the root, of the API) that a method or integration belongs to."""
    value = node.arguments.get("resource_id")
    method = graph.target(value, METHOD)
    found = graph.target(method.arguments.get("resource_id") if method else value, "aws_api_gateway_resource", API)
    return None if found is None or is_repeated(found) else found.address


def _lambda_verb(graph: ResourceGraph, integration: Node) -> Iterator[Complaint]:
    """A function is invoked by POST, whatever the method of the API."""
    function = graph.target(integration.arguments.get("uri"), "aws_lambda_function", "aws_lambda_alias")
    verb = text(graph, integration.arguments.get("integration_http_method", ""))
    if function is not None and verb is not None and verb != "POST" and text(graph, integration.arguments.get("type")) in ("AWS", "AWS_PROXY"):
        said = f"its integration_http_method is {verb}" if verb else "it has no integration_http_method"
        yield Complaint(f"{said}; {function.address} is invoked by POST only", ("integration_http_method", verb or "POST"), (function,))


def _authorizer(graph: ResourceGraph, method: Node) -> Iterator[Complaint]:
    """CUSTOM, COGNITO_USER_POOLS and JWT are checked by an authorizer, which has to be named."""
    argument = "authorization" if method.type == METHOD else "authorization_type"
    kind = text(graph, method.arguments.get(argument))
    if kind in ("CUSTOM", "COGNITO_USER_POOLS", "JWT") and is_unset(method.arguments, "authorizer_id"):
        yield Complaint(f"its {argument} is {kind} and it names no authorizer_id", ("authorizer_id", kind))


def _stage_twice(graph: ResourceGraph, deployment: Node) -> Iterator[Complaint]:
    """A deployment with `stage_name` makes that stage; another `aws_api_gateway_stage` of the name is refused."""
    name, api = text(graph, deployment.arguments.get("stage_name")), graph.target(deployment.arguments.get("rest_api_id"), API)
    for stage in graph.of_type(STAGE):
        if name and api is not None and text(graph, stage.arguments.get("stage_name")) == name and graph.target(stage.arguments.get("rest_api_id"), API) is api:
            yield Complaint(f"its stage_name makes the stage {name!r}, which {stage.address} makes too", ("stage_name", name), (stage,))


def _before_stage(graph: ResourceGraph, node: Node) -> Iterator[Complaint]:
    """What is set for a stage is refused before the stage is there; a stage named by text only is not waited for."""
    named = blocks(node.arguments, "api_stages") if node.type == "aws_api_gateway_usage_plan" else [node.arguments]
    for block in named:
        name = text(graph, block.get("stage" if node.type == "aws_api_gateway_usage_plan" else "stage_name"))
        api = graph.target(block.get("api_id", block.get("rest_api_id")), API)
        stages = [stage for stage in graph.of_type(STAGE) if text(graph, stage.arguments.get("stage_name")) == name]
        own = [stage for stage in stages if graph.target(stage.arguments.get("rest_api_id"), API) is api]
        ahead = prerequisites(graph, node)
        # A deployment with the name makes the stage as well, and may be waited for.
        made = any(text(graph, deployment.arguments.get("stage_name")) == name for deployment in graph.of_type(DEPLOYMENT))
        if name and api is not None and len(own) == 1 and not made and ahead is not None and own[0] not in ahead:
            yield Complaint(f"it names the stage {name!r} by text, so nothing makes it wait for {own[0].address}", ("stage_name", "depends_on"), (own[0],))


def _stage_name(graph: ResourceGraph, stage: Node) -> Iterator[Complaint]:
    """Letters, digits, hyphens and underscores; $default too for HTTP APIs."""
    argument = "name" if stage.type == "aws_apigatewayv2_stage" else "stage_name"
    name = text(graph, stage.arguments.get(argument))
    if name and not _STAGE_NAME.fullmatch(name) and not (argument == "name" and name == "$default"):
        yield Complaint(f"the stage name {name!r} has characters other than letters, digits, hyphens and underscores", (argument, name))


def _path_part(graph: ResourceGraph, resource: Node) -> Iterator[Complaint]:
    """One part of a path, or a parameter in braces; a slash separates resources."""
    part = text(graph, resource.arguments.get("path_part"))
    if part is not None and not _PATH_PART.fullmatch(part):
        yield Complaint(f"the path_part {part!r} is not one part of a path, or one parameter in braces", ("path_part", part))


def _route_key(graph: ResourceGraph, route: Node) -> Iterator[Complaint]:
    """An HTTP API's routes are `METHOD /path`, or `$default`."""
    api, key = graph.target(route.arguments.get("api_id"), "aws_apigatewayv2_api"), text(graph, route.arguments.get("route_key"))
    if api is not None and key is not None and text(graph, api.arguments.get("protocol_type")) == "HTTP" and not _ROUTE_KEY.fullmatch(key):
        yield Complaint(f"the route_key {key!r} is neither METHOD /path nor $default", ("route_key", key), (api,))


def _credentials(graph: ResourceGraph, api: Node) -> Iterator[Complaint]:
    """Credentials are allowed to named origins only."""
    for cors in blocks(api.arguments, "cors_configuration"):
        if truth(graph, cors.get("allow_credentials")) and "*" in listed(cors.get("allow_origins")):
            yield Complaint("its cors_configuration allows credentials to the origin *", ("allow_credentials", "allow_origins"))


def _api(deployment: Mapping[str, Any], **resources: Any) -> dict[str, Any]:
    at = {"rest_api_id": "${aws_api_gateway_rest_api.main.id}"}
    place = {**at, "resource_id": "${aws_api_gateway_resource.orders.id}"}
    return {
        "resource": {
            API: {"main": {"name": "main"}},
            "aws_api_gateway_resource": {"orders": {**at, "path_part": "orders"}},
            METHOD: {"get": {**place, "http_method": "GET", "authorization": "NONE"}},
            INTEGRATION: {"get": {**place, "http_method": "${aws_api_gateway_method.get.http_method}", "type": "MOCK"}},
            DEPLOYMENT: {"main": {**at, **deployment}},
            **resources,
        }
    }


def _stage(name: str, deployment: Mapping[str, Any], **resources: Any) -> dict[str, Any]:
    arguments = {"rest_api_id": "${aws_api_gateway_rest_api.main.id}", "deployment_id": "${aws_api_gateway_deployment.main.id}", "stage_name": name}
    return _api(deployment, **{STAGE: {"main": arguments}}, **resources)


def _one(kind: str, **arguments: Any) -> dict[str, Any]:
    return {"resource": {kind: {"main": arguments}}}


def _invoking(**arguments: Any) -> dict[str, Any]:
    integration = {"type": "AWS_PROXY", "uri": "${aws_lambda_function.main.invoke_arn}", **arguments}
    return {"resource": {INTEGRATION: {"main": integration}, "aws_lambda_function": {"main": {}}}}


def _route(key: str, protocol: str = "HTTP") -> dict[str, Any]:
    route = {"api_id": "${aws_apigatewayv2_api.main.id}", "route_key": key}
    return {"resource": {"aws_apigatewayv2_api": {"main": {"protocol_type": protocol}}, "aws_apigatewayv2_route": {"main": route}}}


_AFTER = {"depends_on": ["aws_api_gateway_integration.get"]}
_SETTINGS = {"rest_api_id": "${aws_api_gateway_rest_api.main.id}", "stage_name": "live", "method_path": "*/*"}
_OTHER_PLACE = {"rest_api_id": "${aws_api_gateway_rest_api.main.id}", "resource_id": "${aws_api_gateway_rest_api.main.root_resource_id}"}
_PLAN = {"name": "main", "api_stages": [{"api_id": "${aws_api_gateway_rest_api.main.id}", "stage": "${aws_api_gateway_stage.main.stage_name}"}]}
_rule = partial(Rule, severity=Severity.HIGH, category=Category.AWS_CONSTRAINT)

RULES = (
    _rule(
        id="api-deployment-order",
        title="REST API deployed before it has methods",
        documentation="https://registry.terraform.io/providers/hashicorp/aws/latest/docs/resources/api_gateway_deployment",
        check=partial(judged, (DEPLOYMENT,), _too_early),
        bad=(_api({}), _api({"triggers": {"redeploy": "${aws_api_gateway_resource.orders.id}"}})),
        good=(
            _api(_AFTER),
            _api({"triggers": {"redeploy": '${sha1(jsonencode([aws_api_gateway_integration.get.id, "x"]))}'}}),
            _api({"depends_on": ["module.methods"]}),
            _api({}, **{API: {"main": {"body": '${file("api.json")}'}}}),
            _one(DEPLOYMENT, rest_api_id="${var.api}"),
        ),
    ),
    _rule(
        id="api-integration-missing",
        title="Deployed method without an integration",
        documentation="https://docs.aws.amazon.com/apigateway/latest/developerguide/how-to-deploy-api.html",
        check=partial(judged, (DEPLOYMENT,), _no_integration),
        bad=(_api(_AFTER, **{INTEGRATION: {}}), _api(_AFTER, **{INTEGRATION: {"get": {**_OTHER_PLACE, "http_method": "GET"}}})),
        good=(_api(_AFTER), _api(_AFTER, **{INTEGRATION: {"all": {"rest_api_id": "${var.api}"}}})),
    ),
    _rule(
        id="api-lambda-post",
        title="Lambda integration by another method than POST",
        documentation="https://docs.aws.amazon.com/apigateway/latest/developerguide/set-up-lambda-proxy-integrations.html",
        check=partial(judged, (INTEGRATION,), _lambda_verb),
        bad=(_invoking(integration_http_method="GET"), _invoking()),
        good=(
            _invoking(integration_http_method="POST"),
            _invoking(integration_http_method="${var.verb}"),
            _one(INTEGRATION, type="HTTP_PROXY", uri="https://example.com", integration_http_method="GET"),
        ),
    ),
    _rule(
        id="api-authorizer-missing",
        title="Method that wants an authorizer and names none",
        documentation="https://docs.aws.amazon.com/apigateway/latest/api/API_PutMethod.html",
        check=partial(judged, (METHOD, "aws_apigatewayv2_route"), _authorizer),
        bad=(_one(METHOD, authorization="COGNITO_USER_POOLS"), _one(METHOD, authorization="CUSTOM"), _one("aws_apigatewayv2_route", authorization_type="JWT")),
        good=(
            _one(METHOD, authorization="COGNITO_USER_POOLS", authorizer_id="${aws_api_gateway_authorizer.main.id}"),
            _one(METHOD, authorization="AWS_IAM"),
            _one("aws_apigatewayv2_route", route_key="GET /"),
        ),
    ),
    _rule(
        id="api-stage-twice",
        title="Stage made by its deployment and by a resource of its own",
        documentation="https://registry.terraform.io/providers/hashicorp/aws/latest/docs/resources/api_gateway_stage",
        check=partial(judged, (DEPLOYMENT,), _stage_twice),
        bad=(_stage("live", {**_AFTER, "stage_name": "live"}),),
        good=(_stage("live", _AFTER), _stage("live", {**_AFTER, "stage_name": "blue"}), _api({**_AFTER, "stage_name": "live"})),
    ),
    _rule(
        id="api-stage-order",
        title="Settings for a stage that is not waited for",
        documentation="https://registry.terraform.io/providers/hashicorp/aws/latest/docs/resources/api_gateway_method_settings",
        check=partial(judged, ("aws_api_gateway_method_settings", "aws_api_gateway_usage_plan"), _before_stage),
        bad=(
            _stage("live", _AFTER, aws_api_gateway_method_settings={"main": _SETTINGS}),
            _stage("live", _AFTER, aws_api_gateway_usage_plan={"main": {**_PLAN, "api_stages": {**_PLAN["api_stages"][0], "stage": "live"}}}),  # type: ignore[dict-item]
        ),
        good=(
            _stage("live", _AFTER, aws_api_gateway_usage_plan={"main": _PLAN}),
            _stage("live", _AFTER, aws_api_gateway_method_settings={"main": {**_SETTINGS, "depends_on": ["aws_api_gateway_stage.main"]}}),
            _stage("live", _AFTER, aws_api_gateway_method_settings={"main": {**_SETTINGS, "rest_api_id": "${aws_api_gateway_stage.main.rest_api_id}"}}),
            _api({**_AFTER, "stage_name": "live"}, aws_api_gateway_method_settings={"main": _SETTINGS}),
        ),
    ),
    _rule(
        id="api-stage-name",
        title="Stage name with characters that it cannot have",
        documentation="https://docs.aws.amazon.com/apigateway/latest/api/API_CreateStage.html",
        check=partial(judged, (STAGE, "aws_apigatewayv2_stage"), _stage_name),
        bad=(_one(STAGE, stage_name="v1.0"), _one("aws_apigatewayv2_stage", name="live/eu")),
        good=(_one(STAGE, stage_name="live-eu_1"), _one("aws_apigatewayv2_stage", name="$default"), _one(STAGE, stage_name="${var.stage}")),
    ),
    _rule(
        id="api-path-part",
        title="path_part that is a path",
        documentation="https://registry.terraform.io/providers/hashicorp/aws/latest/docs/resources/api_gateway_resource",
        check=partial(judged, ("aws_api_gateway_resource",), _path_part),
        bad=(_one("aws_api_gateway_resource", path_part="orders/{id}"), _one("aws_api_gateway_resource", path_part="/orders")),
        good=(
            _one("aws_api_gateway_resource", path_part="{proxy+}"),
            _one("aws_api_gateway_resource", path_part="orders-v1.0"),
            _one("aws_api_gateway_resource", path_part="{order_id}"),
            _one("aws_api_gateway_resource", path_part="${var.part}"),
        ),
    ),
    _rule(
        id="api-route-key",
        title="Route key of an HTTP API without method and path",
        documentation="https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-develop-routes.html",
        check=partial(judged, ("aws_apigatewayv2_route",), _route_key),
        bad=(_route("orders"), _route("/orders"), _route("GET orders")),
        good=(_route("GET /orders/{id}"), _route("$default"), _route("$connect", "WEBSOCKET"), _route("ANY /{proxy+}")),
    ),
    _rule(
        id="api-cors-credentials",
        title="HTTP API that allows credentials to every origin",
        documentation="https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-cors.html",
        check=partial(judged, ("aws_apigatewayv2_api",), _credentials),
        bad=(_one("aws_apigatewayv2_api", protocol_type="HTTP", cors_configuration={"allow_origins": ["*"], "allow_credentials": True}),),
        good=(
            _one("aws_apigatewayv2_api", protocol_type="HTTP", cors_configuration={"allow_origins": ["https://example.com"], "allow_credentials": True}),
            _one("aws_apigatewayv2_api", protocol_type="HTTP", cors_configuration={"allow_origins": ["*"]}),
        ),
    ),
)
