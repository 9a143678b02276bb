"""A claim and a failure, each read once into what a comparison of the two looks at."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from harness.failures import Failure
from harness.tree import Tree
from scoring.claim_text import canonical, code_line, code_lines, code_names, is_kind, is_telling, names, quoted_names

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
    def added(self) -> tuple[str, ...]:
        """Lines that the claim says are missing: those of its ideal snippets that no response snippet has."""
        had = {line for pair in self.snippets for line in code_lines(pair.get("response", ""))}
        return tuple(dict.fromkeys(line for pair in self.snippets for line in code_lines(pair.get("ideal", "")) if line not in had and _says_something(line)))

    @cached_property
    def folded(self) -> str:
        """The claim's whole text with its names in one form, to look names up in."""
        return " ".join({canonical(name) for name in code_names(self.text)})


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
        yield from failure.symbols
        for text in (failure.message, failure.title):
            yield from quoted_names(text)
            yield from names(text)

    @cached_property
    def exact(self) -> frozenset[str]:
        """Names that the message puts in quotes, and those that the failure has as symbols without being whole resources."""
        plain = [name for name in self.failure.symbols if not is_kind(name) or f"'{name}'" in self.failure.message]
        return frozenset(canonical(name) for name in (*quoted_names(self.failure.message), *plain) if is_telling(name))

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
    return len(line) >= 8 and any(is_telling(name) for name in code_names(line)) and not re.fullmatch(r"(?:self|super\(\).*|return \w+|\.\.\.)", line)


def _texts(value: object) -> tuple[str, ...]:
    items: Sequence[object] = value if isinstance(value, list | tuple) else []
    return tuple(str(item) for item in items if isinstance(item, str | int | float) and str(item))
