"""Markdown is read as people mean it: fences nest, headings inside code are no headings, and nothing gets lost."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.importers.markdown import headings, read_blocks

BUCKET = "from cdktf import TerraformStack\n\n\nclass Bucket(TerraformStack):\n    pass\n"


def test_a_block_knows_what_stands_above_it() -> None:
    (block,) = read_blocks(f"# Answer\n\n## Files\n\nSome words.\n\n**lib/bucket.py**\n\n```python\n{BUCKET}```\n")
    assert (block.language, block.text, block.line) == ("python", BUCKET, 9)
    assert block.headings == ("Answer", "Files")
    assert block.above == ("Some words.", "**lib/bucket.py**")


@pytest.mark.parametrize("mark", ["```", "~~~", "````", "~~~~~"])
def test_every_fence_is_read(mark: str) -> None:
    (block,) = read_blocks(f"{mark}python\nx = 1\n{mark}\n")
    assert block.text == "x = 1\n"


def test_a_shorter_fence_or_another_character_closes_nothing() -> None:
    (block,) = read_blocks("````md\n```python\nx = 1\n```\n~~~\n````\nafter\n")
    assert block.text == "```python\nx = 1\n```\n~~~\n"


def test_a_readme_in_three_backticks_keeps_its_own_blocks() -> None:
    readme = "# Stack\n\n```bash\ncdktf deploy\n```\n\n## Layout\n\n```\nlib/\n  bucket.py\n```\n\nThe end.\n"
    blocks = read_blocks(f"## File: README.md\n\n```markdown\n{readme}```\n\n## File: lib/bucket.py\n\n```python\n{BUCKET}```\n")
    assert [block.text for block in blocks] == [readme, BUCKET]
    assert blocks[1].heading == "File: lib/bucket.py"


def test_an_untagged_file_after_a_readme_is_a_block_of_its_own() -> None:
    blocks = read_blocks("## File: README.md\n```markdown\n# Stack\n```\n\n## File: requirements.txt\n\n```\ncdktf\n```\n")
    assert [block.text for block in blocks] == ["# Stack\n", "cdktf\n"]


def test_a_fence_inside_a_python_text_does_not_end_the_program() -> None:
    program = 'GUIDE = """\n```\ncdktf deploy\n```\n"""\n\nx = 1\n'
    (block,) = read_blocks(f"```python\n{program}```\n")
    assert block.text == program


def test_a_comment_in_code_is_no_heading() -> None:
    blocks = read_blocks("## lib/a.py\n```python\n# Not a heading\n```\n```python\nx = 1\n```\n")
    assert [block.heading for block in blocks] == ["lib/a.py", "lib/a.py"]
    assert headings("```\n# no\n```\n# yes\n") == [(1, "yes")]


def test_an_unclosed_block_runs_to_the_end_and_says_so() -> None:
    (block,) = read_blocks("```python\nx = 1\n")
    assert not block.closed
    assert block.text.startswith("x = 1\n")


def test_a_block_in_a_list_loses_the_indentation_of_the_list() -> None:
    (block,) = read_blocks("1. First\n\n   ```python\n   if x:\n       y()\n   ```\n")
    assert block.text == "if x:\n    y()\n"


def test_inline_code_with_three_backticks_opens_nothing() -> None:
    assert read_blocks("``` x ``` is inline\n") == []


LINES = st.lists(st.text(st.characters(blacklist_categories=("Cs",), blacklist_characters="\r\n"), max_size=12), max_size=8)


def fence_for(lines: list[str]) -> str:
    longest = max((len(line) - len(line.lstrip("`")) for line in (one.strip() for one in lines)), default=0)
    return "`" * max(3, longest + 1)


@given(st.dictionaries(st.sampled_from(["lib/a.txt", "lib/b.txt", "c.txt", "d/e/f.txt"]), LINES, max_size=4))
def test_blocks_with_long_enough_fences_are_read_back_as_they_were(files: dict[str, list[str]]) -> None:
    document = ""
    for path, lines in files.items():
        fence = fence_for(lines)
        document += f"## File: {path}\n\n{fence}text\n" + "".join(f"{line}\n" for line in lines) + f"{fence}\n\n"
    read = {block.heading.removeprefix("File: "): block.text for block in read_blocks(document)}
    assert read == {path: "".join(f"{line}\n" for line in lines) for path, lines in files.items()}


@given(st.text(max_size=300))
def test_no_text_is_too_odd_to_read(text: str) -> None:
    for block in read_blocks(text):
        assert block.line >= 1
