"""Rules on policies of queues, topics and log groups: what sends to one on its own account has to be let in. And on roles that senders need."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import partial
from typing import Any

from harness.constraints.base import Rule, Violation
from harness.constraints.findings import Complaint, is_unset, judged, sole_reference
from harness.constraints.graph import Node, ResourceGraph, mapping
from harness.constraints.ordering import comes_after
from harness.constraints.policies import attached, lacking, listed, resource_policies, statements
from harness.constraints.values import blocks, text
from harness.failures import Category, Severity

Sending = tuple[Node, object]
"""What sends, and the value that names the queue or topic it sends to."""

Sendings = Callable[[ResourceGraph], Iterator[Sending]]


def bucket_to_queue(graph: ResourceGraph) -> Iterator[Sending]:
    """Notifications of buckets to queues."""
    for node in graph.of_type("aws_s3_bucket_notification"):
        yield from ((node, block.get("queue_arn")) for block in blocks(node.arguments, "queue"))


def bucket_to_topic(graph: ResourceGraph) -> Iterator[Sending]:
    """Notifications of buckets to topics."""
    for node in graph.of_type("aws_s3_bucket_notification"):
        yield from ((node, block.get("topic_arn")) for block in blocks(node.arguments, "topic"))


def topic_to_queue(graph: ResourceGraph) -> Iterator[Sending]:
    """Subscriptions of queues to topics."""
    for node in graph.of_type("aws_sns_topic_subscription"):
        if text(graph, node.arguments.get("protocol")) == "sqs":
            yield node, node.arguments.get("endpoint")


def event_targets(graph: ResourceGraph) -> Iterator[Sending]:
    """Targets of EventBridge rules that EventBridge sends to without a role; with one, it has the role's permissions."""
    for node in graph.of_type("aws_cloudwatch_event_target"):
        if node.arguments.get("role_arn") is None:
            yield node, node.arguments.get("arn")


def event_dead_letters(graph: ResourceGraph) -> Iterator[Sending]:
    """Dead-letter queues of EventBridge targets."""
    for node in graph.of_type("aws_cloudwatch_event_target"):
        if node.arguments.get("role_arn") is None:
            yield from ((node, block.get("arn")) for block in blocks(node.arguments, "dead_letter_config"))


def alarm_actions(graph: ResourceGraph) -> Iterator[Sending]:
    """Actions of CloudWatch alarms."""
    for node in graph.of_type("aws_cloudwatch_metric_alarm", "aws_cloudwatch_composite_alarm"):
        for name in ("alarm_actions", "ok_actions", "insufficient_data_actions"):
            yield from ((node, value) for value in listed(node.arguments.get(name)))


def trail_topics(graph: ResourceGraph) -> Iterator[Sending]:
    """Topics that trails tell of new files."""
    for node in graph.of_type("aws_cloudtrail"):
        yield node, node.arguments.get("sns_topic_name")


def may_send(kind: str, service: str, action: str, sendings: Sendings, graph: ResourceGraph) -> Iterator[Violation]:
    """The policy of a queue or topic lets in the `service` that sends to it on its own account."""
    told = set()
    for sender, value in sendings(graph):
        receiver = graph.target(value, kind)
        if receiver is None or receiver.is_data or (sender, receiver) in told or not lacking(resource_policies(graph, receiver), service, action):
            continue
        told.add((sender, receiver))
        message = f"{sender.address}: it sends to {receiver.address}, whose policy does not let {service} do {action}"
        symbols = (service, action, *_names(receiver), *_names(sender))
        yield Violation(message, (sender, receiver), symbols, f"{sender.address}:{receiver.address}")


def alarm_may_publish(graph: ResourceGraph) -> Iterator[Violation]:
    """A topic's own policy replaces the one that lets the account's alarms publish: then it has to name `cloudwatch.amazonaws.com`.

    A statement for any AWS principal is taken to let alarms in, because the policy that topics are born with is one.
    """
    alarms: dict[Node, list[Node]] = {}
    for alarm, value in alarm_actions(graph):
        topic = graph.target(value, "aws_sns_topic")
        if topic is not None and not topic.is_data:
            alarms.setdefault(topic, []).append(alarm)
    for topic, senders in alarms.items():
        policy = resource_policies(graph, topic)
        if not policy or any(mapping(block.get("Principal")).get("AWS") for block in policy if block.get("Effect") == "Allow"):
            continue
        if lacking(policy, "cloudwatch.amazonaws.com", "sns:Publish"):
            names = ", ".join(dict.fromkeys(alarm.address for alarm in senders))
            message = f"{topic.address}: its policy does not let cloudwatch.amazonaws.com publish, but it is an action of {names}"
            symbols = ("cloudwatch.amazonaws.com", "sns:Publish", *_names(topic))
            yield Violation(message, (topic, *dict.fromkeys(senders)), symbols, topic.address)


def policy_comes_first(graph: ResourceGraph) -> Iterator[Violation]:
    """S3 sends a test message when it gets a notification: the policy of the queue or topic has to be there before."""
    ways = ((bucket_to_queue, "aws_sqs_queue", "aws_sqs_queue_policy", "queue_url"), (bucket_to_topic, "aws_sns_topic", "aws_sns_topic_policy", "arn"))
    for sendings, kind, holder, argument in ways:
        for sender, value in sendings(graph):
            receiver = graph.target(value, kind)
            if receiver is None or receiver.arguments.get("policy") is not None:
                continue
            policies = attached(graph, receiver, holder, argument, "name")
            if policies and not comes_after(graph, sender, policies):
                message = f"{sender.address}: it does not wait for {policies[0].address}, without which S3 refuses it"
                yield Violation(message, (sender, *policies), ("depends_on", *_names(*policies), *_names(sender)), f"{sender.address}:{receiver.address}")


def log_group_lets_events_in(graph: ResourceGraph) -> Iterator[Violation]:
    """A log group that EventBridge writes to needs an `aws_cloudwatch_log_resource_policy`; the account may have one that serves, the stack has none."""
    known: list[Mapping[str, Any]] = []
    for policy in graph.of_type("aws_cloudwatch_log_resource_policy"):
        found = statements(graph, policy.arguments.get("policy_document"))
        if found is None:
            return
        known += found
    for sender, value in event_targets(graph):
        group = graph.target(value, "aws_cloudwatch_log_group")
        actions = ("logs:CreateLogStream", "logs:PutLogEvents")
        if group is None or group.is_data or not all(lacking(known, service, *actions) for service in ("events.amazonaws.com", "delivery.logs.amazonaws.com")):
            continue
        message = f"{sender.address}: no aws_cloudwatch_log_resource_policy of the stack lets events.amazonaws.com write to {group.address}"
        symbols = ("aws_cloudwatch_log_resource_policy", "events.amazonaws.com", *_names(group), *_names(sender))
        yield Violation(message, (sender, group), symbols, f"{sender.address}:{group.address}")


_WITH_ROLE = (
    "aws_batch_job_queue",
    "aws_cloudwatch_event_api_destination",
    "aws_codebuild_project",
    "aws_codepipeline",
    "aws_ecs_cluster",
    "aws_kinesis_firehose_delivery_stream",
    "aws_kinesis_stream",
    "aws_sfn_state_machine",
)


def _target_role(graph: ResourceGraph, node: Node) -> Iterable[Complaint]:
    """EventBridge starts these only with a role of its own: `RoleArn is required for target`."""
    target = graph.target(node.arguments.get("arn"), *_WITH_ROLE)
    rule = graph.target(node.arguments.get("rule"), "aws_cloudwatch_event_rule")
    if target is None or not is_unset(node.arguments, "role_arn") or (rule is not None and not is_unset(rule.arguments, "role_arn")):
        return
    yield Complaint(f"its target {target.address} needs a role_arn, with which EventBridge starts it", ("role_arn", *_names(target)), (target,))


def _trail_logs(graph: ResourceGraph, node: Node) -> Iterable[Complaint]:
    """CloudTrail takes log group and role together, and the group's ARN with `:*` behind (`aws_cloudwatch_log_group.arn` has none)."""
    group, role = "cloud_watch_logs_group_arn", "cloud_watch_logs_role_arn"
    if is_unset(node.arguments, group) != is_unset(node.arguments, role):
        there, missing = (role, group) if is_unset(node.arguments, group) else (group, role)
        yield Complaint(f"{there} is set without {missing}, and CloudTrail takes both or none", (missing, there))
    value = node.arguments.get(group)
    reference, written = sole_reference(value), text(graph, value)
    bare = reference is not None and (reference.kind, reference.attribute) == ("aws_cloudwatch_log_group", "arn")
    if bare or (written and ":log-group:" in written and not written.endswith("*")):
        yield Complaint(f'{group} is "{value}", and CloudTrail wants the log group\'s ARN with :* behind it', (group, str(value)))


def _names(*nodes: Node) -> tuple[str, ...]:
    return tuple(name for node in nodes for name in (node.address.rpartition(".")[2], node.type))


def _policy(service: str, action: str, principal: str = "Service") -> str:
    return f'{{"Statement": [{{"Effect": "Allow", "Principal": {{"{principal}": "{service}"}}, "Action": "{action}", "Resource": "*"}}]}}'


def _main(kind: str, arguments: Mapping[str, Any], /, **others: Any) -> dict[str, Any]:
    return {"resource": {kind: {"main": arguments}, **others}}


_QUEUE, _TOPIC = "${aws_sqs_queue.jobs.arn}", "${aws_sns_topic.news.arn}"
_NOTIFIED = {"bucket": "inbox", "queue": [{"queue_arn": _QUEUE, "events": ["s3:ObjectCreated:*"]}]}
_TOLD = {"bucket": "inbox", "topic": [{"topic_arn": _TOPIC, "events": ["s3:ObjectCreated:*"]}]}
_SUBSCRIBED = {"topic_arn": _TOPIC, "protocol": "sqs", "endpoint": _QUEUE}
_DEAD = {"rule": "r", "arn": "arn:aws:lambda:eu-west-1:1:function:f", "dead_letter_config": [{"arn": _QUEUE}]}


def _sending(identifier: str, title: str, page: str, way: tuple[str, str, Sendings], example: tuple[str, Mapping[str, Any]]) -> Rule:
    kind, service, sendings = way
    queue = kind == "aws_sqs_queue"
    name, action = ("jobs", "sqs:SendMessage") if queue else ("news", "sns:Publish")
    holder, argument = ("aws_sqs_queue_policy", "queue_url") if queue else ("aws_sns_topic_policy", "arn")

    def received(policy: str | None, where: str | None = None, apart: bool = True) -> dict[str, Any]:
        own = {"name": name} if policy is None or apart else {"name": name, "policy": policy}
        named = where or f"${{{kind}.{name}.{'id' if queue else 'arn'}}}"
        held = {holder: {"main": {argument: named, "policy": policy}}} if policy is not None and apart else {}
        return _main(*example, **{kind: {name: own}}, **held)

    return Rule(
        id=identifier,
        title=title,
        severity=Severity.HIGH,
        category=Category.AWS_CONSTRAINT,
        documentation=f"https://docs.aws.amazon.com/{page}",
        check=partial(may_send, kind, service, action, sendings),
        bad=(received(None), received(_policy("lambda.amazonaws.com", action)), received(_policy(service, "sqs:ReceiveMessage"))),
        good=(
            received(_policy(service, action)),
            received(_policy(service, action), apart=False),
            received(_policy("*", action.upper(), "AWS")),
            received(_policy(service, action), where="${var.other}"),
            received("${jsonencode(var.policy)}"),
            _main(*example),
        ),
    )


def _target(reference: str, **arguments: object) -> dict[str, Any]:
    kind = reference.removeprefix("${").partition(".")[0]
    event_target = {"aws_cloudwatch_event_target": {"main": {"rule": "r", "arn": reference, **arguments}}}
    return {"resource": {**event_target, kind: {"main": {"name": "main"}}}}


def _alarmed(policy: str | None) -> dict[str, Any]:
    topic = {"name": "news"} if policy is None else {"name": "news", "policy": policy}
    return _main("aws_cloudwatch_metric_alarm", {"alarm_actions": [_TOPIC]}, aws_sns_topic={"news": topic})


def _logged(policy: str | None) -> dict[str, Any]:
    held = {} if policy is None else {"aws_cloudwatch_log_resource_policy": {"main": {"policy_document": policy}}}
    example = _target("${aws_cloudwatch_log_group.main.arn}")
    return {"resource": {**example["resource"], **held}}


_WRITES = '"logs:CreateLogStream", "logs:PutLogEvents"'
_LOGS_POLICY = f'{{"Statement": [{{"Effect": "Allow", "Principal": {{"Service": "events.amazonaws.com"}}, "Action": [{_WRITES}], "Resource": "*"}}]}}'


def _waiting(*depends_on: str) -> dict[str, Any]:
    notification = _NOTIFIED | ({"depends_on": list(depends_on)} if depends_on else {})
    policy = {"queue_url": "${aws_sqs_queue.jobs.id}", "policy": _policy("s3.amazonaws.com", "sqs:SendMessage")}
    return _main("aws_s3_bucket_notification", notification, aws_sqs_queue={"jobs": {"name": "jobs"}}, aws_sqs_queue_policy={"main": policy})


def _trail(**arguments: object) -> dict[str, Any]:
    return _main("aws_cloudtrail", {"name": "main", **arguments})


_GROUP = "${aws_cloudwatch_log_group.trail.arn}"
_ROLE = "${aws_iam_role.logs.arn}"
_S3_PAGE = "AmazonS3/latest/userguide/grant-destinations-permissions-to-s3.html"
_EVENTS_PAGE = "eventbridge/latest/userguide/eb-use-resource-based.html"

RULES = (
    _sending(
        "s3-notification-queue-policy",
        "Queue does not let S3 send its notifications",
        _S3_PAGE,
        ("aws_sqs_queue", "s3.amazonaws.com", bucket_to_queue),
        ("aws_s3_bucket_notification", _NOTIFIED),
    ),
    _sending(
        "s3-notification-topic-policy",
        "Topic does not let S3 publish its notifications",
        _S3_PAGE,
        ("aws_sns_topic", "s3.amazonaws.com", bucket_to_topic),
        ("aws_s3_bucket_notification", _TOLD),
    ),
    _sending(
        "sns-queue-policy",
        "Queue does not let its topic send",
        "sns/latest/dg/subscribe-sqs-queue-to-sns-topic.html",
        ("aws_sqs_queue", "sns.amazonaws.com", topic_to_queue),
        ("aws_sns_topic_subscription", _SUBSCRIBED),
    ),
    _sending(
        "eventbridge-queue-policy",
        "Queue does not let EventBridge send",
        _EVENTS_PAGE,
        ("aws_sqs_queue", "events.amazonaws.com", event_targets),
        ("aws_cloudwatch_event_target", {"rule": "r", "arn": _QUEUE}),
    ),
    _sending(
        "eventbridge-topic-policy",
        "Topic does not let EventBridge publish",
        _EVENTS_PAGE,
        ("aws_sns_topic", "events.amazonaws.com", event_targets),
        ("aws_cloudwatch_event_target", {"rule": "r", "arn": _TOPIC}),
    ),
    _sending(
        "eventbridge-dead-letter-policy",
        "Dead-letter queue does not let EventBridge send",
        "eventbridge/latest/userguide/eb-rule-dlq.html",
        ("aws_sqs_queue", "events.amazonaws.com", event_dead_letters),
        ("aws_cloudwatch_event_target", _DEAD),
    ),
    _sending(
        "cloudtrail-topic-policy",
        "Topic does not let CloudTrail publish",
        "awscloudtrail/latest/userguide/cloudtrail-permissions-for-sns-notifications.html",
        ("aws_sns_topic", "cloudtrail.amazonaws.com", trail_topics),
        ("aws_cloudtrail", {"name": "main", "sns_topic_name": "${aws_sns_topic.news.name}"}),
    ),
    Rule(
        id="alarm-topic-policy",
        title="Topic policy does not let CloudWatch alarms publish",
        severity=Severity.HIGH,
        category=Category.AWS_CONSTRAINT,
        documentation="https://repost.aws/knowledge-center/cloudwatch-receive-sns-for-alarm-trigger",
        check=alarm_may_publish,
        bad=(_alarmed(_policy("events.amazonaws.com", "sns:Publish")),),
        good=(
            _alarmed(None),
            _alarmed(_policy("cloudwatch.amazonaws.com", "SNS:Publish")),
            _alarmed(_policy("arn:aws:iam::${data.aws_caller_identity.me.account_id}:root", "sns:Publish", "AWS")),
        ),
    ),
    Rule(
        id="s3-notification-policy-order",
        title="Bucket notification does not wait for the receiver's policy",
        severity=Severity.MEDIUM,
        category=Category.ARCHITECTURE,
        documentation=f"https://docs.aws.amazon.com/{_S3_PAGE}",
        check=policy_comes_first,
        bad=(_waiting(),),
        good=(_waiting("aws_sqs_queue_policy.main"), _waiting("module.queue")),
    ),
    Rule(
        id="eventbridge-log-group-policy",
        title="No resource policy lets EventBridge write to the log group",
        severity=Severity.MEDIUM,
        category=Category.ARCHITECTURE,
        documentation=f"https://docs.aws.amazon.com/{_EVENTS_PAGE}",
        check=log_group_lets_events_in,
        bad=(_logged(None), _logged(_policy("es.amazonaws.com", "logs:*"))),
        good=(_logged(_LOGS_POLICY), _logged("${file(var.policy)}"), _target("${data.aws_cloudwatch_log_group.main.arn}")),
    ),
    Rule(
        id="eventbridge-target-role",
        title="EventBridge target without the role that it needs",
        severity=Severity.HIGH,
        category=Category.AWS_CONSTRAINT,
        documentation="https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-events-iam-roles.html",
        check=partial(judged, ("aws_cloudwatch_event_target",), _target_role),
        bad=(_target("${aws_sfn_state_machine.main.arn}"), _target("${aws_ecs_cluster.main.arn}", ecs_target=[{"task_definition_arn": "t"}])),
        good=(
            _target("${aws_sfn_state_machine.main.arn}", role_arn=_ROLE),
            _target("${aws_lambda_function.main.arn}"),
            _target("${aws_sqs_queue.main.arn}"),
        ),
    ),
    Rule(
        id="cloudtrail-logs-group",
        title="CloudTrail's log group without its role, or without :* in its ARN",
        severity=Severity.HIGH,
        category=Category.AWS_CONSTRAINT,
        documentation="https://registry.terraform.io/providers/hashicorp/aws/latest/docs/resources/cloudtrail",
        check=partial(judged, ("aws_cloudtrail",), _trail_logs),
        bad=(
            _trail(cloud_watch_logs_group_arn=f"{_GROUP}:*"),
            _trail(cloud_watch_logs_group_arn=_GROUP, cloud_watch_logs_role_arn=_ROLE),
            _trail(cloud_watch_logs_role_arn=_ROLE),
        ),
        good=(
            _trail(cloud_watch_logs_group_arn=f"{_GROUP}:*", cloud_watch_logs_role_arn=_ROLE),
            _trail(cloud_watch_logs_group_arn="${var.group}", cloud_watch_logs_role_arn=_ROLE),
            _trail(),
        ),
    ),
)
