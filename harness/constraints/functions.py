"""Rules on Lambda functions: what CreateFunction refuses, and handlers that no runtime can find."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from functools import partial
from typing import Any

from harness.constraints.base import Rule
from harness.constraints.dated import section
from harness.constraints.execution_roles import lacking, lets_roles_in
from harness.constraints.expressions import interpolations
from harness.constraints.findings import Complaint, is_literal, is_unset, judged, sole_reference
from harness.constraints.graph import Node, ResourceGraph, mapping
from harness.constraints.values import blocks, nested, number, text, truth
from harness.failures import Category, Severity

FUNCTION = "aws_lambda_function"
RESERVED_VARIABLES = frozenset({
    # The runtime sets these itself (https://docs.aws.amazon.com/lambda/latest/dg/configuration-envvars.html#configuration-envvars-runtime).
    "_HANDLER",
    "AWS_ACCESS_KEY",
    "AWS_ACCESS_KEY_ID",
    "AWS_DEFAULT_REGION",
    "AWS_EXECUTION_ENV",
    "AWS_LAMBDA_FUNCTION_MEMORY_SIZE",
    "AWS_LAMBDA_FUNCTION_NAME",
    "AWS_LAMBDA_FUNCTION_VERSION",
    "AWS_LAMBDA_INITIALIZATION_TYPE",
    "AWS_LAMBDA_LOG_GROUP_NAME",
    "AWS_LAMBDA_LOG_STREAM_NAME",
    "AWS_LAMBDA_RUNTIME_API",
    "AWS_REGION",
    "AWS_SECRET_ACCESS_KEY",
    "AWS_SESSION_TOKEN",
    "LAMBDA_RUNTIME_DIR",
    "LAMBDA_TASK_ROOT",
})  # fmt: skip
ENVIRONMENT_BYTES = 4096
_VARIABLE = re.compile(r"[a-zA-Z][a-zA-Z0-9_]+")


def _variables(function: Node) -> dict[str, Any]:
    """The function's environment variables, as far as they are written out."""
    return {name: value for block in nested(function.arguments, "environment") for name, value in mapping(block.get("variables")).items()}


def _runtime(graph: ResourceGraph, function: Node) -> Iterator[Complaint]:
    """A runtime is taken for new functions until its "block function create" day."""
    runtime = text(graph, function.arguments.get("runtime")) or ""
    if day := section("lambda-runtimes").ended(runtime):
        yield Complaint(f"the runtime {runtime} is retired; since {day} AWS creates no function with it", (runtime, "runtime"))


def _reserved(graph: ResourceGraph, function: Node) -> Iterator[Complaint]:
    """Lambda's own variables cannot be set, and a name is letters, digits and underscores, a letter first, two characters at least."""
    names = sorted(name for name in _variables(function) if is_literal(name))
    if reserved := [name for name in names if name in RESERVED_VARIABLES]:
        yield Complaint(f"its environment sets {', '.join(reserved)}, which Lambda reserves for itself", tuple(reserved))
    if malformed := [name for name in names if name not in RESERVED_VARIABLES and not _VARIABLE.fullmatch(name)]:
        yield Complaint(f"no environment variable can be named {', '.join(map(repr, malformed))}", tuple(malformed))


def _size(graph: ResourceGraph, function: Node) -> Iterator[Complaint]:
    """All variables together, names and values, take 4 KB at most; what is not known yet counts nothing here."""
    written = [f"{name}{value}" for name, value in _variables(function).items()]
    size = sum(len(one.encode()) - sum(len(expression.encode()) + len("${}") for expression in interpolations(one)) for one in written)
    if size > ENVIRONMENT_BYTES:
        yield Complaint(f"its environment variables take {size} bytes, more than the {ENVIRONMENT_BYTES} that Lambda allows", ("environment",))


def _handler(graph: ResourceGraph, function: Node) -> Iterator[Complaint]:
    """Python's and Node.js' handlers are MODULE.FUNCTION; the runtimes split at the dot and fail without one. (A wrapper script may start something else.)"""
    handler = text(graph, function.arguments.get("handler"))
    runtime = text(graph, function.arguments.get("runtime")) or ""
    if handler and runtime.startswith(("python3", "nodejs")) and "." not in handler and not _may_be_wrapped(function):
        yield Complaint(f"the handler {handler!r} names no function in its module; {runtime} wants MODULE.FUNCTION", ("handler", handler))


def _may_be_wrapped(function: Node) -> bool:
    """Whether a wrapper script starts the runtime, or may: then the variables are not all written out."""
    return any(
        "AWS_LAMBDA_EXEC_WRAPPER" in mapping(block.get("variables")) or isinstance(block.get("variables"), str)
        for block in nested(function.arguments, "environment")
    )


def _image(graph: ResourceGraph, function: Node) -> Iterator[Complaint]:
    """A container image brings its own runtime, handler and layers; CreateFunction refuses them beside it."""
    beside = [name for name in ("handler", "runtime", "layers") if not is_unset(function.arguments, name)]
    if text(graph, function.arguments.get("package_type")) == "Image" and beside:
        yield Complaint(f"it is a container image and sets {', '.join(beside)}, which only zip packages have", (*beside, "package_type"))


def _network(graph: ResourceGraph, function: Node) -> Iterator[Complaint]:
    """Subnets and security groups come together, or both lists are empty."""
    for block in blocks(function.arguments, "vpc_config"):
        empty = [name for name in ("subnet_ids", "security_group_ids") if name in block and is_unset(block, name)]
        if len(empty) == 1 and len({"subnet_ids", "security_group_ids"} & set(block)) == 2:
            yield Complaint(f"{empty[0]} of its vpc_config is empty and the other list is not", (empty[0], "vpc_config"))


def _network_role(graph: ResourceGraph, function: Node) -> Iterator[Complaint]:
    """In a VPC, the function's role makes the network interfaces; CreateFunction checks that it may."""
    placed = any(not is_unset(block, "subnet_ids") for block in blocks(function.arguments, "vpc_config"))
    actions = ("ec2:CreateNetworkInterface", "ec2:DescribeNetworkInterfaces", "ec2:DeleteNetworkInterface")
    yield from _role(graph, function, "it stands in a VPC" if placed else "", *actions)


def _tracing_role(graph: ResourceGraph, function: Node) -> Iterator[Complaint]:
    """Active tracing is refused unless the role may put trace segments."""
    active = any(text(graph, block.get("mode")) == "Active" for block in blocks(function.arguments, "tracing_config"))
    yield from _role(graph, function, "its tracing is Active" if active else "", "xray:PutTraceSegments")


def _dead_letter_role(graph: ResourceGraph, function: Node) -> Iterator[Complaint]:
    """CreateFunction checks that the role may send to the dead-letter queue. (A topic is born with a policy that lets its account in.)"""
    for block in blocks(function.arguments, "dead_letter_config"):
        queue = graph.target(block.get("target_arn"), "aws_sqs_queue")
        if queue is not None and not lets_roles_in(graph, queue):
            yield from _role(graph, function, f"its dead letters go to {queue.address}", "sqs:SendMessage")


def _role(graph: ResourceGraph, function: Node, because: str, *actions: str) -> Iterator[Complaint]:
    found = lacking(graph, function.arguments.get("role"), *actions) if because else None
    if found is not None:
        role, missing = found
        yield Complaint(f"{because}, but its role {role.address} does not allow {', '.join(missing)}", (*missing, "role"), (role,))


def _provisioned(graph: ResourceGraph, provisioned: Node) -> Iterator[Complaint]:
    """Provisioned concurrency is for published versions and aliases; a function that is not published has $LATEST only."""
    qualifier = provisioned.arguments.get("qualifier")
    reference = sole_reference(qualifier)
    function = graph.target(qualifier, FUNCTION) if reference is not None and reference.attribute == "version" else None
    unpublished = function is not None and truth(graph, function.arguments.get("publish", False)) is False
    if text(graph, qualifier) == "$LATEST" or unpublished:
        yield Complaint("its qualifier is $LATEST, which cannot have provisioned concurrency", ("qualifier", "$LATEST"), (function,) if function else ())


def _provisioned_number(graph: ResourceGraph, provisioned: Node) -> Iterator[Complaint]:
    """A function cannot have more provisioned than reserved concurrency."""
    function = graph.target(provisioned.arguments.get("function_name"), FUNCTION)
    wanted = number(graph, provisioned.arguments.get("provisioned_concurrent_executions"))
    reserved = None if function is None else number(graph, function.arguments.get("reserved_concurrent_executions"))
    if function is not None and wanted is not None and reserved is not None and 0 <= reserved < wanted:
        yield Complaint(
            f"provisioned_concurrent_executions {wanted:g} is above {function.address}'s reserved_concurrent_executions {reserved:g}",
            ("provisioned_concurrent_executions", "reserved_concurrent_executions"),
            (function,),
        )


def _function(**arguments: Any) -> dict[str, Any]:
    return {"resource": {FUNCTION: {"main": {"function_name": "main", "role": "${aws_iam_role.main.arn}", **arguments}}}}


def _with_role(actions: list[str] | None, attached: str | None = None, **arguments: Any) -> dict[str, Any]:
    """A function whose role has an inline policy with `actions`, and the managed policy `attached`."""
    resources = _function(**arguments)["resource"] | {"aws_iam_role": {"main": {"name": "main"}}}
    if actions is not None:
        policy = json.dumps({"Statement": [{"Effect": "Allow", "Action": actions, "Resource": "*"}]})
        resources["aws_iam_role_policy"] = {"main": {"role": "${aws_iam_role.main.id}", "policy": policy}}
    if attached is not None:
        resources["aws_iam_role_policy_attachment"] = {"main": {"role": "${aws_iam_role.main.name}", "policy_arn": attached}}
    return {"resource": resources}


def _with_provisioned(qualifier: str, count: int = 1, **arguments: Any) -> dict[str, Any]:
    config = {"function_name": "${aws_lambda_function.main.function_name}", "qualifier": qualifier, "provisioned_concurrent_executions": count}
    return {"resource": _function(**arguments)["resource"] | {"aws_lambda_provisioned_concurrency_config": {"main": config}}}


_BASIC = "arn:aws:iam::aws:policy/service-role/AWSLambdaBasicExecutionRole"
_IN_VPC = "arn:aws:iam::aws:policy/service-role/AWSLambdaVPCAccessExecutionRole"
_VPC = {"subnet_ids": ["${aws_subnet.a.id}"], "security_group_ids": ["${aws_security_group.a.id}"]}
_DEAD = {"target_arn": "${aws_sqs_queue.dead.arn}"}
_QUEUE = {"aws_sqs_queue": {"dead": {"name": "dead"}}}
_VERSION = "${aws_lambda_function.main.version}"


def _dead(actions: list[str]) -> dict[str, Any]:
    return {"resource": _with_role(actions, dead_letter_config=_DEAD)["resource"] | _QUEUE}


_rule = partial(Rule, severity=Severity.HIGH, category=Category.AWS_CONSTRAINT)

RULES = (
    _rule(
        id="lambda-runtime-retired",
        title="Lambda runtime that AWS no longer creates functions with",
        documentation="https://docs.aws.amazon.com/lambda/latest/dg/lambda-runtimes.html",
        check=partial(judged, (FUNCTION,), _runtime),
        bad=(_function(runtime="python3.7"), _function(runtime="nodejs14.x"), _function(runtime="go1.x")),
        good=(_function(runtime="python3.12"), _function(runtime="nodejs18.x"), _function(runtime="${var.runtime}"), _function(package_type="Image")),
    ),
    _rule(
        id="lambda-environment-reserved",
        title="Lambda environment variable that is reserved or cannot be named so",
        documentation="https://docs.aws.amazon.com/lambda/latest/dg/configuration-envvars.html",
        check=partial(judged, (FUNCTION,), _reserved),
        bad=(
            _function(environment={"variables": {"AWS_REGION": "eu-west-1"}}),
            _function(environment=[{"variables": {"TABLE": "t", "AWS_LAMBDA_FUNCTION_NAME": "x"}}]),
            _function(environment={"variables": {"MY-TABLE": "t"}}),
        ),
        good=(
            _function(environment={"variables": {"REGION": "eu-west-1", "AWS_LAMBDA_EXEC_WRAPPER": "/opt/otel", "AWS_NODEJS_CONNECTION_REUSE_ENABLED": "1"}}),
            _function(environment={"variables": "${local.variables}"}),
        ),
    ),
    _rule(
        id="lambda-environment-size",
        title="Lambda environment larger than 4 KB",
        documentation="https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html",
        check=partial(judged, (FUNCTION,), _size),
        bad=(_function(environment={"variables": {"PAGE": "x" * 4093}}),),
        good=(_function(environment={"variables": {"PAGE": "x" * 3900}}), _function(environment={"variables": {"PAGE": "${" + "x" * 5000 + "}"}})),
    ),
    _rule(
        id="lambda-handler",
        title="Lambda handler without a function",
        documentation="https://docs.aws.amazon.com/lambda/latest/dg/python-handler.html",
        check=partial(judged, (FUNCTION,), _handler),
        bad=(_function(runtime="python3.12", handler="main"), _function(runtime="nodejs20.x", handler="index")),
        good=(
            _function(runtime="python3.12", handler="app.main.handler"),
            _function(runtime="java21", handler="com/example/Handler"),
            _function(runtime="provided.al2023", handler="bootstrap"),
            _function(runtime="python3.12", handler="${var.handler}"),
            _function(runtime="nodejs20.x", handler="run", environment={"variables": {"AWS_LAMBDA_EXEC_WRAPPER": "/opt/bootstrap"}}),
        ),
    ),
    _rule(
        id="lambda-image-package",
        title="Lambda container image with a handler, runtime or layers",
        documentation="https://docs.aws.amazon.com/lambda/latest/api/API_CreateFunction.html",
        check=partial(judged, (FUNCTION,), _image),
        bad=(_function(package_type="Image", handler="app.main"), _function(package_type="Image", runtime="python3.12")),
        good=(_function(package_type="Image", image_config={"command": ["app.main"]}), _function(package_type="Zip", handler="a.b", runtime="python3.12")),
    ),
    _rule(
        id="lambda-vpc-config",
        title="Lambda vpc_config with subnets or security groups only",
        documentation="https://docs.aws.amazon.com/lambda/latest/dg/configuration-vpc.html",
        check=partial(judged, (FUNCTION,), _network),
        bad=(_function(vpc_config={**_VPC, "security_group_ids": []}), _function(vpc_config=[{**_VPC, "subnet_ids": []}])),
        good=(_function(vpc_config=_VPC), _function(vpc_config={"subnet_ids": [], "security_group_ids": []}), _function()),
    ),
    _rule(
        id="lambda-vpc-permissions",
        title="Role of a Lambda function in a VPC that may not make network interfaces",
        documentation="https://docs.aws.amazon.com/lambda/latest/dg/configuration-vpc.html",
        check=partial(judged, (FUNCTION,), _network_role),
        bad=(_with_role(None, _BASIC, vpc_config=_VPC), _with_role(["logs:*", "ec2:DescribeNetworkInterfaces"], vpc_config=_VPC)),
        good=(
            _with_role(None, _IN_VPC, vpc_config=_VPC),
            _with_role(["ec2:*NetworkInterface*"], vpc_config=_VPC),
            _with_role(None, "${aws_iam_policy.elsewhere.arn}", vpc_config=_VPC),
            _with_role(None, _BASIC),
        ),
    ),
    _rule(
        id="lambda-tracing-permissions",
        title="Role of a traced Lambda function that may not write traces",
        documentation="https://docs.aws.amazon.com/lambda/latest/dg/services-xray.html",
        check=partial(judged, (FUNCTION,), _tracing_role),
        bad=(_with_role(["logs:*"], _BASIC, tracing_config={"mode": "Active"}),),
        good=(
            _with_role(["xray:Put*"], _BASIC, tracing_config={"mode": "Active"}),
            _with_role(None, "arn:aws:iam::aws:policy/AWSXRayDaemonWriteAccess", tracing_config={"mode": "Active"}),
            _with_role(["logs:*"], _BASIC, tracing_config={"mode": "PassThrough"}),
            _function(tracing_config={"mode": "Active"}),
        ),
    ),
    _rule(
        id="lambda-dead-letter-permissions",
        title="Lambda role that may not send to the dead-letter target",
        documentation="https://docs.aws.amazon.com/lambda/latest/dg/invocation-async-retain-records.html",
        check=partial(judged, (FUNCTION,), _dead_letter_role),
        bad=(_dead(["sqs:ReceiveMessage"]),),
        good=(_dead(["sqs:SendMessage"]), _dead(["sqs:Send*"]), _function(dead_letter_config=_DEAD)),
    ),
    _rule(
        id="lambda-provisioned-latest",
        title="Provisioned concurrency on an unpublished version",
        documentation="https://docs.aws.amazon.com/lambda/latest/dg/provisioned-concurrency.html",
        check=partial(judged, ("aws_lambda_provisioned_concurrency_config",), _provisioned),
        bad=(_with_provisioned("$LATEST", publish=True), _with_provisioned(_VERSION), _with_provisioned(_VERSION, publish=False)),
        good=(_with_provisioned(_VERSION, publish=True), _with_provisioned("${aws_lambda_alias.live.name}"), _with_provisioned("3")),
    ),
    _rule(
        id="lambda-provisioned-reserved",
        title="More provisioned than reserved concurrency",
        documentation="https://docs.aws.amazon.com/lambda/latest/dg/provisioned-concurrency.html",
        check=partial(judged, ("aws_lambda_provisioned_concurrency_config",), _provisioned_number),
        bad=(_with_provisioned("live", 20, reserved_concurrent_executions=10),),
        good=(
            _with_provisioned("live", 10, reserved_concurrent_executions=10),
            _with_provisioned("live", 20, reserved_concurrent_executions=-1),
            _with_provisioned("live", 20),
        ),
    ),
)
