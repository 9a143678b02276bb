"""Cases that cannot be used say which file, what is wrong, and what to do."""

from __future__ import annotations

import json
import pickle

import pytest

from harness.case import EntryError, entry_of, load_case
from harness.errors import AssayError, CaseError, ToolMissing
from harness.gates.base import Subject
from harness.gates.synth import SynthGate
from harness.tree import Tree

GOOD = {"tap.py": "print(1)\n"}


def test_a_good_case_loads(make_case) -> None:
    case = load_case(make_case(GOOD, GOOD, env="{SUFFIX: dev, NUMBER: 3}", tags="[a, b]"))
    assert case.name == "small"
    assert case.entry == ("python", "tap.py")
    assert entry_of(case, case.response) == ("python", "tap.py")
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
        ({"provenance": "[1]"}, "field 'provenance' has to map"),
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


@pytest.mark.parametrize(
    ("app", "words"),
    [
        ("python tap.py", ("python", "tap.py")),
        ("pipenv run python3 bin/tap.py --env dev", ("python", "bin/tap.py", "--env", "dev")),
        ("STAGE=dev OTHER='a b' poetry run python3.11 -u ./lib/main.py", ("python", "lib/main.py")),
        ("uv run python main.py", ("python", "main.py")),
    ],
)
def test_without_an_entry_each_tree_says_how_it_is_run(make_case, app: str, words: tuple[str, ...]) -> None:
    root = make_case({"RESPONSE.md": "No."}, {**GOOD, "cdktf.json": json.dumps({"app": app})})
    _drop_entry(root)
    case = load_case(root)
    assert case.entry is None
    assert entry_of(case, case.ideal) == words


@pytest.mark.parametrize(
    ("content", "code"),
    [
        (None, "app-missing"),
        ("{}", "app-missing"),
        ("[]", "app-missing"),
        ('{"app": 3}', "app-missing"),
        ("{", "app-unreadable"),
        (b"\xff", "app-unreadable"),
        ('{"app": "npx ts-node main.ts"}', "app-unsupported"),
        ('{"app": "python"}', "app-unsupported"),
        ('{"app": "python -m lib.main"}', "app-unsupported"),
        ('{"app": "python ../tap.py"}', "app-unsupported"),
        ('{"app": "python \'tap.py"}', "app-unsupported"),
    ],
)
def test_a_tree_that_does_not_say_how_it_is_run_has_a_code(make_case, content: str | bytes | None, code: str) -> None:
    root = make_case(GOOD if content is None else {**GOOD, "cdktf.json": content}, GOOD)
    _drop_entry(root)
    case = load_case(root)
    with pytest.raises(EntryError) as caught:
        entry_of(case, case.response)
    assert (caught.value.code, caught.value.file) == (code, "cdktf.json")
    assert pickle.loads(pickle.dumps(caught.value)).message == caught.value.message


def test_provenance_is_kept(make_case) -> None:
    assert load_case(make_case(GOOD, GOOD, provenance="{task: t1, notes: [a]}")).provenance == {"task": "t1", "notes": ["a"]}
    assert load_case(make_case(GOOD, GOOD, name="other")).provenance == {}


def _drop_entry(root) -> None:
    path = root / "case.yaml"
    path.write_text("".join(line for line in path.read_text().splitlines(keepends=True) if not line.startswith("entry:")))


@pytest.mark.parametrize(
    ("provenance", "files", "code", "message"),
    [
        (
            "{no_usable_code: 'it refuses. It says more.'}",
            {"RESPONSE.md": "No."},
            "no-usable-code",
            "the response contains no usable code: it refuses",
        ),
        ("{}", {"RESPONSE.md": "No."}, "no-usable-code", "the response contains no usable code: it has no Python file"),
        ("{}", GOOD, "app-missing", "there is no cdktf.json, so nothing says which program synthesizes the tree"),
    ],
)
def test_a_tree_that_cannot_be_run_fails_synth_without_being_run(make_case, provenance: str, files: dict[str, str], code: str, message: str) -> None:
    root = make_case(files, GOOD, provenance=provenance)
    _drop_entry(root)
    case = load_case(root)
    result = SynthGate().run(Subject(case, case.response, {}), None)  # type: ignore[arg-type]
    assert [(one.code, one.message) for one in result.diagnostics] == [(code, message)]
