"""Text that a model wrote, made safe for Markdown and HTML; and the templates that use it."""

from __future__ import annotations

import re
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined, select_autoescape

from scoring.rules.base import first_line

TEMPLATES = Path(__file__).with_name("templates")

_MARKDOWN = re.compile(r"[\\`*\[\]|]|(?<!\w)_|_(?!\w)")
_TICKS = re.compile(r"`+")


def templates() -> Environment:
    """The report's templates. What goes into HTML is escaped unless a template says otherwise."""
    environment = Environment(
        loader=FileSystemLoader(TEMPLATES),
        autoescape=select_autoescape(("html.j2", "html"), default_for_string=True),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.filters |= {"prose": prose, "cell": cell, "fence": fence, "code": code, "diff_lines": diff_lines, "first_line": first_line}
    return environment


def prose(text: object) -> str:
    """Text that stands as it is in a paragraph of Markdown, with no markup of its own."""
    escaped = _MARKDOWN.sub(lambda found: "\\" + found[0], str(text))
    return " ".join(escaped.replace("&", "&amp;").replace("<", "&lt;").split())


def cell(text: object) -> str:
    """Text for a cell of a Markdown table: on one line, its pipes escaped."""
    return prose(text)


def code(text: object) -> str:
    """Inline code of Markdown. Pipes are escaped, which tables need and paragraphs do not mind."""
    flat = " ".join(str(text).split())
    ticks = _more_ticks(flat, 1)
    space = " " if flat.startswith("`") or flat.endswith("`") else ""
    return f"{ticks}{space}{flat}{space}{ticks}"


def fence(text: object, language: str = "") -> str:
    """A code block of Markdown that the text cannot end: its fence is longer than any in the text."""
    ticks = _more_ticks(str(text), 3)
    return f"{ticks}{language}\n{str(text).rstrip()}\n{ticks}"


def diff_lines(diff: str) -> list[tuple[str, str]]:
    """Each line of a unified diff with its kind: file, hunk, add, del or same."""
    kinds = (("+++", "file"), ("---", "file"), ("@@", "hunk"), ("+", "add"), ("-", "del"))
    return [(next((kind for start, kind in kinds if line.startswith(start)), "same"), line) for line in diff.rstrip().splitlines()]


def _more_ticks(text: str, least: int) -> str:
    return "`" * max([least, *(len(run) + 1 for run in _TICKS.findall(text))])
