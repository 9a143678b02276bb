"""Rules on ECS task definitions: what RegisterTaskDefinition refuses."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from functools import partial
from typing import Any

from harness.constraints.base import Rule
from harness.constraints.expressions import references
from harness.constraints.findings import Complaint, document, is_literal, is_unset, judged
from harness.constraints.graph import Node, ResourceGraph, mapping
from harness.constraints.policies import listed
from harness.constraints.values import blocks, number, text
from harness.failures import Category, Severity

TASK = "aws_ecs_task_definition"
FARGATE_MEMORY = {
    # MiB by CPU units (https://docs.aws.amazon.com/AmazonECS/latest/developerguide/fargate-tasks-services.html#fargate-tasks-size).
    256: (512, 1024, 2048),
    512: tuple(range(1024, 4096 + 1, 1024)),
    1024: tuple(range(2048, 8192 + 1, 1024)),
    2048: tuple(range(4096, 16384 + 1, 1024)),
    4096: tuple(range(8192, 30720 + 1, 1024)),
    8192: tuple(range(16384, 61440 + 1, 4096)),
    16384: tuple(range(32768, 122880 + 1, 8192)),
}
# Sizes that AWS added later: what is above the table is not judged.
LARGEST_CPU = max(FARGATE_MEMORY)


def containers(task: Node) -> list[Mapping[str, Any]] | None:
    """The container definitions; None where they are not known before a plan."""
    found = document(task.arguments.get("container_definitions"))
    return found if isinstance(found, list) and all(isinstance(item, Mapping) for item in found) else None


def is_fargate(task: Node) -> bool:
    """Whether the task definition is to be compatible with Fargate."""
    return "FARGATE" in listed(task.arguments.get("requires_compatibilities"))


def whole(value: object) -> int | None:
    """The whole number that JSON holds, as a number or as its digits; None for anything else."""
    if isinstance(value, bool) or not isinstance(value, (int, str)):
        return None
    return int(value) if str(value).isdigit() else None


def _size(graph: ResourceGraph, task: Node) -> Iterator[Complaint]:
    """Fargate has certain pairs of CPU and memory, and the task definition names one."""
    if not is_fargate(task):
        return
    if missing := [name for name in ("cpu", "memory") if is_unset(task.arguments, name)]:
        yield Complaint(f"it is for Fargate and has no {' and no '.join(missing)}", tuple(missing))
        return
    cpu, memory = (number(graph, task.arguments[name]) for name in ("cpu", "memory"))
    if cpu is None or memory is None or cpu > LARGEST_CPU:
        return
    if int(cpu) not in FARGATE_MEMORY:
        sizes = ", ".join(map(str, FARGATE_MEMORY))
        yield Complaint(f"Fargate has no cpu of {cpu:g} units; it has {sizes}", ("cpu", f"{cpu:g}"))
    elif memory not in FARGATE_MEMORY[int(cpu)]:
        sizes_ = FARGATE_MEMORY[int(cpu)]
        few = ", ".join(map(str, sizes_)) if len(sizes_) < 5 else f"{sizes_[0]} to {sizes_[-1]} in steps of {sizes_[1] - sizes_[0]}"
        yield Complaint(f"with a cpu of {cpu:g} Fargate has no memory of {memory:g} MiB; it has {few}", ("memory", f"{memory:g}", "cpu"))


def _network(graph: ResourceGraph, task: Node) -> Iterator[Complaint]:
    """On Fargate every task has its own network interface."""
    mode = text(graph, task.arguments.get("network_mode")) if not is_unset(task.arguments, "network_mode") else "bridge"
    if is_fargate(task) and mode not in (None, "awsvpc"):
        said = f"its network_mode is {mode}" if "network_mode" in task.arguments else "it has no network_mode"
        yield Complaint(f"{said}, and Fargate wants awsvpc", ("network_mode", "awsvpc"))


def _execution_role(graph: ResourceGraph, task: Node) -> Iterator[Complaint]:
    """On Fargate it is the execution role that pulls from ECR, writes logs and reads secrets."""
    if not is_fargate(task) or not is_unset(task.arguments, "execution_role_arn"):
        return
    reasons = set()
    for container in containers(task) or ():
        if mapping(container.get("logConfiguration")).get("logDriver") == "awslogs":
            reasons.add("writes logs by awslogs")
        image = container.get("image", "")
        if ".dkr.ecr." in str(image) or any(reference.kind == "aws_ecr_repository" for reference in references(image)):
            reasons.add("pulls from ECR")
        if container.get("secrets"):
            reasons.add("reads secrets")
    if reasons:
        yield Complaint(f"it has no execution_role_arn, and on Fargate it {', '.join(sorted(reasons))}", ("execution_role_arn",))


def _host_ports(graph: ResourceGraph, task: Node) -> Iterator[Complaint]:
    """With an interface of its own, a container's port is the host's port."""
    if text(graph, task.arguments.get("network_mode")) not in ("awsvpc", "host"):
        return
    for container in containers(task) or ():
        for port in map(mapping, listed(container.get("portMappings"))):
            inside, outside = whole(port.get("containerPort")), whole(port.get("hostPort"))
            # Zero stands for "not set" in the SDKs that the provider is built on.
            if inside and outside and inside != outside:
                sentence = f"the container {container.get('name')!r} maps hostPort {outside} to containerPort {inside}; in its network_mode they are the same"
                yield Complaint(sentence, ("hostPort", str(outside), "network_mode"))


def _essential(graph: ResourceGraph, task: Node) -> Iterator[Complaint]:
    """One container at least is essential, which is what a container is unless it says otherwise."""
    found = containers(task)
    if found and all(container.get("essential") is False for container in found):
        yield Complaint("none of its containers is essential", ("essential",))


def _fargate_features(graph: ResourceGraph, task: Node) -> Iterator[Complaint]:
    """What needs a host of one's own is not for Fargate."""
    if not is_fargate(task):
        return
    used = ["placement_constraints"] if blocks(task.arguments, "placement_constraints") else []
    used += ["host_path of a volume" for volume in blocks(task.arguments, "volume") if is_literal(volume.get("host_path")) and volume["host_path"]]
    for container in containers(task) or ():
        used += [name for name in ("privileged", "links", "dockerSecurityOptions") if container.get(name)]
        used += ["GPU" for need in map(mapping, listed(container.get("resourceRequirements"))) if need.get("type") == "GPU"]
    if used:
        names = tuple(dict.fromkeys(used))
        yield Complaint(f"Fargate has no {', '.join(names)}", names)


def _sizes(graph: ResourceGraph, task: Node) -> Iterator[Complaint]:
    """A container gets no more than its task has; where the task has no memory, every container names its own."""
    found = containers(task)
    if found is None:
        return
    if is_unset(task.arguments, "memory") and not is_fargate(task):
        for container in found:
            if "memory" not in container and "memoryReservation" not in container:
                sentence = f"neither it nor its container {container.get('name')!r} has memory or memoryReservation"
                yield Complaint(sentence, ("memory", "memoryReservation", str(container.get("name"))))
    for name in ("cpu", "memory"):
        whole_task = number(graph, task.arguments.get(name))
        for container in found:
            own = whole(container.get(name))
            if whole_task is not None and own is not None and own > whole_task:
                yield Complaint(f"its container {container.get('name')!r} has {name} {own}, more than the task's {whole_task:g}", (name, str(own)))


def _dependencies(graph: ResourceGraph, task: Node) -> Iterator[Complaint]:
    """A container waits for another of its task, and waits for its health only where that has a check."""
    found = containers(task)
    if found is None or not all(is_literal(container.get("name")) for container in found):
        return
    named = {container["name"]: container for container in found}
    for name, container in named.items():
        for need in map(mapping, listed(container.get("dependsOn"))):
            other = need.get("containerName")
            if is_literal(other) and other not in named:
                yield Complaint(f"its container {name!r} depends on {other!r}, which it does not have", ("dependsOn", str(other)))
            elif is_literal(other) and need.get("condition") == "HEALTHY" and not named[other].get("healthCheck"):
                yield Complaint(f"its container {name!r} waits for {other!r} to be HEALTHY, which has no healthCheck", ("healthCheck", str(other)))


def _task(container: Mapping[str, Any] | None = None, /, *others: Mapping[str, Any], **arguments: Any) -> dict[str, Any]:
    definitions = json.dumps([{"name": "web", "image": "nginx:1", **(container or {})}, *others])
    return {"resource": {TASK: {"main": {"family": "main", "container_definitions": definitions, **arguments}}}}


def _fargate(container: Mapping[str, Any] | None = None, /, *others: Mapping[str, Any], **arguments: Any) -> dict[str, Any]:
    given = {"requires_compatibilities": ["FARGATE"], "network_mode": "awsvpc", "cpu": "256", "memory": "512", **arguments}
    return _task(container, *others, **given)


def _ports(host: int, mode: str) -> dict[str, Any]:
    return _task({"portMappings": [{"containerPort": 80, "hostPort": host}]}, network_mode=mode, memory="512")


_LOGGED = {"logConfiguration": {"logDriver": "awslogs", "options": {}}}
_ECR = {"image": "${aws_ecr_repository.web.repository_url}:1"}
_ROLE = {"execution_role_arn": "${aws_iam_role.execution.arn}"}
_WAITS = {"dependsOn": [{"containerName": "database", "condition": "HEALTHY"}]}
_PARAMETERS = "https://docs.aws.amazon.com/AmazonECS/latest/developerguide/task_definition_parameters.html"
_FARGATE_PAGE = "https://docs.aws.amazon.com/AmazonECS/latest/developerguide/fargate-tasks-services.html"
_rule = partial(Rule, severity=Severity.HIGH, category=Category.AWS_CONSTRAINT)

RULES = (
    _rule(
        id="fargate-cpu-memory",
        title="CPU and memory that Fargate does not have",
        documentation=_FARGATE_PAGE,
        check=partial(judged, (TASK,), _size),
        bad=(_fargate(cpu="256", memory="4096"), _fargate(cpu="300", memory="512"), _fargate(cpu=512, memory=512), _fargate(cpu=None)),
        good=(
            _fargate(),
            _fargate(cpu=4096, memory=30720),
            _fargate(cpu="1024", memory="8192"),
            _fargate(cpu="0.5 vCPU", memory="1 GB"),
            _fargate(cpu="${var.cpu}", memory="512"),
            _fargate(cpu="32768", memory="65536"),
            _task(cpu="300", memory="300"),
        ),
    ),
    _rule(
        id="fargate-network-mode",
        title="Fargate task without awsvpc",
        documentation=_FARGATE_PAGE,
        check=partial(judged, (TASK,), _network),
        bad=(_fargate(network_mode="bridge"), _fargate(network_mode=None)),
        good=(_fargate(), _fargate(network_mode="${var.mode}"), _task(network_mode="bridge")),
    ),
    _rule(
        id="fargate-execution-role",
        title="Fargate task without the execution role that it needs",
        documentation="https://docs.aws.amazon.com/AmazonECS/latest/developerguide/task_execution_IAM_role.html",
        check=partial(judged, (TASK,), _execution_role),
        bad=(_fargate(_LOGGED), _fargate(_ECR), _fargate({"secrets": [{"name": "A", "valueFrom": "arn:aws:ssm:eu-west-1:1:parameter/a"}]})),
        good=(_fargate({**_LOGGED, **_ECR}, **_ROLE), _fargate(), _task(_LOGGED)),
    ),
    _rule(
        id="ecs-host-port",
        title="hostPort that differs from containerPort where they are the same",
        documentation="https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_PortMapping.html",
        check=partial(judged, (TASK,), _host_ports),
        bad=(_ports(8080, "awsvpc"), _ports(8080, "host")),
        good=(_ports(80, "awsvpc"), _ports(8080, "bridge"), _ports(0, "awsvpc"), _task({"portMappings": [{"containerPort": 80}]}, network_mode="awsvpc")),
    ),
    _rule(
        id="ecs-essential-container",
        title="Task without an essential container",
        documentation=_PARAMETERS,
        check=partial(judged, (TASK,), _essential),
        bad=(_task({"essential": False}),),
        good=(_task({"essential": False}, {"name": "app"}), _task(), {"resource": {TASK: {"main": {"container_definitions": "${var.containers}"}}}}),
    ),
    _rule(
        id="fargate-unsupported",
        title="Task setting that Fargate does not have",
        documentation=_FARGATE_PAGE,
        check=partial(judged, (TASK,), _fargate_features),
        bad=(
            _fargate({"privileged": True}),
            _fargate({"links": ["database"]}),
            _fargate(volume=[{"name": "data", "host_path": "/data"}]),
            _fargate(placement_constraints=[{"type": "memberOf", "expression": "attribute:ecs.os-type == linux"}]),
        ),
        good=(_fargate({"privileged": False, "links": []}, volume=[{"name": "data"}]), _task({"privileged": True})),
    ),
    _rule(
        id="ecs-container-size",
        title="Container without memory, or larger than its task",
        documentation=_PARAMETERS,
        check=partial(judged, (TASK,), _sizes),
        bad=(_task(), _fargate({"memory": 1024}), _fargate({"cpu": 512})),
        good=(_task({"memoryReservation": 128}), _task(memory="512"), _fargate({"memory": 512, "cpu": 256}), _fargate({"memory": 256})),
    ),
    _rule(
        id="ecs-container-dependency",
        title="Container that waits for what its task does not have",
        documentation="https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_ContainerDependency.html",
        check=partial(judged, (TASK,), _dependencies),
        bad=(_fargate(_WAITS), _fargate(_WAITS, {"name": "database", "image": "db"})),
        good=(
            _fargate(_WAITS, {"name": "database", "image": "db", "healthCheck": {"command": ["CMD", "true"]}}),
            _fargate({"dependsOn": [{"containerName": "web2", "condition": "START"}]}, {"name": "web2", "image": "x"}),
            _fargate(_WAITS, {"name": "${var.name}", "image": "db"}),
        ),
    ),
)
