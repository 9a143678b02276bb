"""A task of a Markdown archive becomes a case: both trees runnable, what was supplied written down, and no bad input ends in a traceback."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from harness.case import Case, entry_of, load_case
from harness.cli import main

STACK = "from cdktf import TerraformStack\n\n\nclass TapStack(TerraformStack):\n    pass\n"
PROGRAM = "import os\nfrom cdktf import App\nfrom lib.tap_stack import TapStack\n\napp = App()\nTapStack(app, os.environ['TEAM_PASSWORD'])\napp.synth()\n"
SETTINGS = json.dumps({"language": "python", "app": "pipenv run python tap.py", "projectId": "1"})
METADATA = {"platform": "cdktf", "language": "py", "complexity": "hard", "aws_services": "S3, Secrets Manager", "po_id": "x1"}
ANSWER = f"# Answer\n\n## File: lib/tap_stack.py\n\n```python\n{STACK}```\n"
TASK: dict[str, str | bytes] = {
    "metadata.json": json.dumps(METADATA),
    "tap.py": PROGRAM,
    "cdktf.json": SETTINGS,
    "lib/PROMPT.md": "# A bucket for invoices\n\nBuild it.\n",
    "lib/MODEL_RESPONSE.md": ANSWER,
    "lib/IDEAL_RESPONSE.md": ANSWER,
    "lib/MODEL_FAILURES.md": "# Failures\n\n### 1. Wrong class name\n\n**Impact Level**: Critical\n\nThe class is wrong.\n",
    "lib/README.md": "# Read me\n",
    "lib/tap_stack.py": STACK,
    "lib/function.zip": b"PK\x03\x04\0\0",
    "tests/unit/test_tap_stack.py": "def test_it():\n    pass\n",
}


@pytest.fixture
def make_task(tmp_path: Path) -> Callable[..., Path]:
    def make(name: str = "task-1", without: tuple[str, ...] = (), **changes: str | bytes) -> Path:
        files = {path: text for path, text in TASK.items() if path not in without} | {path.replace("__", "/"): text for path, text in changes.items()}
        for path, text in files.items():
            target = tmp_path / "archive" / name / path
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(text if isinstance(text, bytes) else text.encode())
        return tmp_path / "archive" / name

    return make


def edit(task: Path, path: str, text: str | bytes) -> None:
    (task / path).parent.mkdir(parents=True, exist_ok=True)
    (task / path).write_bytes(text if isinstance(text, bytes) else text.encode())


def bring_in(capsys: pytest.CaptureFixture[str], source: Path, to: Path, *more: str) -> tuple[int, list[dict]]:
    code = main(["import", "markdown-archive", str(source), "--to", str(to), "--json", *more])
    return code, [json.loads(line) for line in capsys.readouterr().out.splitlines()]


def imported(capsys: pytest.CaptureFixture[str], task: Path, *more: str) -> Case:
    code, outcomes = bring_in(capsys, task, task.parent.parent / "cases", *more)
    assert code == 0, outcomes
    return load_case(Path(outcomes[0]["case"]))


def failure(capsys: pytest.CaptureFixture[str], task: Path, *more: str) -> str:
    code, outcomes = bring_in(capsys, task, task.parent.parent / "cases", *more)
    assert (code, outcomes[0]["status"], outcomes[0]["case"]) == (2, "failed", "")
    return outcomes[0]["reason"]


def test_a_task_becomes_a_case(make_task, capsys) -> None:
    case = imported(capsys, make_task(), "--model", "some-model")
    assert (case.title, case.model, case.prompt) == ("A bucket for invoices", "some-model", "# A bucket for invoices\n\nBuild it.\n")
    assert case.tags == ("cdktf", "hard", "s3", "secrets-manager")
    assert case.tests == ("tests/unit",)
    assert [claim["severity"] for claim in case.expectations] == ["critical"]
    assert set(case.ideal) == {"cdktf.json", "lib/function.zip", "lib/tap_stack.py", "tap.py", "tests/unit/test_tap_stack.py"}
    assert set(case.response) == {"cdktf.json", "lib/function.zip", "lib/tap_stack.py", "tap.py"}
    assert set(case.provenance["supplied"]) == {"cdktf.json", "lib/function.zip", "tap.py"}
    assert entry_of(case, case.response) == entry_of(case, case.ideal) == ("python", "tap.py")


def test_what_the_program_reads_without_a_default_is_set(make_task, capsys) -> None:
    assert imported(capsys, make_task()).env == {"ENVIRONMENT_SUFFIX": "dev", "AWS_REGION": "us-east-1", "TEAM_PASSWORD": "Example-Passw0rd"}


def test_nothing_of_the_machine_gets_into_a_case(make_task, capsys) -> None:
    task = make_task()
    case = imported(capsys, task)
    assert str(task.parent) not in (case.root / "case.yaml").read_text()


def test_a_response_with_a_program_of_its_own_keeps_it(make_task, capsys) -> None:
    task = make_task()
    edit(task, "lib/MODEL_RESPONSE.md", f"{ANSWER}\n## main.py\n\n```python\n{PROGRAM}```\n")
    case = imported(capsys, task)
    assert entry_of(case, case.response) == ("python", "main.py")
    assert "tap.py" not in case.response
    assert json.loads(case.response.text("cdktf.json")) == {"language": "python", "app": "pipenv run python main.py", "projectId": "1"}


def test_settings_of_the_response_are_its_own(make_task, capsys) -> None:
    task = make_task()
    own = '{"language": "python", "app": "python3 start.py"}\n'
    edit(task, "lib/MODEL_RESPONSE.md", f"{ANSWER}\n## cdktf.json\n\n```json\n{own}```\n")
    case = imported(capsys, task)
    assert case.response.text("cdktf.json") == own
    assert "tap.py" not in case.response


def test_a_stack_that_also_starts_itself_is_started_by_the_archives_program(make_task, capsys) -> None:
    task = make_task()
    edit(task, "lib/MODEL_RESPONSE.md", ANSWER.replace("    pass\n", "    pass\n\n\napp = App()\nTapStack(app, 'x')\napp.synth()\n"))
    case = imported(capsys, task)
    assert entry_of(case, case.response) == ("python", "tap.py")
    assert "tap.py" in case.response


def test_a_file_that_the_archives_program_opens_comes_with_it(make_task, capsys) -> None:
    task = make_task(lib__AWS_REGION="eu-west-1", lib__OTHER_NOTE="x")
    edit(task, "tap.py", PROGRAM.replace("app = App()", "region = open('lib/AWS_REGION').read()\napp = App()"))
    case = imported(capsys, task)
    assert case.response.files["lib/AWS_REGION"] == case.ideal.files["lib/AWS_REGION"] == b"eu-west-1"
    assert "lib/OTHER_NOTE" not in case.ideal


@pytest.mark.parametrize("app", [None, "python gone.py"])
def test_an_ideal_that_names_no_program_of_its_own_gets_the_one_that_is_there(make_task, capsys, app: str | None) -> None:
    task = make_task(without=("cdktf.json",))
    if app:
        edit(task, "cdktf.json", json.dumps({"app": app}))
    case = imported(capsys, task)
    assert entry_of(case, case.ideal) == ("python", "tap.py")
    assert "cdktf.json" in case.provenance["ideal"]


@pytest.mark.parametrize(
    ("answer", "why"),
    [
        ("", "it is empty"),
        ("Insert the answer here", 'it is only a remark: "Insert the answer here"'),
        ("I'm sorry, but I can't help with that. Ask another.\n", "it refuses: \"I'm sorry, but I can't help with that\""),
        ("# Plan\n\n" + "The stack has a bucket. " * 40, "it describes the solution without any code"),
        ("```typescript\nimport { App } from 'cdktf';\n```\n", "its code is TypeScript, not CDKTF in Python"),
        (
            "## lib/tap_stack.py\n```python\nfrom aws_cdk import Stack\n\n\nclass TapStack(Stack):\n    pass\n```\n",
            "its Python code is for AWS CDK, not for CDKTF",
        ),
        ("## lib/f.py\n```python\ndef f():\n    pass\n```\n", "its Python blocks are no CDKTF program"),
    ],
)
def test_an_answer_without_usable_code_is_kept_as_text(make_task, capsys, answer: str, why: str) -> None:
    task = make_task()
    edit(task, "lib/MODEL_RESPONSE.md", answer)
    case = imported(capsys, task)
    assert dict(case.response.files) == {"RESPONSE.md": answer.encode()}
    assert case.provenance["no_usable_code"] == why


def test_the_last_complete_turn_wins(make_task, capsys) -> None:
    task = make_task()
    second = ANSWER.replace("    pass", "    second = True")
    edit(task, "lib/MODEL_RESPONSE2.md", second)
    edit(task, "lib/MODEL_RESPONSE-3.md", ANSWER.replace("    pass\n", "    cut = 'off\n"))
    edit(task, "lib/MODEL_RESPONSE-10.md", "That should do.\n")
    edit(task, "lib/PROMPT2.md", "Mend it.\n")
    case = imported(capsys, task)
    assert "second" in case.response.text("lib/tap_stack.py")
    assert case.provenance["response"] == "MODEL_RESPONSE2.md"
    assert case.provenance["turns"] == ["MODEL_RESPONSE.md", "MODEL_RESPONSE2.md", "MODEL_RESPONSE-3.md", "MODEL_RESPONSE-10.md"]
    assert case.prompt == "# A bucket for invoices\n\nBuild it.\n\n\nMend it.\n"


def test_an_archive_without_shipped_code_falls_back_on_the_written_ideal(make_task, capsys) -> None:
    task = make_task(without=("tap.py", "lib/tap_stack.py", "tests/unit/test_tap_stack.py"))
    edit(task, "lib/IDEAL_RESPONSE.md", f"{ANSWER}\n## tap.py\n\n```python\n{PROGRAM}```\n")
    case = imported(capsys, task)
    assert {"tap.py", "lib/tap_stack.py"} <= set(case.ideal)
    assert any("IDEAL_RESPONSE.md" in note for note in case.provenance["notes"])


@pytest.mark.parametrize(
    ("metadata", "words"),
    [
        ({"platform": "pulumi", "language": "py"}, "platform 'pulumi' is not supported"),
        ({"platform": "CDKTF", "language": "ts"}, "language 'ts' is not supported"),
        ({"platform": ["cdk"], "language": ["py"]}, "platform 'cdk' is not supported"),
    ],
)
def test_another_platform_fails_with_its_name(make_task, capsys, metadata: dict, words: str) -> None:
    task = make_task()
    edit(task, "metadata.json", json.dumps(metadata))
    assert words in failure(capsys, task)


@pytest.mark.parametrize("metadata", ["{", "[]", "{}", '{"platform": ["cdktf"], "language": "Python", "aws_services": null, "complexity": 3}', b"\xff\xfe"])
def test_odd_metadata_stops_nothing(make_task, capsys, metadata: str | bytes) -> None:
    task = make_task()
    edit(task, "metadata.json", metadata)
    assert imported(capsys, task).tags[0] == "cdktf"


def test_a_task_that_fails_stops_no_other(make_task, capsys) -> None:
    task = make_task()
    make_task("task-2", without=("lib/MODEL_RESPONSE.md",))
    make_task("task-3")
    code, outcomes = bring_in(capsys, task.parent, task.parent.parent / "cases")
    assert code == 2
    assert [outcome["status"] for outcome in outcomes] == ["imported", "failed", "imported"]
    assert "no MODEL_RESPONSE.md" in outcomes[1]["reason"]
    assert all(set(outcome) == {"source", "case", "status", "reason", "unplaced"} for outcome in outcomes)


def test_text_that_is_not_utf_8_is_read_and_said(make_task, capsys) -> None:
    task = make_task()
    edit(task, "lib/MODEL_RESPONSE.md", b"caf\xe9\n\n" + ANSWER.encode())
    case = imported(capsys, task)
    assert case.response.text("lib/tap_stack.py") == STACK
    assert "lib/MODEL_RESPONSE.md is not UTF-8" in case.provenance["notes"][0]


def test_a_link_out_of_the_task_is_refused(make_task, capsys) -> None:
    task = make_task()
    (task / "lib" / "secret.txt").symlink_to("/etc/hostname")
    assert "leaves the case" in failure(capsys, task)


def test_a_case_is_replaced_only_when_asked_to(make_task, capsys) -> None:
    task = make_task()
    imported(capsys, task)
    assert "the case exists" in failure(capsys, task)
    imported(capsys, task, "--force")


def test_what_is_no_case_is_never_replaced(make_task, capsys) -> None:
    task = make_task()
    other = task.parent.parent / "cases" / "task-1"
    other.mkdir(parents=True)
    (other / "thesis.txt").write_text("mine")
    assert "no case is in the way" in failure(capsys, task, "--force")
    assert (other / "thesis.txt").read_text() == "mine"


def test_a_failed_import_leaves_nothing_behind(make_task, capsys) -> None:
    task = make_task()
    edit(task, "lib/MODEL_RESPONSE.md", f"{ANSWER}\n## File: lib/tap_stack.py/inner.py\n\n```python\nx = 1\n```\n")
    assert "a folder that is a file" in failure(capsys, task)
    assert list((task.parent.parent / "cases").iterdir()) == []


def test_two_tasks_of_one_name_do_not_overwrite_each_other(make_task, capsys, tmp_path) -> None:
    task = make_task()
    code = main(["import", "markdown-archive", str(task), str(task), "--to", str(tmp_path / "cases"), "--json", "--force"])
    outcomes = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert (code, [outcome["status"] for outcome in outcomes]) == (2, ["imported", "failed"])
    assert "two sources" in outcomes[1]["reason"]


@pytest.mark.parametrize("source", ["nothing-here", "."])
def test_a_source_without_tasks_is_a_usage_error(tmp_path, capsys, source: str) -> None:
    assert main(["import", "markdown-archive", str(tmp_path / source), "--to", str(tmp_path / "cases")]) == 2
    assert "assay: " in capsys.readouterr().err


def test_what_was_not_placed_is_listed(make_task, capsys) -> None:
    task = make_task()
    edit(task, "lib/MODEL_RESPONSE.md", f"{ANSWER}\n## Deploying\n\n```bash\ncdktf deploy\n```\n")
    _, (outcome,) = bring_in(capsys, task, task.parent.parent / "cases")
    assert outcome["unplaced"] == [
        {
            "heading": "Deploying",
            "line": 15,
            "language": "bash",
            "first_line": "cdktf deploy",
            "reason": "usage example",
            "document": "MODEL_RESPONSE.md",
        }
    ]


def test_a_fence_that_is_never_closed_is_said(make_task, capsys) -> None:
    task = make_task()
    edit(task, "lib/MODEL_RESPONSE.md", ANSWER.rstrip().removesuffix("```"))
    case = imported(capsys, task)
    assert case.response.text("lib/tap_stack.py").strip() == STACK.strip()
    assert case.provenance["notes"] == ["MODEL_RESPONSE.md: the fence in line 5 is never closed; the block is read to the end"]


def test_a_very_long_line_is_no_trouble(make_task, capsys) -> None:
    task = make_task()
    edit(task, "lib/MODEL_RESPONSE.md", f"# {'a.' * 200_000}\n\n{'x/' * 200_000}:\n\n```\n# {'a' * 400_000}\n```\n{ANSWER}")
    assert imported(capsys, task).response.text("lib/tap_stack.py") == STACK
