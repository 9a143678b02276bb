"""Tests over the synthesized sign-in."""

import json

import pytest
from cdktf import Testing

from lib.sign_in_stack import SignInStack


@pytest.fixture(scope="module")
def synthesized():
    stack = SignInStack(Testing.app(), "sign-in", environment_suffix="test")
    return json.loads(Testing.synth(stack))


def resources(synthesized, kind):
    return list(synthesized["resource"][kind].values())


def test_people_sign_in_with_their_address(synthesized):
    (pool,) = resources(synthesized, "aws_cognito_user_pool")
    assert pool["username_attributes"] == ["email"]
    assert pool["password_policy"]["minimum_length"] == 12
    assert pool["deletion_protection"] == "ACTIVE"


def test_the_client_has_no_secret_and_one_flow(synthesized):
    (client,) = resources(synthesized, "aws_cognito_user_pool_client")
    assert client["generate_secret"] is False
    assert client["allowed_oauth_flows"] == ["code"]
    assert client["callback_urls"] == ["http://localhost:3000/callback"]


def test_there_are_two_groups(synthesized):
    names = {group["name"] for group in resources(synthesized, "aws_cognito_user_group")}
    assert names == {"members", "staff"}


def test_only_the_pool_invokes_the_hook(synthesized):
    (permission,) = resources(synthesized, "aws_lambda_permission")
    assert permission["principal"] == "cognito-idp.amazonaws.com"
    assert "aws_cognito_user_pool" in permission["source_arn"]


def test_the_hook_knows_the_default_group(synthesized):
    (function,) = resources(synthesized, "aws_lambda_function")
    assert function["environment"]["variables"] == {"DEFAULT_GROUP": "members"}
