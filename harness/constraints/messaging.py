"""Rules on SQS and SNS: dead-letter queues, FIFO settings and subscriptions."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from functools import partial
from typing import Any

from harness.constraints.base import Rule
from harness.constraints.findings import Complaint, document, is_unset, judged, sole_reference
from harness.constraints.graph import Node, ResourceGraph
from harness.constraints.values import text, truth
from harness.failures import Category, Severity

QUEUE, TOPIC, SUBSCRIPTION = "aws_sqs_queue", "aws_sns_topic", "aws_sns_topic_subscription"
RECEIVES = (1, 1000)


def _is_fifo(graph: ResourceGraph, node: Node) -> bool | None:
    """Whether a queue or topic is FIFO; None where only a plan knows."""
    argument = "fifo_queue" if node.type == QUEUE else "fifo_topic"
    return False if is_unset(node.arguments, argument) else truth(graph, node.arguments[argument])


def _redrive(graph: ResourceGraph, queue: Node) -> Mapping[str, Any] | None:
    policy = queue.arguments.get("redrive_policy")
    found = document(policy)
    return found if isinstance(found, Mapping) else None


def _dead_letters(graph: ResourceGraph, queue: Node) -> Iterator[Complaint]:
    """A FIFO queue's dead-letter queue is FIFO too, a standard queue's is standard."""
    redrive = graph.target(queue.arguments.get("redrive_policy"), QUEUE)
    redriven = queue
    if queue.type == "aws_sqs_queue_redrive_policy":
        owner = graph.target(queue.arguments.get("queue_url"), QUEUE)
        if owner is None:
            return
        redriven = owner
    kinds = None if redrive is None else (_is_fifo(graph, redriven), _is_fifo(graph, redrive))
    if redrive is not None and kinds in ((True, False), (False, True)):
        one, other = ("FIFO", "standard") if kinds[0] else ("standard", "FIFO")
        sentence = f"{redriven.address} is a {one} queue and its dead-letter queue {redrive.address} a {other} one"
        yield Complaint(sentence, ("fifo_queue", redrive.address.rpartition(".")[2]), (redrive,))


def _redrive_policy(graph: ResourceGraph, queue: Node) -> Iterator[Complaint]:
    """A redrive policy names its target and how often a message may be received, 1 to 1,000 times."""
    policy = _redrive(graph, queue)
    if not policy:
        return
    missing = [name for name in ("deadLetterTargetArn", "maxReceiveCount") if name not in policy]
    if missing:
        yield Complaint(f"its redrive_policy has no {' and no '.join(missing)}", (*missing, "redrive_policy"))
    count = policy.get("maxReceiveCount")
    if isinstance(count, str) and count.isdigit():
        count = int(count)
    if isinstance(count, int) and not RECEIVES[0] <= count <= RECEIVES[1]:
        yield Complaint(f"maxReceiveCount {count} is not between {RECEIVES[0]} and {RECEIVES[1]}", ("maxReceiveCount", "redrive_policy"))


def _throughput(graph: ResourceGraph, queue: Node) -> Iterator[Complaint]:
    """High throughput and the deduplication scope are settings of FIFO queues, and throughput by group needs deduplication by group."""
    limit, scope = (text(graph, queue.arguments.get(name)) for name in ("fifo_throughput_limit", "deduplication_scope"))
    if (limit or scope) and _is_fifo(graph, queue) is False:
        names = [name for name in ("fifo_throughput_limit", "deduplication_scope") if text(graph, queue.arguments.get(name))]
        yield Complaint(f"it is no FIFO queue and sets {', '.join(names)}", (*names, "fifo_queue"))
    elif limit == "perMessageGroupId" and (scope == "queue" or is_unset(queue.arguments, "deduplication_scope")):
        yield Complaint("fifo_throughput_limit perMessageGroupId wants the deduplication_scope messageGroup", ("deduplication_scope", "fifo_throughput_limit"))


def _fifo_subscription(graph: ResourceGraph, subscription: Node) -> Iterator[Complaint]:
    """A FIFO topic delivers to SQS only, and only a FIFO topic delivers to a FIFO queue."""
    topic, protocol = graph.target(subscription.arguments.get("topic_arn"), TOPIC), text(graph, subscription.arguments.get("protocol"))
    queue = graph.target(subscription.arguments.get("endpoint"), QUEUE)
    fifo = None if topic is None else _is_fifo(graph, topic)
    if topic is not None and fifo and protocol not in (None, "sqs"):
        yield Complaint(f"{topic.address} is a FIFO topic, which delivers to SQS only, not to {protocol}", ("protocol", str(protocol)), (topic,))
    if topic is not None and fifo is False and protocol == "sqs" and queue is not None and _is_fifo(graph, queue):
        yield Complaint(f"{topic.address} is a standard topic, which does not deliver to the FIFO queue {queue.address}", ("fifo_topic",), (topic, queue))


def _endpoint(graph: ResourceGraph, subscription: Node) -> Iterator[Complaint]:
    """Queues, functions and delivery streams are endpoints by their ARN, mailboxes by an address, web servers by a URL of the protocol."""
    protocol, endpoint = text(graph, subscription.arguments.get("protocol")), subscription.arguments.get("endpoint")
    literal, reference = text(graph, endpoint), sole_reference(endpoint)
    wrong = {QUEUE: ("url", "id", "name"), "aws_lambda_function": ("invoke_arn", "function_name", "id")}
    if reference is not None and protocol in ("sqs", "lambda") and reference.attribute in wrong.get(reference.kind, ()):
        yield Complaint(f"its endpoint is the {reference.attribute} of {reference.address}, and {protocol} wants the arn", ("endpoint", reference.attribute))
    starts = {"sqs": "arn:", "lambda": "arn:", "firehose": "arn:", "https": "https://", "http": "http://"}.get(protocol or "")
    if literal is not None and starts and not literal.lower().startswith(starts):
        yield Complaint(f"for {protocol} its endpoint starts with {starts}, not {literal!r}", ("endpoint", literal))
    if literal is not None and protocol in ("email", "email-json") and "@" not in literal:
        yield Complaint(f"its endpoint {literal!r} is no mail address", ("endpoint", literal))


def _firehose_role(graph: ResourceGraph, subscription: Node) -> Iterator[Complaint]:
    """SNS writes to a delivery stream as a role."""
    if text(graph, subscription.arguments.get("protocol")) == "firehose" and is_unset(subscription.arguments, "subscription_role_arn"):
        yield Complaint("its protocol is firehose and it has no subscription_role_arn", ("subscription_role_arn",))


def _raw(graph: ResourceGraph, subscription: Node) -> Iterator[Complaint]:
    """Raw delivery is for queues, delivery streams and web servers."""
    protocol = text(graph, subscription.arguments.get("protocol"))
    if truth(graph, subscription.arguments.get("raw_message_delivery")) and protocol in ("lambda", "email", "email-json", "sms", "application"):
        yield Complaint(f"raw_message_delivery is not for the protocol {protocol}", ("raw_message_delivery", protocol))


def _filter(graph: ResourceGraph, subscription: Node) -> Iterator[Complaint]:
    """A filter's values are lists; objects within objects are for the scope MessageBody."""
    policy = document(subscription.arguments.get("filter_policy"))
    if not isinstance(policy, Mapping):
        return
    if scalars := sorted(_scalars(policy)):
        yield Complaint(f"in its filter_policy the value of {', '.join(scalars)} is not in a list", ("filter_policy", *scalars))
    scope = subscription.arguments.get("filter_policy_scope")
    objects = sorted(name for name, value in policy.items() if isinstance(value, Mapping))
    if objects and (scope in (None, "") or text(graph, scope) == "MessageAttributes"):
        sentence = f"its filter_policy has an object under {', '.join(objects)}, and its scope is MessageAttributes, which are flat"
        yield Complaint(sentence, ("filter_policy_scope", *objects))


def _scalars(policy: Mapping[str, Any]) -> Iterator[str]:
    for name, value in policy.items():
        if isinstance(value, Mapping):
            yield from _scalars(value)
        elif not isinstance(value, list) and not str(value).startswith("${"):
            yield name


def _queues(redrive: object, fifo: bool = False, dead_fifo: bool = False) -> dict[str, Any]:
    policy = redrive if isinstance(redrive, str) else json.dumps(redrive)
    return {"resource": {QUEUE: {"main": {"fifo_queue": fifo, "redrive_policy": policy}, "dead": {"fifo_queue": dead_fifo}}}}


def _subscribed(topic: Mapping[str, Any], queue: Mapping[str, Any], **subscription: Any) -> dict[str, Any]:
    named = {"topic_arn": "${aws_sns_topic.main.arn}", "protocol": "sqs", "endpoint": "${aws_sqs_queue.main.arn}", **subscription}
    return {"resource": {TOPIC: {"main": topic}, QUEUE: {"main": queue}, SUBSCRIPTION: {"main": named}}}


def _sns(policy: object = None, **subscription: Any) -> dict[str, Any]:
    filtered = {} if policy is None else {"filter_policy": json.dumps(policy)}
    return {"resource": {SUBSCRIPTION: {"main": {"topic_arn": "${var.topic}", **filtered, **subscription}}}}


_REDRIVE = {"deadLetterTargetArn": "${aws_sqs_queue.dead.arn}", "maxReceiveCount": 5}
_rule = partial(Rule, severity=Severity.HIGH, category=Category.AWS_CONSTRAINT)

RULES = (
    _rule(
        id="sqs-dead-letter-kind",
        title="Dead-letter queue of another kind than its source",
        documentation="https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-dead-letter-queues.html",
        check=partial(judged, (QUEUE, "aws_sqs_queue_redrive_policy"), _dead_letters),
        bad=(_queues(_REDRIVE, fifo=True), _queues(_REDRIVE, dead_fifo=True)),
        good=(_queues(_REDRIVE), _queues(_REDRIVE, True, True), _queues({**_REDRIVE, "deadLetterTargetArn": "${var.dead}"}, fifo=True)),
    ),
    _rule(
        id="sqs-redrive-policy",
        title="Redrive policy without target or count",
        documentation="https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_SetQueueAttributes.html",
        check=partial(judged, (QUEUE, "aws_sqs_queue_redrive_policy"), _redrive_policy),
        bad=(_queues({"deadLetterTargetArn": "${aws_sqs_queue.dead.arn}"}), _queues({**_REDRIVE, "maxReceiveCount": 0}), _queues({"maxReceiveCount": 3})),
        good=(_queues(_REDRIVE), _queues({**_REDRIVE, "maxReceiveCount": 1000}), _queues({**_REDRIVE, "maxReceiveCount": "${var.count}"})),
    ),
    _rule(
        id="sqs-fifo-throughput",
        title="FIFO settings that do not fit",
        documentation="https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/enable-high-throughput-fifo.html",
        check=partial(judged, (QUEUE,), _throughput),
        bad=(
            {"resource": {QUEUE: {"main": {"deduplication_scope": "messageGroup"}}}},
            {"resource": {QUEUE: {"main": {"fifo_queue": True, "fifo_throughput_limit": "perMessageGroupId", "deduplication_scope": "queue"}}}},
        ),
        good=(
            {"resource": {QUEUE: {"main": {"fifo_queue": True, "fifo_throughput_limit": "perMessageGroupId", "deduplication_scope": "messageGroup"}}}},
            {"resource": {QUEUE: {"main": {"fifo_queue": "${var.fifo}", "fifo_throughput_limit": "perQueue"}}}},
        ),
    ),
    _rule(
        id="sns-fifo-subscription",
        title="Subscription that FIFO topics or queues do not allow",
        documentation="https://docs.aws.amazon.com/sns/latest/dg/fifo-message-delivery.html",
        check=partial(judged, (SUBSCRIPTION,), _fifo_subscription),
        bad=(_subscribed({"fifo_topic": True}, {}, protocol="email", endpoint="ops@example.com"), _subscribed({}, {"fifo_queue": True})),
        good=(_subscribed({"fifo_topic": True}, {"fifo_queue": True}), _subscribed({"fifo_topic": True}, {}), _subscribed({"fifo_topic": "${var.f}"}, {})),
    ),
    _rule(
        id="sns-endpoint",
        title="Subscription endpoint that its protocol does not take",
        documentation="https://docs.aws.amazon.com/sns/latest/api/API_Subscribe.html",
        check=partial(judged, (SUBSCRIPTION,), _endpoint),
        bad=(
            _subscribed({}, {}, endpoint="${aws_sqs_queue.main.id}"),
            _sns(protocol="lambda", endpoint="${aws_lambda_function.main.invoke_arn}"),
            _sns(protocol="https", endpoint="http://example.com"),
            _sns(protocol="email", endpoint="operations"),
        ),
        good=(
            _subscribed({}, {}),
            _sns(protocol="email", endpoint="ops@example.com"),
            _sns(protocol="https", endpoint="https://example.com"),
            _sns(protocol="lambda", endpoint="${aws_lambda_function.main.arn}"),
            _sns(protocol="email", endpoint="${var.mail}"),
        ),
    ),
    _rule(
        id="sns-firehose-role",
        title="Firehose subscription without a role",
        documentation="https://docs.aws.amazon.com/sns/latest/dg/firehose-endpoints-subscribe.html",
        check=partial(judged, (SUBSCRIPTION,), _firehose_role),
        bad=(_sns(protocol="firehose", endpoint="${aws_kinesis_firehose_delivery_stream.main.arn}"),),
        good=(_sns(protocol="firehose", subscription_role_arn="${aws_iam_role.sns.arn}"), _sns(protocol="sqs")),
    ),
    _rule(
        id="sns-raw-delivery",
        title="Raw delivery by a protocol that has none",
        documentation="https://docs.aws.amazon.com/sns/latest/dg/sns-large-payload-raw-message-delivery.html",
        check=partial(judged, (SUBSCRIPTION,), _raw),
        bad=(_sns(protocol="lambda", raw_message_delivery=True),),
        good=(_sns(protocol="sqs", raw_message_delivery=True), _sns(protocol="lambda", raw_message_delivery=False)),
    ),
    _rule(
        id="sns-filter-policy",
        title="Filter policy that is refused",
        documentation="https://docs.aws.amazon.com/sns/latest/dg/subscription-filter-policy-constraints.html",
        check=partial(judged, (SUBSCRIPTION,), _filter),
        bad=(_sns({"kind": "order"}), _sns({"order": {"kind": ["new"]}})),
        good=(
            _sns({"kind": ["order"], "price": [{"numeric": [">", 1]}]}),
            _sns({"order": {"kind": ["new"]}}, filter_policy_scope="MessageBody"),
            _sns({"$or": [{"kind": ["a"]}, {"size": ["b"]}]}),
        ),
    ),
)
