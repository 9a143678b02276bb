"""What the account, the emulator or the machine is to blame for is told from what the code is to blame for."""

import pytest

from harness.diagnostics import Diagnostic
from harness.gates.base import Lasting
from harness.terraform.environment import plan_hole, validate_hole


def said(summary, address=None, detail=""):
    return Diagnostic("plan", summary, f"{summary}: {detail}" if detail else summary, address=address)


@pytest.mark.parametrize(
    ("address", "summary"),
    [
        ("data.aws_ami.x", "Your query returned no results. Please change your search criteria and try again."),
        ("data.aws_route53_zone.z", "no matching Route 53 Hosted Zone found"),
        ("data.aws_sqs_queue.q", "reading SQS Queue (none) URL: couldn't find resource"),
        ("data.aws_acm_certificate.c", "reading ACM Certificates: empty result"),
        ("data.aws_wafv2_web_acl.w", "WAFv2 WebACL not found for name: n"),
        ("data.terraform_remote_state.network", "Unable to find remote state"),
    ],
)
def test_a_data_source_that_finds_nothing_in_an_empty_account_is_no_failure(address, summary):
    assert plan_hole(said(summary, address)).startswith(f"{address} looks for something")


@pytest.mark.parametrize(
    ("address", "summary"),
    [
        ("aws_dynamodb_table.t", 'read_capacity must be at least 1 when billing_mode is "PROVISIONED"'),
        ("aws_sqs_queue.q", "invalid queue name: x"),
        ("data.aws_iam_policy_document.p", "statement 1: duplicate sid"),
        (None, "invalid AWS Region: us-east-9"),
        ("aws_s3_bucket.b", "Unsupported attribute"),
    ],
)
def test_what_only_the_code_decides_is_a_failure(address, summary):
    assert plan_hole(said(summary, address)) == ""


def test_an_operation_that_is_not_emulated_is_named():
    message = (
        "operation error SFN: ValidateStateMachineDefinition, https response error StatusCode: 400, RequestID: AssayEmulatorLacks, "
        "api error AssayEmulatorLacks: states:ValidateStateMachineDefinition is not emulated"
    )
    assert plan_hole(said(message, "aws_sfn_state_machine.m")) == "emulator lacks states:ValidateStateMachineDefinition"


def test_an_operation_of_a_protocol_without_names_is_named_by_the_client():
    message = (
        "listing CloudFront Cache Policies: operation error CloudFront: ListCachePolicies, https response error StatusCode: 400, "
        "RequestID: AssayEmulatorLacks, api error AssayEmulatorLacks: cloudfront:GET /2020-05-31/cache-policy is not emulated"
    )
    assert plan_hole(said(message, "data.aws_cloudfront_cache_policy.c")) == "emulator lacks cloudfront:ListCachePolicies"


@pytest.mark.parametrize(
    ("address", "summary", "detail", "part"),
    [
        (None, "No value for required variable", 'The root module input variable "db_password" is not set, and has no default value.', "db_password"),
        ('provider["registry.terraform.io/hashicorp/aws"]', "failed to get shared config profile, prod", "", "credentials"),
        (None, "AWS account ID not allowed: 123456789012", "", "credentials"),
        ("data.aws_ip_ranges.r", "Get https://ip-ranges.amazonaws.com: dial tcp: lookup failed", "", "outside"),
    ],
)
def test_what_exists_on_the_owners_machine_only_is_no_failure(address, summary, detail, part):
    assert part in plan_hole(said(summary, address, detail))


def test_an_asset_that_synth_did_not_hand_on_is_no_failure():
    message = 'Call to function "filebase64sha256" failed: open assets/fn/0A1B/archive.zip: no such file or directory.'
    assert validate_hole(said("Error in function call", "aws_lambda_function.l", message)) == "the asset assets/fn/0A1B/archive.zip is not handed on by synth"
    assert validate_hole(said("Error in function call", "aws_lambda_function.l", message.replace("assets/fn/0A1B/archive", "lambda"))) == ""


@pytest.mark.parametrize(
    ("summary", "address"),
    [
        ("api error AssayEmulatorLacks: eks:CreateAddon is not emulated", "aws_eks_addon.a"),
        ("couldn't find resource", "data.aws_vpc.v"),
        ("Get https://x: dial tcp: lookup x on [::1]:53: read udp [::1]:1->[::1]:53: read: connection refused", "data.http.x"),
        ("AWS account ID not allowed: 123456789012", None),
    ],
)
def test_what_stack_and_toolchain_decide_is_a_lasting_reason(summary, address):
    assert isinstance(plan_hole(said(summary, address)), Lasting)


@pytest.mark.parametrize(
    ("summary", "address"),
    [
        ("execution halted", None),
        ("reading EC2 VPC: operation error EC2: DescribeVpcs, exceeded maximum number of attempts, context deadline exceeded", "data.aws_vpc.v"),
        ("operation error STS: GetCallerIdentity, request send failed: dial tcp 127.0.0.1:5000: connect: connection refused", None),
        ("Failed to write state: write terraform.tfstate: no space left on device", None),
        ("fork/exec terraform-provider-aws: cannot allocate memory", None),
    ],
)
def test_what_another_run_may_not_meet_is_a_reason_of_the_moment(summary, address):
    reason = plan_hole(said(summary, address))
    assert reason and not isinstance(reason, Lasting)
