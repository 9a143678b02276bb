"""Provisioners: what terraform is given in their place, and what their commands came to."""

import json

import pytest

from harness.diagnostics import Diagnostic
from harness.gates.base import Lasting
from harness.terraform.calls import StepAnswer
from harness.terraform.inside import shield
from harness.terraform.inside.shield import RECORD, Ended
from harness.terraform.provisioners import Ran, override, provisioned, provisioner_hole, related, runs, shielded, undone_hole, unreachable

SHIELD = ("python", "shield.py")


def stack(*provisioners, **fields):
    return {"resource": {"aws_vpc": {"v": {"cidr_block": "10.0.0.0/16", "provisioner": list(provisioners), **fields}}}}


def started(settings):
    return shielded(stack({"local-exec": settings}), SHIELD)["resource"]["aws_vpc"]["v"]["provisioner"][0]["local-exec"]


def test_a_command_is_started_by_the_shield_and_keeps_the_rest():
    assert started({"command": "id", "when": "destroy", "on_failure": "continue", "quiet": True, "working_dir": "x"}) == {
        "command": "id", "when": "destroy", "on_failure": "continue", "quiet": True, "working_dir": "x",
        "interpreter": ["python", "shield.py", "aws_vpc.v", "--", "/bin/sh", "-c"],
    }  # fmt: skip
    assert started({"command": "id", "interpreter": ["${var.shell}", "-c"]})["interpreter"][-3:] == ["--", "${var.shell}", "-c"]


@pytest.mark.parametrize(
    ("environment", "words"),
    [
        ({"A": "${self.id}", "N": 1, "B": True, "none": None}, ["--set", "A=${self.id}", "--set", "N=1", "--set", "B=true"]),
        ('${merge(var.a, { B = "x" })}', ["--settings", '${jsonencode(merge(var.a, { B = "x" }))}']),
        (None, []),
    ],
)
def test_the_environment_is_no_environment_of_the_shield(environment, words):
    found = started({"command": "id", "environment": environment})
    assert "environment" not in found
    assert found["interpreter"][3:-3] == words


def test_what_needs_a_machine_is_taken_out_and_said():
    one = stack({"remote-exec": {"inline": ["id"]}}, {"file": {"source": "a"}}, connection={"host": "h"})
    assert shielded(one, SHIELD)["resource"]["aws_vpc"]["v"] == {"cidr_block": "10.0.0.0/16"}
    (reason,) = unreachable(one)
    assert reason.startswith("the file and remote-exec provisioner of aws_vpc.v needs a machine") and isinstance(reason, Lasting)
    assert provisioned(one) == ["aws_vpc.v"]


def test_an_interpreter_that_is_not_written_out_is_not_run():
    one = stack({"local-exec": {"command": "id", "interpreter": "${var.words}"}})
    assert "provisioner" not in shielded(one, SHIELD)["resource"]["aws_vpc"]["v"]
    assert unreachable(one) == ["the provisioner of aws_vpc.v is not run, since its interpreter is an expression"]


def test_an_override_leaves_at_least_one_provisioner_since_none_would_bring_back_the_others():
    def laid_over(*provisioners):
        (content,) = override(stack(*provisioners), SHIELD).values()
        return json.loads(content)["resource"]["aws_vpc"]["v"]

    assert laid_over({"local-exec": {"command": "id"}}) == {"provisioner": [{"local-exec": started({"command": "id"})}]}
    assert laid_over({"file": {}}) == {"provisioner": [{"local-exec": {"command": "true", "interpreter": ["/bin/sh", "-c"]}}]}
    assert override({"resource": {"aws_vpc": {"v": {}}}}, SHIELD) == {}


def test_each_command_is_told_once():
    first, second = ({"address": "a.b", "exit_code": code} for code in (0, 1))
    lines = [json.dumps(one) + "\n" for one in (first, second)]
    steps = [StepAnswer(0, "", "", False, files={RECORD: "".join(lines[:count]).encode()}) for count in (1, 2)]
    assert runs(None, *steps) == [Ran("a.b"), Ran("a.b", 1)]


def test_the_error_of_a_command_is_the_code_s_unless_it_was_stopped_or_the_emulator_lacks_something():
    def said(text):
        return Diagnostic("apply", "x", f"local-exec provisioner error: Error running command 'x': {text}", address="aws_vpc.v[0]")

    assert provisioner_hole(said("exit status 1. Output: ResourceNotFoundException"), [Ran("aws_vpc.v", 1)]) == ""
    assert provisioner_hole(said("chdir /none: no such file or directory. Output: "), []) == ""
    assert provisioner_hole(said("signal: killed"), []) == "the provisioner of aws_vpc.v[0] was stopped before it ended"
    lacking = "exit status 1. Output: AssayEmulatorLacks: eks:CreateAddon is not emulated"
    assert provisioner_hole(said(lacking), [Ran("aws_vpc.v", 1)]) == "emulator lacks eks:CreateAddon"


def test_what_hangs_together_with_a_command_that_was_not_run_is_not_judged():
    bodies = {"a": {"x": "${aws_vpc.v.id}"}, "b": {"depends_on": ["aws_vpc.a"]}, "v": {"x": "${aws_vpc.base.id}"}, "base": {}, "other": {"x": "aws_vpc.vv"}}
    found = related({"resource": {"aws_vpc": bodies}}, ["aws_vpc.v"])
    assert found == {"aws_vpc.v", "aws_vpc.a", "aws_vpc.b", "aws_vpc.base"}
    assert undone_hole(Diagnostic("apply", "x", "x", address="aws_vpc.a[1]"), found)
    assert not undone_hole(Diagnostic("apply", "x", "x", address="aws_vpc.other"), found)


@pytest.mark.parametrize(
    ("tail", "absent", "asked", "lacks"),
    [
        ("/bin/sh: 1: no-such-tool: not found", "", (), {"tool": "no-such-tool"}),
        ("bash: line 3: no-such-tool: command not found\nmore", "", (), {"tool": "no-such-tool"}),
        ("zsh:1: command not found: no-such-tool", "", (), {"tool": "no-such-tool"}),
        ("env: 'no-such-tool': No such file or directory", "", (), {"tool": "no-such-tool"}),
        ("FileNotFoundError: [Errno 2] No such file or directory: 'no-such-tool'", "", (), {"tool": "no-such-tool"}),
        ("", "/opt/none/tool", (), {"tool": "/opt/none/tool"}),
        ("/bin/sh: 1: ./build.sh: not found", "", (), {}),
        ("/bin/sh: 1: /case/build.sh: not found", "", (), {}),
        ("/bin/sh: 1: sh: not found", "", (), {}),
        ("config.json: not found", "", (), {}),
        ("An error: the role was not found", "", (), {}),
        ("", "", ("example.com", "b.org"), {"network": "example.com, b.org"}),
        ("connect: Network is unreachable", "", (), {"network": "Network is unreachable"}),
        ("Connection refused", "", (), {}),
    ],
)
def test_a_command_that_failed_says_what_it_lacks(tail, absent, asked, lacks):
    assert shield._lacking(Ended(127, tail, absent, asked), {"PATH": "/usr/bin:/bin"}, "/case") == lacks
    assert shield._lacking(Ended(0, tail, absent, asked), {}, "/case") == {}


def test_nothing_that_terraform_reads_is_taken_over():
    protected = ("cdk.tf.json", "a/x.tf", "a/terraform.tfstate", "second.plan", ".terraform/x", "a/x.auto.tfvars", ".assay-provisioners", "a/.terraformrc")
    assert all(shield._PROTECTED.search(path) for path in protected)
    assert not any(shield._PROTECTED.search(path) for path in ("a/lambda.zip", "plan", "planner.py", "tf/out.txt"))
