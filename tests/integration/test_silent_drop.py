"""The silent-drop gate over programs that the real cdktf synthesizes: every loss of the bold rows, and nothing else."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from pathlib import Path

import pytest

from harness.case import Case, load_case
from harness.gates.base import GateResult, Status, Subject
from harness.gates.silent_drop import SilentDropGate
from harness.gates.synth import SynthGate
from harness.sandbox import Limits
from harness.session import Session
from harness.synth.launcher import run_program
from harness.tree import Tree
from tests.conftest import ROOT
from tests.integration.test_synth import plain

pytestmark = pytest.mark.slow

HEAD = """
import copy, json, pickle
from cdktf import App, Fn, TerraformIterator, TerraformOutput, TerraformStack, Token
from constructs import Construct
from cdktf_cdktf_provider_aws.data_aws_availability_zones import DataAwsAvailabilityZones
from cdktf_cdktf_provider_aws.provider import AwsProvider
from cdktf_cdktf_provider_aws.route_table import RouteTable
from cdktf_cdktf_provider_aws.s3_bucket import S3Bucket
from cdktf_cdktf_provider_aws.s3_bucket_server_side_encryption_configuration import S3BucketServerSideEncryptionConfigurationA
from cdktf_cdktf_provider_aws.security_group import SecurityGroup, SecurityGroupIngress
from cdktf_cdktf_provider_aws.sqs_queue import SqsQueue
from cdktf_cdktf_provider_aws.vpc import Vpc
app = App()
s = TerraformStack(app, "s")
AwsProvider(s, "aws", region="us-east-1", default_tags=[{"tags": {"team": "x"}}])
az = DataAwsAvailabilityZones(s, "az", state="available")
vpc = Vpc(s, "vpc", cidr_block="10.0.0.0/16")
b = S3Bucket(s, "b")
q = SqsQueue(s, "q", name="q")
"""
LINES = HEAD.count("\n")
"""What is under test stands on the next line."""

Judge = Callable[[str], tuple[GateResult, GateResult]]


@pytest.fixture(scope="module")
def judge(session: Session, seed: Case) -> Judge:
    """Synthesize the head, the given lines and `app.synth()`, and judge the result."""

    def run(text: str) -> tuple[GateResult, GateResult]:
        return judge_tree(Tree({"tap.py": f"{HEAD}{text}\napp.synth()\n".encode()}), dataclasses.replace(seed, env={}), session)

    return run


def judge_tree(tree: Tree, case: Case, session: Session) -> tuple[GateResult, GateResult]:
    synth = SynthGate().run(Subject(case, tree, {}), session)
    assert synth.status is Status.PASS, synth.diagnostics
    return synth, SilentDropGate().run(Subject(case, tree, {"synth": synth}), session)


LOSSES = {
    "row 7": ('SecurityGroup(s, "g", ingress=[{"from_port": 80, "toPort": 80, "protocol": "tcp"}])', "key-dropped", "from_port", "aws_security_group.g"),
    "row 8": (
        'S3BucketServerSideEncryptionConfigurationA(s, "e", bucket=b.id, rule=[{"apply_server_side_encryption_by_default": {"sse_algorithm": "AES256"}}])',
        "key-dropped",
        "apply_server_side_encryption_by_default",
        "aws_s3_bucket_server_side_encryption_configuration.e",
    ),
    "row 9": ('RouteTable(s, "r", vpc_id=vpc.id, route=[{"cidr_block": "0.0.0.0/0", "gatewayId": "igw-1"}])', "key-dropped", "cidr_block", "aws_route_table.r"),
    "row 19, length": ("count = len(az.names)", "token-length", "names", "data.aws_availability_zones.az"),
    "row 19, number": ('SqsQueue(s, "q2", delay_seconds=q.delay_seconds + 1)', "token-arithmetic", "delay_seconds", "aws_sqs_queue.q"),
    "row 19, comparison": ('tags = {"near": "yes"} if b.region == "us-east-1" else {}', "token-compared", "region", "aws_s3_bucket.b"),
    "row 25": (
        'b.add_override("resource.aws_s3_bucket.b.force_destroy", True)',
        "override-misplaced",
        "resource.aws_s3_bucket.b.force_destroy",
        "aws_s3_bucket.b",
    ),
    "row 26, attribute": ("b.bogus = True", "attribute-after-construction", "bogus", "aws_s3_bucket.b"),
    "row 26, id": ('S3Bucket(s, "my bucket")', "id-changed", "my bucket", "aws_s3_bucket.mybucket"),
    "tags of a provider": ('AwsProvider(s, "w", alias="w", default_tags=[{"team": "x"}])', "key-dropped", "team", "provider.aws"),
    "an override of a stack without terraform": ('s.add_override("backend.s3.use_lockfile", True)', "override-misplaced", "backend.s3.use_lockfile", None),
    "an override of a stack for nobody": (
        's.add_override("resource.aws_s3_bucket.bb.force_destroy", True)',
        "override-misplaced",
        "resource.aws_s3_bucket.bb.force_destroy",
        None,
    ),
    "a loop": ("for name in az.names: print(name)", "token-iterated", "names", "data.aws_availability_zones.az"),
    "a loop with another list": ("for pair in zip([1, 2], az.names): print(pair)", "token-iterated", "names", "data.aws_availability_zones.az"),
    "an element": ("first = [az.names[0]]", "token-indexed", "names", "data.aws_availability_zones.az"),
    "an order": ("if q.delay_seconds > 5: pass", "token-compared", "delay_seconds", "aws_sqs_queue.q"),
    "the greater": ("most = max(q.delay_seconds, 5)", "token-compared", "delay_seconds", "aws_sqs_queue.q"),
    "a choice": ('if b.region in ("us-east-1", "us-west-2"): pass', "token-compared", "region", "aws_s3_bucket.b"),
    "a part of it": ('name = b.arn.split(":")[-1]', "token-edited", "arn", "aws_s3_bucket.b"),
    "a beginning": ('if b.arn.startswith("arn:aws-cn"): pass', "token-compared", "arn", "aws_s3_bucket.b"),
    "the length of a name": ("if len(b.id) > 63: pass", "token-length", "id", "aws_s3_bucket.b"),
    "a function's result": ('count = len(Token.as_list("${x}"))', "token-length", "as_list", None),
    "an attribute of a block": ("b.versioning.bogus = 1", "attribute-after-construction", "bogus", None),
    "an output's id": ('TerraformOutput(s, "the url", value="x")', "id-changed", "the url", "output.theurl"),
}


@pytest.mark.parametrize(("text", "code", "symbol", "address"), LOSSES.values(), ids=LOSSES.keys())
def test_a_loss_is_found_with_its_construct_key_and_line(judge: Judge, text: str, code: str, symbol: str, address: str | None) -> None:
    _, result = judge(text)
    assert [(one.code, one.address, one.locations[0].line) for one in result.diagnostics] == [(code, address, LINES + 1)]
    (found,) = result.diagnostics
    assert symbol in found.symbols
    assert symbol in found.message


def test_the_line_is_the_key_s_own_and_a_function_s_caller_is_named_too(judge: Judge) -> None:
    _, result = judge(
        'SecurityGroup(\n    s, "g",\n    ingress=[\n        {"from_port": 80},\n    ],\n)\n\ndef near(region):\n    return region == "x"\n\nnear(b.region)'
    )
    key, compared = result.diagnostics
    assert [place.line - LINES for place in key.locations] == [4, 1]
    assert [place.line - LINES for place in compared.locations] == [9, 11]


def test_a_cure_takes_its_own_diagnostic_and_no_other(judge: Judge) -> None:
    _, before = judge('SecurityGroup(s, "g", ingress=[{"from_port": 80, "to_port": 80}])')
    _, after = judge('# moved\nSecurityGroup(s, "g", ingress=[{"fromPort": 80, "to_port": 80}])')
    assert {one.identity for one in after.diagnostics} < {one.identity for one in before.diagnostics}


SILENT = """
class Part(Construct):
    def __init__(self, scope, id_, region):
        super().__init__(scope, id_)
        self.anything = region
        self.bucket = S3Bucket(self, "inner", bucket=f"logs-{region}", tags={"A b": "c", "count": None} if False else {"A b": "c"})

class Mine(S3Bucket):
    def __init__(self, scope, id_):
        super().__init__(scope, id_)
        self.label = "mine"

part = Part(s, "part", "us-east-1")
mine = Mine(s, "mine")
part.extra = 1
s.environment = "dev"
b._note = 1
b.read_later = "by us"
print(b.read_later)
b.force_destroy = True
SecurityGroup(s, "typed", ingress=[SecurityGroupIngress(from_port=1, to_port=2, protocol="tcp", self_attribute=True, cidr_blocks=[])], tags={})
SecurityGroup(s, "camel", ingress=[{"fromPort": 1, "toPort": 2, "protocol": "tcp", "description": None}])
SecurityGroup(s, "late").put_ingress([SecurityGroupIngress(from_port=1, to_port=2, protocol="tcp")])
back = SqsQueue(s, "back", name="x", delay_seconds=3)
back.reset_delay_seconds()
off = SqsQueue(s, "off", name="x")
off.add_override("name", None)
off.add_override("lifecycle.prevent_destroy", True)
s.add_override("terraform.required_version", ">= 1.5")
s.add_override("resource.aws_sqs_queue.off.delay_seconds", 4)
each = TerraformIterator.from_list(["a", "b"])
SqsQueue(s, "each", for_each=each, name=Token.as_string(each.value), depends_on=[b])
SecurityGroup(s, "dynamic", ingress=each.dynamic({"from_port": 1, "to_port": 1, "protocol": "tcp"}))
text = f"{b.arn}/*" + b.arn + "/".join([b.id, "x"]) + "%s" % b.id + str(q.delay_seconds)
if b.region and b.region is not None and b.bucket_prefix != "" and not Token.is_unresolved("x") and az.names: text += "!"
if b.arn == vpc.arn or "TfToken" in b.arn or b.arn in {b.arn: 1}: text += "?"
names = list(az.names)
names = [name for name in az.names]
names = [*az.names]
first = Fn.element(az.names, 0)
TerraformOutput(s, "text", value=text)
TerraformOutput(s, "names", value=Fn.join(",", az.names))
TerraformOutput(s, "first", value=first)
SqsQueue(s, "same", name="same", delay_seconds=q.delay_seconds, policy=json.dumps({"a": b.arn, "b": q.delay_seconds}, indent=2))
"""


def test_what_is_right_is_silent(judge: Judge) -> None:
    _, result = judge(SILENT)
    assert [(one.code, one.message) for one in result.diagnostics] == []
    assert result.status is Status.PASS


USES = """
import yaml, sys
values = {"arn": b.arn, "names": az.names, "delay": q.delay_seconds}
said = [json.dumps(values), json.dumps(values, indent=1, sort_keys=True), yaml.safe_dump(values), yaml.dump(values), repr(values), str(values)]
said += [json.dumps(copy.deepcopy(values)), json.dumps(pickle.loads(pickle.dumps(values))), "{arn:>60}|{delay}".format(**values), f"{b.arn!r}"]
said += [str(len(az.names)), str(az.names * 2), str(az.names + ["x"]), str(q.delay_seconds + 1 == q.delay_seconds)]
said += [str(b.arn == "x"), str(b.arn != "x"), str(b.arn < "x"), str("x" in b.arn), str(b.arn.split(":")), b.arn.upper(), b.arn[2:5], b.arn + "x"]
said += [str(isinstance(b.arn, str) and isinstance(az.names, list) and isinstance(q.delay_seconds, float)), str(bool(b.arn)), str(int(q.delay_seconds))]
said += [str({b.arn: 1}), str(sorted([b.arn, b.id])[0] in (b.arn, b.id))]
for wrong in (
    lambda: SqsQueue(s, "x", delay_seconds=b.arn), lambda: S3Bucket(s, "x", bucket=az.names), lambda: SqsQueue(s, "x", name=q.delay_seconds),
    lambda: b.arn.nothing, lambda: b.arn + 1, lambda: az.names[1], lambda: int(b.arn), lambda: az.names.nothing, lambda: q.delay_seconds < "x",
):
    try:
        wrong()
    except Exception as error:
        said.append(f"{type(error).__name__}: {error}")
for number, text in enumerate(said):
    TerraformOutput(s, f"o{number}", value=Fn.raw_string(text.replace("TfToken", "tok")))
"""


def test_watched_tokens_behave_and_fail_as_the_plain_ones(toolchain, sandbox) -> None:
    tree = Tree({"tap.py": f"{HEAD}{USES}\napp.synth()\n".encode()})
    code, errors, expected = plain(tree, toolchain, sandbox)
    assert code == 0, errors
    fast = run_program(tree, ("run", "tap.py"), {}, toolchain, sandbox, Limits())
    assert dict(fast.stacks) == expected
    assert "got str instead" in fast.stacks["s"]
    assert fast.report is not None
    assert fast.report["given"]["tokens"], "the tokens were watched"


@pytest.mark.parametrize(
    "asks", ["type(b.arn) is str", "str == type(b.arn)", "b.arn.__class__ is str", "isinstance('x', type(b.arn))", "type(b.arn) in (str, list)"]
)
def test_a_program_that_asks_for_exact_types_is_not_watched(judge: Judge, asks: str) -> None:
    synth, result = judge(f'assert {asks}\ncount = len(az.names)\nSecurityGroup(s, "g", ingress=[{{"from_port": 80}}])')
    assert synth.output["given"]["tokens"] == []
    assert [one.code for one in result.diagnostics] == ["key-dropped"]


def test_a_program_that_spoils_its_record_gets_no_verdict(session: Session, seed: Case) -> None:
    synth = SynthGate().run(Subject(dataclasses.replace(seed, env={}), Tree({"tap.py": f"{HEAD}app.synth()\n".encode()}), {}), session)
    for given, status in (({"constructs": 3}, Status.INCONCLUSIVE), (None, Status.NOT_RUN)):
        output = {name: value for name, value in synth.output.items() if name != "given"} | ({"given": given} if given else {})
        subject = Subject(seed, seed.ideal, {"synth": dataclasses.replace(synth, output=output)})
        assert SilentDropGate().run(subject, session).status is status


@pytest.mark.parametrize("path", sorted(path.parent for path in (ROOT / "cases").glob("*/case.yaml")), ids=lambda path: path.name)
def test_nothing_is_found_on_a_bundled_ideal(path: Path, session: Session) -> None:
    case = load_case(path)
    if case.platform != "cdktf":
        pytest.skip("no program constructs its stacks")
    _, result = judge_tree(case.ideal, case, session)
    assert (result.status, result.diagnostics) == (Status.PASS, ())
