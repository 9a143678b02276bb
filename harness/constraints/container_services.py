"""Rules on ECS services: what CreateService refuses, and deployments that cannot move."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from functools import partial
from typing import Any

from harness.constraints.base import Rule
from harness.constraints.containers import TASK, containers, is_fargate, whole
from harness.constraints.findings import Complaint, is_literal, is_unset, judged
from harness.constraints.graph import Node, ResourceGraph, mapping
from harness.constraints.policies import listed
from harness.constraints.values import blocks, is_dynamic, is_repeated, number, text
from harness.failures import Category, Severity

SERVICE, TARGETS = "aws_ecs_service", "aws_lb_target_group"


def _task(graph: ResourceGraph, service: Node) -> Node | None:
    return graph.target(service.arguments.get("task_definition"), TASK)


def _has_interfaces(graph: ResourceGraph, service: Node) -> Node | None:
    """The service's task definition where its tasks have network interfaces of their own."""
    task = _task(graph, service)
    return task if task is not None and text(graph, task.arguments.get("network_mode")) == "awsvpc" else None


def _network(graph: ResourceGraph, service: Node) -> Iterator[Complaint]:
    """Tasks with interfaces of their own need subnets to have them in."""
    task = _has_interfaces(graph, service)
    # Where something else deploys, the first task set brings the network configuration.
    external = any(text(graph, block.get("type")) not in (None, "ECS", "CODE_DEPLOY") for block in blocks(service.arguments, "deployment_controller"))
    if (
        task is not None
        and not external
        and is_unset(service.arguments, "network_configuration")
        and not is_dynamic(service.arguments, "network_configuration")
    ):
        sentence = f"{task.address} has the network_mode awsvpc, and it has no network_configuration"
        yield Complaint(sentence, ("network_configuration", "awsvpc"), (task,))


def _target_type(graph: ResourceGraph, service: Node) -> Iterator[Complaint]:
    """Tasks with interfaces of their own are targets by their address."""
    task = _has_interfaces(graph, service)
    for balancer in blocks(service.arguments, "load_balancer") if task is not None else ():
        group = graph.target(balancer.get("target_group_arn"), TARGETS)
        kind = None if group is None else text(graph, group.arguments.get("target_type") or "instance")
        if task is not None and group is not None and kind not in (None, "ip"):
            sentence = f"{group.address} has the target_type {kind}, and tasks of {task.address} (awsvpc) want ip"
            yield Complaint(sentence, ("target_type", group.address.rpartition(".")[2]), (group, task))


def _balanced(graph: ResourceGraph, service: Node) -> Iterator[Complaint]:
    """A load balancer leads to a container and a port that the task definition has."""
    task = _task(graph, service)
    found = None if task is None else containers(task)
    if task is None or found is None or not all(is_literal(container.get("name")) for container in found):
        return
    for balancer in blocks(service.arguments, "load_balancer"):
        name, port = text(graph, balancer.get("container_name")), number(graph, balancer.get("container_port"))
        container = next((container for container in found if container["name"] == name), None)
        if name is not None and container is None:
            sentence = f"its load_balancer leads to the container {name!r}, and {task.address} has {', '.join(repr(one['name']) for one in found)}"
            yield Complaint(sentence, ("container_name", name), (task,))
        elif container is not None and port is not None:
            ports = [whole(mapping(mapped).get("containerPort")) for mapped in listed(container.get("portMappings"))]
            ranges = any("containerPortRange" in mapping(mapped) for mapped in listed(container.get("portMappings")))
            if None not in ports and not ranges and port not in ports:
                sentence = f"its load_balancer leads to port {port:g} of {name!r}, which {task.address} does not map"
                yield Complaint(sentence, ("container_port", f"{port:g}"), (task,))


def _unattached(graph: ResourceGraph, service: Node) -> Iterator[Complaint]:
    """CreateService refuses a target group that no load balancer uses. Listeners that may use any group keep this silent."""
    users = [*graph.of_type("aws_lb_listener", "aws_lb_listener_rule", "aws_alb_listener", "aws_alb_listener_rule")]
    forwards = [graph.targets({name: user.arguments.get(name) for name in ("default_action", "action", "dynamic")}) for user in users]
    used = [set(found) for found in forwards]
    unclear = any(not group for group, user in zip(used, users, strict=True) if _forwards(graph, user))
    for balancer in blocks(service.arguments, "load_balancer"):
        group = graph.target(balancer.get("target_group_arn"), TARGETS)
        if group is not None and not is_repeated(group) and not unclear and not any(group in found for found in used):
            sentence = f"no listener leads to its target group {group.address}, which therefore has no load balancer"
            yield Complaint(sentence, ("aws_lb_listener", group.address.rpartition(".")[2], "target_group_arn"), (group,))


def _forwards(graph: ResourceGraph, user: Node) -> bool:
    """Whether a listener or a rule of one may forward to a target group."""
    actions = [*blocks(user.arguments, "default_action"), *blocks(user.arguments, "action")]
    return not actions or any(text(graph, action.get("type")) in (None, "forward") for action in actions)


def _launch(graph: ResourceGraph, service: Node) -> Iterator[Complaint]:
    """A launch type or a strategy of capacity providers, not both; and one provider of a strategy may have a base."""
    strategy = blocks(service.arguments, "capacity_provider_strategy")
    kind = text(graph, service.arguments.get("launch_type"))
    if strategy and kind:
        yield Complaint(f"it has the launch_type {kind} and a capacity_provider_strategy", ("launch_type", "capacity_provider_strategy"))
    based = [block for block in strategy if (number(graph, block.get("base")) or 0) > 0]
    if len(based) > 1:
        yield Complaint(f"{len(based)} blocks of its capacity_provider_strategy have a base, and one may", ("base", "capacity_provider_strategy"))


def _daemon(graph: ResourceGraph, service: Node) -> Iterator[Complaint]:
    """A daemon runs once on every instance: Fargate has none."""
    if text(graph, service.arguments.get("scheduling_strategy")) == "DAEMON" and text(graph, service.arguments.get("launch_type")) == "FARGATE":
        yield Complaint("its scheduling_strategy is DAEMON, which Fargate does not have", ("scheduling_strategy", "DAEMON"))


def _stuck(graph: ResourceGraph, service: Node) -> Iterator[Complaint]:
    """Where all tasks have to stay and none may come on top, no deployment can replace one."""
    lowest = number(graph, service.arguments.get("deployment_minimum_healthy_percent", 100))
    highest = number(graph, service.arguments.get("deployment_maximum_percent", 200))
    external = any(text(graph, block.get("type")) != "ECS" for block in blocks(service.arguments, "deployment_controller"))
    daemon = text(graph, service.arguments.get("scheduling_strategy") or "REPLICA") != "REPLICA"
    if lowest is not None and highest is not None and not external and not daemon and lowest >= highest:
        sentence = f"deployment_minimum_healthy_percent {lowest:g} and deployment_maximum_percent {highest:g} leave a deployment no task to replace"
        yield Complaint(sentence, ("deployment_maximum_percent", "deployment_minimum_healthy_percent"))


def _compatible(graph: ResourceGraph, service: Node) -> Iterator[Complaint]:
    """What runs on Fargate has a task definition that says so."""
    task = _task(graph, service)
    needs = None if task is None else task.arguments.get("requires_compatibilities")
    fargate = text(graph, service.arguments.get("launch_type")) == "FARGATE"
    if task is not None and fargate and isinstance(needs, list) and needs and all(map(is_literal, needs)) and not is_fargate(task):
        yield Complaint(f"its launch_type is FARGATE, and {task.address} is for {', '.join(needs)}", ("requires_compatibilities", "FARGATE"), (task,))


def _stack(service: Mapping[str, Any], task: Mapping[str, Any] | None = None, **resources: Any) -> dict[str, Any]:
    definitions = json.dumps([{"name": "web", "image": "nginx:1", "portMappings": [{"containerPort": 80}]}])
    tasks = {"main": {"family": "main", "container_definitions": definitions, "network_mode": "awsvpc", **(task or {})}}
    given = {"task_definition": "${aws_ecs_task_definition.main.arn}", "network_configuration": {"subnets": ["${aws_subnet.a.id}"]}, **service}
    return {"resource": {SERVICE: {"main": given}, TASK: tasks, **resources}}


def _group(kind: str | None, listener: object = "${aws_lb_target_group.main.arn}", **service: Any) -> dict[str, Any]:
    balancer = {"target_group_arn": "${aws_lb_target_group.main.arn}", "container_name": "web", "container_port": 80}
    listeners = {} if listener is None else {"aws_lb_listener": {"main": {"default_action": [{"type": "forward", "target_group_arn": listener}]}}}
    groups = {"main": {} if kind is None else {"target_type": kind}, "other": {}}
    return _stack({"load_balancer": [balancer], **service}, **{TARGETS: groups}, **listeners)


def _led(name: str, port: object) -> dict[str, Any]:
    return _stack({"load_balancer": {"target_group_arn": "${var.group}", "container_name": name, "container_port": port}})


_SPOT = {"capacity_provider": "FARGATE_SPOT", "weight": 1}
_CREATE_SERVICE = "https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_CreateService.html"
_PARAMETERS = "https://docs.aws.amazon.com/AmazonECS/latest/developerguide/service_definition_parameters.html"
_rule = partial(Rule, severity=Severity.HIGH, category=Category.AWS_CONSTRAINT)

RULES = (
    _rule(
        id="ecs-network-configuration",
        title="Service with awsvpc tasks and no network configuration",
        documentation=_CREATE_SERVICE,
        check=partial(judged, (SERVICE,), _network),
        bad=(_stack({"network_configuration": None}),),
        good=(
            _stack({}),
            _stack({"network_configuration": None}, {"network_mode": "bridge"}),
            _stack({"network_configuration": None, "deployment_controller": {"type": "EXTERNAL"}}),
        ),
    ),
    _rule(
        id="ecs-target-type",
        title="Target group for instances with awsvpc tasks",
        documentation="https://docs.aws.amazon.com/AmazonECS/latest/developerguide/alb.html",
        check=partial(judged, (SERVICE,), _target_type),
        bad=(_group(None), _group("instance")),
        good=(_group("ip"), _group("${var.kind}"), _stack({})),
    ),
    _rule(
        id="ecs-load-balancer-container",
        title="Load balancer that leads to a container or port that is not there",
        documentation=_CREATE_SERVICE,
        check=partial(judged, (SERVICE,), _balanced),
        bad=(_led("app", 80), _led("web", 8080)),
        good=(_led("web", 80), _led("web", "80"), _led("${var.name}", 80), _led("web", "${var.port}")),
    ),
    _rule(
        id="ecs-target-group-unattached",
        title="Service behind a target group without a load balancer",
        documentation="https://docs.aws.amazon.com/AmazonECS/latest/developerguide/service-load-balancing.html",
        check=partial(judged, (SERVICE,), _unattached),
        bad=(_group("ip", None), _group("ip", "${aws_lb_target_group.other.arn}")),
        good=(_group("ip"), _stack({}), _group("ip", "${var.group}")),
    ),
    _rule(
        id="ecs-launch-type",
        title="Launch type beside capacity providers, or two bases",
        documentation=_CREATE_SERVICE,
        check=partial(judged, (SERVICE,), _launch),
        bad=(
            _stack({"launch_type": "FARGATE", "capacity_provider_strategy": [_SPOT]}),
            _stack({"capacity_provider_strategy": [{**_SPOT, "base": 1}, {"capacity_provider": "FARGATE", "base": 1}]}),
        ),
        good=(_stack({"launch_type": "FARGATE"}), _stack({"capacity_provider_strategy": [_SPOT, {"capacity_provider": "FARGATE", "base": 1}]})),
    ),
    _rule(
        id="ecs-daemon-fargate",
        title="Daemon on Fargate",
        documentation=_CREATE_SERVICE,
        check=partial(judged, (SERVICE,), _daemon),
        bad=(_stack({"scheduling_strategy": "DAEMON", "launch_type": "FARGATE"}),),
        good=(_stack({"scheduling_strategy": "DAEMON", "launch_type": "EC2"}), _stack({"launch_type": "FARGATE"})),
    ),
    _rule(
        id="ecs-deployment-percents",
        title="Deployment percentages that let no task be replaced",
        severity=Severity.MEDIUM,
        documentation=_PARAMETERS,
        check=partial(judged, (SERVICE,), _stuck),
        bad=(_stack({"deployment_maximum_percent": 100}), _stack({"deployment_minimum_healthy_percent": 100, "deployment_maximum_percent": 100})),
        good=(
            _stack({}),
            _stack({"deployment_minimum_healthy_percent": 50, "deployment_maximum_percent": 100}),
            _stack({"deployment_maximum_percent": 100, "scheduling_strategy": "DAEMON"}),
            _stack({"deployment_maximum_percent": 100, "deployment_controller": {"type": "CODE_DEPLOY"}}),
        ),
    ),
    _rule(
        id="ecs-service-compatibility",
        title="Fargate service with a task definition that is not for Fargate",
        documentation=_PARAMETERS,
        check=partial(judged, (SERVICE,), _compatible),
        bad=(_stack({"launch_type": "FARGATE"}, {"requires_compatibilities": ["EC2"]}),),
        good=(
            _stack({"launch_type": "FARGATE"}, {"requires_compatibilities": ["EC2", "FARGATE"]}),
            _stack({"launch_type": "EC2"}, {"requires_compatibilities": ["EC2"]}),
            _stack({"launch_type": "FARGATE"}, {"requires_compatibilities": ["${var.kind}"]}),
        ),
    ),
)
