"""What a classification rule is. A new one is one more row in the module of its subject, with an example."""

from __future__ import annotations

import enum
import re
from collections.abc import Callable, Mapping, Sequence
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

_NEAREST = re.compile(r"^nearest: (.+)$", re.MULTILINE)
_WORD_START = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")


class Merge(enum.StrEnum):
    """Which findings of a rule have one cause, and so are one failure with several places."""

    PER_SYMBOLS = "per symbols"
    PER_RULE = "per rule"


@dataclass(frozen=True, slots=True)
class Example:
    """A diagnostic as the tool really wrote it, and what of its fix the rule looks at. The rule's test."""

    gate: str
    code: str
    message: str
    address: str | None = None
    symbols: tuple[str, ...] = ()
    detail: str = ""
    files: tuple[str, ...] = ("lib/tap_stack.py",)
    added_parameters: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Rule:
    """Recognises one kind of mistake.

    It holds for a diagnostic of one of `gates` whose code is among `codes` (any, where empty), in whose code
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
        if diagnostic.gate not in self.gates or (self.codes and diagnostic.code not in self.codes):
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
    kind = address.removeprefix("data.").split(".")[0]
    folder = "data-sources" if address.startswith("data.") else "resources"
    return {
        "code": diagnostic.code,
        "summary": first_line(diagnostic.message).rstrip(".:"),
        "symbol": diagnostic.symbols[0] if diagnostic.symbols else "",
        "address": address,
        "kind": kind,
        "resource": kind or "a resource",
        "resource_docs": f"{PROVIDER_DOCS}/{folder}/{kind.removeprefix('aws_')}" if kind.startswith("aws_") else PROVIDER_DOCS,
        "file": diagnostic.locations[0].file if diagnostic.locations else "a file",
    }


def combine(several: Sequence[Names], shown: int) -> dict[str, str]:
    """The names of findings that became one failure: the different values of each, the first `shown` spelled out."""
    combined = {}
    for key in dict.fromkeys(key for names in several for key in names):
        values = list(dict.fromkeys(value for names in several if (value := names.get(key, ""))))
        more = f" and {len(values) - shown} more" if len(values) > shown else ""
        combined[key] = ", ".join(values[:shown]) + more
    return combined


def nearest_names(diagnostic: Diagnostic) -> tuple[str, ...]:
    """The real names closest to one that does not exist, as the synth gate found them; best first."""
    found = _NEAREST.search(diagnostic.detail)
    return tuple(found[1].split(", ")) if found else ()


def snake_case(name: str) -> str:
    """The Python spelling of a jsii name: `defaultTags` as `default_tags`."""
    return _WORD_START.sub("_", name).lower()


def first_line(text: str) -> str:
    """The first line of a message that goes on."""
    return text.strip().splitlines()[0] if text.strip() else ""
