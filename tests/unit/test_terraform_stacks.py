"""What terraform is given, and what is known of a stack before terraform is asked."""

import json
from types import SimpleNamespace

import pytest

from harness.gates.base import GateResult, Status, Subject
from harness.terraform.stacks import construct_paths, foreign_providers, module_sources, stack_files, stacks_key, used_types
from harness.tree import Tree

TREE = Tree({"tap.py": b"pass", "lambda/index.py": b"pass"})
STACK = {
    "//": {"metadata": {"stackName": "dev"}},
    "terraform": {"backend": {"s3": {"bucket": "state"}}, "required_providers": {"aws": {"source": "aws", "version": "5.100.0"}}},
    "provider": {"aws": [{"region": "us-east-1"}]},
    "data": {"aws_caller_identity": {"me": {}}},
    "resource": {"aws_s3_bucket": {"b": {"//": {"metadata": {"path": "dev/b"}}, "bucket": "x"}}},
}


def subject(stack, lines=None, tree=TREE):
    synth = GateResult("synth", Status.PASS, output={"stacks": {"dev": stack}, "lines": lines or {}})
    return Subject(SimpleNamespace(platform="cdktf"), tree, {"synth": synth})


def written(stack):
    return json.loads(stack_files("dev", stack, TREE)["cdktf.out/stacks/dev/cdk.tf.json"])


def test_the_backend_and_cdktf_s_notes_are_left_out_and_nothing_else():
    expected = {name: value for name, value in STACK.items() if name != "//"}
    expected |= {"terraform": {"required_providers": STACK["terraform"]["required_providers"]}, "resource": {"aws_s3_bucket": {"b": {"bucket": "x"}}}}
    assert written(STACK) == expected
    assert written({**STACK, "terraform": [{"cloud": {}}, {"required_version": ">= 1"}]})["terraform"] == [{}, {"required_version": ">= 1"}]
    assert "s3" in STACK["terraform"]["backend"]


def test_stacks_that_mean_the_same_are_the_same_text():
    """The memory of what was judged goes by the text: neither order nor construct path may make another one of it."""
    body = {"bucket": "x", "//": {"metadata": {"path": "other/path"}}}
    same = {"resource": {"aws_s3_bucket": [{"b": [body]}]}} | {name: STACK[name] for name in ("provider", "data", "terraform")}
    one = {**same, "resource": {"aws_s3_bucket": {"b": body}}}
    assert stack_files("dev", one, TREE) == stack_files("dev", STACK, TREE)
    tagged = {**one, "resource": {"aws_s3_bucket": {"b": body | {"tags": {"//": "kept"}}}}}
    assert written(tagged)["resource"]["aws_s3_bucket"]["b"]["tags"] == {"//": "kept"}
    assert written(same)["resource"] == {"aws_s3_bucket": [{"b": [{"bucket": "x"}]}]}


@pytest.mark.parametrize("name", ["external", "http"])
def test_a_provider_with_one_type_is_called_by_its_name(name):
    """Its type has no second part that the resource's own name could be taken for."""
    assert foreign_providers({**STACK, "data": {name: {"e": {}}}}) == [f"hashicorp/{name}"]


def test_a_stack_with_commands_gets_the_tree():
    commands = {"terraform_data": {"t": {"provisioner": [{"local-exec": {"command": "./build.sh"}}]}}}
    assert set(TREE) <= set(stack_files("dev", {**STACK, "resource": commands}, TREE))


@pytest.mark.parametrize("value", ['${filebase64sha256("lambda.zip")}', "/case/lambda/index.py", "${path.module}/x", '${templatefile("a", {})}'])
def test_a_stack_that_may_read_files_gets_the_tree(value):
    stack = {**STACK, "output": {"o": {"value": value}}}
    assert set(TREE) <= set(stack_files("dev", stack, TREE))
    assert set(stack_files("dev", STACK, TREE)) == {"cdktf.out/stacks/dev/cdk.tf.json"}


def test_types_are_read_from_both_forms_of_a_block():
    assert used_types(STACK) == {"resource": ("aws_s3_bucket",), "data": ("aws_caller_identity",)}
    assert used_types({"resource": [{"aws_vpc": {}}, {"aws_subnet": {}, "//": {}}]}) == {"resource": ("aws_subnet", "aws_vpc"), "data": ()}


def test_addresses_lead_to_construct_paths():
    assert construct_paths(STACK) == {"aws_s3_bucket.b": "dev/b"}


@pytest.mark.parametrize(
    ("more", "expected"),
    [
        ({}, []),
        ({"terraform": {"required_providers": {"aws": {"source": "registry.terraform.io/hashicorp/aws"}}}}, []),
        ({"terraform": {"required_providers": {"random": {"source": "hashicorp/random"}}}}, ["hashicorp/random"]),
        ({"terraform": {"required_providers": {"dd": {"source": "DataDog/datadog"}}}, "provider": {"dd": [{}]}}, ["datadog/datadog"]),
        ({"resource": {"null_resource": {"n": {}}}}, ["hashicorp/null"]),
        ({"resource": {"aws_s3_bucket": {"b": {"provider": "aws.west"}}, "terraform_data": {"d": {}}}}, []),
        ({"data": {"archive_file": {"z": {}}, "terraform_remote_state": {"s": {}}}}, ["hashicorp/archive"]),
    ],
)
def test_providers_that_the_toolchain_lacks_are_known_without_terraform(more, expected):
    assert foreign_providers({**STACK, **more}) == expected


def test_modules_name_their_sources():
    modules = {"vpc": {"source": "terraform-aws-modules/vpc/aws"}, "own": [{"source": "./m"}]}
    assert module_sources({"module": modules}) == ["./m", "terraform-aws-modules/vpc/aws"]
    assert module_sources(STACK) == []


def test_the_key_changes_with_stacks_and_lines_but_not_with_an_unread_tree():
    other_tree = Tree({"tap.py": b"changed"})
    assert stacks_key(subject(STACK)) == stacks_key(subject(STACK, tree=other_tree))
    assert stacks_key(subject(STACK)) != stacks_key(subject(STACK, {"dev/b": ["tap.py", 3]}))
    assert stacks_key(subject(STACK)) != stacks_key(subject({**STACK, "provider": {}}))
    reading = {**STACK, "output": {"o": {"value": '${file("tap.py")}'}}}
    assert stacks_key(subject(reading)) != stacks_key(subject(reading, tree=other_tree))
