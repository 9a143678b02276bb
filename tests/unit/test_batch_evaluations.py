"""Whole evaluations in the cache: everything that they depend on is in the key, and what is of the moment is not kept."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import fields, replace
from pathlib import Path

import pytest

from harness.artefacts import dump_tree, load_tree
from harness.cache import GateCache
from harness.case import Case, Policy, load_case
from harness.diagnostics import Diagnostic, Location
from harness.errors import HarnessFault
from harness.evaluate import Evaluation, evaluate_fully
from harness.gates.base import GateResult, Status, Subject
from harness.kept_evaluations import key_of, recall, remember
from harness.session import Session
from harness.tree import Tree
from tests.batch import write_case
from tests.results import make_result


class Spoken:
    """A gate that answers what it is told to, or raises it."""

    needs: tuple[str, ...] = ()

    def __init__(self, answer: GateResult | Exception | None = None, name: str = "spoken", version: str = "1") -> None:
        self.answer, self.name, self.version = answer, name, version

    def missing(self, session: Session) -> str:
        return ""

    def key(self, subject: Subject) -> str:
        return subject.tree.digest

    def run(self, subject: Subject, session: Session) -> GateResult:
        if isinstance(self.answer, Exception):
            raise self.answer
        if self.answer is not None:
            return self.answer
        problems = () if b"OK" in subject.tree.files["tap.py"] else (Diagnostic(self.name, "said", "it is wrong", (Location("tap.py", 1),)),)
        return GateResult(self.name, Status.FAIL if problems else Status.PASS, problems)


@pytest.fixture
def case(tmp_path: Path) -> Case:
    return load_case(write_case(tmp_path / "one", {"response": "WRONG = True\n"}))


@pytest.fixture
def cache(tmp_path: Path) -> Iterator[GateCache]:
    opened = GateCache(tmp_path / "gates")
    yield opened
    opened.close()


CHANGES: dict[str, object] = {
    "name": "two", "title": "Another", "platform": "terraform", "language": "hcl", "model": "m", "prompt": "Build more.", "entry": ("python", "other.py"),
    "env": {"STAGE": "dev"}, "tests": ("tests/unit",), "tags": ("kms",), "expectations": ({"title": "It is wrong"},),
    "provenance": {"no_usable_code": "a refusal"}, "response": Tree({"tap.py": b"WRONG = 2\n"}), "ideal": Tree({"tap.py": b"OK = 2\n"}),
    "policies": (Policy("policies/a.rego", "package a"),), "sample": "2", "response_folder": "responses/m/2",
}  # fmt: skip
NO_INPUT = {"root"}
"""Where a case lies says nothing about it."""


def test_every_field_of_a_case_is_looked_at_here() -> None:
    assert set(CHANGES) | NO_INPUT == {field.name for field in fields(Case)}


@pytest.mark.parametrize("field", CHANGES)
def test_another_value_of_any_input_is_another_key(case: Case, field: str) -> None:
    gates = [Spoken()]
    changed = replace(case, **{field: CHANGES[field]})  # type: ignore[arg-type]
    assert key_of(changed, gates, "tools", {}) != key_of(case, gates, "tools", {})


def test_the_same_case_elsewhere_has_the_same_key(case: Case, tmp_path: Path) -> None:
    elsewhere = load_case(write_case(tmp_path / "elsewhere" / "one", {"response": "WRONG = True\n"}))
    assert elsewhere.root != case.root
    assert key_of(elsewhere, [Spoken()], "tools", {}) == key_of(case, [Spoken()], "tools", {})


@pytest.mark.parametrize(
    ("name", "text"),
    [("tap.py", b"WRONG = True\n "), ("tap2.py", b"WRONG = True\n"), ("a/tap.py", b"WRONG = True\n")],
)
def test_one_more_space_or_another_path_is_another_key(case: Case, name: str, text: bytes) -> None:
    assert key_of(replace(case, response=Tree({name: text})), [], "tools", {}) != key_of(case, [], "tools", {})


def test_response_and_ideal_are_not_taken_for_each_other(case: Case) -> None:
    assert key_of(replace(case, response=case.ideal, ideal=case.response), [], "tools", {}) != key_of(case, [], "tools", {})


@pytest.mark.parametrize(
    ("gates", "toolchain", "holes"),
    [
        ([Spoken(version="2")], "tools", {}),
        ([Spoken(name="another")], "tools", {}),
        ([Spoken(), Spoken(name="another")], "tools", {}),
        ([], "tools", {}),
        ([Spoken()], "other tools", {}),
        ([Spoken()], "tools", {"plan": "no terraform"}),
    ],
)
def test_other_gates_tools_or_holes_are_another_key(case: Case, gates: list[Spoken], toolchain: str, holes: dict[str, str]) -> None:
    assert key_of(case, gates, toolchain, holes) != key_of(case, [Spoken()], "tools", {})


def test_a_policy_s_text_and_rules_are_looked_at(case: Case) -> None:
    policies = [Policy("a.rego", "package a"), Policy("a.rego", "package b"), Policy("b.rego", "package a"), Policy("a.rego", "package a", ("deny",))]
    assert len({key_of(replace(case, policies=(one,)), [], "tools", {}) for one in policies}) == len(policies)


def test_a_case_file_may_hold_what_json_cannot(case: Case) -> None:
    from datetime import date

    odd = replace(case, provenance={date(2026, 1, 2): {1: "\ud800"}}, expectations=({"title": "t", 5: None},))
    assert key_of(odd, [], "tools", {}) != key_of(case, [], "tools", {})


@pytest.mark.parametrize("name", ["source_digest", "judging_digest"])
def test_other_code_or_another_rubric_is_another_key(case: Case, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    before = key_of(case, [], "tools", {})
    monkeypatch.setattr(f"harness.kept_evaluations.{name}", lambda: "of another version")
    assert key_of(case, [], "tools", {}) != before


def evaluated(case: Case, session: Session, *gates: Spoken) -> Evaluation:
    return evaluate_fully(case, session, gates=gates, jobs=1)  # type: ignore[arg-type]


def test_an_evaluation_comes_back_as_it_was_with_all_its_artefacts(case: Case, session: Session, cache: GateCache) -> None:
    evaluation = evaluated(case, session, Spoken())
    assert evaluation.lasts and len(evaluation.result.failures) == 1
    remember(cache, "key", evaluation)
    kept = recall(cache, "key", case)
    assert kept is not None
    assert kept.result == evaluation.result
    assert kept.artefacts == evaluation.artefacts
    assert recall(cache, "another key", case) is None


@pytest.mark.parametrize(
    ("answer", "kept"),
    [
        (GateResult("spoken", Status.INCONCLUSIVE, reason="the machine was busy"), False),
        (GateResult("spoken", Status.INCONCLUSIVE, reason="cannot be decided by anybody", lasting=True), True),
        (HarnessFault("the emulator fell over", "start again"), False),
        (GateResult("spoken", Status.PASS), True),
    ],
)
def test_what_a_gate_could_not_decide_at_the_moment_is_not_kept(
    case: Case, session: Session, cache: GateCache, answer: GateResult | Exception, kept: bool
) -> None:
    evaluation = evaluated(case, session, Spoken(answer))
    remember(cache, "key", evaluation)
    assert (recall(cache, "key", case) is not None) is kept


def test_one_answer_of_the_moment_among_lasting_ones_is_enough(case: Case, session: Session, cache: GateCache) -> None:
    remember(cache, "key", evaluated(case, session, Spoken(), Spoken(HarnessFault("it fell over", "again"), name="fallen")))
    assert recall(cache, "key", case) is None


def test_an_error_is_not_kept(case: Case, cache: GateCache) -> None:
    from harness.store import PlannedSample

    result = make_result(PlannedSample(0, "/nowhere", "one", "m"), error="Assay broke on this case")
    remember(cache, "key", Evaluation(result, {}, True))
    assert recall(cache, "key", case) is None


@pytest.mark.parametrize(
    "content", [b"", b"{", b"null", b"[]", b'{"result": {}}', b'{"result": {}, "artefacts": {}}', b'{"result": null, "artefacts": {"a": "?"}}']
)
def test_what_is_no_evaluation_is_none(case: Case, cache: GateCache, content: bytes) -> None:
    """Whole, byte for byte, but written by something else."""
    cache.put_bytes("key", content)
    assert recall(cache, "key", case) is None


def test_a_tree_survives_its_artefact() -> None:
    tree = Tree({"a.py": "é = 1\r\n".encode(), "b.bin": b"\xff\x00\xfe", "c/empty": b""})
    assert load_tree(dump_tree(tree)) == tree
