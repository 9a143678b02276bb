"""Rules on Auto Scaling groups and Application Auto Scaling: bounds, and targets whose parts do not belong together."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from functools import partial
from typing import Any

from harness.constraints.base import Rule
from harness.constraints.findings import Complaint, is_unset, judged
from harness.constraints.graph import Node, ResourceGraph
from harness.constraints.values import blocks, is_dynamic, nested, number, text
from harness.failures import Category, Severity

GROUP, POLICY = "aws_autoscaling_group", "aws_autoscaling_policy"
TARGET, TARGET_POLICY, SCHEDULED = "aws_appautoscaling_target", "aws_appautoscaling_policy", "aws_appautoscaling_scheduled_action"
_DIMENSIONS: Mapping[str, tuple[str, tuple[str, ...]]] = {
    # By namespace: how its resource ids begin, and its dimensions
    # (https://docs.aws.amazon.com/autoscaling/application/APIReference/API_RegisterScalableTarget.html). A namespace that is not here is not judged.
    "ecs": ("service/", ("ecs:service:DesiredCount",)),
    "dynamodb": ("table/", tuple(f"dynamodb:{kind}:{side}CapacityUnits" for kind in ("table", "index") for side in ("Read", "Write"))),
    "lambda": ("function:", ("lambda:function:ProvisionedConcurrency",)),
    "rds": ("cluster:", ("rds:cluster:ReadReplicaCount",)),
    "ec2": ("spot-fleet-request/", ("ec2:spot-fleet-request:TargetCapacity",)),
}
_METRICS: Mapping[str, tuple[str, ...]] = {
    # Metrics that AWS defines itself, by the namespace that has them
    # (https://docs.aws.amazon.com/autoscaling/application/APIReference/API_PredefinedMetricSpecification.html).
    "ecs": ("ECSServiceAverageCPUUtilization", "ECSServiceAverageMemoryUtilization", "ALBRequestCountPerTarget"),
    "dynamodb": ("DynamoDBReadCapacityUtilization", "DynamoDBWriteCapacityUtilization"),
    "lambda": ("LambdaProvisionedConcurrencyUtilization",),
    "rds": ("RDSReaderAverageCPUUtilization", "RDSReaderAverageDatabaseConnections"),
}
_LABELLED = "ALBRequestCountPerTarget"


def _sizes(graph: ResourceGraph, group: Node) -> Iterator[Complaint]:
    """The desired capacity lies between the least and the most."""
    least, most, wanted = (number(graph, group.arguments.get(name)) for name in ("min_size", "max_size", "desired_capacity"))
    if least is not None and most is not None and least > most:
        yield Complaint(f"min_size {least:g} is above max_size {most:g}", ("min_size", "max_size"))
    elif wanted is not None and ((least is not None and wanted < least) or (most is not None and wanted > most)):
        sentence = f"desired_capacity {wanted:g} is not between min_size {group.arguments.get('min_size')} and max_size {group.arguments.get('max_size')}"
        yield Complaint(sentence, ("desired_capacity", "min_size", "max_size"))


def _place(graph: ResourceGraph, group: Node) -> Iterator[Complaint]:
    """A group has subnets or availability zones."""
    if is_unset(group.arguments, "vpc_zone_identifier") and is_unset(group.arguments, "availability_zones"):
        yield Complaint("it has neither vpc_zone_identifier nor availability_zones", ("vpc_zone_identifier", "availability_zones"))


def _spot_template(graph: ResourceGraph, group: Node) -> Iterator[Complaint]:
    """With a mixed instances policy it is the group that asks for Spot instances, never its launch template."""
    for block in nested(group.arguments, "mixed_instances_policy", "launch_template", "launch_template_specification"):
        template = graph.target([block.get("launch_template_id"), block.get("launch_template_name")], "aws_launch_template")
        if template is not None and any(text(graph, option.get("market_type")) == "spot" for option in blocks(template.arguments, "instance_market_options")):
            sentence = f"it has a mixed_instances_policy, and {template.address} asks for Spot instances by instance_market_options"
            yield Complaint(sentence, ("instance_market_options", "mixed_instances_policy"), (template,))


def _policy(graph: ResourceGraph, policy: Node) -> Iterator[Complaint]:
    """Each type of scaling policy has settings of its own, and cannot do without."""
    arguments, kind = policy.arguments, text(graph, policy.arguments.get("policy_type", "SimpleScaling"))
    needed = {
        "TargetTrackingScaling": "target_tracking_configuration",
        "StepScaling": "step_adjustment",
        "PredictiveScaling": "predictive_scaling_configuration",
    }.get(kind or "")
    if needed and is_unset(arguments, needed) and not is_dynamic(arguments, needed):
        yield Complaint(f"its policy_type is {kind} and it has no {needed}", (needed, "policy_type"))
    if kind in ("SimpleScaling", "StepScaling") and is_unset(arguments, "adjustment_type"):
        yield Complaint(f"its policy_type is {kind} and it has no adjustment_type", ("adjustment_type",))


def _target_policy(graph: ResourceGraph, policy: Node) -> Iterator[Complaint]:
    """Target tracking has a target, step scaling (which is the default) has steps."""
    kind = text(graph, policy.arguments.get("policy_type", "StepScaling"))
    needed = {"TargetTrackingScaling": "target_tracking_scaling_policy_configuration", "StepScaling": "step_scaling_policy_configuration"}.get(kind or "")
    if needed and is_unset(policy.arguments, needed) and not is_dynamic(policy.arguments, needed):
        yield Complaint(f"its policy_type is {kind} and it has no {needed}", (needed, "policy_type"))


def _label(graph: ResourceGraph, policy: Node) -> Iterator[Complaint]:
    """Requests are counted for one target group, which the label names."""
    outer = "target_tracking_configuration" if policy.type == POLICY else "target_tracking_scaling_policy_configuration"
    for metric in nested(policy.arguments, outer, "predefined_metric_specification"):
        if text(graph, metric.get("predefined_metric_type")) == _LABELLED and is_unset(metric, "resource_label"):
            yield Complaint(f"it tracks {_LABELLED} and has no resource_label", ("resource_label", _LABELLED))


def _bounds(graph: ResourceGraph, target: Node) -> Iterator[Complaint]:
    """The least is not above the most."""
    least, most = (number(graph, target.arguments.get(name)) for name in ("min_capacity", "max_capacity"))
    if least is not None and most is not None and least > most:
        yield Complaint(f"min_capacity {least:g} is above max_capacity {most:g}", ("min_capacity", "max_capacity"))


def _parts(graph: ResourceGraph, target: Node) -> Iterator[Complaint]:
    """Namespace, dimension and resource id belong together."""
    namespace, dimension = (text(graph, target.arguments.get(name)) for name in ("service_namespace", "scalable_dimension"))
    begins, dimensions = _DIMENSIONS.get(namespace or "", ("", ()))
    if dimensions and dimension is not None and dimension not in dimensions:
        yield Complaint(f"the namespace {namespace} has no dimension {dimension}; it has {', '.join(dimensions)}", ("scalable_dimension", dimension))
    resource = target.arguments.get("resource_id")
    if not begins or not isinstance(resource, str):
        return
    # Up to the first template the id is known.
    known = resource.partition("${")[0]
    if not known.startswith(begins) and not (known != resource and begins.startswith(known)):
        yield Complaint(f"a resource_id of {namespace} begins with {begins}, not {resource!r}", ("resource_id", begins))
    elif namespace == "ecs" and known == resource and not re.fullmatch(r"service/[^/]+/[^/]+", resource):
        yield Complaint(f"a resource_id of ecs is service/CLUSTER/SERVICE, not {resource!r}", ("resource_id", resource))


def _metric(graph: ResourceGraph, policy: Node) -> Iterator[Complaint]:
    """A namespace has metrics of its own. AWS adds some now and then, so only those of other services are certainly wrong."""
    namespace = text(graph, policy.arguments.get("service_namespace"))
    others = ("ASG", "EC2", *(metric for name, metrics in _METRICS.items() if name != namespace for metric in metrics))
    for metric in nested(policy.arguments, "target_tracking_scaling_policy_configuration", "predefined_metric_specification"):
        kind = text(graph, metric.get("predefined_metric_type"))
        known = _METRICS.get(namespace or "", ())
        if known and kind is not None and kind not in known and kind.startswith(others):
            yield Complaint(f"the namespace {namespace} has no metric {kind}; it has {', '.join(known)}", ("predefined_metric_type", kind))


def _one(kind: str, **arguments: Any) -> dict[str, Any]:
    return {"resource": {kind: {"main": arguments}}}


def _group(**arguments: Any) -> dict[str, Any]:
    return _one(GROUP, **{"min_size": 1, "max_size": 3, "vpc_zone_identifier": ["${aws_subnet.a.id}"], **arguments})


def _target(namespace: str, dimension: str, resource: str, **arguments: Any) -> dict[str, Any]:
    return _one(TARGET, service_namespace=namespace, scalable_dimension=dimension, resource_id=resource, **arguments)


def _tracking(namespace: str, metric: str, **specification: Any) -> dict[str, Any]:
    block = {"predefined_metric_specification": {"predefined_metric_type": metric, **specification}, "target_value": 70}
    return _one(TARGET_POLICY, service_namespace=namespace, policy_type="TargetTrackingScaling", target_tracking_scaling_policy_configuration=block)


def _mixed(template: Mapping[str, Any]) -> dict[str, Any]:
    named = {"launch_template": {"launch_template_specification": {"launch_template_id": "${aws_launch_template.main.id}"}}}
    return {"resource": {GROUP: {"main": {"mixed_instances_policy": named}}, "aws_launch_template": {"main": template}}}


_SPOT = {"instance_market_options": {"market_type": "spot"}}
_COUNT = "ecs:service:DesiredCount"
_CPU = "ECSServiceAverageCPUUtilization"
_REGISTER = "https://docs.aws.amazon.com/autoscaling/application/APIReference/API_RegisterScalableTarget.html"
_rule = partial(Rule, severity=Severity.HIGH, category=Category.AWS_CONSTRAINT)

RULES = (
    _rule(
        id="autoscaling-sizes",
        title="Auto Scaling group whose sizes are out of order",
        documentation="https://docs.aws.amazon.com/autoscaling/ec2/userguide/asg-capacity-limits.html",
        check=partial(judged, (GROUP,), _sizes),
        bad=(_group(min_size=5), _group(desired_capacity=4), _group(desired_capacity=0)),
        good=(_group(), _group(desired_capacity=3), _group(min_size="${var.least}", desired_capacity=2), _group(max_size="3", desired_capacity="1")),
    ),
    _rule(
        id="autoscaling-subnets",
        title="Auto Scaling group without subnets or zones",
        documentation="https://docs.aws.amazon.com/autoscaling/ec2/APIReference/API_CreateAutoScalingGroup.html",
        check=partial(judged, (GROUP,), _place),
        bad=(_group(vpc_zone_identifier=None), _group(vpc_zone_identifier=[])),
        good=(_group(), _group(vpc_zone_identifier=None, availability_zones=["eu-west-1a"]), _group(vpc_zone_identifier="${var.subnets}")),
    ),
    _rule(
        id="autoscaling-spot-template",
        title="Mixed instances policy with a launch template for Spot",
        documentation="https://docs.aws.amazon.com/autoscaling/ec2/userguide/ec2-auto-scaling-mixed-instances-groups.html",
        check=partial(judged, (GROUP,), _spot_template),
        bad=(_mixed(_SPOT),),
        good=(
            _mixed({}),
            {"resource": {GROUP: {"main": {"launch_template": {"id": "${aws_launch_template.main.id}"}}}, "aws_launch_template": {"main": _SPOT}}},
        ),
    ),
    _rule(
        id="autoscaling-policy-type",
        title="Scaling policy without the settings of its type",
        documentation="https://docs.aws.amazon.com/autoscaling/ec2/APIReference/API_PutScalingPolicy.html",
        check=partial(judged, (POLICY,), _policy),
        bad=(
            _one(POLICY, policy_type="TargetTrackingScaling"),
            _one(POLICY, policy_type="StepScaling", adjustment_type="ChangeInCapacity", scaling_adjustment=1),
            _one(POLICY, scaling_adjustment=1),
        ),
        good=(
            _one(POLICY, policy_type="TargetTrackingScaling", target_tracking_configuration={"target_value": 50}),
            _one(POLICY, scaling_adjustment=1, adjustment_type="ChangeInCapacity"),
            _one(POLICY, policy_type="${var.kind}"),
        ),
    ),
    _rule(
        id="appautoscaling-policy-type",
        title="Application Auto Scaling policy without the settings of its type",
        documentation="https://docs.aws.amazon.com/autoscaling/application/APIReference/API_PutScalingPolicy.html",
        check=partial(judged, (TARGET_POLICY,), _target_policy),
        bad=(_one(TARGET_POLICY, policy_type="TargetTrackingScaling"), _one(TARGET_POLICY, target_tracking_scaling_policy_configuration={"target_value": 1})),
        good=(_tracking("ecs", _CPU), _one(TARGET_POLICY, step_scaling_policy_configuration={"adjustment_type": "ChangeInCapacity"})),
    ),
    _rule(
        id="autoscaling-request-label",
        title="Requests tracked without a target group",
        documentation="https://docs.aws.amazon.com/autoscaling/ec2/APIReference/API_PredefinedMetricSpecification.html",
        check=partial(judged, (POLICY, TARGET_POLICY), _label),
        bad=(_tracking("ecs", _LABELLED),),
        good=(_tracking("ecs", _LABELLED, resource_label="${aws_lb.main.arn_suffix}/${aws_lb_target_group.main.arn_suffix}"), _tracking("ecs", _CPU)),
    ),
    _rule(
        id="appautoscaling-bounds",
        title="Scalable target whose least is above its most",
        documentation=_REGISTER,
        check=partial(judged, (TARGET,), _bounds),
        bad=(_one(TARGET, min_capacity=5, max_capacity=4),),
        good=(_one(TARGET, min_capacity=4, max_capacity=4), _one(TARGET, min_capacity=5, max_capacity="${var.most}")),
    ),
    _rule(
        id="appautoscaling-dimension",
        title="Scalable target whose parts do not belong together",
        documentation=_REGISTER,
        check=partial(judged, (TARGET, TARGET_POLICY, SCHEDULED), _parts),
        bad=(
            _target("ecs", "dynamodb:table:ReadCapacityUnits", "service/main/web"),
            _target("ecs", _COUNT, "main/web"),
            _target("ecs", _COUNT, "service/web"),
            _target("dynamodb", "dynamodb:table:ReadCapacityUnits", "orders"),
        ),
        good=(
            _target("ecs", _COUNT, "service/${aws_ecs_cluster.main.name}/${aws_ecs_service.web.name}"),
            _target("ecs", _COUNT, "${aws_appautoscaling_target.main.resource_id}"),
            _target("dynamodb", "dynamodb:index:WriteCapacityUnits", "table/orders/index/by-day"),
            _target("lambda", "lambda:function:ProvisionedConcurrency", "function:main:live"),
            _target("sagemaker", "sagemaker:variant:DesiredInstanceCount", "endpoint/main/variant/one"),
        ),
    ),
    _rule(
        id="appautoscaling-metric",
        title="Predefined metric of another service",
        documentation="https://docs.aws.amazon.com/autoscaling/application/APIReference/API_PredefinedMetricSpecification.html",
        check=partial(judged, (TARGET_POLICY,), _metric),
        bad=(_tracking("ecs", "ASGAverageCPUUtilization"), _tracking("dynamodb", _CPU)),
        good=(
            _tracking("ecs", _CPU),
            _tracking("ecs", f"{_CPU}HighResolution"),
            _tracking("${var.namespace}", _CPU),
            _tracking("kafka", "KafkaBrokerStorageUtilization"),
        ),
    ),
)
