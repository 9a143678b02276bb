"""What apply, a second plan and destroy say becomes findings, notes and holes: from terraform's own output, without terraform."""

import json

import pytest

from harness.diagnostics import Diagnostic, Location
from harness.errors import HarnessFault
from harness.terraform.account import apply_hole, culprits, steady, surroundings, upstream_hole
from harness.terraform.aftermath import destroy_errors, drift
from harness.terraform.calls import SeriesAnswer, StepAnswer
from harness.terraform.deployment import Phases, connected, deployment, levels_of, phases, reads_of, state_resources
from harness.terraform.messages import StackView, deploy_report


def body(name, /, **fields):
    return {"//": {"metadata": {"path": f"T/{name}", "uniqueId": name}}, **fields}


def state(path):
    return {"local": {"path": path}}


STACK = {
    "resource": {
        "aws_vpc": {"v": body("v", cidr_block="10.0.0.0/16")},
        "aws_subnet": {"s": body("s", vpc_id="${aws_vpc.v.arn}")},
        "aws_cloudwatch_log_group": {"a": body("a", name="same"), "b": body("b", name="same"), "t": body("t", name="t", tags={"at": "${timestamp()}"})},
        "aws_security_group": {"g": body("g", name="g")},
        "aws_security_group_rule": {"r": body("r", type="ingress")},
    }
}
VIEW = StackView(STACK, {"T/g": ["lib/network.py", 7], "T/v": ["lib/network.py", 3]})
AROUND = surroundings({"one": STACK}, {"aws_vpc.v": {"id": "vpc-0a1b2c3d4e5f60718", "arn": "arn:aws:ec2:us-east-1:123456789012:vpc/vpc-0a1b2c3d4e5f60718"}})
CREATED = [f"{kind}.{name}" for kind, names in STACK["resource"].items() for name in names]


def said(message, address=None, detail=""):
    return Diagnostic("apply", message, message, address=address, detail=detail)


@pytest.mark.parametrize(
    ("message", "address"),
    [
        (
            "creating EC2 Subnet: operation error EC2: CreateSubnet, https response error StatusCode: 400, RequestID: x, api error InvalidVpcID.NotFound: "
            "VpcID arn:aws:ec2:us-east-1:123456789012:vpc/vpc-0a1b2c3d4e5f60718 does not exist.",
            "aws_subnet.s",
        ),
        ("creating Log Group (same): operation error CloudWatch Logs: CreateLogGroup, ResourceAlreadyExistsException: it exists", "aws_cloudwatch_log_group.a"),
        ("authorizing: api error InvalidPermission.Duplicate: the specified rule already exists", "aws_security_group_rule.r"),
        ("putting Policy: operation error IAM: PutRolePolicy, MalformedPolicyDocument: Actions must be prefaced by a vendor", "aws_iam_role_policy.p"),
    ],
)
def test_what_the_stack_did_itself_is_a_failure(message, address):
    assert apply_hole(said(message, address), AROUND) == ""


@pytest.mark.parametrize(
    ("message", "address", "reason"),
    [
        ("creating Subnet: api error InvalidVpcID.NotFound: VpcID vpc-12345678 does not exist.", "aws_subnet.s", "environmental: aws_subnet.s needs something"),
        (
            "creating Group: api error BucketAlreadyExists: not available",
            "aws_security_group.g",
            "environmental: aws_security_group.g wants a name",
        ),
        ("creating VPC: api error VpcLimitExceeded: the maximum number is reached", "aws_vpc.v", "environmental: aws_vpc.v meets a quota"),
        ("waiting for it: timeout while waiting for state to become 'ACTIVE'", "aws_vpc.v", "the emulator never brings aws_vpc.v"),
        ("reading Group: operation error ElastiCache: DescribeCacheClusters, CacheClusterNotFound: g not found", "aws_vpc.v", "the emulator does not keep all"),
        ("api error AssayEmulatorLacks: network-firewall:CreateRuleGroup is not emulated", "aws_x.y", "emulator lacks network-firewall:CreateRuleGroup"),
    ],
)
def test_what_depends_on_the_account_or_the_emulator_is_a_hole(message, address, reason):
    assert apply_hole(said(message, address), AROUND).startswith(reason)


def test_an_expression_that_fails_on_the_emulators_answer_is_a_hole_and_on_the_code_s_own_values_a_failure():
    def failing(traversal):
        return said(
            "Error in function call: cannot use element function with an empty list", "aws_r.d", json.dumps({"snippet": {"values": [{"traversal": traversal}]}})
        )

    assert apply_hole(failing("aws_sesv2_email_identity.i.tokens"), AROUND).startswith("the emulator's aws_sesv2_email_identity.i.tokens")
    assert apply_hole(failing("local.names"), AROUND) == ""


def test_an_error_names_the_resources_that_it_means():
    message = "creating EC2 Subnet: api error InvalidVpcID.NotFound: VpcID arn:aws:ec2:us-east-1:123456789012:vpc/vpc-0a1b2c3d4e5f60718 does not exist."
    assert culprits(said(message, "aws_subnet.s"), AROUND) == ["aws_vpc.v"]


def test_an_error_that_follows_from_another_stack_is_not_judged():
    missing = said("Unsupported attribute: This object does not have an attribute named vpc.")
    assert upstream_hole(missing, {"net": False}) == "not judged: it reads the state of net, which is not whole"
    assert upstream_hole(missing, {"net": True}) == ""


def plan(*changes):
    entries = [
        {"address": address, "mode": "managed", "change": {"actions": ["update"], "before": before, "after": after, "after_unknown": unknown}}
        for address, before, after, unknown in changes
    ]
    return {"resource_changes": entries}


def test_the_same_change_wanted_again_is_the_emulator_s():
    change = ("aws_vpc.v", {"description": None}, {"description": "x"}, {})
    assert drift(Phases(second_plan=plan(change), third_plan=plan(change)), CREATED, VIEW) == ((), ("the emulator does not keep description of aws_vpc",))


def test_a_change_that_moves_to_another_resource_is_the_code_s():
    second = plan(("aws_security_group.g", {"ingress": [1]}, {"ingress": []}, {}))
    third = plan(("aws_security_group_rule.r", {}, {"type": "ingress"}, {}))
    (found,), notes = drift(Phases(second_plan=second, third_plan=third), CREATED, VIEW)
    assert (found.address, found.locations, found.symbols) == ("aws_security_group.g", (Location("lib/network.py", 7),), ("ingress", "aws_security_group"))
    assert found.message.endswith("ingress is undone by aws_security_group_rule.r")
    assert notes == ()


def test_a_value_that_is_never_the_same_is_the_code_s_and_one_that_the_emulator_makes_is_not():
    impure = ("aws_cloudwatch_log_group.t", {"tags": {"at": "1"}}, {"tags": {}}, {"tags": {"at": True}})
    (found,), _ = drift(Phases(second_plan=plan(impure), third_plan=plan(impure)), CREATED, VIEW)
    assert "tags wants another value with each plan" in found.message
    computed = ("aws_vpc.v", {"arn": "a"}, {}, {"arn": True})
    assert drift(Phases(second_plan=plan(computed), third_plan=plan(computed)), CREATED, VIEW)[0] == ()


def test_what_was_never_created_does_not_drift():
    change = ("aws_networkfirewall_firewall.f", None, {"name": "f"}, {})
    assert drift(Phases(second_plan=plan(change), third_plan=plan(change)), CREATED, VIEW) == ((), ())


def events(*lines):
    return "\n".join(json.dumps(line) for line in lines)


def hook(kind, address, action="create"):
    return {"type": kind, "hook": {"resource": {"addr": address}, "action": action}}


DONE = {"type": "change_summary", "changes": {"operation": "apply"}}


def test_a_deployment_says_what_is_done_failed_and_under_way():
    failed, under_way = hook("apply_errored", "aws_subnet.s"), hook("apply_start", "aws_security_group.g")
    lines = (hook("apply_start", "aws_vpc.v"), under_way, hook("apply_complete", "aws_vpc.v"), hook("apply_complete", "data.aws_region.r", "read"), failed)
    report = deploy_report("apply", StepAnswer(1, events(*lines, DONE | {"type": "diagnostic", "diagnostic": {"severity": "error"}}), "", False))
    assert (report.done, report.failed, report.pending) == (("aws_vpc.v",), ("aws_subnet.s",), ("aws_security_group.g",))


def test_a_deployment_that_says_nothing_is_never_a_pass():
    with pytest.raises(HarnessFault):
        deploy_report("apply", StepAnswer(0, "", "killed", False))
    assert deploy_report("apply", StepAnswer(0, events(DONE), "", False)).errors == ()


def test_an_error_of_destroy_gets_its_resource_from_the_events_and_its_code_from_us():
    error = {"severity": "error", "summary": "deleting VPC (vpc-0a1b2c3d4e5f60718): api error DependencyViolation: in use", "detail": ""}
    protected = {"severity": "error", "summary": "deleting Group (g): api error X: deletion protection is on", "detail": ""}
    lines = [hook("apply_errored", "aws_security_group.g"), hook("apply_errored", "aws_vpc.v")]
    lines += [{"type": "diagnostic", "diagnostic": one} for one in (error, protected)]
    made = {"aws_vpc.v": {"id": "vpc-0a1b2c3d4e5f60718"}, "aws_security_group.g": {"name": "(g)"}}
    vpc, group = destroy_errors(Phases(destroy=StepAnswer(1, events(*lines), "", False)), VIEW, made)
    assert (vpc.code, vpc.address, vpc.locations) == ("destroy leaves something", "aws_vpc.v", (Location("lib/network.py", 3),))
    assert (group.code, group.address) == ("cannot be deleted", "aws_security_group.g")
    assert "<id>" in vpc.message and "vpc-0a1b" not in vpc.message


def test_messages_of_two_accounts_are_the_same():
    first, second = (
        f"creating X: operation error EC2: Y, https response error StatusCode: 400, RequestID: {request}, api error Z: subnet-{number} is in use"
        for request, number in (("abc", "0a1b2c3d4e5f60718"), ("def", "1a1b2c3d4e5f60718"))
    )
    assert steady(first) == steady(second) == "creating X: operation error EC2: Y, api error Z: <id> is in use"


NETWORK = {"terraform": {"backend": state("/case/terraform.net.tfstate")}, "resource": {"aws_vpc": {"v": {}}}}
USER = {
    "terraform": {"backend": {"s3": {"bucket": "b", "key": "user"}}},
    "data": {"terraform_remote_state": {"n": {"backend": "local", "config": {"path": "/case/terraform.net.tfstate"}}}},
    "resource": {"aws_subnet": {"s": {"provisioner": [{"local-exec": {"command": "id"}}]}}},
}
STACKS = {"a-user": USER, "net": NETWORK}


def test_a_stack_comes_after_those_whose_state_it_reads_and_reads_it_where_it_lies():
    assert levels_of(STACKS) == [["net"], ["a-user"]]
    assert reads_of(STACKS, "a-user") == {"net"}
    read = connected(STACKS)["a-user"]["data"]["terraform_remote_state"]["n"]
    assert read == {"backend": "local", "config": {"path": "../net/terraform.tfstate"}}
    assert USER["data"]["terraform_remote_state"]["n"]["config"] == {"path": "/case/terraform.net.tfstate"}


def test_stacks_are_created_in_order_and_taken_away_in_the_other():
    series, names = deployment(STACKS, {}, {name: name for name in STACKS}, levels_of(STACKS))
    order = [(name, [step.folder for step in steps]) for name, steps in zip(names, series.rounds, strict=True)]
    assert order[:2] == [("apply", ["net"]), ("apply", ["a-user"])]
    assert order[-2:] == [("destroy", ["a-user"]), ("destroy", ["net"])]
    again = series.rounds[names.index("again")][0]
    assert again.when == (names.index("second"), 2), "a second apply only where the second plan is not empty"


def test_answers_go_to_their_stacks():
    series, names = deployment(STACKS, {}, {name: name for name in STACKS}, levels_of(STACKS))
    kept = {
        "terraform.tfstate": json.dumps(
            {"resources": [{"mode": "managed", "type": "aws_vpc", "name": "v", "instances": [{"attributes": {"id": "x"}}]}]}
        ).encode()
    }
    applied = StepAnswer(0, "net", "", False, files=kept)
    done = phases(series, names, SeriesAnswer(((applied,), (StepAnswer(1, "user", "", True),)), ((), ()), 1.0, 1.0, {}))
    assert (done["net"].apply, done["a-user"].apply.timed_out, done["net"].destroy) == (applied, True, None)
    assert state_resources(done["net"].apply) == {"aws_vpc.v": {"id": "x"}}
    assert state_resources(done["a-user"].apply) == {}
