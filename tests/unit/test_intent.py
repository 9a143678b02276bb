"""Policies read from their text, and what their rules' values say of a plan."""

from __future__ import annotations

import pytest

from harness.case import load_case
from harness.errors import CaseError
from harness.gates.base import not_applicable
from harness.gates.intent import NO_POLICIES, IntentGate
from harness.intent.decide import Breach, UndecidedError, breaches
from harness.intent.evaluation import Values
from harness.intent.rego import Kind, is_modern, package_of, read_rules

OLD = """\
package terraform.validation # not a.b

import future.keywords.in

default is_configuration_valid = false

default has_zone = false

types = ["aws_x", "} {"]

has_zone {
    some i
    input.resources[i].type == "aws_route53_zone"
}

has_record { named("A") }

named(kind) {
    input.records[_].type == kind
}

deny[message] {
    not has_zone
    message := "no zone"
}

is_configuration_valid {
    has_zone
    has_record
}
"""
NEW = """\
package intent
import rego.v1

default allow := false

allow if {
	every zone in input.zones { zone.ok }
} else := false

deny contains "text" if not allow
size := count(input.zones)
"""


def test_rules_have_names_kinds_and_uses() -> None:
    rules = read_rules(OLD)
    assert package_of(OLD) == ("terraform", "validation")
    assert {name: rule.kind for name, rule in rules.items()} == {
        "is_configuration_valid": Kind.BOOLEAN,
        "has_zone": Kind.BOOLEAN,
        "types": Kind.VALUE,
        "has_record": Kind.BOOLEAN,
        "named": Kind.FUNCTION,
        "deny": Kind.SET,
    }
    assert rules["is_configuration_valid"].uses == {"has_zone", "has_record"}
    assert (rules["has_zone"].bodies, rules["has_zone"].line) == (1, 7)
    assert (rules["deny"].uses, rules["deny"].negates) == ({"has_zone"}, {"has_zone"})
    assert rules["has_record"].uses == {"named"}


def test_both_versions_are_told_apart() -> None:
    assert not is_modern(OLD)
    assert is_modern(NEW)
    assert is_modern("package a\nok if { true }\n")
    assert not is_modern("package a\nimport future.keywords.if\nok if { true }\n")
    assert not is_modern('package a\n# ok if { true }\nok { input.x == "b if {" }\n')
    assert {name: rule.kind for name, rule in read_rules(NEW).items()} == {"allow": Kind.BOOLEAN, "deny": Kind.SET, "size": Kind.VALUE}


def _breaches(text: str, chosen: tuple[str, ...] = (), errors: dict[str, str] | None = None, **values: object) -> list[Breach]:
    return breaches(read_rules(text), Values(values, errors or {}), chosen)


def test_a_policy_holds_where_its_last_word_is_true_and_nothing_is_refused() -> None:
    assert not _breaches(OLD, is_configuration_valid=True, has_zone=True, has_record=True, deny=[])


def test_the_rule_that_is_false_underneath_is_to_blame() -> None:
    assert _breaches(OLD, is_configuration_valid=False, has_zone=True, deny=[]) == [Breach("has_record")]
    assert _breaches(OLD, is_configuration_valid=False, has_zone=False, deny=["no zone"]) == [
        Breach("deny", "no zone"),
        Breach("has_zone"),
        Breach("has_record"),
    ]


def test_a_rule_with_two_bodies_is_to_blame_itself() -> None:
    text = "package a\nok { one }\nok { two }\none { input.x }\ntwo { input.y }\n"
    assert _breaches(text) == [Breach("ok")]


def test_what_has_to_be_false_is_not_to_blame_for_being_so() -> None:
    text = "package a\nok { not bad; good }\nbad { input.x }\ngood { input.y }\n"
    assert _breaches(text, bad=True) == [Breach("good")]
    assert _breaches(text, bad=True, good=True) == [Breach("ok")]
    assert not _breaches(text, ok=True, good=True)


def test_rules_that_refuse_may_say_it_in_any_shape() -> None:
    text = "package a\nviolation[x] { x := input.x }\n"
    assert [breach.message for breach in _breaches(text, violation=["a", {"msg": "b"}, {"k": 1}])] == ["a", "b", '{"k": 1}']
    assert [breach.message for breach in _breaches("package a\ndeny { input.x }\n", deny=True)] == ["it is refused"]
    assert not _breaches("package a\ndeny { input.x }\n")


def test_a_case_may_say_which_rules_decide() -> None:
    text = "package a\nhelper { input.x }\nasked { input.y }\n"
    assert _breaches(text, asked=True) == [Breach("helper")]
    assert not _breaches(text, ("asked",), asked=True)
    with pytest.raises(UndecidedError, match="no rule nobody"):
        _breaches(text, ("nobody",))


def test_no_verdict_without_a_rule_that_decides_or_one_that_cannot_be_evaluated() -> None:
    with pytest.raises(UndecidedError, match="none of its rules"):
        _breaches("package a\nx := 3\n", x=3)
    with pytest.raises(UndecidedError, match="ok cannot be evaluated: no such function"):
        _breaches("package a\nok { nosuch(1) }\n", errors={"ok": "no such function"})


def test_a_circle_of_rules_ends() -> None:
    assert {breach.rule for breach in _breaches("package a\none { two }\ntwo { one }\n")} <= {"one", "two"}


TERRAFORM = {"main.tf": 'resource "aws_vpc" "v" {}\n'}


def test_a_case_carries_its_policies(make_case) -> None:
    root = make_case(TERRAFORM, TERRAFORM, platform="terraform", language="hcl")
    assert load_case(root).policies == ()
    assert not_applicable(IntentGate(), load_case(root)) == NO_POLICIES
    (root / "policies").mkdir()
    (root / "policies" / "b.rego").write_text("package b\n")
    (root / "policies" / "a.rego").write_text("package a\n")
    case = load_case(root)
    assert [(policy.path, policy.text) for policy in case.policies] == [("policies/a.rego", "package a\n"), ("policies/b.rego", "package b\n")]
    assert not_applicable(IntentGate(), case) == ""


def test_a_case_may_name_its_policies_and_rules(make_case) -> None:
    root = make_case(TERRAFORM, TERRAFORM, platform="terraform", language="hcl", intent="[{policy: asked.rego, rules: [ok]}]")
    with pytest.raises(CaseError, match=r"asked\.rego: missing"):
        load_case(root)
    (root / "asked.rego").write_text("package a\nok { true }\n")
    (policy,) = load_case(root).policies
    assert (policy.path, policy.rules) == ("asked.rego", ("ok",))


@pytest.mark.parametrize(
    ("intent", "words"), [("[3]", "has to list policies"), ("[{rules: [a]}]", "has to list policies"), ("../../x.rego", "outside the case")]
)
def test_wrong_policies_say_what_is_wrong(make_case, intent: str, words: str) -> None:
    with pytest.raises(CaseError, match=words):
        load_case(make_case(TERRAFORM, TERRAFORM, platform="terraform", language="hcl", intent=intent))
