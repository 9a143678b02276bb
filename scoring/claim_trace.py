"""A claim and a failure, each read once into what a comparison of the two looks at."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from harness.failures import Failure
from harness.tree import Tree
from scoring.claim_text import canonical, code_line, code_lines, code_names, is_kind, is_telling, names, quoted_names, words

_PATH = re.compile(r"[\w.-]*/[\w./-]+")
_FILE_NAME = re.compile(r"[\w./-]*\w\.(?:zip|json|toml|py|lock|txt|cfg|ya?ml)\b|\bPipfile\b")
MESSAGE_START = 300
"""Characters of a message that say what is wrong; what follows are usually listings."""
SHORT_LINE = 8
"""Characters below which a line of code says nothing."""
LARGE_FIX = 60
"""Changed lines from which on a fix holds so much that sharing one of them proves nothing."""


@dataclass(frozen=True)
class ClaimTrace:
    """A claim as it stands in `case.yaml`, read for comparison. Fields of the wrong type count as absent."""

    claim: Mapping[str, Any]
    response: Tree
    ideal: Tree

    @cached_property
    def title(self) -> str:
        return str(self.claim.get("title", ""))

    @cached_property
    def text(self) -> str:
        """Everything the claim says, code included."""
        return "\n".join(
            [self.title, str(self.claim.get("text", "")), *self.identifiers, *self.messages, *(code for pair in self.snippets for code in pair.values())]
        )

    @cached_property
    def identifiers(self) -> tuple[str, ...]:
        return _texts(self.claim.get("identifiers"))

    @cached_property
    def messages(self) -> tuple[str, ...]:
        return _texts(self.claim.get("messages"))

    @cached_property
    def files(self) -> tuple[str, ...]:
        one = self.claim.get("file")
        return tuple(dict.fromkeys([*([one] if isinstance(one, str) else []), *_texts(self.claim.get("files"))]))

    @cached_property
    def snippets(self) -> tuple[Mapping[str, str], ...]:
        value = self.claim.get("snippets")
        pairs = [pair for pair in value if isinstance(pair, dict)] if isinstance(value, list) else []
        return tuple({side: str(pair[side]) for side in ("response", "ideal") if pair.get(side)} for pair in pairs)

    @cached_property
    def telling(self) -> tuple[str, ...]:
        """The identifiers that say something, the first ones the most."""
        return tuple(name for name in self.identifiers if is_telling(name))

    @cached_property
    def commonplace(self) -> tuple[str, ...]:
        """All identifiers of a claim that has only such as prove nothing by themselves; otherwise none."""
        return () if self.telling else self.identifiers

    @cached_property
    def removed(self) -> tuple[str, ...]:
        """Lines that the claim says are wrong: those of its response snippets that no ideal snippet has."""
        kept = {line for pair in self.snippets for line in code_lines(pair.get("ideal", ""))}
        return tuple(
            dict.fromkeys(line for pair in self.snippets for line in code_lines(pair.get("response", "")) if line not in kept and _says_something(line))
        )

    @cached_property
    def shown(self) -> tuple[str, ...]:
        """As `removed`, with the lines whose names prove nothing by themselves."""
        kept = {line for pair in self.snippets for line in code_lines(pair.get("ideal", ""))}
        lines = (line for pair in self.snippets for line in code_lines(pair.get("response", "")) if line not in kept)
        return tuple(dict.fromkeys(line for line in lines if len(line) >= SHORT_LINE and code_names(line)))

    @cached_property
    def added(self) -> tuple[str, ...]:
        """Lines that the claim says are missing: those of its ideal snippets that no response snippet has."""
        had = {line for pair in self.snippets for line in code_lines(pair.get("response", ""))}
        return tuple(dict.fromkeys(line for pair in self.snippets for line in code_lines(pair.get("ideal", "")) if line not in had and _says_something(line)))

    @cached_property
    def folded(self) -> frozenset[str]:
        """Every name in the claim's whole text, in one form, to look names up in."""
        return frozenset(canonical(name) for name in code_names(self.text))

    @cached_property
    def counts(self) -> Mapping[str, int]:
        """How often the response has each line of code."""
        return count_lines(self.response)

    @cached_property
    def ideal_counts(self) -> Mapping[str, int]:
        """How often the ideal has each line of code."""
        return count_lines(self.ideal)

    @cached_property
    def prose(self) -> str:
        """What the claim says in words, its code left out."""
        return "\n".join([self.title, str(self.claim.get("text", "")), *self.messages])


@dataclass(frozen=True)
class FailureTrace:
    """A failure, read for comparison."""

    failure: Failure
    response: Tree

    @cached_property
    def about(self) -> frozenset[str]:
        """Names the failure is about: its symbols, and what its message and title name."""
        return frozenset(canonical(name) for name in self._named if is_telling(name))

    @cached_property
    def attributes(self) -> frozenset[str]:
        """As `about`, without whole resources and classes. `kms_key` in a claim may be a variable, so `aws_kms_key` in a message is not its equal."""
        return frozenset(canonical(name) for name in self._named if is_telling(name) and not is_kind(name))

    @cached_property
    def mentions(self) -> frozenset[str]:
        """As `about`, with the names that prove nothing by themselves."""
        return frozenset(canonical(name) for name in self._named)

    @property
    def _named(self) -> Iterator[str]:
        failure = self.failure
        yield from (symbol for symbol in failure.symbols if "/" not in symbol)
        for text in (failure.message, failure.title):
            # Folders and files on a path are names of places; what is wrong there has another name.
            bare = _PATH.sub(" ", text)
            yield from quoted_names(bare)
            yield from names(bare)

    @cached_property
    def exact(self) -> frozenset[str]:
        """As `subjects`, without whole resources that the message does not put in quotes and without names that prove nothing."""
        plain = [name for name in self.failure.symbols if not is_kind(name) or f"'{name}'" in self.failure.message]
        return frozenset(canonical(name) for name in (*quoted_names(self.failure.message), *plain) if is_telling(name))

    @cached_property
    def exact_kinds(self) -> frozenset[str]:
        """Those of `exact` that are whole resources or classes."""
        kinds = (name for name in (*quoted_names(self.failure.message), *self.failure.symbols) if is_kind(name))
        return self.exact & frozenset(canonical(name) for name in kinds)

    @cached_property
    def subjects(self) -> frozenset[str]:
        """What the failure is exactly about, however common the names are: its symbols, part by part, and what the message puts in quotes."""
        parts = [part for symbol in self.failure.symbols if "/" not in symbol for part in symbol.split(".")]
        return frozenset(canonical(name) for name in (*quoted_names(self.failure.message), *self.failure.symbols, *parts)) - {""}

    @cached_property
    def members(self) -> frozenset[str]:
        """Those of `subjects` that are no whole resources and classes."""
        quoted = quoted_names(self.failure.message)
        return frozenset(canonical(name) for name in (*quoted, *self.failure.symbols) if not is_kind(name) and "/" not in name) - {""}

    @cached_property
    def paths(self) -> frozenset[str]:
        """Files that the failure is about, as its symbols or its message have them."""
        named = [symbol for symbol in self.failure.symbols if "/" in symbol or _FILE_NAME.fullmatch(symbol)]
        return frozenset([*named, *(found[0] for found in _FILE_NAME.finditer(self.failure.message) if not found[0].endswith(".py"))])

    @cached_property
    def lesson(self) -> frozenset[str]:
        """The telling words in which the failure says what is wrong: title, rule, the message's beginning and the cause."""
        failure = self.failure
        return frozenset(words(" ".join([failure.title, failure.rule.replace("-", " "), failure.message[:MESSAGE_START], failure.root_cause])))

    @cached_property
    def removed(self) -> frozenset[str]:
        return frozenset(code_line(line[1:]) for line in self._changes if line.startswith("-")) - {""}

    @cached_property
    def added(self) -> frozenset[str]:
        return frozenset(code_line(line[1:]) for line in self._changes if line.startswith("+")) - {""}

    @cached_property
    def places(self) -> frozenset[str]:
        """The response's lines at the failure's locations."""
        return frozenset(code_line(line) for place in self.failure.locations if (line := line_at(self.response, place.file, place.line)))

    @cached_property
    def placed(self) -> frozenset[str]:
        """Names on the response's lines at the failure's locations."""
        return frozenset(canonical(name) for line in self.places for name in code_names(line))

    @cached_property
    def touched(self) -> frozenset[str]:
        """Names on the lines that the fix changes and on those it starts at, and whole resources and classes beside them."""
        changed = {name for line in (*self.removed, *self.added, *self.places) for name in code_names(line)}
        beside = {name for line in self.failure.fix.diff.splitlines() if line.startswith(" ") for name in code_names(line) if is_kind(name)}
        return frozenset(canonical(name) for name in changed | beside if is_telling(name))

    @cached_property
    def files(self) -> frozenset[str]:
        changed = re.findall(r"^(?:---|\+\+\+) (?:response|ideal|a|b)/(\S+)", self.failure.fix.diff, re.MULTILINE)
        return frozenset([*(place.file for place in self.failure.locations), *changed])

    @property
    def is_large(self) -> bool:
        return len(self._changes) > LARGE_FIX

    @cached_property
    def _changes(self) -> tuple[str, ...]:
        return tuple(line for line in self.failure.fix.diff.splitlines() if line.startswith(("-", "+")) and not line.startswith(("---", "+++")))


def line_at(tree: Tree, file: str, number: int) -> str:
    """A line of a tree's file; empty where there is none."""
    lines = tree.files.get(file, b"").decode("utf-8", "replace").splitlines()
    return lines[number - 1] if 0 < number <= len(lines) else ""


def count_lines(tree: Tree) -> dict[str, int]:
    """How often each line, in the form of `code_lines`, occurs in a tree's text files."""
    counts: dict[str, int] = {}
    for path in tree:
        if path.endswith((".py", ".json", ".toml", ".cfg", ".ini", ".yaml", ".yml", ".txt")) or "." not in path.rpartition("/")[2]:
            for line in code_lines(tree.files[path].decode("utf-8", "replace")):
                counts[line] = counts.get(line, 0) + 1
    return counts


def _says_something(line: str) -> bool:
    return len(line) >= SHORT_LINE and any(is_telling(name) for name in code_names(line)) and not re.fullmatch(r"(?:self|super\(\).*|return \w+|\.\.\.)", line)


def _texts(value: object) -> tuple[str, ...]:
    items: Sequence[object] = value if isinstance(value, list | tuple) else []
    return tuple(str(item) for item in items if isinstance(item, str | int | float) and str(item))
