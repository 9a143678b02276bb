"""Every block finds its file, or is listed with the reason; an excerpt never replaces a file."""

from __future__ import annotations

import pytest

from harness.importers.markdown import read_blocks
from harness.importers.placing import Placement, Reference, place_blocks
from harness.importers.sources import read_source

STACK = "from cdktf import TerraformStack\n\n\nclass TapStack(TerraformStack):\n    def one(self):\n        return 1\n\n    def two(self):\n        return 2\n"
NETWORK = "from constructs import Construct\n\n\nclass Network(Construct):\n    pass\n"
PROGRAM = "from cdktf import App\nfrom lib.tap_stack import TapStack\n\napp = App()\nTapStack(app, 'x')\napp.synth()\n"
IDEAL = {"tap.py": PROGRAM, "lib/tap_stack.py": STACK, "lib/network.py": NETWORK, "lib/lambda/index.py": "def handler(event, context):\n    return 1\n"}


def reference(files: dict[str, str] = IDEAL) -> Reference:
    return Reference({path: read_source(text) for path, text in files.items() if path.endswith(".py")}, frozenset(files), "tap.py")


def place(markdown: str, files: dict[str, str] = IDEAL) -> Placement:
    return place_blocks(read_blocks(markdown), reference(files))


@pytest.mark.parametrize(
    "above",
    [
        "## File: lib/tap_stack.py",
        "### lib/tap_stack.py",
        "### 1. `lib/tap_stack.py`",
        "### 2) **lib/tap_stack.py**",
        "#### Step 3: lib/tap_stack.py (the main stack)",
        "## The stack (`lib/tap_stack.py`)",
        "**lib/tap_stack.py**",
        "1. **lib/tap_stack.py** - the main stack",
        "- `lib/tap_stack.py`:",
        "📁 lib/tap_stack.py",
        "<!-- lib/tap_stack.py -->",
        "**File: `lib/tap_stack.py`**",
        "`lib/tap_stack.py`:",
        "lib/tap_stack.py",
        "Create `lib/tap_stack.py` as follows:",
        "## ./lib/tap_stack.py",
        "## /home/somebody/project/lib/tap_stack.py",
        "## lib/tap_stack.py\n\nIt holds the stack.",
        "## lib/tap_stack.py\n\n#### Code",
    ],
)
def test_a_block_is_named_by_what_stands_above_it(above: str) -> None:
    assert place(f"# Answer\n\n{above}\n\n```python\n{STACK}```\n").files == {"lib/tap_stack.py": STACK}


@pytest.mark.parametrize(
    "info", ["python lib/tap_stack.py", "python:lib/tap_stack.py", 'python title="lib/tap_stack.py"', "lib/tap_stack.py", "python {file=lib/tap_stack.py}"]
)
def test_a_block_is_named_by_its_fence(info: str) -> None:
    assert place(f"```{info}\n{STACK}```\n").files == {"lib/tap_stack.py": STACK}


@pytest.mark.parametrize(
    "line",
    ["# lib/tap_stack.py", "#!/usr/bin/env python3\n# lib/tap_stack.py", "# File: lib/tap_stack.py", '"""lib/tap_stack.py"""', '"""\nlib/tap_stack.py\n"""'],
)
def test_a_block_is_named_by_its_first_line(line: str) -> None:
    text = f"{line}\n{STACK}"
    assert place(f"## The stack\n\n```python\n{text}```\n").files == {"lib/tap_stack.py": text}


def test_a_comment_that_mentions_a_file_names_nothing() -> None:
    text = f"# This replaces the old stack.py of last year\n{STACK}"
    assert list(place(f"```python\n{text}```\n").files) == ["lib/tap_stack.py"]


def test_underscores_belong_to_names() -> None:
    assert list(place("### __init__.py\n```python\n# nothing\n```\n### lib/my_own_stack.py\n```python\nx = 1\n```\n").files) == [
        "lib/__init__.py",
        "lib/my_own_stack.py",
    ]


def test_an_unnamed_stack_goes_where_the_archives_program_imports_it() -> None:
    found = place(f"```python\n{STACK}```\n")
    assert (found.placed[0].path, found.placed[0].by) == ("lib/tap_stack.py", "imports")


def test_an_unnamed_block_goes_where_the_ideal_defines_the_same() -> None:
    found = place(f"## Networking\n```python\n{NETWORK}```\n")
    assert (found.placed[0].path, found.placed[0].by) == ("lib/network.py", "definitions")


def test_an_unnamed_block_goes_where_another_block_imports_it() -> None:
    markdown = f"## lib/tap_stack.py\n```python\nfrom stacks.net import Network\n{STACK}```\n\nThe network:\n```python\n{NETWORK}```\n"
    assert place(markdown).files["stacks/net.py"] == NETWORK


def test_an_unnamed_block_that_builds_the_app_is_the_program() -> None:
    program = PROGRAM.replace("TapStack", "Mine")
    found = place(f"```python\n{program}```\n")
    assert (found.placed[0].path, found.placed[0].by) == ("tap.py", "builds the app")


def test_a_file_without_its_folder_goes_where_it_is_imported() -> None:
    markdown = f"## tap_stack.py\n```python\nfrom lib.net import Network\n{STACK}```\n## net.py\n```python\n{NETWORK}```\n"
    assert set(place(markdown).files) == {"lib/tap_stack.py", "lib/net.py"}


def test_a_relative_import_tells_a_folder_too() -> None:
    markdown = f"## tap_stack.py\n```python\nfrom .net import Network\n{STACK}```\n## net.py\n```python\n{NETWORK}```\n"
    assert set(place(markdown).files) == {"lib/tap_stack.py", "lib/net.py"}


def test_a_file_without_its_folder_goes_where_the_ideal_has_it() -> None:
    assert list(place("## index.py\n```python\ndef handler(event, context):\n    return 2\n```\n").files) == ["lib/lambda/index.py"]


def test_a_program_of_its_own_stays_where_it_is_named() -> None:
    markdown = f"## main.py\n```python\n{PROGRAM.replace('lib.tap_stack', 'tap_stack')}```\n## tap_stack.py\n```python\n{STACK}```\n"
    assert set(place(markdown).files) == {"main.py", "tap_stack.py"}


def test_the_folder_of_the_whole_project_is_left_out() -> None:
    markdown = f"## my-project/tap.py\n```python\n{PROGRAM}```\n## my-project/lib/tap_stack.py\n```python\n{STACK}```\n"
    assert set(place(markdown).files) == {"tap.py", "lib/tap_stack.py"}


def test_settings_are_known_by_what_they_hold() -> None:
    settings = '{"language": "python", "app": "python main.py"}\n'
    assert place(f"### Configuration\n```json\n{settings}```\n").files == {"cdktf.json": settings}


def test_the_last_complete_block_of_a_file_wins() -> None:
    second = STACK.replace("return 1", "return 3")
    found = place(f"## lib/tap_stack.py\n```python\n{STACK}```\n## Corrected\n### lib/tap_stack.py\n```python\n{second}```\n")
    assert found.files == {"lib/tap_stack.py": second}
    assert [(one.path, one.line) for one in found.replaced] == [("lib/tap_stack.py", 2)]


@pytest.mark.parametrize(
    "excerpt",
    [
        "class TapStack(TerraformStack):\n    # ... rest unchanged\n    def one(self):\n        return 3\n",
        "    def one(self):\n        return 3\n",
        "stack = TapStack(app, 'x')\n",
        "from cdktf import App\n\n# existing code ...\n",
        "def helper():\n    return 3\n",
        "from cdktf import TerraformStack\n\n\nclass TapStack(TerraformStack):\n    def one(self):\n        pass\n",
    ],
)
def test_an_excerpt_does_not_replace_the_file(excerpt: str) -> None:
    found = place(f"## lib/tap_stack.py\n```python\n{STACK}```\n\nNow change `lib/tap_stack.py`:\n```python\n{excerpt}```\n")
    assert found.files == {"lib/tap_stack.py": STACK}
    assert [(one.line, one.reason) for one in found.unplaced] == [(15, "an excerpt of lib/tap_stack.py, which line 2 holds")]


def test_a_second_block_below_a_files_heading_does_not_replace_it() -> None:
    found = place(f"## lib/tap_stack.py\n```python\n{STACK}```\nFor example:\n```python\nfrom lib.tap_stack import TapStack\n\nTapStack(None, 'x')\n```\n")
    assert found.files == {"lib/tap_stack.py": STACK}
    assert len(found.unplaced) == 1


def test_usage_output_and_drawings_are_listed_and_become_no_files() -> None:
    markdown = "## tap.py\n```bash\npython tap.py\n```\n## Layout\n```\nlib/\n├── tap_stack.py\n```\n## Output\n```\nhttp://example.com\n```\n"
    found = place(markdown)
    assert found.files == {}
    assert [one.reason for one in found.unplaced] == ["usage example", "drawing", "nothing names its file"]
    assert (found.unplaced[0].heading, found.unplaced[0].line, found.unplaced[0].language, found.unplaced[0].first_line) == (
        "tap.py",
        2,
        "bash",
        "python tap.py",
    )


def test_a_script_that_is_named_is_a_file() -> None:
    assert list(place("## scripts/deploy.sh\n```bash\necho hi\n```\n").files) == ["scripts/deploy.sh"]


def test_files_of_any_kind_can_be_labelled() -> None:
    markdown = (
        "## File: lib/AWS_REGION\n```text\neu-west-1\n```\n## File: lib/lambda/Dockerfile\n```dockerfile\nFROM scratch\n```\n## .gitignore\n```\n*.pyc\n```\n"
    )
    assert set(place(markdown).files) == {"lib/AWS_REGION", "lib/lambda/Dockerfile", ".gitignore"}


def test_no_name_leads_out_of_the_tree() -> None:
    found = place("## ../../etc/evil.py\n```python\nx = 1\n```\n## /etc/evil.py\n```python\nx = 2\n```\n", {})
    assert not [path for path in found.files if path.startswith(("/", ".."))]
