"""Classes and functions that went to another file: a response's one large module that the ideal splits up.

A definition that moved is compared with itself, statement by statement, like any other. It is taken out of both files
and leaves a placeholder there; the placeholder goes where the definition goes, and is filled in when a variant is written.
"""

from __future__ import annotations

import ast
import difflib
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from harness.alignment import first_line
from harness.python_source import parse

MARK = "__assay_moved__"
"""A name that no code has; it makes a placeholder recognisable."""

_ALIKE = 0.5
_COMMON = frozenset({"main", "handler", "lambda_handler", "setup", "run"})
_Definition = ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef


@dataclass(frozen=True, slots=True)
class MovedDefinition:
    """The definition `name` of the response's file `response_path`, which the ideal has in `path`, with both texts.

    `line` is where it starts in the response, from 1.
    """

    name: str
    response_path: str
    path: str
    response_text: str
    ideal_text: str
    line: int

    @property
    def key(self) -> str:
        """The path under which the definition is compared as if it were a file."""
        return f"{self.path}::{self.name}"


@dataclass(frozen=True, slots=True)
class TakenOut:
    """A source with placeholders; `lines` has for each of its lines the line of the original, from 1."""

    text: str
    lines: tuple[int, ...]


def placeholder(name: str) -> str:
    """What stands in for a definition; the same on both sides, so that it is seen to have moved."""
    return f"class {name}:\n    {MARK} = True\n"


def placeholder_name(text: str) -> str | None:
    """The name of the definition that a statement stands in for, else None."""
    if MARK not in text:
        return None
    return text.rpartition("class ")[2].partition(":")[0]


def find_moved(response: Mapping[str, str], ideal: Mapping[str, str], renamed: Mapping[str, str]) -> list[MovedDefinition]:
    """The definitions that are on top of one file of each side, and of another one on each.

    `response` and `ideal` are the Python sources that parse, by path; `renamed` maps the response's paths to the
    ideal's. A function has to be alike on both sides; a class of one name is one class.
    """
    mine, theirs = _definitions(response), _definitions(ideal)
    found = []
    for name in sorted(mine.keys() & theirs.keys() - _COMMON):
        if len(mine[name]) != 1 or len(theirs[name]) != 1:
            continue
        (source, left), (target, right) = mine[name][0], theirs[name][0]
        if renamed.get(source, source) == target or type(left) is not type(right):
            continue
        texts = _text(response[source], left), _text(ideal[target], right)
        if not isinstance(left, ast.ClassDef) and difflib.SequenceMatcher(a=texts[0], b=texts[1], autojunk=False).quick_ratio() < _ALIKE:
            continue
        found.append(MovedDefinition(name, source, target, *texts, first_line(left)))
    return found


def take_out(source: str, names: Sequence[str]) -> TakenOut:
    """The source with the definitions `names` replaced by placeholders."""
    lines = _lines(source)
    taken: list[str] = []
    origins: list[int] = []
    at = 1
    for node in parse(source).body:
        if isinstance(node, _Definition) and node.name in names:
            start = first_line(node)
            taken += [*lines[at - 1 : start - 1], *_lines(placeholder(node.name))]
            origins += [*range(at, start), start, start]
            at = (node.end_lineno or node.lineno) + 1
    taken += lines[at - 1 :]
    origins += range(at, len(lines) + 1)
    return TakenOut("".join(taken), tuple(origins))


def _definitions(sources: Mapping[str, str]) -> Mapping[str, list[tuple[str, _Definition]]]:
    found: dict[str, list[tuple[str, _Definition]]] = defaultdict(list)
    for path, text in sources.items():
        for node in parse(text).body:
            if isinstance(node, _Definition):
                found[node.name].append((path, node))
    return found


def _text(source: str, node: _Definition) -> str:
    text = "".join(_lines(source)[first_line(node) - 1 : node.end_lineno])
    return text if text.endswith("\n") else text + "\n"


def _lines(source: str) -> list[str]:
    # Python counts lines by their newline only.
    return [line + "\n" for line in source.split("\n")[:-1]] + ([source.rpartition("\n")[2]] if not source.endswith("\n") else [])
