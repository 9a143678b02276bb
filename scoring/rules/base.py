"""What a classification rule is. A new one is one more row in the module of its subject, with an example."""

from __future__ import annotations

import enum
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from harness.diagnostics import Diagnostic
from harness.failures import Category, Severity

if TYPE_CHECKING:
    from harness.attribution import Finding

Names = Mapping[str, str]
"""Words that a rule found in a diagnostic, and that its texts are filled in with."""

Refine = Callable[[dict[str, str], Diagnostic, "Finding"], Names | None]
"""A second look, at the fix as well: the names with more added, or None where the rule does not hold after all."""

CDKTF_DOCS = "https://developer.hashicorp.com/terraform/cdktf/concepts"
PROVIDER_DOCS = "https://registry.terraform.io/providers/hashicorp/aws/latest/docs"
RESOURCE_DOCS = "{resource_docs}"
"""The page of the resource that a diagnostic is about."""

STOPS_SYNTHESIS = "Deployment blocked: synthesis stops here, so nothing of the stack exists, and what is wrong behind it stays hidden."
STOPS_VALIDATION = "Deployment blocked: the stack synthesizes, but the provider refuses it before anything is created."
STOPS_PLAN = "Deployment blocked: Terraform cannot plan the stack."

_SAYS_AS = {"apply": "plan"}
"""A gate that says what another one says, later: an apply plans first, and plans again."""
_NEAREST = re.compile(r"^nearest: (.+)$", re.MULTILINE)
_SPOKEN_WITH_A_VOWEL = re.compile(r"[AEIOaeio]|un(?!i)|[FHLMNRSX](?=[A-Z0-9])")
_INDEX = re.compile(r"\[[^\]]*\]|\.\d+\b")
_WORD_START = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")


class Merge(enum.StrEnum):
    """Which findings of a rule have one cause, and so are one failure with several places."""

    PER_SYMBOLS = "per symbols"
    PER_RULE = "per rule"


@dataclass(frozen=True, slots=True)
class Example:
    """A diagnostic as the tool really wrote it, and what of its fix the rule looks at. The rule's test.

    `response` and `ideal` are the statement that the fix replaces, and what it replaces it with.
    """

    gate: str
    code: str
    message: str
    address: str | None = None
    symbols: tuple[str, ...] = ()
    detail: str = ""
    files: tuple[str, ...] = ("lib/tap_stack.py",)
    added_parameters: tuple[str, ...] = ()
    response: str = "old()"
    ideal: str = "new()"


@dataclass(frozen=True, slots=True)
class Rule:
    """Recognises one kind of mistake.

    It holds for a diagnostic of one of `gates` (`apply` too, where `plan` is one) whose code is among `codes` (any, where empty), in whose code
    and message `pattern` is found, and which `refine` does not refuse. The pattern's named groups, what
    `refine` adds and the names of `common_names` fill the texts. `symbols` says which of those names the
    failure is about; None takes the diagnostic's own symbols. `severity` only where the gate's is wrong.
    """

    id: str
    gates: tuple[str, ...]
    category: Category
    title: str
    root_cause: str
    impact: str
    lesson: str
    documentation: str
    examples: tuple[Example, ...]
    pattern: str = ""
    codes: tuple[str, ...] = ()
    refine: Refine | None = None
    symbols: tuple[str, ...] | None = None
    severity: Severity | None = None
    merge: Merge = Merge.PER_SYMBOLS

    def match(self, diagnostic: Diagnostic, finding: Finding) -> Names | None:
        """The names for the texts where the rule holds, else None."""
        if not {diagnostic.gate, _SAYS_AS.get(diagnostic.gate)} & {*self.gates} or (self.codes and diagnostic.code not in self.codes):
            return None
        found = re.search(self.pattern, text_of(diagnostic))
        if found is None:
            return None
        names = common_names(diagnostic) | {name: value for name, value in found.groupdict().items() if value is not None}
        return self.refine(names, diagnostic, finding) if self.refine else names

    def symbols_of(self, names: Names, diagnostic: Diagnostic) -> tuple[str, ...]:
        """What the failure is about, most telling first."""
        if self.symbols is None:
            return diagnostic.symbols
        return tuple(names[name] for name in self.symbols if names.get(name))


def text_of(diagnostic: Diagnostic) -> str:
    """What patterns are looked for in. Terraform's summary may be the code, so that belongs to it."""
    if not diagnostic.code or diagnostic.code in diagnostic.message:
        return diagnostic.message
    return f"{diagnostic.code}: {diagnostic.message}"


def common_names(diagnostic: Diagnostic) -> dict[str, str]:
    """Names that every rule's texts can use. `kind` and `address` are empty for what concerns no single resource."""
    address = diagnostic.address or ""
    kind = re.split(r"[.\[]", address.removeprefix("data."))[0]
    folder = "data-sources" if address.startswith("data.") else "resources"
    return {
        "code": diagnostic.code,
        "summary": first_line(diagnostic.message).rstrip(".:"),
        "symbol": diagnostic.symbols[0] if diagnostic.symbols else "",
        "address": address,
        "kind": kind,
        "resource": {"": "a resource", "provider": "the provider"}.get(kind, kind if kind.startswith("aws_") else address),
        "resource_docs": f"{PROVIDER_DOCS}/{folder}/{kind.removeprefix('aws_')}" if kind.startswith("aws_") else PROVIDER_DOCS,
        "file": diagnostic.locations[0].file if diagnostic.locations else "a file",
    }


def combine(several: Sequence[Names], shown: int) -> dict[str, str]:
    """The names of findings that became one failure: the different values of each, the first `shown` spelled out.

    Values that are sentences, which a space begins, follow one another as they are.
    """
    combined = {}
    for key in dict.fromkeys(key for names in several for key in names):
        values = list(dict.fromkeys(value for names in several if (value := names.get(key, ""))))
        sentences = any(value.startswith(" ") for value in values)
        more = f" and {len(values) - shown} more" if len(values) > shown and not sentences else ""
        combined[key] = ("" if sentences else ", ").join(values[:shown]) + more
    return combined


def nearest_names(diagnostic: Diagnostic) -> tuple[str, ...]:
    """The real names closest to one that does not exist, as the synth gate found them; best first."""
    found = _NEAREST.search(diagnostic.detail)
    return tuple(found[1].split(", ")) if found else ()


def snake_case(name: str) -> str:
    """The Python spelling of a jsii name: `defaultTags` as `default_tags`."""
    return _WORD_START.sub("_", name).lower()


def listed(words: Iterable[str]) -> str:
    """Words as they stand in a sentence: `a, b and c`."""
    *most, last = words
    return f"{', '.join(most)} and {last}" if most else last


def with_article(word: str) -> str:
    """The word with its indefinite article, as it is spoken: `a str`, `an int`, `an S3Bucket`."""
    return f"{'an' if _SPOKEN_WITH_A_VOWEL.match(word) else 'a'} {word}"


def without_index(path: str) -> str:
    """An attribute's path without the positions of blocks in their lists: `rule.0.status` and `rule[0].status` as `rule.status`."""
    return _INDEX.sub("", path)


def removed_code(finding: Finding) -> str:
    """The response's statements that the fix replaces, and the lines that it takes out."""
    return _changed(finding, finding.response_statements, "-")


def added_code(finding: Finding) -> str:
    """The ideal's statements that the fix brings, and the lines that it puts in."""
    return _changed(finding, finding.ideal_statements, "+")


def _changed(finding: Finding, statements: Sequence[str], sign: str) -> str:
    lines = (line[1:] for line in finding.fix.diff.splitlines() if line.startswith(sign) and not line.startswith(sign * 3))
    return "\n".join((*statements, *lines))


def first_line(text: str) -> str:
    """The first line of a message that goes on."""
    return text.strip().splitlines()[0] if text.strip() else ""
