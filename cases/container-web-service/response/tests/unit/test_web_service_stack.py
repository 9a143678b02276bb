"""Tests over the synthesized stack."""

import json

import pytest
from cdktf import Testing

from lib.web_service_stack import ServiceConfig, WebServiceStack


def synthesize(config):
    stack = WebServiceStack(Testing.app(), "web", environment_suffix="test", config=config)
    return json.loads(Testing.synth(stack))["resource"]


@pytest.fixture(scope="module")
def resources():
    stack = WebServiceStack(Testing.app(), "web", environment_suffix="test")
    return json.loads(Testing.synth(stack))["resource"]


def test_tasks_run_in_private_subnets(resources):
    (service,) = resources["aws_ecs_service"].values()
    subnets = service["network_configuration"]["subnets"]
    assert len(subnets) == 2
    assert all("private" in subnet for subnet in subnets)


def test_targets_are_addresses_and_drain_quickly(resources):
    (group,) = resources["aws_lb_target_group"].values()
    assert group["target_type"] == "ip"
    assert group["health_check"]["path"] == "/healthz"


def test_images_cannot_be_overwritten(resources):
    (repository,) = resources["aws_ecr_repository"].values()
    assert repository["image_tag_mutability"] == "IMMUTABLE"
    assert repository["image_scanning_configuration"]["scan_on_push"] is True


def test_the_service_scales_by_cpu_and_requests(resources):
    names = sorted(policy["name"] for policy in resources["aws_appautoscaling_policy"].values())
    assert names == ["scale-by-cpu", "scale-by-requests"]


def test_sizes_come_from_the_configuration():
    resources = synthesize(ServiceConfig(cpu=1024, memory=2048, max_tasks=4))
    (task,) = resources["aws_ecs_task_definition"].values()
    (target,) = resources["aws_appautoscaling_target"].values()
    assert (task["cpu"], task["memory"]) == ("1024", "2048")
    assert target["max_capacity"] == 4
