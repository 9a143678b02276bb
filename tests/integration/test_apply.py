"""Deployments on the emulated AWS, for real: what is created, what never settles, what destroy leaves, and what is nobody's fault."""

import base64
import copy
import io
import platform
import socket
import time
import zipfile
from types import SimpleNamespace

import pytest

from harness.case import load_case
from harness.gates.apply import PROVES, ApplyGate
from harness.gates.base import GateResult, Status, Subject
from harness.gates.plan import PlanGate
from harness.gates.synth import SynthGate
from harness.gates.validate import ValidateGate
from harness.runner import GateRunner
from harness.sandbox import open_sandbox
from harness.session import Session
from harness.terraform.judge import missing_tools
from harness.terraform.stacks import stack_folder
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
    assert len(result.diagnostics) == 1, [(one.address, one.message) for one in result.diagnostics]
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


def shell(command, **settings):
    return {"local-exec": {"command": command, **settings}}


def commands(*provisioners, name="t", **fields):
    """A resource that is nothing but its provisioners."""
    return {"terraform_data": {name: body(name, provisioner=list(provisioners), **fields)}}


def test_a_command_runs_with_all_that_its_provisioner_says(opened):
    one = shell(
        "[[ $PWD == */case/made && $GREETING == 'hi ${self.id}' && -z $TF_REATTACH_PROVIDERS ]] && ls ../cdktf.out > list",
        interpreter=["/bin/bash", "-c"], working_dir="/case/made", environment={"GREETING": "hi ${self.id}"}, quiet=True,
    )  # fmt: skip
    merged = shell("test $A$B = 12 && grep -q stacks ../../../made/list", environment="${merge({ A = 1 }, { B = 2 })}")
    result = judge(opened, stack(**commands(shell("mkdir /case/made"), one, merged, shell("exit 3", on_failure="continue"))))
    assert (result.status, result.output["actions"]) == (Status.PASS, {"create": 1}), result


def test_a_command_that_fails_fails_the_apply_at_its_resource(opened):
    found = only(judge(opened, stack(**commands(shell("echo oops >&2; exit 3")))))
    assert (found.code, found.address, found.locations[0].line) == ("local-exec provisioner error", "terraform_data.t", LINES["T/t"][1])
    assert found.message.endswith("exit status 3. Output: oops\n")
    # What a command prints is not taken for the emulator's word, and what a case does not bring is the case's own fault.
    assert only(judge(opened, stack(**commands(shell("echo NoSuchBucket: it does not exist; exit 1"))))).address == "terraform_data.t"
    assert "missing.sh" in only(judge(opened, stack(**commands(shell("./missing.sh"))))).message


def test_a_command_for_destroy_runs_at_destroy(opened):
    found = only(judge(opened, stack(**commands(shell("exit 4", when="destroy")))))
    assert (found.code, found.address) == ("destroy leaves something", "terraform_data.t")
    assert judge(opened, stack(**commands(shell("test -n ${self.id}", when="destroy")))).status is Status.PASS


def test_a_command_reaches_the_emulated_aws_and_no_more_of_the_emulator(opened):
    asks = """
import os, boto3, urllib.request, urllib.error
assert boto3.client("s3").list_buckets()["Buckets"][0]["Name"] == "asked-for"
for path in ("/assay/news", "/moto-api/reset", "/moto-api/data.json"):
    try: urllib.request.urlopen(os.environ["AWS_ENDPOINT_URL"] + path); raise SystemExit(path)
    except urllib.error.HTTPError as error: assert error.code == 403
"""
    bucket = {"b": body("b", bucket="asked-for", provisioner=[shell(asks, interpreter=["python3", "-c"])])}
    result = judge(opened, stack(aws_s3_bucket=bucket))
    assert (result.status, result.output["actions"]) == (Status.PASS, {"create": 1}), result


@pytest.mark.parametrize(
    ("provisioner", "reason"),
    [
        (shell("aws s3 ls | cat; exit 1"), "the provisioner of terraform_data.t needs `aws`, which is not in the sandbox"),
        (shell("Write-Host", interpreter=["pwsh", "-Command"]), "the provisioner of terraform_data.t needs `pwsh`, which is not in the sandbox"),
        (shell("getent hosts example.com"), "the provisioner of terraform_data.t needs a network beyond the emulated AWS: example.com"),
        (
            {"remote-exec": {"inline": ["id"]}},
            "the remote-exec provisioner of terraform_data.t needs a machine to connect to, which an emulated AWS does not have",
        ),
        (shell("true", interpreter="${[]}"), "the provisioner of terraform_data.t is not run, since its interpreter is an expression"),
    ],
    ids=lambda one: "" if isinstance(one, str) else next(iter(one)),
)  # fmt: skip
def test_a_command_that_needs_what_nobody_has_here_is_inconclusive_and_the_rest_is_judged(opened, provisioner, reason):
    result = judge(opened, stack(**commands(provisioner), aws_cloudwatch_log_group=logs(depends_on=["terraform_data.t"])))
    assert (result.status, result.reason, result.output["actions"]) == (Status.INCONCLUSIVE, reason, {"create": 2})
    assert result.lasts


def test_what_may_follow_from_a_command_that_was_not_run_is_no_failure_and_what_does_not_is(opened):
    one = commands(shell("aws s3 cp s3://b/k fetched"))
    reads = body("v", cidr_block="10.0.0.0/16", provisioner=[shell("test -e fetched")])
    result = judge(opened, stack(**one, aws_vpc={"v": {**reads, "depends_on": ["terraform_data.t"]}}))
    assert result.status is Status.INCONCLUSIVE and "aws_vpc.v hangs together with a provisioner" in result.reason, result
    assert only(judge(opened, stack(**one, aws_vpc={"v": reads}))).address == "aws_vpc.v"


SPY = """
exec 2>&1
env | sort
ls -a /tmp /case /case/cdktf.out/stacks/stack0 /dev/shm
touch {host}/escaped /usr/escaped /escaped /assay/escaped && echo WRO""TE
for process in /proc/[0-9]*; do
  [ "$(readlink $process/ns/pid)" = "$(readlink /proc/self/ns/pid)" ] && continue
  grep '^terraform' $process/comm && echo SE""EN
  tr '\\0' ' ' < $process/cmdline | grep -E '/assay/(agent|emulator).py' && echo SE""EN
  cat $process/environ $process/maps $process/mem > /dev/null && echo RE""AD
  readlink $process/fd/1 && echo OPE""NED
done
kill -9 -1
python3 -c 'import socket; socket.create_connection(("127.0.0.1", {port}), 2)' && echo NET""WORK
python3 -c 'import socket; socket.create_connection(("192.0.2.1", 80), 2)' 2> /dev/null && echo NET""WORK
echo listening: $(grep -c ' 0A ' /proc/net/tcp)
printf '{{}}' > terraform.tfstate; printf '{{"exit_code": 0}}' > .assay-provisioners; printf '{{}}' > cdk.tf.json; printf '{{}}' > more.auto.tfvars.json
ln -s /assay link; mkfifo pipe; printf x > /case/cdktf.out/stacks/stack0/kept
echo all""-ran; exit 1
"""


def test_a_command_sees_and_changes_neither_verdict_nor_terraform_nor_provider_nor_host(opened, tmp_path):
    """What it says comes back in the diagnostic of its failure, which it cannot talk away either."""
    listening = socket.create_server(("127.0.0.1", 0))
    tmp_path.chmod(0o777)
    spy = SPY.format(host=tmp_path, port=listening.getsockname()[1])
    kept = shell("test -e kept -a ! -e link -a ! -e pipe -a ! -e terraform.tfstate -a ! -e more.auto.tfvars.json && grep -q terraform_data cdk.tf.json")
    spying = body("s", provisioner=[shell(spy, interpreter=["/bin/bash", "-c"])])
    look = body("l", provisioner=[kept], depends_on=["terraform_data.m"])
    more = body("m", provisioner=[shell(spy.replace("exit 1", "exit 0"), interpreter=["/bin/bash", "-c"])])
    result = judge(opened, stack(terraform_data={"s": spying, "m": more, "l": look}))
    found = only(result)
    assert result.output["actions"] == {"create": 2}
    assert found.address == "terraform_data.s" and "all-ran" in found.message, found.message
    said = found.message.partition("Output:")[2]
    for word in ("WROTE", "SEEN", "READ", "OPENED", "NETWORK", "agent.log", "tfstate\n", "provider-"):
        assert word not in said, said
    assert "listening: 1" in said
    names = {line.partition("=")[0] for line in map(str.strip, said.splitlines()) if line.startswith(("AWS_", "TF_", "ASSAY"))}
    assert names == {"AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_REGION", "AWS_EC2_METADATA_DISABLED", "AWS_ENDPOINT_URL"}
    assert "AWS_SECRET_ACCESS_KEY=assay" in said
    assert not list(tmp_path.iterdir())
    listening.settimeout(0.1)
    with pytest.raises(TimeoutError):
        listening.accept()
    listening.close()
    assert judge(opened, stack(aws_cloudwatch_log_group=logs())).status is Status.PASS


def test_nothing_of_the_subject_s_choice_is_loaded_into_the_shield(opened):
    """A library or a module that the environment names is the command's, not that of the Python and the bubblewrap around it."""
    settings = {"LD_PRELOAD": "/case/none.so", "PYTHONPATH": "/case", "PYTHONSTARTUP": "/case/x.py", "ASSAY_SHIELD": "{}", "PATH": "/case"}
    result = judge(opened, stack(**commands(shell("echo $ASSAY_SHIELD $PYTHONPATH; exit 7", environment=settings))))
    assert "exit status 7" in only(result).message and "{} /case" in only(result).message
    assert only(result).message.count("LD_PRELOAD") <= 1


def test_a_command_that_never_ends_is_ended(opened, monkeypatch):
    monkeypatch.setattr("harness.terraform.deployment._PATIENCE", 10.0)
    started = time.monotonic()
    result = judge(opened, stack(**commands(shell("sleep 1000 & sleep 1000"))))
    assert result.status is Status.INCONCLUSIVE and "terraform_data.t" in result.reason, result
    assert time.monotonic() - started < 60


CONFIGURATION = r"""provider "aws" {
  region = "us-east-1"
}
variable "x" { default = "q" }
resource "terraform_data" "t" {
  provisioner "local-exec" {
    command = <<-EOT
      V="${var.x}"; printf 'a\nb\n' > two
      [ "$${V}$A" = 'qx"y' ] && [ $(wc -l < two) = 2 ] && scripts/hello.sh | grep hello
    EOT
    interpreter = ["/bin/bash", "-c"]
    working_dir = path.module
    environment = { A = "x\"y" }
  }
  provisioner "remote-exec" {
    inline = ["id"]
  }
  provisioner "local-exec" {
    command = "exit 6"
    when = destroy
    on_failure = WHAT
  }
}
"""


def test_a_plain_configuration_has_its_commands_run_too_and_keeps_its_lines(opened, make_case):
    def judged(what):
        tree = {"main.tf": CONFIGURATION.replace("WHAT", what), "scripts/hello.sh": "#!/bin/sh\necho hello\n"}
        case = load_case(make_case(tree, tree, name=what, platform="terraform", language="hcl"))
        return GateRunner(case, opened, [SynthGate(), ValidateGate(), PlanGate(), ApplyGate()]).judge(case.ideal)["apply"]

    kept = judged("continue")
    assert kept.status is Status.INCONCLUSIVE and kept.reason.startswith("the remote-exec provisioner of terraform_data.t needs a machine"), kept
    assert kept.output["actions"] == {"create": 1}
    found = only(judged("fail"))
    assert "exit status 6" in found.message and {place.file for place in found.locations} == {"main.tf"}


@pytest.mark.parametrize("kind", ["external", "http"])
@pytest.mark.parametrize("gate", [ValidateGate(), PlanGate(), ApplyGate()], ids=lambda gate: gate.name)
def test_a_data_source_of_a_provider_that_is_not_there_is_inconclusive_by_its_name(opened, kind, gate):
    arguments = {"external": {"program": ["python3", "x.py"]}, "http": {"url": "https://example.com"}}[kind]
    result = judge(opened, {**stack(aws_cloudwatch_log_group=logs()), "data": {kind: {"d": arguments}}}, gate=gate)
    assert (result.status, result.reason) == (Status.INCONCLUSIVE, f"the stack uses the provider hashicorp/{kind}, which the toolchain does not have")


def test_the_ideal_of_the_bundled_case_is_deployed_within_a_minute(opened, seed):
    result = GateRunner(seed, opened, [SynthGate()]).judge(seed.ideal)
    deployed = ApplyGate().run(Subject(seed, seed.ideal, result), opened)
    assert (deployed.status, deployed.reason) == (Status.INCONCLUSIVE, "emulator lacks network-firewall:CreateRuleGroup")
    assert deployed.output["actions"] == {"create": 57}
    assert deployed.wall < 60
