"""Every rule proves itself on the diagnostics that it names as its examples."""

from __future__ import annotations

import re
from collections import Counter
from pathlib import Path

import pytest

from harness.attribution import Finding
from harness.diagnostics import Diagnostic, Location
from harness.errors import UsageError
from scoring.classify import classify
from scoring.rubric import load_rubric
from scoring.rulebook import all_rules, describe_rules, find_rule
from scoring.rules.base import Example, Rule, combine, with_article, without_index
from scoring.rules.bindings import is_of_bindings, is_resource, module_of, suffixed
from scoring.rules.kernel import LIST, MAPPING, Step, block, read_refusal, refuse
from scoring.rules.packages import POPULAR, PREBUILT_PROVIDERS, exists
from scoring.rules_page import as_text, explain, with_tables
from tests.unit.test_scoring_seed import make_finding

ROOT = Path(__file__).parents[2]
WRITTEN_HERE = tuple(rule for rule in all_rules() if rule.examples)
"""All rules but those that follow from a constraint, which has its own examples."""
CASES = [pytest.param(rule, example, id=f"{rule.id}-{number}") for rule in all_rules() for number, example in enumerate(rule.examples)]


def as_finding(example: Example) -> Finding:
    place = (example.files[0], 3)
    diagnostic = Diagnostic(example.gate, example.code, example.message, (Location(*place),), example.address, example.symbols, example.detail)
    return make_finding(diagnostic, place=place, added_parameters=example.added_parameters, response=example.response, ideal=example.ideal)


@pytest.mark.parametrize(("rule", "example"), CASES)
def test_a_rule_is_the_first_that_knows_its_example(rule: Rule, example: Example) -> None:
    (failure,) = classify([as_finding(example)], load_rubric())
    assert failure.rule == rule.id
    assert failure.category is rule.category


@pytest.mark.parametrize(("rule", "example"), CASES)
def test_a_rule_s_texts_are_filled_in_completely(rule: Rule, example: Example) -> None:
    (failure,) = classify([as_finding(example)], load_rubric())
    for text in (failure.title, failure.root_cause, failure.impact):
        assert text and not re.search(r"\{\w+\}| of $|: *$|  |\.\.$", text), text
        assert not text.startswith((" ", ":", ","))
    assert re.fullmatch(r"https://[^\s{}]+[^\s{}/]/?", failure.documentation)


@pytest.mark.parametrize("rule", all_rules(), ids=lambda rule: rule.id)
def test_a_rule_s_lesson_stands_by_itself(rule: Rule) -> None:
    assert rule.lesson.format_map({}).endswith(".")
    assert re.fullmatch(r"[a-z][a-z0-9]*(-[a-z0-9]+)*", rule.id)


def test_symbols_named_by_a_rule_are_found_in_at_least_one_example() -> None:
    for rule in (rule for rule in all_rules() if rule.examples):  # rules over the graph have theirs in harness.constraints
        found = {name for example in rule.examples for name, value in (_names(rule, example)).items() if value}
        assert set(rule.symbols or ()) <= found, rule.id


def _names(rule: Rule, example: Example) -> dict[str, str]:
    finding = as_finding(example)
    return dict(rule.match(finding.diagnostic, finding) or {})


def test_no_two_rules_have_one_id() -> None:
    assert max(Counter(rule.id for rule in all_rules()).values()) == 1


def test_there_are_rules_for_most_of_what_goes_wrong() -> None:
    assert len(WRITTEN_HERE) >= 40
    gates = {"synth", "silent-drop", "validate", "plan", "apply", "constraints", "intent", "security", "tests", "types", "lint", "format"}
    assert {gate for rule in WRITTEN_HERE for gate in rule.gates} == gates
    over_graphs = {rule.id for rule in all_rules() if rule.gates in (("constraints",), ("architecture",))}
    assert {rule.id for rule in all_rules()} - {rule.id for rule in WRITTEN_HERE} <= over_graphs


def test_every_rule_says_what_is_wrong_and_where_to_read_on() -> None:
    for rule in WRITTEN_HERE:
        assert rule.gates and rule.title and rule.root_cause and rule.impact and rule.lesson and rule.documentation, rule.id
        assert rule.pattern or rule.codes or rule.gates[0] not in ("synth", "validate", "plan"), f"{rule.id} takes everything"


def test_rules_are_found_by_id_and_described() -> None:
    assert find_rule("log-retention") is not None
    assert find_rule("unclassified-synth") is None
    assert [row["id"] for row in describe_rules()] == [rule.id for rule in all_rules()]


def test_the_documentation_lists_every_rule() -> None:
    page = (ROOT / "docs" / "rules.md").read_text()
    assert with_tables(page) == page, "docs/rules.md is not what the rules say: run make rules"
    assert all(f"| `{rule.id}` |" in page for rule in all_rules())


@pytest.mark.parametrize("rule_id", ["log-retention", "kms-logs-policy", "resource-missing"])
def test_a_rule_is_explained_with_its_examples(rule_id: str) -> None:
    described = explain(rule_id)
    assert described["id"] == rule_id
    assert described["documentation"].startswith("https://")
    assert described.get("messages") or (described["refuses"] and described["lets pass"] and described["checks"])
    assert rule_id in as_text(described)


def test_a_page_without_a_place_for_the_tables_is_refused() -> None:
    with pytest.raises(UsageError, match="no place"):
        with_tables("# Rules")
    with pytest.raises(UsageError, match="no rule nonsense"):
        explain("nonsense")


def _rule_of(gate: str, code: str, message: str, **more: object) -> str:
    (failure,) = classify([as_finding(Example(gate, code, message, **more))], load_rubric())  # type: ignore[arg-type]
    return failure.rule


NUMBER_AS_TAG = Step("Key 'tags'", "map<string> | undefined", MAPPING, Step("Key 'a'", "string", ("a number", "1"), "Value is not a string"))


def test_a_refused_tag_in_a_proper_list_of_default_tags_is_the_tag_s_fault() -> None:
    inside = block("provider.AwsProvider", "defaultTags", "AwsProviderDefaultTags", LIST, NUMBER_AS_TAG, optional=True)
    outside = block("provider.AwsProvider", "defaultTags", "AwsProviderDefaultTags", MAPPING, "Value is not an array", optional=True)
    assert _rule_of("synth", "RuntimeError", inside) == "map-needs-strings"
    assert _rule_of("synth", "RuntimeError", outside) == "provider-default-tags"


@pytest.mark.parametrize(
    ("response", "says"),
    [
        pytest.param('vpc=[{"vpc_id": vpc.id}]', "given as keys of a plain dict, in Python's spelling (vpc_id)", id="spelled as in Python"),
        pytest.param('vpc=[{"region": "eu-west-1"}]', "In a plain dict the keys have jsii's own spelling: vpcId.", id="not given at all"),
    ],
)
def test_a_missing_property_is_told_from_one_in_another_spelling(response: str, says: str) -> None:
    said = "Missing required properties for @cdktf/provider-aws.route53Zone.Route53ZoneVpc: 'vpcId'"
    message = block("route53Zone.Route53Zone", "vpc", "Route53ZoneVpc", LIST, said)
    (failure,) = classify([as_finding(Example("synth", "RuntimeError", message, response=response))], load_rubric())
    assert (failure.rule, failure.title) == ("block-lacks-property", "vpc of Route53Zone lacks vpc_id")
    assert says in failure.root_cause


def test_an_index_out_of_range_is_a_token_s_only_where_the_fix_shows_it() -> None:
    said = ("synth", "IndexError", "list index out of range")
    assert _rule_of(*said, response="zones.names[1]") == _rule_of(*said, response="arn.split(':')[5]") == "token-indexed"
    assert _rule_of(*said, ideal="Fn.element(zones, 1)") == "token-indexed"
    assert _rule_of(*said, response="cidrs[7]", ideal="cidrs[2]") == "index-out-of-range"


@pytest.mark.parametrize(
    ("module", "rule"),
    [
        ("boto3", "package-not-in-toolchain"),
        ("yaml", "package-not-in-toolchain"),
        ("cdktf_cdktf_provider_archive", "package-not-in-toolchain"),
        ("cdktf_cdktf_provider_nowhere", "module-unknown"),
        ("cdktf_helpers_aws", "module-unknown"),
        ("imports.aws", "imports-not-generated"),
        ("lib.network", "file-left-out"),
        ("cdktf_cdktf_provider_aws.s3", "module-not-in-bindings"),
    ],
)
def test_what_is_missing_is_told_from_what_never_was(module: str, rule: str) -> None:
    assert _rule_of("synth", "ModuleNotFoundError", f"No module named '{module}'", files=("tap.py",)) == rule


def test_names_without_an_import_are_one_failure_and_say_what_imports_them() -> None:
    names = ("KmsAlias", "Fn", "json", "Network")
    findings = [
        as_finding(Example("synth", "NameError", f"name '{name}' is not defined", symbols=(name,), ideal="from lib.network import (\n    Network,\n)"))
        for name in names
    ]
    (failure,) = classify(findings, load_rubric())
    assert (failure.rule, failure.symbols) == ("import-missing", names)
    assert failure.title == "Names are used without being imported: KmsAlias, Fn and 2 more"
    for statement in ("from cdktf_cdktf_provider_aws.kms_alias import KmsAlias", "from cdktf import Fn", "import json", "from lib.network import Network"):
        assert statement in failure.root_cause


def test_a_class_of_the_bindings_is_told_from_one_of_the_response() -> None:
    assert all(map(is_of_bindings, ("S3Bucket", "DataAwsAmi", "S3BucketVersioningVersioningConfiguration", "AwsProviderDefaultTags", "TerraformOutput")))
    assert not any(map(is_of_bindings, ("StorageStack", "VpcModule", "NetworkLayer", "Settings", "X")))
    assert is_resource("KmsAlias") and not is_resource("KmsAliasName")
    assert suffixed("S3BucketVersioning") == "S3BucketVersioningA" and suffixed("S3Bucket") == ""
    assert module_of("S3BucketVersioningA") == module_of("S3BucketVersioning") == "cdktf_cdktf_provider_aws.s3_bucket_versioning"
    assert (module_of("Construct"), module_of("App"), module_of("Settings")) == ("constructs", "cdktf", "")


def test_a_signature_s_mismatches_are_listed_without_running_together() -> None:
    said = (
        "NetworkStack.__init__() takes 4 positional arguments but 6 were given",
        "NetworkStack.__init__() missing 2 required positional arguments: 'environment_suffix' and 'config'",
    )
    findings = [as_finding(Example("synth", "TypeError", message, added_parameters=("NetworkStack.environment_suffix",))) for message in said]
    (failure,) = classify(findings, load_rubric())
    assert failure.title == "Constructor signature of NetworkStack does not fit: how many arguments it takes, environment_suffix, config"
    assert "it takes 4 and is given 6, is not given environment_suffix and config." in failure.root_cause
    assert failure.root_cause.endswith(" The fix adds environment_suffix.")


def test_both_ends_of_a_conflict_are_one_failure() -> None:
    ends = ('"name": conflicts with name_prefix', '"name_prefix": conflicts with name')
    code = "Conflicting configuration arguments"
    findings = [as_finding(Example("validate", code, f"{code}: {end}", address="aws_security_group.g")) for end in ends]
    assert [failure.title for failure in classify(findings, load_rubric())] == ["aws_security_group does not take name and name_prefix together"]


def test_a_value_that_is_only_spelled_otherwise_is_told_its_spelling() -> None:
    example = Example("validate", "", 'expected traffic_type to be one of ["ACCEPT" "REJECT" "ALL"], got all', address="aws_flow_log.f")
    (failure,) = classify([as_finding(example)], load_rubric())
    assert failure.root_cause.endswith("It is spelled ALL. There are ACCEPT, REJECT and ALL.")


def test_the_kernel_s_message_is_read_back() -> None:
    said = read_refusal(block("provider.AwsProvider", "defaultTags", "AwsProviderDefaultTags", LIST, NUMBER_AS_TAG, optional=True))
    assert (said.owner, said.path, said.wanted, said.given, said.value) == ("AwsProvider", "default_tags.tags.a", "a string", "a number", "1")
    said = read_refusal(refuse("lb.Lb", Step("Key 'subnets'", "array<string> | undefined", ("a string", "'subnet-1'"), "Value is not an array")))
    assert (said.owner, said.path, said.wanted, said.given) == ("Lb", "subnets", "a list of strings", "a string")
    assert read_refusal("something else entirely").owner == "the construct"


def test_packages_are_named_once_and_for_what_can_be_imported() -> None:
    assert len(POPULAR) > 150 and len(PREBUILT_PROVIDERS) > 50
    assert all(name.isidentifier() for name in POPULAR | PREBUILT_PROVIDERS)
    assert exists("google.cloud.storage") and exists("cdktf_cdktf_provider_null.resource") and not exists("cdktf_cdktf_provider_aws")


def test_words_are_put_together_as_they_are_spoken() -> None:
    assert [with_article(word) for word in ("str", "int", "S3Bucket", "EcsService", "list")] == ["a str", "an int", "an S3Bucket", "an EcsService", "a list"]
    assert without_index("rule.0.status") == without_index("rule[0].status") == "rule.status"
    assert combine([{"a": " One.", "b": "x"}, {"a": " Two.", "b": "y"}, {"a": " One.", "b": "z"}], 2) == {"a": " One. Two.", "b": "x, y and 1 more"}


@pytest.mark.parametrize(
    ("response", "place", "how"),
    [
        ('bucket.add_override("bogus", 1)', "lib/tap_stack.py", "an override put it in the wrong place"),
        ('bogus = "x"', "main.tf", "it was written into the wrong block, or under a wrong name"),
    ],
)
def test_an_argument_that_no_schema_has_is_an_override_s_only_where_there_is_one(response: str, place: str, how: str) -> None:
    said = Diagnostic("validate", "Unsupported argument", 'Unsupported argument: An argument named "bogus" is not expected here.', address="aws_s3_bucket.b")
    (failure,) = classify([make_finding(said, place=(place, 3), response=response, ideal="")], load_rubric())
    assert failure.rule == "unsupported-argument"
    assert failure.root_cause == f"The schema has no bogus here. Either {how}, or it belongs to another resource or version."
    assert failure.documentation.endswith("/resources/s3_bucket")
