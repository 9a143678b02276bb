"""What was given against what arrived, as data: no process runs here. The real thing is in tests/integration/test_silent_drop.py."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

from harness.diagnostics import Location
from harness.silent_drop.arrived import provider_block, read_arrivals
from harness.silent_drop.given import Construct, Span, read_given
from harness.silent_drop.keys import lost_keys, plain_name
from harness.silent_drop.source import Sources, counts, only_hands_on
from harness.silent_drop.structs import find_struct
from harness.toolchain import Toolchain
from harness.tree import Tree

GROUP = "cdktf_cdktf_provider_aws.security_group"


def construct(keys: dict[str, object], module: str = GROUP, alias: str | None = None) -> Construct:
    return Construct("Stack/group", "SecurityGroup", module, keys, alias)


def test_a_key_that_is_null_or_missing_did_not_arrive() -> None:
    given = construct({"ingress": [{"from_port": 1, "protocol": 1}], "name": 1})
    assert lost_keys(given, {"ingress": [{"from_port": None, "protocol": "tcp"}], "name": "g"}) == [(("ingress",), "from_port")]
    assert lost_keys(given, {"ingress": [{}], "name": "g"}) == [(("ingress",), "from_port"), (("ingress",), "protocol")]
    assert lost_keys(given, {"ingress": [{"from_port": 0, "protocol": ""}]}) == [((), "name")]


@pytest.mark.parametrize("key", ["fromPort", "from_port", "from_port_"])
def test_a_key_arrives_under_terraform_s_name_however_it_was_written(key: str) -> None:
    assert lost_keys(construct({"ingress": [{key: 1}]}), {"ingress": [{"from_port": 80}]}) == []


def test_names_that_the_bindings_had_to_change_are_the_same() -> None:
    assert plain_name("self_attribute") == plain_name("self")
    assert plain_name("equal_to") == plain_name("equals")


def test_several_items_that_lose_one_key_are_one_loss() -> None:
    given = construct({"ingress": [{"from_port": 1}, {"from_port": 1}]})
    assert lost_keys(given, {"ingress": [{"from_port": None}, {"from_port": None}]}) == [(("ingress",), "from_port")]


def test_what_cannot_be_held_against_each_other_is_no_loss() -> None:
    assert lost_keys(construct({"ingress": 0}), {"dynamic": {"ingress": {}}}) == []  # an object of cdktf's own
    assert lost_keys(construct({"ingress": [{"from_port": 1}] * 2}), {"ingress": [{}]}) == []  # another number of items
    assert lost_keys(construct({"ingress": [{"from_port": 1}]}), {"ingress": "${local.rules}"}) == []
    assert lost_keys(construct({"depends_on": 1, "provisioners": [{"type": 1}]}), {}) == []  # cdktf's own


def test_a_single_block_may_arrive_as_a_list_and_a_list_as_a_block() -> None:
    assert lost_keys(construct({"versioning": {"status": 1}}), {"versioning": [{"status": "Enabled"}]}) == []
    assert lost_keys(construct({"versioning": [{"status": 1}]}), {"versioning": {"status": None}}) == [(("versioning",), "status")]


def test_what_an_override_changed_is_no_loss() -> None:
    given = construct({"ingress": [{"from_port": 1}], "tags": {"a": 1}})
    body = {"ingress": [{"from_port": None}], "tags": None}
    assert lost_keys(given, body, ["ingress.0.from_port", "tags"]) == []
    assert lost_keys(given, body, ["egress"]) == [(("ingress",), "from_port"), ((), "tags")]


STACK = {
    "//": {"metadata": {"stackName": "Stack"}, "outputs": {"Stack": {"part": {"the url": "part_theurl_1"}, "url": "url"}}},
    "output": {"url": {"value": "x"}, "part_theurl_1": {"value": "y"}},
    "provider": {"aws": [{"region": "us-east-1"}, {"alias": "west", "region": "us-west-2"}]},
    "resource": {"aws_sqs_queue": {"jobs": {"//": {"metadata": {"path": "Stack/jobs"}}, "name": "jobs"}, "bare": {"name": "by an override"}}},
    "data": {"aws_region": {"here": {"//": {"metadata": {"path": "Stack/here"}}}}},
}


def test_blocks_are_found_by_the_path_of_their_construct() -> None:
    found = {path: (arrival.address, arrival.kind) for path, arrival in read_arrivals({"Stack": STACK}).items()}
    assert found == {
        "Stack/jobs": ("aws_sqs_queue.jobs", "aws_sqs_queue"),
        "Stack/here": ("data.aws_region.here", "aws_region"),
        "Stack/url": ("output.url", "output"),
        "Stack/part/the url": ("output.part_theurl_1", "output"),
    }


def test_a_provider_is_told_by_its_alias() -> None:
    def region(alias: str | None) -> object:
        found = provider_block({"Stack": STACK}, Construct("Stack/aws", "AwsProvider", "cdktf_cdktf_provider_aws.provider", {}, alias))
        return found and found.body["region"]

    assert (region(None), region("west"), region("east")) == ("us-east-1", "us-west-2", None)


RECORD = {
    "constructs": {"Stack/jobs": {"class": "SqsQueue", "module": "cdktf_cdktf_provider_aws.sqs_queue", "keys": {"name": 1}}},
    "overrides": [{"path": "Stack/jobs", "key": "name", "place": ["a.py", 3], "stack": False, "argument": True}],
    "attributes": [{"path": "", "class": "SqsQueue", "name": "x", "place": ["a.py", 4]}],
    "tokens": [{"do": "length", "kind": "list", "owner": "", "name": "names", "at": ["a.py", 5, 5, 0, 9], "through": [["b.py", 1]]}],
    "resets": [],
}


def test_the_record_is_read() -> None:
    given = read_given(RECORD)
    assert given.constructs[0].class_name == "SqsQueue"
    assert given.overrides[0].place == Location("a.py", 3)
    assert given.operations[0].at == Span("a.py", 5, 5, 0, 9)
    assert given.operations[0].through == (Location("b.py", 1),)


@pytest.mark.parametrize(
    "broken",
    [{}, {**RECORD, "overrides": [1]}, {**RECORD, "attributes": [{"path": 1}]}, {**RECORD, "tokens": None}, {**RECORD, "constructs": {"a": {"keys": 3}}}],
)
def test_a_record_that_the_program_forged_is_refused_in_words(broken: dict[str, object]) -> None:
    with pytest.raises(ValueError, match="cannot be read"):
        read_given(broken)


SOURCE = """
def rules():
    return [{"from_port": 80}]

def build(stack):
    ports = {}
    ports["to_port"] = 80
    Group(stack, "g", ingress=[
        {"from_port": 443,
         "protocol": "tcp"},
    ], egress=rules(), more=ports)
    kept.note = 1
    return kept.note
"""


def test_a_key_is_found_in_the_statement_of_its_construct_then_in_its_function() -> None:
    sources = Sources(Tree({"lib/a.py": SOURCE.encode()}))
    made = Location("lib/a.py", 8)
    assert sources.places_of_key(made, "protocol") == [Location("lib/a.py", 10)]
    assert sources.places_of_key(made, "from_port") == [Location("lib/a.py", 9)]
    assert sources.places_of_key(made, "to_port") == [Location("lib/a.py", 7)]
    assert sources.places_of_key(made, "unknown") == []
    assert sources.places_of_key(Location("lib/other.py", 1), "from_port") == []


def test_attributes_that_somebody_reads_are_known() -> None:
    sources = Sources(Tree({"lib/a.py": SOURCE.encode(), "lib/b.py": b"getattr(bucket, 'asked')\nbucket.written = 1\n", "broken.py": b"def ("}))
    assert (sources.reads("note"), sources.reads("asked"), sources.reads("written")) == (True, True, False)


@pytest.mark.parametrize(
    ("code", "hands_on"),
    [
        ("list(names)", True),
        ("[name for name in names]", True),
        ("[*names]", True),
        ("join(*names)", True),
        ("enumerate(names)", False),
        ("[name + 'a' for name in names]", False),
        ("[name for name in names if name]", False),
        ("{name for name in names}", False),
    ],
)
def test_a_loop_that_gives_the_token_back_is_no_loop(code: str, hands_on: bool) -> None:
    assert only_hands_on(ast.parse(code, mode="eval").body) is hands_on


def test_an_expression_is_found_by_its_span() -> None:
    sources = Sources(Tree({"a.py": b"x = 1\nif len(names) > 2:\n    pass\n"}))
    span = Span("a.py", 2, 2, 3, 13)
    assert counts(sources.node_at(span)[0])
    assert sources.text_of(span) == "len(names)"
    assert sources.node_at(Span("a.py", 9, 9, 0, 1)) == ()


def test_structs_are_read_from_the_bindings(toolchain: Toolchain) -> None:
    ingress = find_struct(toolchain.site_packages, GROUP, "SecurityGroup", ["ingress"])
    assert ingress is not None
    assert (ingress.name, ingress.arguments["from_port"], ingress.nearest("from_prt")) == ("SecurityGroupIngress", "fromPort", "from_port")
    encryption = "s3_bucket_server_side_encryption_configuration"
    rule = find_struct(toolchain.site_packages, f"cdktf_cdktf_provider_aws.{encryption}", "S3BucketServerSideEncryptionConfigurationA", ["rule"])
    assert rule is not None
    assert rule.name == "S3BucketServerSideEncryptionConfigurationRuleA"


@pytest.mark.parametrize(
    ("module", "name", "block"),
    [
        ("../../etc", "SecurityGroup", "ingress"),
        (GROUP + ".../x", "SecurityGroup", "ingress"),
        (GROUP, "../x", "ingress"),
        (GROUP, "SecurityGroup", "tags"),
        ("cdktf_cdktf_provider_none.x", "X", "y"),
    ],
)
def test_only_bindings_are_looked_into(toolchain: Toolchain, module: str, name: str, block: str) -> None:
    assert find_struct(Path(toolchain.site_packages), module, name, [block]) is None
