"""Terraform, the provider and the emulated AWS for real: what passes, what fails, and what is nobody's fault."""

import base64
import copy
import json
import re
import socket
import time
from concurrent.futures import ThreadPoolExecutor
from types import SimpleNamespace

import pytest

from harness.errors import HarnessFault
from harness.gates.apply import ApplyGate
from harness.gates.base import GateResult, Status, Subject
from harness.gates.plan import PlanGate
from harness.gates.validate import ValidateGate
from harness.sandbox import open_sandbox
from harness.session import Session
from harness.terraform.calls import TerraformCall
from harness.terraform.judge import missing_tools
from harness.terraform.messages import validate_errors
from harness.terraform.server import call_terraform
from harness.terraform.stacks import stack_files, stack_folder, used_types
from harness.toolchain import find_toolchain
from harness.tree import Tree

pytestmark = pytest.mark.terraform

TREE = Tree({"tap.py": b"pass", "lambda/index.py": b"pass"})


def body(name, /, **fields):
    return {"//": {"metadata": {"path": f"TapStack/{name}", "uniqueId": name}}, **fields}


GOOD = {
    "//": {"metadata": {"stackName": "TapStack"}},
    "terraform": {
        "required_providers": {"aws": {"source": "aws", "version": "5.100.0"}},
        "backend": {"s3": {"bucket": "b", "key": "k", "region": "us-east-1"}},
    },
    "provider": {"aws": [{"region": "us-east-1", "default_tags": [{"tags": {"team": "payments"}}]}]},
    "data": {"aws_caller_identity": {"me": body("me")}, "aws_availability_zones": {"zones": body("zones", state="available")}},
    "resource": {
        "aws_cloudwatch_log_group": {"logs": body("logs", name="logs", retention_in_days=365)},
        "aws_s3_bucket": {"audit": body("audit", bucket="audit-${data.aws_caller_identity.me.account_id}")},
        "aws_subnet": {"a": body("a", vpc_id="vpc-1", cidr_block="10.0.0.0/24", availability_zone="${element(data.aws_availability_zones.zones.names, 0)}")},
    },
}
APPLIED = {name: GOOD[name] for name in ("terraform", "provider")} | {"resource": {"aws_kms_key": {"k": body("k")}}}
PLAN = ("plan", "-json", "-input=false", "-lock=false")
TABLE = body("table", name="t", billing_mode="PROVISIONED", hash_key="id", attribute=[{"name": "id", "type": "S"}])
MACHINE = body("m", name="m", role_arn="arn:aws:iam::123456789012:role/r", definition='{"StartAt": "A", "States": {"A": {"Type": "Succeed"}}}')


@pytest.fixture(scope="module")
def session():
    toolchain = find_toolchain()
    with Session(toolchain, open_sandbox(toolchain.bwrap)) as opened:
        if reason := missing_tools(opened):
            pytest.skip(reason)
        yield opened


def stack(resources=None, **blocks):
    changed = copy.deepcopy(GOOD)
    for kind, instances in (resources or {}).items():
        changed["resource"].setdefault(kind, {}).update(instances)
    return {**changed, **blocks}


def judge(gate, session, *stacks, lines=None, tree=TREE):
    output = {"stacks": {f"stack{number}": one for number, one in enumerate(stacks)}, "lines": lines or {}}
    return gate.run(Subject(SimpleNamespace(platform="cdktf", policies=()), tree, {"synth": GateResult("synth", Status.PASS, output=output)}), session)


def ask(session, configuration, *arguments, types="used", emulator=False):
    known = used_types(configuration) if types == "used" else types
    return call_terraform(session, TerraformCall(arguments, stack_files("s", configuration, TREE), stack_folder("s"), known, emulator))


def test_a_good_stack_passes_both_gates(session):
    assert judge(ValidateGate(), session, GOOD).status is Status.PASS
    planned = judge(PlanGate(), session, GOOD)
    assert (planned.status, planned.output["actions"]) == (Status.PASS, {"create": 3})
    assert planned.cpu > 0


def test_an_impossible_retention_fails_validate_at_its_line(session):
    bad = stack({"aws_cloudwatch_log_group": {"logs": body("logs", name="logs", retention_in_days=2555)}})
    result = judge(ValidateGate(), session, bad, lines={"TapStack/logs": ["lib/monitoring.py", 30]})
    assert result.status is Status.FAIL
    (found,) = result.diagnostics
    assert found.address == "aws_cloudwatch_log_group.logs"
    assert found.message.startswith("expected retention_in_days to be one of [0 1 3")
    assert found.message.endswith("got 2555")
    assert (found.locations[0].file, found.locations[0].line) == ("lib/monitoring.py", 30)
    assert found.symbols[0] == "retention_in_days"


def test_an_unknown_attribute_fails_validate(session):
    result = judge(ValidateGate(), session, stack({"aws_s3_bucket": {"audit": body("audit", bukket="x")}}))
    (found,) = result.diagnostics
    assert (found.address, found.symbols[0]) == ("aws_s3_bucket.audit", "bukket")
    assert 'Did you mean "bucket"?' in found.message


def test_every_stack_is_judged(session):
    wrong = stack({"aws_vpc": {"v": body("v", cidr_block=["10.0.0.0/16"])}})
    also_wrong = stack({"aws_kms_key": {"k": body("k", deletion_window_in_days=3)}})
    result = judge(ValidateGate(), session, wrong, GOOD, also_wrong)
    assert {one.address for one in result.diagnostics} == {"aws_vpc.v", "aws_kms_key.k"}


def test_a_table_without_capacity_passes_validate_and_fails_plan(session):
    bad = stack({"aws_dynamodb_table": {"t": TABLE}})
    assert judge(ValidateGate(), session, bad).status is Status.PASS
    result = judge(PlanGate(), session, bad)
    assert [one.address for one in result.diagnostics] == ["aws_dynamodb_table.t"]
    assert "read_capacity must be at least 1" in result.diagnostics[0].message


@pytest.mark.parametrize(
    "resources",
    [
        {"aws_s3_bukket": {"x": body("x")}},
        {"aws_availability_zones": {"x": body("x")}},
        {"aws_s3_bucket_versioning": {"x": body("x", bucket="b", versioning_configuration={"status": "on", "zz": 1})}},
        {"aws_s3_bucket": {"x": body("x", bucket="${aws_kms_key.none.arn}")}},
        {"aws_security_group": {"x": body("x", name="${aws_security_group.y.id}"), "y": body("y", name="${aws_security_group.x.id}")}},
        {"aws_lambda_function": {"x": body("x", function_name="f")}},
    ],
)
def test_a_reduced_schema_gives_the_answer_of_the_whole_one(session, resources):
    bad = stack(resources)
    reduced, whole = (validate_errors(ask(session, bad, "validate", "-json", types=types)) for types in ("used", None))

    def texts(errors):
        return sorted(json.dumps(one, sort_keys=True) for one in errors if not one["summary"].startswith("Cycle"))

    assert reduced
    assert texts(reduced) == texts(whole)


def test_an_operation_that_is_not_emulated_is_named_and_does_not_hang(session):
    started = time.monotonic()
    result = judge(PlanGate(), session, stack({"aws_sfn_state_machine": {"m": MACHINE}}))
    assert (result.status, result.reason) == (Status.INCONCLUSIVE, "emulator lacks states:ValidateStateMachineDefinition")
    assert result.output["actions"] == {"create": 3}
    assert time.monotonic() - started < 60


def test_a_failure_beside_a_hole_is_still_a_failure(session):
    result = judge(PlanGate(), session, stack({"aws_sfn_state_machine": {"m": MACHINE}, "aws_dynamodb_table": {"t": TABLE}}))
    assert [one.address for one in result.diagnostics] == ["aws_dynamodb_table.t"]
    assert result.output["holes"] == ["emulator lacks states:ValidateStateMachineDefinition"]


def test_a_data_source_that_finds_nothing_is_not_the_codes_fault(session):
    looking = stack(
        data={"aws_route53_zone": {"z": {"name": "example.com"}}, "aws_ami": {"x": {"owners": ["amazon"], "filter": [{"name": "name", "values": ["none*"]}]}}}
    )
    looking["resource"] = {"aws_kms_key": {"k": body("k")}}
    result = judge(PlanGate(), session, looking)
    assert result.status is Status.INCONCLUSIVE
    assert "data.aws_route53_zone.z looks for something that an empty account does not have" in result.reason


def test_a_data_source_that_waits_is_interrupted(session):
    waiting = stack({"aws_dynamodb_table": {"t": TABLE}})
    waiting["data"]["aws_iam_policy"] = {"p": {"name": "none"}}
    started = time.monotonic()
    result = judge(PlanGate(), session, waiting)
    assert [one.address for one in result.diagnostics] == ["aws_dynamodb_table.t"]
    assert result.output["holes"]
    assert time.monotonic() - started < 60


@pytest.mark.parametrize("gate", [ValidateGate(), PlanGate()])
def test_a_provider_that_is_not_there_is_named(session, gate):
    result = judge(gate, session, stack({"random_string": {"r": {"length": 8}}}))
    assert result.status is Status.INCONCLUSIVE
    assert "hashicorp/random" in result.reason


def test_each_provider_block_keeps_its_region(session):
    two = {
        "provider": {"aws": [{"region": "us-east-1"}, {"alias": "west", "region": "eu-west-1"}]},
        "data": {"aws_region": {"here": {}, "there": {"provider": "aws.west"}}},
    }
    answer = ask(session, two, "plan", "-json", "-input=false", "-lock=false", emulator=True)
    events = [json.loads(line) for line in answer.stdout.splitlines()]
    read = {event["hook"]["resource"]["addr"]: event["hook"]["id_value"] for event in events if event["type"] == "apply_complete"}
    assert read == {"data.aws_region.here": "us-east-1", "data.aws_region.there": "eu-west-1"}


def test_files_of_the_tree_are_where_they_were_during_synth(session):
    reading = stack(output={"o": {"value": '${file("/case/lambda/index.py")}'}})
    assert judge(ValidateGate(), session, reading).status is Status.PASS
    result = judge(ValidateGate(), session, reading, tree=Tree({"tap.py": b""}))
    assert "no such file" in result.diagnostics[0].message or "no file exists" in result.diagnostics[0].message


def hosts_credentials(home, port):
    """Every way that the AWS SDK looks for credentials, filled in on the host; and what else steers terraform."""
    (home / ".aws").mkdir()
    keys = "aws_access_key_id = AKIAHOSTFILE\naws_secret_access_key = host-file\n"
    (home / ".aws" / "credentials").write_text(f"[default]\n{keys}[host-profile]\n{keys}")
    (home / ".aws" / "config").write_text(f"[default]\ncredential_process = touch {home}/process-ran\n[profile host-profile]\nregion = eu-west-1\n")
    (home / "token").write_text("host-web-identity")
    (home / ".terraformrc").write_text('provider_installation {\n  filesystem_mirror {\n    path = "/nowhere"\n  }\n}\n')
    metadata = f"http://127.0.0.1:{port}/metadata"
    return {
        "HOME": str(home), "AWS_ACCESS_KEY_ID": "AKIAHOSTENV", "AWS_SECRET_ACCESS_KEY": "host-secret", "AWS_SESSION_TOKEN": "host-token",
        "AWS_PROFILE": "host-profile", "AWS_CONFIG_FILE": f"{home}/.aws/config", "AWS_SHARED_CREDENTIALS_FILE": f"{home}/.aws/credentials",
        "AWS_WEB_IDENTITY_TOKEN_FILE": f"{home}/token", "AWS_ROLE_ARN": "arn:aws:iam::999999999999:role/host",
        "AWS_CONTAINER_CREDENTIALS_FULL_URI": metadata, "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI": "/host", "AWS_CONTAINER_AUTHORIZATION_TOKEN": "host-auth",
        "AWS_EC2_METADATA_DISABLED": "false", "AWS_EC2_METADATA_SERVICE_ENDPOINT": metadata, "AWS_ENDPOINT_URL": metadata, "AWS_ENDPOINT_URL_STS": metadata,
        "AWS_ENDPOINT_URL_S3": metadata, "AWS_REGION": "eu-north-1", "HTTP_PROXY": metadata, "HTTPS_PROXY": metadata, "TF_VAR_secret": "host-variable",
        "TF_CLI_ARGS": "-nonsense", "TF_CLI_CONFIG_FILE": f"{home}/.terraformrc", "TF_TOKEN_app_terraform_io": "host-terraform", "VAULT_TOKEN": "host-vault",
    }  # fmt: skip


def test_nothing_of_the_hosts_credentials_is_seen_inside(monkeypatch, tmp_path):
    listening = socket.create_server(("127.0.0.1", 0))
    hosts = hosts_credentials(tmp_path, listening.getsockname()[1])
    for name, value in hosts.items():
        monkeypatch.setenv(name, value)
    toolchain = find_toolchain()
    # Terraform itself says, in an error, what the processes inside have in their environments, and what networks there are.
    names = 'concat(tolist(fileset("/proc", "[0-9]*/environ")), tolist(fileset("/proc", "[0-9]*/net/dev")))'
    tell = f'join(" ", [for name in {names} : try(replace(base64encode(file("/proc/${{name}}")), "/", "_"), "")])'
    with Session(toolchain, open_sandbox(toolchain.bwrap)) as opened:
        if reason := missing_tools(opened):
            pytest.skip(reason)
        asking = ask(opened, {"data": {"aws_caller_identity": {"me": {}}}, "output": {"o": {"value": "${data.aws_caller_identity.me}"}}}, *PLAN, emulator=True)
        assert judge(ApplyGate(), opened, APPLIED).status is Status.PASS
        (error,) = validate_errors(ask(opened, {"output": {"o": {"value": "${file(" + tell + ")}"}}}, "validate", "-json"))
    told = [base64.b64decode(word, b"+_").decode() for word in re.findall(r"[A-Za-z0-9+_]{40,}={0,2}", error["detail"])]
    networks = [text for text in told if text.startswith("Inter-")]
    environments = [text for text in told if "\0" in text]
    assert len(environments) >= 3, "terraform, provider and emulator; the agent does not let itself be read"
    seen = [dict(entry.partition("=")[::2] for entry in text.split("\0")) for text in environments]
    ours = {"HOME", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_EC2_METADATA_DISABLED", "AWS_ENDPOINT_URL", "AWS_REGION"}
    for one in seen:
        assert (one["AWS_ACCESS_KEY_ID"], one["AWS_SECRET_ACCESS_KEY"], one["HOME"]) == ("assay", "assay", "/tmp")
        assert one["AWS_EC2_METADATA_DISABLED"] == "true"
        assert not {name for name, value in one.items() if hosts.get(name) == value}
        assert not one.keys() & (hosts.keys() - ours)
        assert one.get("AWS_ENDPOINT_URL", "http://127.0.0.1:").startswith("http://127.0.0.1:")
    assert networks and all(re.findall(r"^\s*(\w+):", text, re.MULTILINE) == ["lo"] for text in networks), "a loopback and nothing else"
    # The account that answers is the emulator's, and nobody asked the host.
    assert '"id_value":"123456789012"' in asking.stdout
    listening.settimeout(0.1)
    with pytest.raises(TimeoutError):
        listening.accept()
    listening.close()
    assert not (tmp_path / "process-ran").exists()


def test_an_error_of_validate_has_address_attribute_path_and_line(session):
    """Terraform gives an address and a block's path, or the path inside a message: all three have to arrive."""
    lines = {f"TapStack/{name}": ["lib/stack.py", line] for line, name in enumerate(("v", "r", "t", "f", "p"), 3)}
    status = {"status": "on"}
    wrong = {
        "aws_s3_bucket_versioning": {"v": body("v", bucket="b", versioning_configuration=status)},
        "aws_s3_bucket_lifecycle_configuration": {"r": body("r", bucket="b", rule=[{"id": "x", "status": "enabled"}])},
        "aws_dynamodb_table": {"t": body("t", name="t", hash_key="id", attribute=[{"name": "id", "type": "STRING"}])},
        "aws_lambda_function": {"f": body("f", function_name="f", role="r", vpc_config={"subnet_ids": "s", "zz": 1})},
        "aws_kms_key": {"p": body("p", policy="{not json")},
    }
    result = judge(ValidateGate(), session, stack(wrong), lines=lines)
    found = {(one.address, one.symbols[0]) for one in result.diagnostics}
    assert found == {
        ("aws_s3_bucket_versioning.v", "versioning_configuration.status"),
        ("aws_s3_bucket_lifecycle_configuration.r", "rule.status"),
        ("aws_dynamodb_table.t", "attribute.type"),
        ("aws_lambda_function.f", "vpc_config.zz"),
        ("aws_lambda_function.f", "vpc_config.subnet_ids"),
        ("aws_lambda_function.f", "vpc_config.security_group_ids"),
        ("aws_kms_key.p", "policy"),
    }
    assert all(one.locations and one.locations[0].file == "lib/stack.py" for one in result.diagnostics)


def test_a_stack_that_was_judged_costs_nothing_whatever_its_lines_and_its_order_are(session):
    bad = stack({"aws_kms_key": {"k": body("k", deletion_window_in_days=3), "other": body("other", enable_key_rotation=True)}})
    first = judge(ValidateGate(), session, bad, lines={"TapStack/k": ["lib/a.py", 3]})
    turned = {name: bad[name] for name in reversed(list(bad))}
    moved = judge(ValidateGate(), session, turned, lines={"TapStack/k": ["lib/b.py", 70]})
    assert first.cpu > 0 and moved.cpu == 0
    assert [one.locations[0].line for one in (*first.diagnostics, *moved.diagnostics)] == [3, 70]


def test_the_server_outlives_the_thread_that_started_it():
    toolchain = find_toolchain()
    with Session(toolchain, open_sandbox(toolchain.bwrap)) as opened:
        if reason := missing_tools(opened):
            pytest.skip(reason)
        with ThreadPoolExecutor(1) as pool:
            assert pool.submit(judge, ValidateGate(), opened, GOOD).result().status is Status.PASS
        server = opened.service("terraform", None)
        time.sleep(0.2)
        assert judge(ValidateGate(), opened, stack({"aws_kms_key": {"again": body("k")}})).status is Status.PASS
        assert opened.service("terraform", None) is server


def test_a_server_that_died_is_started_once_more(session):
    judge(ValidateGate(), session, GOOD)
    server = session.service("terraform", None)
    server._running.kill()
    assert judge(ValidateGate(), session, stack({"aws_kms_key": {"again": body("k")}})).status is Status.PASS
    assert session.service("terraform", None) is not server


def test_a_closed_server_says_so(session):
    judge(ValidateGate(), session, GOOD)
    server = session.service("terraform", None)
    server.close()
    server.close()
    with pytest.raises(HarnessFault, match="has ended"):
        server.call(TerraformCall(("version",), {}, "."))
