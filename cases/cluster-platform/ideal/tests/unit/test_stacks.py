"""Tests over both synthesized stacks."""

import json

import pytest
from cdktf import Testing

from lib.platform_stack import PlatformStack
from lib.registry_stack import RegistryStack


@pytest.fixture(scope="module")
def platform():
    stack = PlatformStack(Testing.app(), "platform", environment_suffix="test")
    return json.loads(Testing.synth(stack))["resource"]


@pytest.fixture(scope="module")
def registry():
    stack = RegistryStack(Testing.app(), "registry", environment_suffix="test")
    return json.loads(Testing.synth(stack))


def test_the_cluster_cannot_be_reached_from_outside(platform):
    (cluster,) = platform["aws_eks_cluster"].values()
    assert cluster["vpc_config"]["endpoint_public_access"] is False
    assert cluster["vpc_config"]["endpoint_private_access"] is True


def test_kubernetes_secrets_are_encrypted(platform):
    (cluster,) = platform["aws_eks_cluster"].values()
    assert cluster["encryption_config"]["resources"] == ["secrets"]
    assert "aws_kms_key" in cluster["encryption_config"]["provider"]["key_arn"]


def test_system_nodes_are_tainted(platform):
    (group,) = platform["aws_eks_node_group"].values()
    assert group["taint"] == [{"effect": "NO_SCHEDULE", "key": "dedicated", "value": "system"}]
    assert group["scaling_config"] == {"desired_size": 2, "max_size": 6, "min_size": 2}


def test_all_addons_are_installed(platform):
    names = {addon["addon_name"] for addon in platform["aws_eks_addon"].values()}
    assert names == {"vpc-cni", "coredns", "kube-proxy", "aws-ebs-csi-driver"}


def test_only_the_driver_may_assume_its_role(platform):
    (policy,) = [role["assume_role_policy"] for role in platform["aws_iam_role"].values() if "ebs-csi" in role["name"]]
    assert "system:serviceaccount:kube-system:ebs-csi-controller-sa" in policy


def test_every_team_has_a_repository(registry):
    names = sorted(one["name"] for one in registry["resource"]["aws_ecr_repository"].values())
    assert names == ["checkout-test", "search-test"]
    assert registry["provider"]["aws"][0]["region"] == "eu-west-1"
