"""Unit tests of the synthesized stack."""

import json

import pytest
from cdktf import App, Testing

from lib.tap_stack import TapStack


@pytest.fixture(scope="module")
def synthesized():
    app = Testing.app()
    stack = TapStack(app, "TestStack", environment_suffix="test")
    return json.loads(Testing.synth(stack))


def resources(synthesized, kind):
    return list(synthesized["resource"].get(kind, {}).values())


class TestTapStack:
    """The stack as a whole."""

    def test_tap_stack_instantiates_successfully(self):
        app = App()
        stack = TapStack(app, "TestStack", environment_suffix="test")
        assert stack is not None

    def test_everything_is_tagged_by_the_provider(self, synthesized):
        tags = synthesized["provider"]["aws"][0]["default_tags"][0]["tags"]
        assert tags["Environment"] == "payment-test"
        assert tags["ManagedBy"] == "cdktf"


class TestNetwork:
    """Zero trust starts with a network that has no way out."""

    def test_there_is_no_way_to_the_internet(self, synthesized):
        assert not resources(synthesized, "aws_internet_gateway")
        assert not resources(synthesized, "aws_nat_gateway")
        assert len(resources(synthesized, "aws_subnet")) == 3

    def test_services_are_reached_through_endpoints(self, synthesized):
        types = [endpoint["vpc_endpoint_type"] for endpoint in resources(synthesized, "aws_vpc_endpoint")]
        assert types.count("Interface") == 5
        assert types.count("Gateway") == 2


class TestEncryption:
    """Everything at rest is encrypted with keys of our own."""

    def test_keys_rotate(self, synthesized):
        keys = resources(synthesized, "aws_kms_key")
        assert len(keys) == 4
        assert all(key["enable_key_rotation"] for key in keys)

    def test_buckets_are_encrypted_versioned_and_closed(self, synthesized):
        assert len(resources(synthesized, "aws_s3_bucket_server_side_encryption_configuration")) == 2
        assert all(
            versioning["versioning_configuration"]["status"] == "Enabled"
            for versioning in resources(synthesized, "aws_s3_bucket_versioning")
        )
        assert all(
            block["block_public_policy"] for block in resources(synthesized, "aws_s3_bucket_public_access_block")
        )

    def test_log_groups_use_a_key(self, synthesized):
        groups = resources(synthesized, "aws_cloudwatch_log_group")
        assert len(groups) == 2
        assert all("aws_kms_key" in group["kms_key_id"] for group in groups)
