"""The rules of a Rego policy, read from its text: names, kinds, and which rule uses which.

Enough of the grammar for Rego v0 (`rule { ... }`) and v1 (`rule if { ... }`); the engine alone says what a rule's value is.
The grammar is Open Policy Agent's "Policy Reference".
"""

from __future__ import annotations

import enum
import re
from collections.abc import Iterator
from dataclasses import dataclass

_SKIPPED = re.compile(r"#[^\n]*|\"(?:[^\"\\\n]|\\.)*\"|`[^`]*`")
_HEAD = re.compile(r"(?P<default>default\s+)?(?P<name>[A-Za-z_]\w*)\s*(?P<next>\(|\[|\.|contains\b|:=|==?|if\b|\{)")
_PACKAGE = re.compile(r"^[ \t]*package[ \t]+([\w.]+)", re.MULTILINE)
_V1 = re.compile(r"^[ \t]*import[ \t]+rego\.v1\b", re.MULTILINE)
_FUTURE = re.compile(r"^[ \t]*import[ \t]+future\.keywords\b(?!\.in\b|\.every\b)", re.MULTILINE)
_HEAD_WORD = re.compile(r"^[^\s#][^\n]*\b(?:if\b|contains\b[^\n]*\bif\b)", re.MULTILINE)
_WORDS = re.compile(r"(?<![\w.])[A-Za-z_]\w*")
_NEGATED = re.compile(r"(?<![\w.])not\s+([A-Za-z_]\w*)")
_NOT_HEADS = frozenset({"package", "import", "else"})


class Kind(enum.StrEnum):
    """What a rule gives: yes or nothing, members of a set (or keys of an object), any value, or a function's result."""

    BOOLEAN = "boolean"
    SET = "set"
    VALUE = "value"
    FUNCTION = "function"


@dataclass(frozen=True, slots=True)
class RegoRule:
    """All definitions of one name. `bodies` counts them, its default aside; `text` is what is written, `uses` and
    `negates` which other rules of the policy stand in it, and `line` where it begins, from 1."""

    name: str
    kind: Kind
    bodies: int
    text: str
    line: int
    uses: frozenset[str]
    negates: frozenset[str]


@dataclass(frozen=True, slots=True)
class _Statement:
    name: str
    next: str
    default: bool
    text: str
    line: int


def package_of(text: str) -> tuple[str, ...]:
    """The parts of the policy's package; none where it names none."""
    found = _PACKAGE.search(_without_words(text))
    return tuple(found[1].split(".")) if found else ()


def read_rules(text: str) -> dict[str, RegoRule]:
    """The rules by name, in the order in which they begin."""
    statements: dict[str, list[_Statement]] = {}
    for statement in _statements(text):
        statements.setdefault(statement.name, []).append(statement)
    rules = {}
    for name, parts in statements.items():
        written = "\n".join(part.text for part in parts)
        bare = _without_words(written)
        others = statements.keys() - {name}
        uses, negates = frozenset(_WORDS.findall(bare)) & others, frozenset(_NEGATED.findall(bare)) & others
        rules[name] = RegoRule(name, _kind(parts), sum(not part.default for part in parts), written, parts[0].line, uses, negates)
    return rules


def is_modern(text: str) -> bool:
    """Whether the policy is in Rego v1: it imports it, or writes `if` and `contains` in a rule's head without importing them."""
    bare = _without_words(text)
    return bool(_V1.search(bare)) or (bool(_HEAD_WORD.search(bare)) and not _FUTURE.search(bare))


def _kind(parts: list[_Statement]) -> Kind:
    nexts = {part.next for part in parts if not part.default}
    if "(" in nexts:
        return Kind.FUNCTION
    if nexts & {"[", "contains", "."}:
        return Kind.SET
    if nexts <= {"{", "if"}:
        return Kind.BOOLEAN
    return Kind.VALUE


def _statements(text: str) -> Iterator[_Statement]:
    """What stands outside all brackets, from one rule's head to the next."""
    bare = _without_words(text)
    starts = []
    for offset in _line_starts_outside_brackets(bare):
        head = _HEAD.match(bare, offset)
        if head and head["name"] not in _NOT_HEADS:
            starts.append((offset, head))
    for number, (offset, head) in enumerate(starts):
        end = starts[number + 1][0] if number + 1 < len(starts) else len(text)
        yield _Statement(head["name"], head["next"], bool(head["default"]), text[offset:end].rstrip(), text.count("\n", 0, offset) + 1)


def _line_starts_outside_brackets(bare: str) -> Iterator[int]:
    depth = 0
    fresh = True
    for offset, char in enumerate(bare):
        if char == "\n":
            fresh = True
        elif char in "([{":
            depth += 1
            fresh = False
        elif char in ")]}":
            depth -= 1
            fresh = False
        elif fresh and not char.isspace():
            fresh = False
            if depth == 0:
                yield offset


def _without_words(text: str) -> str:
    """The text with comments and strings blanked out, each character in its place."""
    return _SKIPPED.sub(lambda found: re.sub(r"[^\n]", " ", found[0]), text)
