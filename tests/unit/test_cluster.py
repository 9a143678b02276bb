"""What travels to a cluster arrives as it was sent, and workers that differ do not take part."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.artefacts import dump_tree
from harness.case import load_case
from harness.cluster_members import ClusterError, Facts, agree
from harness.cluster_travel import pack_evaluation, pack_sample, pack_tree, pack_trouble, unpack_evaluation, unpack_sample, unpack_tree
from harness.errors import HarnessFault
from harness.evaluate import Evaluation
from harness.store.plan import PlannedSample
from harness.tree import Tree
from tests.results import make_failure, make_result

ROOT = Path(__file__).resolve().parent.parent.parent
PLANNED = PlannedSample(7, "/cases/a", "a", "m", "2", 3)
GOOD = Facts("tcp://a", "a", {"python": "3.11.7", "terraform": "1.11.4"}, "f1", {}, "code")

paths = st.text(st.characters(codec="utf-8", exclude_characters="\0"), min_size=1, max_size=20)
trees = st.dictionaries(paths, st.binary(max_size=100), max_size=5).map(Tree)


@given(trees)
def test_a_tree_arrives_as_it_was_sent(tree: Tree) -> None:
    assert unpack_tree(pack_tree(tree), tree.digest) == tree


def test_a_tree_that_is_another_is_refused() -> None:
    with pytest.raises(HarnessFault, match="arrived changed"):
        unpack_tree(pack_tree(Tree({"a": b"1"})), Tree({"a": b"2"}).digest)


def test_a_sample_travels_without_its_trees(make_case: Callable[..., Path]) -> None:
    root = make_case({"tap.py": "x = 1\n" * 10_000}, {"tap.py": "x = 2\n" * 10_000})
    (root / "case.yaml").write_text((root / "case.yaml").read_text() + "provenance:\n  date: 2026-01-02\n")
    case = load_case(root)
    packed = pack_sample(PLANNED, case)
    planned, shell, response, ideal = unpack_sample(packed)
    assert (planned, response, ideal) == (PLANNED, case.response.digest, case.ideal.digest)
    assert replace(shell, response=case.response, ideal=case.ideal) == case
    assert not shell.response.files and not shell.ideal.files


@given(st.dictionaries(st.text(max_size=10).filter(lambda name: not name.startswith("tree/")), st.binary(max_size=50), max_size=4), st.booleans())
def test_an_evaluation_arrives_as_it_was_sent(others: dict[str, bytes], lasts: bool) -> None:
    response, ideal = Tree({"a": b"1\n"}), Tree({"a": b"\xff"})
    artefacts = {"tree/response": dump_tree(response), "tree/ideal": dump_tree(ideal), **others}
    sent = Evaluation(make_result(PLANNED, make_failure()), artefacts, lasts)
    packed = pack_evaluation(sent)
    assert unpack_evaluation(packed, PLANNED, {"response": pack_tree(response), "ideal": pack_tree(ideal)}) == sent


def test_an_evaluation_without_artefacts_gets_none() -> None:
    sent = Evaluation(make_result(PLANNED, error="it broke", score=None))
    assert unpack_evaluation(pack_evaluation(sent), PLANNED, {"response": b"", "ideal": b""}) == sent


def test_trouble_becomes_the_samples_error() -> None:
    result = unpack_evaluation(pack_trouble("lost \ud800"), PLANNED, {}).result
    assert (result.error, result.case, result.sample, result.attempt) == ("lost \ud800", "a", "2", 3)


@pytest.mark.parametrize("packed", [b"", b"not compressed", b"x\x9c"])
def test_what_is_no_evaluation_is_said_to_be_none(packed: bytes) -> None:
    with pytest.raises(ValueError):
        unpack_evaluation(packed, PLANNED, {})


@pytest.mark.parametrize(
    ("other", "what"),
    [
        (replace(GOOD, versions={"python": "3.11.7", "terraform": "1.5.0"}, fingerprint="f2"), "terraform 1.5.0 instead of 1.11.4"),
        (replace(GOOD, versions={"python": "3.11.7"}, fingerprint="f2"), "no terraform instead of 1.11.4"),
        (replace(GOOD, holes={"plan": "no emulator"}), "the gate plan that cannot run (no emulator)"),
        (replace(GOOD, code="older"), "other code of Assay than the client's"),
        (replace(GOOD, error="no bubblewrap"), "no bubblewrap"),
    ],
)
def test_a_worker_that_differs_is_refused_by_name(other: Facts, what: str) -> None:
    odd = replace(other, address="tcp://odd", name="odd")
    agreement = agree([odd, GOOD, replace(GOOD, address="tcp://b", name="b")], {"tcp://a": 1, "tcp://b": 1, "tcp://odd": 1}, "code")
    assert agreement.standard.identity == GOOD.identity
    assert agreement.refused == {"tcp://odd": f"odd (tcp://odd): {what}"}


def test_most_threads_decide_and_a_tie_is_an_error() -> None:
    other = replace(GOOD, address="tcp://b", name="b", fingerprint="f2", versions={"python": "3.12.1", "terraform": "1.11.4"})
    assert agree([GOOD, other], {"tcp://a": 1, "tcp://b": 8}, "code").standard == other
    with pytest.raises(ClusterError, match=r"b \(tcp://b\) has python 3.12.1 instead of 3.11.7"):
        agree([GOOD, other], {"tcp://a": 2, "tcp://b": 2}, "code")


@pytest.mark.parametrize("workers", [[], [replace(GOOD, error="no bubblewrap", remedy="install it")], [replace(GOOD, code="older")]])
def test_a_cluster_without_a_worker_that_can_is_an_error(workers: list[Facts]) -> None:
    with pytest.raises(ClusterError, match="no worker can evaluate anything") as refused:
        agree(workers, {}, "code")
    assert refused.value.remedy


def test_without_dask_the_scheduler_option_says_what_to_install() -> None:
    code = "import sys\nsys.modules['distributed'] = None\nimport harness.cluster\n"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=False)
    assert "UsageError" in done.stderr and "pip install 'assay-iac[cluster]'" in done.stderr


def test_the_scheduler_is_spared_the_whole_of_assay() -> None:
    code = "import sys\nimport harness.cluster_worker\nprint(sorted(name for name in sys.modules if name.split('.')[0] in ('harness', 'scoring')))\n"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "['harness', 'harness.cluster_members', 'harness.cluster_worker', 'harness.errors']"
