"""Rules on event source mappings: what Lambda asks of a queue or stream that it reads, and of the role that reads."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from functools import partial
from typing import Any

from harness.constraints.base import Rule
from harness.constraints.execution_roles import ROLE, allowed_to, is_allowed, lacking, lets_roles_in
from harness.constraints.findings import Complaint, is_unset, judged, sole_reference
from harness.constraints.graph import Node, ResourceGraph
from harness.constraints.policies import listed
from harness.constraints.values import is_repeated, number, truth
from harness.failures import Category, Severity

MAPPING, FUNCTION, QUEUE, TABLE, STREAM = "aws_lambda_event_source_mapping", "aws_lambda_function", "aws_sqs_queue", "aws_dynamodb_table", "aws_kinesis_stream"
_READS = {
    # What CreateEventSourceMapping checks of the function's role; ListStreams needs a resource of its own, and is left out for that.
    QUEUE: ("sqs:ReceiveMessage", "sqs:DeleteMessage", "sqs:GetQueueAttributes"),
    TABLE: ("dynamodb:GetRecords", "dynamodb:GetShardIterator", "dynamodb:DescribeStream"),
    STREAM: ("kinesis:GetRecords", "kinesis:GetShardIterator", "kinesis:DescribeStream"),
}
FUNCTION_TIMEOUT, VISIBILITY_TIMEOUT = 3.0, 30.0


def _function(graph: ResourceGraph, value: object) -> Node | None:
    """The function of this stack that a value names, by itself or by its alias."""
    alias = graph.target(value, "aws_lambda_alias")
    return graph.target(alias.arguments.get("function_name") if alias else value, FUNCTION)


def _source(graph: ResourceGraph, source: Node, *types: str) -> Node | None:
    return graph.target(source.arguments.get("event_source_arn"), *types)


def _batch(graph: ResourceGraph, source: Node) -> Iterator[Complaint]:
    """From SQS, more than 10 messages need a batching window of a second at least; a FIFO queue gives no more than 10, and has no window."""
    queue = _source(graph, source, QUEUE)
    size = number(graph, source.arguments.get("batch_size", 10))
    window = number(graph, source.arguments.get("maximum_batching_window_in_seconds", 0))
    if queue is None or size is None or window is None:
        return
    if truth(graph, queue.arguments.get("fifo_queue")):
        if size > 10 or window > 0:
            yield Complaint(
                f"{queue.address} is a FIFO queue, which takes a batch_size of 10 at most and no batching window, not {size:g} and {window:g} s",
                ("batch_size", "maximum_batching_window_in_seconds"),
                (queue,),
            )
    elif size > 10 and window < 1:
        yield Complaint(
            f"a batch_size of {size:g} from {queue.address} wants a maximum_batching_window_in_seconds of 1 at least",
            ("maximum_batching_window_in_seconds", "batch_size"),
            (queue,),
        )


def _visibility(graph: ResourceGraph, source: Node) -> Iterator[Complaint]:
    """A queue's visibility timeout is not below the timeout of the function that it feeds."""
    queue, function = _source(graph, source, QUEUE), _function(graph, source.arguments.get("function_name"))
    if queue is None or function is None:
        return
    visible = number(graph, queue.arguments.get("visibility_timeout_seconds", VISIBILITY_TIMEOUT))
    timeout = number(graph, function.arguments.get("timeout", FUNCTION_TIMEOUT))
    if visible is not None and timeout is not None and visible < timeout:
        yield Complaint(
            f"{queue.address} has a visibility timeout of {visible:g} s, below the {timeout:g} s that {function.address} may take",
            ("visibility_timeout_seconds", queue.address.rpartition(".")[2], "timeout"),
            (queue, function),
        )


def _reader(graph: ResourceGraph, source: Node) -> Iterator[Complaint]:
    """CreateEventSourceMapping checks that the function's role may read the source."""
    origin, function = _source(graph, source, *_READS), _function(graph, source.arguments.get("function_name"))
    if origin is None or function is None or lets_roles_in(graph, origin):
        return
    if found := lacking(graph, function.arguments.get("role"), *_READS[origin.type]):
        role, missing = found
        yield Complaint(f"{role.address}, the role of {function.address}, does not allow {', '.join(missing)}", tuple(missing), (role, origin))
    elif (role_ := _table_reader(graph, origin, function)) is not None:
        sentence = f"{role_.address}, the role of {function.address}, may read {origin.address}, but not its stream (the ARN followed by /stream/*)"
        yield Complaint(sentence, ("stream_arn", "Resource"), (role_, origin))


def _table_reader(graph: ResourceGraph, table: Node, function: Node) -> Node | None:
    """The function's role where it allows reading records of tables only: a stream has an ARN of its own."""
    role = graph.target(function.arguments.get("role"), ROLE)
    known = None if role is None or table.type != TABLE or is_repeated(role) else allowed_to(graph, role)
    if known is None:
        return None
    reading = [block for block in known if is_allowed([block], "dynamodb:GetRecords")]
    return role if not any(_covers_stream(block) for block in reading) else None


def _covers_stream(block: Mapping[str, Any]) -> bool:
    """Whether a statement may be about a stream; only the plain ARN of a table, or of its indexes, is certainly not."""
    resources = [str(resource).removesuffix("/index/*") for resource in listed(block.get("Resource"))]
    plain = [reference is not None and (reference.kind, reference.attribute) == (TABLE, "arn") for reference in map(sole_reference, resources)]
    return not resources or not all(plain)


def _position(graph: ResourceGraph, source: Node) -> Iterator[Complaint]:
    """A stream is read from a position, which has no default."""
    origin = _source(graph, source, TABLE, STREAM)
    if origin is not None and is_unset(source.arguments, "starting_position"):
        yield Complaint(f"it reads the stream of {origin.address} and has no starting_position", ("starting_position",), (origin,))


def _stream(graph: ResourceGraph, source: Node) -> Iterator[Complaint]:
    """What is read is the ARN of a table's stream; without `stream_enabled` there is none."""
    table = _source(graph, source, TABLE)
    reference = sole_reference(source.arguments.get("event_source_arn"))
    if table is None or reference is None:
        return
    if reference.attribute in ("arn", "id", "name"):
        yield Complaint(
            f"its source is the {reference.attribute} of {table.address}, and not its stream_arn", ("event_source_arn", reference.attribute), (table,)
        )
    elif reference.attribute == "stream_arn" and truth(graph, table.arguments.get("stream_enabled", False)) is False:
        yield Complaint(f"its source is the stream of {table.address}, which has none: stream_enabled is not true", ("stream_enabled",), (table,))


def _mapped(source: str, /, policy: list[str] | None = None, resource: str = "*", **arguments: Any) -> dict[str, Any]:
    role: dict[str, Any] = {"name": "main"}
    if policy is not None:
        document = json.dumps({"Statement": [{"Effect": "Allow", "Action": policy, "Resource": resource}]})
        role["inline_policy"] = [{"name": "main", "policy": document}]
    function = {"function_name": "main", "role": "${aws_iam_role.main.arn}", "timeout": 60}
    argument = {"event_source_arn": source, "function_name": "${aws_lambda_function.main.arn}", **arguments}
    return {"resource": {MAPPING: {"main": argument}, FUNCTION: {"main": function}, "aws_iam_role": {"main": role}}}


def _queue(queue: Mapping[str, Any], policy: list[str] | None = None, **arguments: Any) -> dict[str, Any]:
    mapped = _mapped("${aws_sqs_queue.main.arn}", policy, **arguments)
    return {"resource": mapped["resource"] | {QUEUE: {"main": {"name": "main", **queue}}}}


def _table(table: Mapping[str, Any], source: str = "stream_arn", /, policy: list[str] | None = None, resource: str = "*", **arguments: Any) -> dict[str, Any]:
    mapped = _mapped("${aws_dynamodb_table.main." + source + "}", policy, resource, **arguments)
    return {"resource": mapped["resource"] | {TABLE: {"main": {"name": "main", **table}}}}


_STREAMING = {"stream_enabled": True, "stream_view_type": "NEW_IMAGE"}
_RECORDS = ["dynamodb:GetRecords", "dynamodb:GetShardIterator", "dynamodb:DescribeStream"]
_rule = partial(Rule, severity=Severity.HIGH, category=Category.AWS_CONSTRAINT)

RULES = (
    _rule(
        id="lambda-source-batch",
        title="Batch from SQS without the window that it needs",
        documentation="https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-parameters.html",
        check=partial(judged, (MAPPING,), _batch),
        bad=(
            _queue({}, batch_size=100),
            _queue({"fifo_queue": True}, batch_size=100),
            _queue({"fifo_queue": True}, maximum_batching_window_in_seconds=5),
        ),
        good=(
            _queue({}, batch_size=10),
            _queue({}, batch_size=100, maximum_batching_window_in_seconds=1),
            _queue({"fifo_queue": True}, batch_size=10),
            _queue({}, batch_size="${var.size}"),
        ),
    ),
    _rule(
        id="lambda-source-visibility",
        title="Queue's visibility timeout below the timeout of its Lambda function",
        documentation="https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-configure.html",
        check=partial(judged, (MAPPING,), _visibility),
        bad=(_queue({}), _queue({"visibility_timeout_seconds": 59})),
        good=(_queue({"visibility_timeout_seconds": 60}), _queue({"visibility_timeout_seconds": "${var.timeout}"}), _table(_STREAMING)),
    ),
    _rule(
        id="lambda-source-permissions",
        title="Role of a Lambda function that may not read its event source",
        documentation="https://docs.aws.amazon.com/lambda/latest/dg/lambda-intro-execution-role.html",
        check=partial(judged, (MAPPING,), _reader),
        bad=(
            _queue({}, ["logs:*"]),
            _queue({}, ["sqs:ReceiveMessage", "sqs:DeleteMessage"]),
            _table(_STREAMING, policy=["dynamodb:GetItem"]),
            _table(_STREAMING, policy=_RECORDS, resource="${aws_dynamodb_table.main.arn}"),
        ),
        good=(
            _queue({}, ["sqs:*"]),
            _queue({}, ["sqs:ReceiveMessage", "sqs:DeleteMessage", "sqs:GetQueueAttributes"]),
            _table(_STREAMING, policy=_RECORDS, resource="${aws_dynamodb_table.main.stream_arn}"),
            _table(_STREAMING, policy=_RECORDS, resource="${aws_dynamodb_table.main.arn}/stream/*"),
            _mapped("arn:aws:sqs:eu-west-1:${var.account}:elsewhere", ["logs:*"]),
        ),
    ),
    _rule(
        id="lambda-source-position",
        title="Stream read from no position",
        documentation="https://docs.aws.amazon.com/lambda/latest/api/API_CreateEventSourceMapping.html",
        check=partial(judged, (MAPPING,), _position),
        bad=(_table(_STREAMING),),
        good=(_table(_STREAMING, starting_position="LATEST"), _queue({})),
    ),
    _rule(
        id="lambda-source-stream",
        title="Event source that is a table, or a stream that is not enabled",
        documentation="https://docs.aws.amazon.com/lambda/latest/dg/with-ddb.html",
        check=partial(judged, (MAPPING,), _stream),
        bad=(_table({}), _table({"stream_enabled": False}), _table(_STREAMING, "arn")),
        good=(_table(_STREAMING), _table({"stream_enabled": "${var.streaming}"})),
    ),
)
