"""Cases that cannot be used say which file, what is wrong, and what to do."""

from __future__ import annotations

import pickle

import pytest

from harness.case import load_case
from harness.errors import AssayError, CaseError, ToolMissing
from harness.tree import Tree

GOOD = {"tap.py": "print(1)\n"}


def test_a_good_case_loads(make_case) -> None:
    case = load_case(make_case(GOOD, GOOD, env="{SUFFIX: dev, NUMBER: 3}", tags="[a, b]"))
    assert case.name == "small"
    assert case.script == "tap.py"
    assert case.env == {"SUFFIX": "dev", "NUMBER": "3"}
    assert case.prompt.startswith("Build")


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"platform": "pulumi"}, "platform 'pulumi' is not supported"),
        ({"language": "go"}, "language 'go' is not supported"),
        ({"entry": "make"}, "entry 'make' is not supported"),
        ({"entry": "python ../../x.py"}, "leaves the tree"),
        ({"entry": "python /x.py"}, "leaves the tree"),
        ({"entry": "'python \"tap.py'"}, "cannot be split"),
        ({"titel": "x"}, "unknown field 'titel'"),
        ({"title": "[1]"}, "field 'title' has to be a text"),
        ({"tests": "tests"}, "field 'tests' has to be a list"),
        ({"env": "[1]"}, "field 'env' has to map"),
        ({"expectations": "[{severity: high}]"}, "each expectation needs at least a title"),
        ({"prompt": "../../../etc/hostname"}, "lies outside the case"),
        ({"prompt": "missing.md"}, "missing"),
        ({"title": "'unclosed"}, "not YAML"),
    ],
)
def test_a_bad_field_is_named(make_case, fields: dict[str, str], words: str) -> None:
    with pytest.raises(CaseError, match=r"case\.yaml|PROMPT|hostname|missing\.md") as caught:
        load_case(make_case(GOOD, GOOD, **fields))
    assert words in caught.value.message
    assert caught.value.remedy


def test_a_missing_case_file_is_said(make_case) -> None:
    root = make_case(GOOD, GOOD)
    (root / "case.yaml").unlink()
    with pytest.raises(CaseError, match=r"case\.yaml: missing"):
        load_case(root)


def test_a_folder_that_is_not_there_is_said(tmp_path) -> None:
    with pytest.raises(CaseError, match="no such folder"):
        load_case(tmp_path / "nothing")


def test_an_empty_tree_is_refused(make_case) -> None:
    with pytest.raises(CaseError, match="the folder is empty"):
        load_case(make_case({}, GOOD))


def test_an_absent_tree_is_refused(make_case) -> None:
    root = make_case(GOOD, {})
    (root / "ideal").rmdir()
    with pytest.raises(CaseError, match="does not exist"):
        load_case(root)


def test_a_link_that_leaves_the_case_is_refused(make_case) -> None:
    root = make_case(GOOD, GOOD)
    (root / "response" / "secrets").symlink_to("/etc/passwd")
    with pytest.raises(CaseError, match="leaves the case"):
        load_case(root)


def test_a_linked_folder_is_refused(make_case) -> None:
    root = make_case(GOOD, GOOD)
    (root / "response" / "everything").symlink_to("/")
    with pytest.raises(CaseError, match="leaves the case"):
        load_case(root)


def test_a_link_inside_the_case_is_read(make_case) -> None:
    root = make_case(GOOD, GOOD)
    (root / "response" / "copy.py").symlink_to("tap.py")
    assert load_case(root).response.files["copy.py"] == b"print(1)\n"


def test_what_tools_leave_behind_is_no_part_of_a_tree(make_case) -> None:
    case = load_case(make_case({**GOOD, "__pycache__/tap.pyc": b"x", "cdktf.out/manifest.json": "{}"}, GOOD))
    assert list(case.response) == ["tap.py"]


def test_trees_of_the_same_content_have_the_same_digest() -> None:
    assert Tree({"a": b"1", "b": b"2"}).digest == Tree({"b": b"2", "a": b"1"}).digest
    assert Tree({"a": b"1", "b": b"2"}).digest != Tree({"a": b"12", "b": b""}).digest


@pytest.mark.parametrize("error", [CaseError("what", "do"), ToolMissing("what", "do")])
def test_errors_survive_the_way_back_from_a_worker(error: AssayError) -> None:
    copy = pickle.loads(pickle.dumps(error))
    assert (type(copy), copy.message, copy.remedy, copy.exit_code) == (type(error), "what", "do", error.exit_code)
