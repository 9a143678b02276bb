"""Markdown text to its fenced code blocks, each with the headings and the prose above it."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from harness.importers.sources import read_source

_FENCE = re.compile(r"^(?P<indent>\s*(?:(?:[-*+]|\d+[.)])\s+)?)(?P<mark>`{3,}|~{3,})(?P<info>.*)$")
_HEADING = re.compile(r"^ {0,3}(?P<level>#{1,6})\s+(?P<text>.*?)\s*#*\s*$")
_NAMES_FILE = re.compile(r"\.\w{1,8}\b|file", re.IGNORECASE)
_MARKDOWN = frozenset({"markdown", "md", "mdx"})
_PYTHON = frozenset({"python", "python3", "py"})
MAX_CLOSERS_TRIED = 8
"""How many later closing fences are tried for a Python block that does not parse up to its first one."""


@dataclass(frozen=True, slots=True)
class Block:
    """One fenced code block. `line` is its opening fence's, from 1; `above` the prose since the last heading or block.

    `headings` are the headings it lies under, outermost first; `heading_line` is the line of the innermost, 0 for none.
    """

    language: str
    info: str
    text: str
    line: int
    headings: tuple[str, ...] = ()
    heading_line: int = 0
    above: tuple[str, ...] = ()
    closed: bool = True

    @property
    def heading(self) -> str:
        """The innermost heading."""
        return self.headings[-1] if self.headings else ""

    @property
    def first_line(self) -> str:
        """The first line that is not blank."""
        return next((line.strip() for line in self.text.split("\n") if line.strip()), "")

    @property
    def is_python(self) -> bool:
        """Whether the fence says Python, or says nothing and the text reads as Python."""
        if self.language in _PYTHON:
            return True
        source = read_source(self.text) if not self.language else None
        return bool(source and source.parses and source.imports and (source.definitions or source.builds_app))


def split_lines(markdown: str) -> list[str]:
    """Lines as Markdown counts them: `str.splitlines` would also split at form feeds and Unicode separators inside code."""
    return markdown.replace("\r\n", "\n").split("\n")


def read_blocks(markdown: str) -> list[Block]:
    """Every fenced block, in order. An unclosed last fence runs to the end, as CommonMark has it (`closed` is False)."""
    return list(_blocks(split_lines(markdown)))


def headings(markdown: str) -> list[tuple[int, str]]:
    """Every heading outside of code, as (level, text)."""
    lines = split_lines(markdown)
    found, number = [], 0
    while number < len(lines):
        if _opener(lines[number]):
            number = _end(lines, number) + 1
            continue
        if heading := _HEADING.match(lines[number]):
            found.append((len(heading["level"]), heading["text"]))
        number += 1
    return found


def _blocks(lines: Sequence[str]) -> Iterator[Block]:
    path: list[tuple[int, str, int]] = []
    above: list[str] = []
    number = 0
    while number < len(lines):
        opener = _opener(lines[number])
        if opener:
            end = _end(lines, number)
            info = opener["info"].strip()
            yield Block(
                language=_language(info),
                info=info,
                text=_text(lines[number + 1 : end], len(opener["indent"])),
                line=number + 1,
                headings=tuple(text for _, text, _ in path),
                heading_line=path[-1][2] if path else 0,
                above=tuple(above),
                closed=end < len(lines),
            )
            above = []
            number = end + 1
            continue
        heading = _HEADING.match(lines[number])
        if heading:
            level = len(heading["level"])
            path = [one for one in path if one[0] < level] + [(level, heading["text"], number + 1)]
            above = []
        elif lines[number].strip():
            above.append(lines[number].strip())
        number += 1


def _opener(line: str) -> re.Match[str] | None:
    match = _FENCE.match(line)
    # A backtick in the info string makes it inline code, as in ```x``` within a sentence.
    return None if match is None or (match["mark"][0] == "`" and "`" in match["info"]) else match


def _language(info: str) -> str:
    word = re.split(r"[\s:,{=]", info.lstrip("{."), maxsplit=1)[0].lower().rstrip("}")
    return "" if "." in word or "/" in word else word


def _text(lines: Sequence[str], indent: int) -> str:
    """The content, without the indentation of the list item that the fence stands in."""
    if indent:
        lines = [line[min(indent, len(line) - len(line.lstrip())) :] for line in lines]
    return "\n".join(lines) + "\n" if lines else ""


def _end(lines: Sequence[str], start: int) -> int:
    """The index of the closing fence of the block that opens at `start`; `len(lines)` where none closes it."""
    opener = _opener(lines[start])
    assert opener is not None
    language = _language(opener["info"].strip())
    if language in _MARKDOWN:
        return _markdown_end(lines, start, opener)
    closers = (number for number in range(start + 1, len(lines)) if _closes(lines[number], opener))
    first = next(closers, len(lines))
    if language not in _PYTHON or first == len(lines) or _parses(lines, start, first, opener):
        return first
    # A docstring or a text in the code may hold fences of its own; then only a later one ends a program that parses.
    for _, later in zip(range(MAX_CLOSERS_TRIED), closers, strict=False):
        if _parses(lines, start, later, opener):
            return later
    return first


def _parses(lines: Sequence[str], start: int, end: int, opener: re.Match[str]) -> bool:
    return read_source(_text(lines[start + 1 : end], len(opener["indent"]))).parses


def _closes(line: str, opener: re.Match[str]) -> bool:
    text = line.strip()
    mark = opener["mark"]
    deep = len(line) - len(line.lstrip()) > len(opener["indent"]) + 3
    return len(text) >= len(mark) and text == mark[0] * len(text) and not deep


def _markdown_end(lines: Sequence[str], start: int, opener: re.Match[str]) -> int:
    """Where a Markdown document inside a fence ends, when its own fences are as long as the one around it.

    CommonMark ends it at the first bare fence. People mean: each inner block ends at the next bare fence, and the
    document at the first one that neither ends nor begins an inner block.
    """
    inner = False
    for number in range(start + 1, len(lines)):
        fence = _opener(lines[number])
        if fence is None or fence["mark"][0] != opener["mark"][0] or len(fence["mark"]) < len(opener["mark"]):
            continue
        if fence["info"].strip():
            inner = True
        elif inner:
            inner = False
        elif _begins_inner_block(lines, number, opener["mark"][0]):
            inner = True
        elif _closes(lines[number], opener):
            return number
    return len(lines)


def _begins_inner_block(lines: Sequence[str], number: int, char: str) -> bool:
    """Whether a bare fence opens a block: its content starts on the next line, another bare fence follows, and no file begins between."""
    if number + 1 >= len(lines) or not lines[number + 1].strip():
        return False
    for line in lines[number + 1 :]:
        fence = _opener(line)
        if fence and fence["mark"][0] == char:
            return not fence["info"].strip()
        heading = _HEADING.match(line)
        if heading and len(heading["level"]) > 1 and _NAMES_FILE.search(heading["text"]):
            return False
    return False
