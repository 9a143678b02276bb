"""Deployments on the emulated AWS, for real: what is created, what never settles, what destroy leaves, and what is nobody's fault."""

import base64
import copy
import io
import json
import platform
import socket
import time
import zipfile
from types import SimpleNamespace

import pytest

from harness.gates.apply import PROVES, ApplyGate
from harness.gates.base import GateResult, Status, Subject
from harness.gates.plan import PlanGate
from harness.gates.synth import SynthGate
from harness.runner import GateRunner
from harness.sandbox import open_sandbox
from harness.session import Session
from harness.terraform.calls import TerraformSeries, TerraformStep
from harness.terraform.judge import missing_tools
from harness.terraform.server import ask_terraform
from harness.terraform.stacks import stack_folder, used_types
from harness.toolchain import find_toolchain
from harness.tree import Tree

pytestmark = [pytest.mark.terraform, pytest.mark.slow]

BASE = {
    "terraform": {"required_providers": {"aws": {"source": "aws", "version": "5.100.0"}}},
    "provider": {"aws": [{"region": "us-east-1"}]},
}
ASSUME = '{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"Service":"lambda.amazonaws.com"},"Action":"sts:AssumeRole"}]}'
READ = '{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"s3:GetObject","Resource":"*"}]}'
NO_RULE = {"description": "", "ipv6_cidr_blocks": [], "prefix_list_ids": [], "security_groups": [], "self": False}
LINES = {f"T/{name}": ["lib/stack.py", line] for line, name in enumerate("abcdefghijklmnopqrstuvwxyz", 1)}


def body(name, /, **fields):
    return {"//": {"metadata": {"path": f"T/{name}", "uniqueId": name}}, **fields}


def stack(**resources):
    return {**copy.deepcopy(BASE), "resource": resources}


def vpc(**more):
    return {"aws_vpc": {"v": body("v", cidr_block="10.0.0.0/16")}, **more}


def logs(name="l", **fields):
    return {name: body(name, name=name, **fields)}


@pytest.fixture(scope="module")
def opened():
    toolchain = find_toolchain()
    with Session(toolchain, open_sandbox(toolchain.bwrap)) as session:
        if reason := missing_tools(session):
            pytest.skip(reason)
        yield session


def judge(session, *stacks, gate=None, produced=None):
    output = {"stacks": {f"stack{number}": one for number, one in enumerate(stacks)}, "lines": LINES, "produced": produced or {}}
    earlier = {"synth": GateResult("synth", Status.PASS, output=output)}
    return (gate or ApplyGate()).run(Subject(SimpleNamespace(platform="cdktf", policies=()), Tree({"t.py": b""}), earlier), session)


def only(result):
    assert result.status is Status.FAIL, result
    (found,) = result.diagnostics
    return found


def test_a_stack_that_can_come_and_go_passes_and_says_what_that_proves(opened):
    result = judge(opened, stack(**vpc(aws_subnet={"s": body("s", vpc_id="${aws_vpc.v.id}", cidr_block="10.0.0.0/24")})))
    assert (result.status, result.output["actions"]) == (Status.PASS, {"create": 2})
    assert result.reason == result.output["proves"] == PROVES
    assert "never says that a value is allowed" in PROVES


def test_each_variant_gets_an_account_of_its_own(opened):
    kept = judge(opened, stack(aws_cloudwatch_log_group=logs(lifecycle={"prevent_destroy": True})))
    assert kept.status is Status.FAIL
    assert judge(opened, stack(aws_cloudwatch_log_group=logs(retention_in_days=7))).status is Status.PASS


def test_a_reference_to_the_wrong_attribute_fails_at_its_line(opened):
    found = only(judge(opened, stack(**vpc(aws_subnet={"s": body("s", vpc_id="${aws_vpc.v.arn}", cidr_block="10.0.0.0/24")}))))
    assert (found.address, found.locations[0].line) == ("aws_subnet.s", LINES["T/s"][1])
    assert found.symbols == ("aws_subnet", "aws_vpc.v")
    assert "InvalidVpcID.NotFound" in found.message and "RequestID" not in found.message


def test_a_name_that_does_not_order_two_resources_fails(opened):
    role = body("r", name="my-role", assume_role_policy=ASSUME, description="${aws_kms_key.k.key_id}")
    found = only(
        judge(
            opened,
            stack(aws_kms_key={"k": body("k")}, aws_iam_role={"r": role}, aws_iam_role_policy={"p": body("p", role="my-role", name="p", policy=READ)}),
        )
    )
    assert (found.address, found.symbols[-1]) == ("aws_iam_role_policy.p", "aws_iam_role.r")


def test_two_resources_of_one_name_are_one_failure_at_both_lines_whichever_comes_first(opened):
    twins = {name: body(name, name="same") for name in "ab"}
    found = only(judge(opened, stack(aws_cloudwatch_log_group=twins)))
    assert (found.address, [place.line for place in found.locations]) == ("aws_cloudwatch_log_group.a", [1, 2])


def test_resources_that_undo_each_other_are_drift(opened):
    rule = NO_RULE | {"from_port": 443, "to_port": 443, "protocol": "tcp", "cidr_blocks": ["10.0.0.0/16"]}
    group = {"g": body("g", name="g", vpc_id="${aws_vpc.v.id}", ingress=[rule])}
    more = body("r", type="ingress", from_port=80, to_port=80, protocol="tcp", cidr_blocks=["10.0.0.0/16"], security_group_id="${aws_security_group.g.id}")
    found = only(judge(opened, stack(**vpc(aws_security_group=group, aws_security_group_rule={"r": more}))))
    assert (found.code, found.address, found.symbols[0]) == ("drift", "aws_security_group.g", "ingress")
    assert "undone by aws_security_group_rule.r" in found.message


def test_a_value_that_is_another_one_each_time_is_drift(opened):
    found = only(judge(opened, stack(aws_cloudwatch_log_group=logs(tags={"at": "${timestamp()}"}))))
    assert (found.code, found.symbols[0], found.locations[0].line) == ("drift", "tags", LINES["T/l"][1])


def test_what_the_emulator_does_not_keep_is_a_note_and_no_drift(opened):
    queue = body("q", name="q", redrive_policy='${jsonencode({"deadLetterTargetArn" = aws_sqs_queue.d.arn, "maxReceiveCount" = 5})}')
    result = judge(opened, stack(aws_sqs_queue={"d": body("d", name="d"), "q": queue}))
    assert result.status is Status.PASS
    assert result.output["notes"] == ["the emulator does not keep redrive_policy of aws_sqs_queue"]
    assert result.reason.endswith("Not covered: the emulator does not keep redrive_policy of aws_sqs_queue.")


@pytest.mark.parametrize(
    ("resources", "address", "word"),
    [
        (
            {"aws_dynamodb_table": {"t": body("t", name="t", billing_mode="PAY_PER_REQUEST", hash_key="id",
              attribute=[{"name": "id", "type": "S"}], deletion_protection_enabled=True)}},
            "aws_dynamodb_table.t", "DeletionProtectionEnabled",
        ),
        ({"aws_cloudwatch_log_group": logs(lifecycle={"prevent_destroy": True}) | logs("m")}, "aws_cloudwatch_log_group.l", "prevent_destroy"),
        (
            {"aws_ecr_repository": {"e": body("e", name="repo")}, "aws_db_instance": {"d": body("d", identifier="db-1", engine="postgres",
              instance_class="db.t3.micro", allocated_storage=20, username="u", password="not-a-secret")}},
            "aws_db_instance.d", "final_snapshot_identifier",
        ),
    ],
)  # fmt: skip
def test_what_cannot_be_deleted_is_a_finding(opened, resources, address, word):
    found = only(judge(opened, stack(**resources)))
    assert (found.code, found.address) == ("cannot be deleted", address)
    assert word in found.message
    assert found.locations[0].line == LINES[f"T/{address[-1]}"][1]


def test_an_operation_that_is_not_emulated_leaves_the_rest_applied(opened):
    lacking = body("g", name="g", type="STATELESS", capacity=10)
    result = judge(opened, stack(aws_networkfirewall_rule_group={"g": lacking}, aws_cloudwatch_log_group=logs()))
    assert (result.status, result.reason) == (Status.INCONCLUSIVE, "emulator lacks network-firewall:CreateRuleGroup")
    assert result.output["actions"] == {"create": 1}


def test_what_only_another_account_has_is_environmental(opened):
    result = judge(opened, stack(aws_subnet={"s": body("s", vpc_id="vpc-12345678", cidr_block="10.0.0.0/24")}))
    assert result.status is Status.INCONCLUSIVE
    assert result.reason.startswith("environmental: aws_subnet.s needs something that an empty account does not have")


def test_a_stack_that_reads_another_one_s_state_comes_after_it(opened):
    state = {"local": {"path": "/case/terraform.stack1.tfstate"}}
    network = stack(**vpc()) | {"output": {"vpc": {"value": "${aws_vpc.v.id}"}}, "terraform": BASE["terraform"] | {"backend": state}}
    user = stack(aws_subnet={"s": body("s", vpc_id="${data.terraform_remote_state.n.outputs.vpc}", cidr_block="10.0.0.0/24")})
    user["data"] = {"terraform_remote_state": {"n": {"backend": "local", "config": state["local"]}}}
    result = judge(opened, user, network)
    assert (result.status, result.output["actions"]) == (Status.PASS, {"create": 2})


def test_an_asset_is_found_where_the_stack_says(opened):
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr("index.py", "def handler(event, context): ...\n")
    path = "assets/code/0A1B/archive.zip"
    function = body("f", function_name="f", role="${aws_iam_role.r.arn}", handler="index.handler", runtime="python3.12", filename=path)
    wanted = stack(aws_iam_role={"r": body("r", name="r", assume_role_policy=ASSUME)}, aws_lambda_function={"f": function})
    content = base64.b64encode(packed.getvalue()).decode()
    result = judge(opened, wanted, produced={f"{stack_folder('stack0')}/{path}": content})
    assert (result.status, result.output["actions"]) == (Status.PASS, {"create": 2}), result


@pytest.mark.skipif(platform.machine() != "x86_64", reason="the provider's clock is only changed on x86-64")
def test_waits_of_fixed_length_pass_faster_than_they_would(opened):
    queue = {"q": body("q", name="q")}
    started = time.monotonic()
    assert judge(opened, stack(aws_sqs_queue=queue)).status is Status.PASS
    # Creating a queue alone waits for 25 s of the provider's time.
    assert time.monotonic() - started < 25


def test_a_state_machine_does_not_hang_the_plan(opened):
    machine = body("m", name="m", role_arn="arn:aws:iam::123456789012:role/r", definition='{"StartAt": "A", "States": {"A": {"Type": "Succeed"}}}')
    started = time.monotonic()
    result = judge(opened, stack(aws_sfn_state_machine={"m": machine}), gate=PlanGate())
    assert (result.status, result.reason) == (Status.INCONCLUSIVE, "emulator lacks states:ValidateStateMachineDefinition")
    assert time.monotonic() - started < 30


def test_provisioners_are_not_run_and_their_resources_are(opened):
    shell = {"local-exec": {"command": "echo ran > /case/ran; exit 1"}}
    result = judge(opened, stack(aws_cloudwatch_log_group=logs(provisioner=[shell])))
    assert (result.status, result.reason) == (Status.INCONCLUSIVE, "the provisioner of aws_cloudwatch_log_group.l is not run")
    assert result.output["actions"] == {"create": 1}


def test_a_provisioner_that_is_run_all_the_same_reaches_neither_host_nor_network(opened, tmp_path):
    """Past the gate, which takes provisioners out: the sandbox alone has to hold."""
    listening = socket.create_server(("127.0.0.1", 0))
    tmp_path.chmod(0o777)
    # The words are split in two: terraform shows the command, too.
    shell = f"""
    touch {tmp_path}/escaped; touch /usr/escaped; touch /escaped
    agent=$(pgrep -f agent.py | head -1); echo fake > /proc/$agent/fd/1
    python3 -c 'import socket; socket.create_connection(("127.0.0.1", {listening.getsockname()[1]}), 2)' && echo NET''WORK
    python3 -c 'import socket; socket.create_connection(("192.0.2.1", 80), 2)' && echo NET''WORK
    env | sort; echo all''-ran
    """
    one = stack(terraform_data={"t": {"provisioner": [{"local-exec": {"command": shell}}]}})
    folder = stack_folder("s")
    step = TerraformStep(("apply", "-json", "-input=false", "-auto-approve", "-lock=false"), folder, used_types(one))
    answer = ask_terraform(opened, TerraformSeries(((step,),), {f"{folder}/cdk.tf.json": json.dumps(one).encode()}, emulator=True))
    said = answer.rounds[0][0].stdout
    assert answer.rounds[0][0].exit_code == 0 and "all-ran" in said, said
    assert "NETWORK" not in said
    assert "AWS_ACCESS_KEY_ID=assay" in said and "HOME=/tmp" in said
    assert not list(tmp_path.iterdir())
    listening.settimeout(0.1)
    with pytest.raises(TimeoutError):
        listening.accept()
    listening.close()
    assert judge(opened, stack(aws_cloudwatch_log_group=logs())).status is Status.PASS


def test_the_ideal_of_the_bundled_case_is_deployed_within_a_minute(opened, seed):
    result = GateRunner(seed, opened, [SynthGate()]).judge(seed.ideal)
    deployed = ApplyGate().run(Subject(seed, seed.ideal, result), opened)
    assert (deployed.status, deployed.reason) == (Status.INCONCLUSIVE, "emulator lacks network-firewall:CreateRuleGroup")
    assert deployed.output["actions"] == {"create": 57}
    assert deployed.wall < 60
