"""The map from terraform's arguments to AWS's schema holds, and the rules that read it are sure, fast and hard to upset."""

from __future__ import annotations

import dataclasses
import json
import re
import time
from importlib.util import find_spec
from pathlib import Path

import pytest

from harness.case import Case
from harness.constraints import aws_schema, aws_schema_data, aws_schema_instances
from harness.constraints.aws_schema_data import KINDS, instance_argument, instances, limits, mapped
from harness.constraints.base import Rule, Violation
from harness.constraints.graph import build_graphs
from harness.errors import HarnessFault
from harness.gates.base import GateResult, Status, Subject
from harness.gates.validate import ValidateGate
from harness.session import Session
from harness.terraform.judge import missing_tools
from harness.tree import Tree

RULES = (*aws_schema.RULES, *aws_schema_instances.RULES)
MANY = 60


def _found(stack: dict, *rules: Rule) -> list[Violation]:
    (graph,) = build_graphs({"stack": stack})
    return [violation for rule in rules or RULES for violation in rule.check(graph)]


def _one(kind: str, region: str | None = None, **arguments: object) -> dict:
    provider = {"provider": {"aws": [{"region": region}]}} if region else {}
    return {**provider, "resource": {kind: {"main": arguments}}}


def _rule(name: str) -> Rule:
    return next(rule for rule in RULES if rule.id == name)


def test_every_limit_of_the_map_is_in_the_schemas() -> None:
    count = 0
    for kind, entry in mapped()["types"].items():
        named = {(path, name) for name in KINDS for path in entry.get(name, {})}
        assert {(".".join(limit.path), limit.kind) for limit in limits(kind, None)} == named
        assert named and not set(entry) - {"schema", *KINDS}, kind
        count += len(named)
    assert count > 800


def test_every_mapped_argument_is_one_of_the_bindings() -> None:
    package = find_spec("cdktf_cdktf_provider_aws")
    assert package is not None and package.submodule_search_locations
    # Where cdktf cuts a name into words is not always where terraform does.
    modules = {path.name.replace("_", ""): path for path in Path(package.submodule_search_locations[0]).iterdir()}
    paths = {kind: {path for name in KINDS for path in entry.get(name, {})} for kind, entry in mapped()["types"].items()}
    for kind, entry in mapped()["instances"].items():
        paths.setdefault(kind, set()).add(entry["path"])
    for kind, named in paths.items():
        text = (modules[kind.removeprefix("aws_").replace("_", "")] / "__init__.py").read_text(encoding="utf-8")
        given = set(re.findall(r"^        (\w+): ", text, re.MULTILINE))
        assert {path.partition(".")[0] for path in named} <= given, kind


def test_every_list_of_instances_is_there_and_written_as_the_map_says() -> None:
    for kind in mapped()["instances"]:
        argument = instance_argument(kind)
        assert argument is not None
        known = instances(argument.file, None)
        assert len(known["us-east-1"]) > 5
        assert all(one.startswith(argument.prefix) and one.endswith(argument.suffix) for names in known.values() for one in names), kind


def test_a_type_that_is_not_mapped_has_no_limits() -> None:
    assert limits("aws_no_such_thing", None) == ()
    assert instance_argument("aws_no_such_thing") is None


@pytest.mark.parametrize("region", ["us-east-1", "eu-west-1", "xx-nowhere-1", "../../../etc/passwd", ""])
def test_any_region_has_limits(region: str) -> None:
    assert limits("aws_lambda_function", region) == limits("aws_lambda_function", None)


def test_the_region_of_the_stack_decides_on_instances() -> None:
    assert _found(_one("aws_instance", region="ap-southeast-7", instance_type="m4.large"))
    assert not _found(_one("aws_instance", region="us-east-1", instance_type="m4.large"))
    assert not _found(_one("aws_instance", instance_type="m4.large"))


def test_two_wrong_arguments_are_two_findings_and_two_wrong_values_one() -> None:
    long = _found(_one("aws_networkfirewall_firewall", name="f" * 129, description="d" * 513), _rule("aws-schema-length"))
    assert {one.address for one in long} == {"aws_networkfirewall_firewall.main.name", "aws_networkfirewall_firewall.main.description"}
    (both,) = _found(_one("aws_wafv2_web_acl", rule=[{"name": "a b"}, {"name": "c d"}, {"name": "e"}]))
    assert "'a b'" in both.message and "'c d'" in both.message and both.symbols[:3] == ("name", "a b", "c d")


def test_a_message_names_what_is_there_and_what_aws_wants() -> None:
    (found,) = _found(_one("aws_autoscaling_policy", adjustment_type="AddCapacity"))
    wanted = "one of ChangeInCapacity, ExactCapacity, PercentChangeInCapacity"
    assert found.message == f"aws_autoscaling_policy.main: adjustment_type is 'AddCapacity', and AWS wants {wanted}"


@pytest.mark.parametrize(
    "value", [None, [], {}, [[]], [None], {"a": {}}, True, "", 0, -1, "0", "${x}", "%{ if x }a%{ endif }", "x" * 100_000, 10**400, "\ud800"]
)
@pytest.mark.parametrize(
    ("kind", "path"),
    [
        ("aws_iam_role", "path"),
        ("aws_autoscaling_policy", "adjustment_type"),
        ("aws_rds_cluster_instance", "promotion_tier"),
        ("aws_wafv2_web_acl", "rule"),
        ("aws_instance", "instance_type"),
        ("aws_opensearch_domain", "cluster_config"),
    ],
)
def test_no_value_breaks_a_rule(kind: str, path: str, value: object) -> None:
    for stack in (_one(kind, **{path: value}), _one(kind, **{path: [value]}), _one(kind, **{path: {"name": value}})):
        assert all(one.message and len(one.message) < 2000 for one in _found(stack))


def test_a_pattern_that_takes_too_long_is_given_up() -> None:
    # Nested repetitions over a text that nearly matches: as written, minutes of backtracking.
    started = time.monotonic()
    _found(_one("aws_ecr_repository", name="a-" * 255 + "!"), _rule("aws-schema-pattern"))
    _found(_one("aws_workspaces_directory", active_directory_config={"domain_name": "a" * 60 + "!"}), _rule("aws-schema-pattern"))
    assert time.monotonic() - started < 1


def test_the_rules_are_fast_enough_for_every_variant() -> None:
    resources = {f"r{number}": {"name": f"queue-{number}", "description": "d" * 200, "path": "/x/"} for number in range(MANY)}
    stack = {"resource": {kind: dict(list(resources.items())[:10]) for kind in list(mapped()["types"])[::50]}}
    assert sum(map(len, stack["resource"].values())) >= MANY
    _found(stack)
    started = time.perf_counter()
    _found(stack)
    assert time.perf_counter() - started < 0.05


def test_a_schema_that_lacks_what_the_map_names_is_our_fault(monkeypatch: pytest.MonkeyPatch) -> None:
    changed = {"types": {"aws_x": {"schema": "AWS::SNS::Topic", "enum": {"name": "TopicName"}}, "aws_y": {"schema": "AWS::No::Such", "enum": {"a": "A"}}}}
    monkeypatch.setattr(aws_schema_data, "mapped", lambda: changed)
    for kind, said in (("aws_x", "AWS::SNS::Topic TopicName has no enum"), ("aws_y", "does not have AWS::No::Such")):
        with pytest.raises(HarnessFault, match=said):
            limits.__wrapped__(kind, None)


def test_a_missing_cfn_lint_is_said_with_its_remedy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(aws_schema_data, "find_spec", lambda name: None)
    with pytest.raises(HarnessFault, match="cfn-lint is not installed") as caught:
        aws_schema_data._folder.__wrapped__()
    assert "make setup" in caught.value.remedy


BEYOND: dict[str, dict[str, object]] = {
    # One resource a row, complete but for the one value that AWS refuses.
    "aws_lambda_function": {"function_name": "f", "role": "arn:aws:iam::123456789012:role/r", "handler": "a.b", "runtime": "python3.12", "filename": "f.zip",
                            "description": "d" * 257},
    "aws_iam_role": {"name": "r", "assume_role_policy": json.dumps({"Version": "2012-10-17", "Statement": []}), "description": "Runs \u2014 nightly"},
    "aws_autoscaling_policy": {"name": "p", "autoscaling_group_name": "g", "scaling_adjustment": 1, "adjustment_type": "AddCapacity"},
    "aws_rds_cluster_instance": {"cluster_identifier": "c", "engine": "aurora-postgresql", "instance_class": "db.r6g.large", "promotion_tier": 16},
    "aws_ecr_repository": {"name": "Payments/API"},
    "aws_networkfirewall_firewall": {"name": "has blanks", "vpc_id": "vpc-0123456789abcdef0", "firewall_policy_arn": "arn:aws:iam::111122223333:policy/p",
                                     "subnet_mapping": [{"subnet_id": "subnet-0123456789abcdef0"}]},
    "aws_instance": {"ami": "ami-0123456789abcdef0", "instance_type": "t3.tiny"},
    "aws_db_instance": {"instance_class": "db.m5.micro", "engine": "postgres", "allocated_storage": 20, "username": "keeper", "password": "long-enough-1"},
    "aws_elasticache_replication_group": {"replication_group_id": "g", "description": "d", "node_type": "cache.t3.large"},
    "aws_codedeploy_deployment_group": {"app_name": "a", "deployment_group_name": "g", "service_role_arn": "arn:aws:iam::123456789012:role/r",
                                        "auto_rollback_configuration": [{"enabled": True, "events": ["ALARM"]}]},
}  # fmt: skip


@pytest.mark.terraform
@pytest.mark.parametrize("kind", BEYOND)
def test_terraform_lets_pass_what_the_rules_report(session: Session, seed: Case, kind: str) -> None:
    if reason := missing_tools(session):
        pytest.skip(reason)
    required = {"required_providers": {"aws": {"source": "aws", "version": session.toolchain.wanted["provider"]}}}
    stack = {"terraform": required, **_one(kind, region="us-east-1", **BEYOND[kind])}
    assert len(_found(stack)) == 1
    synth = GateResult("synth", Status.PASS, output={"stacks": {"s": stack}, "lines": {}})
    subject = Subject(dataclasses.replace(seed, env={}), Tree({"tap.py": b"pass"}), {"synth": synth})
    result = ValidateGate().run(subject, session)
    assert (result.status, result.reason) == (Status.PASS, ""), result.diagnostics
