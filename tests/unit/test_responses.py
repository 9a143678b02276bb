"""The responses of a case: where they lie, which are asked for, and which of them is loaded."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from harness.case import load_case
from harness.errors import CaseError, UsageError
from harness.planning import find_cases, plan_samples
from harness.responses import ResponsePlace, find_responses
from harness.store.plan import PlannedSample
from harness.work import load_planned
from tests.batch import write_case


def folders(root: Path, *names: str) -> Path:
    for name in names:
        (root / name).mkdir(parents=True)
    return root


def test_samples_are_numbers_in_order_and_then_names(tmp_path: Path) -> None:
    folders(tmp_path, *(f"responses/m/{name}" for name in ("10", "b", "2", "1", "a")))
    assert [place.sample for place in find_responses(tmp_path)] == ["1", "2", "10", "a", "b"]


def test_the_case_s_own_response_comes_first_and_then_models_by_name(tmp_path: Path) -> None:
    folders(tmp_path, "response", "responses/z/1", "responses/a/1")
    (tmp_path / "responses" / "notes.md").write_text("no model")
    assert [(place.model, place.folder) for place in find_responses(tmp_path)] == [
        (None, "response"), ("a", "responses/a/1"), ("z", "responses/z/1"),
    ]  # fmt: skip


def test_a_case_of_one_response_lends_it_to_the_one_model_that_is_asked_for(tmp_path: Path) -> None:
    folders(tmp_path, "response")
    assert find_responses(tmp_path, ("gpt-x",)) == [ResponsePlace("response", "gpt-x")]
    assert find_responses(tmp_path, ("gpt-x", "other")) == []


def test_where_there_is_nothing_the_case_s_own_response_is_named(tmp_path: Path) -> None:
    assert find_responses(tmp_path) == [ResponsePlace("response")]


def test_a_model_without_a_sample_is_said(tmp_path: Path) -> None:
    folders(tmp_path, "response", "responses/empty")
    with pytest.raises(CaseError, match="empty: the folder is empty"):
        find_responses(tmp_path)
    assert find_responses(tmp_path, ("other",)) == []


def test_only_the_case_s_own_response_has_the_case_s_expectations(tmp_path: Path) -> None:
    root = write_case(tmp_path / "one", {"response": "A = 1\n", "responses/m/2": "B = 1\n"}, expectations="[{title: It is wrong}]")
    own, collected = (load_case(root, place) for place in find_responses(root))
    assert [claim["title"] for claim in own.expectations] == ["It is wrong"]
    assert (collected.expectations, collected.sample, collected.response_folder) == ((), "2", "responses/m/2")
    assert collected.response.text("tap.py") == "B = 1\n"
    assert own.ideal.digest == collected.ideal.digest


def test_a_response_that_is_collected_under_the_case_s_own_model_is_evaluated_once(tmp_path: Path) -> None:
    root = write_case(tmp_path / "one", {"response": "A = 1\n", "responses/own-model/1": "B = 1\n", "responses/own-model/2": "C = 1\n"})
    for models in ((), ("own-model",)):
        planned, _ = plan_samples([root], models)
        assert [(one.model, one.sample) for one in planned] == [("own-model", "1"), ("own-model", "2")]
        assert [load_planned(one).response.text("tap.py") for one in planned] == ["B = 1\n", "C = 1\n"]


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    single=st.booleans(),
    collected=st.dictionaries(st.sampled_from(["own-model", "x", "y"]), st.sets(st.sampled_from(["1", "2", "10", "late"]), min_size=1), max_size=3),
    models=st.sets(st.sampled_from(["own-model", "x", "y", "nobody"]), max_size=3),
    repeat=st.integers(1, 3),
)
def test_whatever_is_planned_is_loaded_as_what_it_was_planned_as(
    tmp_path_factory: pytest.TempPathFactory, single: bool, collected: dict[str, set[str]], models: set[str], repeat: int
) -> None:
    places = [f"responses/{model}/{sample}" for model, samples in collected.items() for sample in samples] + (["response"] if single else [])
    root = write_case(tmp_path_factory.mktemp("cases") / "one", {place: f"PLACE = {place!r}\n" for place in places})
    planned, skipped = plan_samples([root], sorted(models), repeat)
    assert [one.position for one in planned] == list(range(len(planned)))
    assert len({one.key for one in planned}) == len(planned)
    assert skipped == ([] if planned else ["one"])
    assert {one.model for one in planned} <= models or not models
    assert len(planned) % repeat == 0
    for model, samples in collected.items():
        if not models or model in models:
            assert {one.sample for one in planned if one.model == model} >= samples
    if single and (not models or "own-model" in models):
        assert any(one.model == "own-model" for one in planned)
    for one in planned:
        if not places:
            continue
        case = load_planned(one)
        assert (case.model, case.sample) == (one.model, one.sample)
        folder = case.response_folder
        assert case.response.text("tap.py") == f"PLACE = {folder!r}\n"
        assert folder in (f"responses/{one.model}/{one.sample}", "response")
        assert folder != "response" or one.model == "own-model" or (not collected and len(models) == 1)


def test_a_planned_response_that_is_gone_is_not_taken_for_another(tmp_path: Path) -> None:
    root = write_case(tmp_path / "one", {"response": "A = 1\n", "responses/m/1": "B = 1\n"})
    for model, sample in (("m", "2"), ("other", "1"), ("own-model", "2")):
        with pytest.raises(CaseError, match=rf"responses/{model}/{sample}: no such folder"):
            load_planned(PlannedSample(0, str(root), "one", model, sample))


def test_a_case_that_cannot_be_read_is_planned_all_the_same(tmp_path: Path) -> None:
    folders(tmp_path, "one")
    (tmp_path / "one" / "case.yaml").write_text("title: [")
    (planned,), skipped = plan_samples([tmp_path / "one"])
    assert (planned.case, planned.model, planned.sample, skipped) == ("one", "", "1", [])
    with pytest.raises(CaseError, match="not YAML"):
        load_planned(planned)


def test_a_case_is_named_once(tmp_path: Path) -> None:
    first = write_case(tmp_path / "a" / "same", {"response": "A = 1\n"})
    second = write_case(tmp_path / "b" / "same", {"response": "A = 1\n"})
    assert find_cases([tmp_path / "a"]) == [first]
    with pytest.raises(UsageError, match="the case same is named twice"):
        find_cases([first, second])
    with pytest.raises(UsageError, match="named twice"):
        find_cases([first, tmp_path / "a"])
