"""One thing that a gate says about a tree."""

from __future__ import annotations

import re
from dataclasses import dataclass

_NUMBERS = re.compile(r"\b\d+\b")
_TOKENS = re.compile(r"[#&$]\{TfToken\[[^\]]*\]\}|TfToken\[[^\]]*\]|\$\{[^}]*\}|TOKEN\[[^\]]*\]|\b0x[0-9a-f]{6,}\b")
_SPACE = re.compile(r"\s+")


@dataclass(frozen=True, slots=True, order=True)
class Location:
    """A place in a tree: `file` is relative to the tree's root (POSIX), `line` counts from 1."""

    file: str
    line: int


@dataclass(frozen=True, slots=True)
class Diagnostic:
    """What a gate said, in one record that travels through everything.

    `code` is the gate's own name for it (an exception class, a ruff code, a rule id, a provider's
    summary); `message` the sentence as the tool wrote it; `address` the Terraform address
    (`aws_kms_key.main`) and `path` the construct path (`TapStack/security/key`) it concerns, where there
    is one; `symbols` the names it is about, most telling first; `detail` the raw output it was read from.
    """

    gate: str
    code: str
    message: str
    locations: tuple[Location, ...] = ()
    address: str | None = None
    symbols: tuple[str, ...] = ()
    detail: str = ""
    path: str | None = None

    @property
    def identity(self) -> tuple[str, str, str, str]:
        """What makes two diagnostics of different trees the same one.

        Leaves out lines, numbers and tokens, which move when another fix is applied.
        """
        if self.gate in ("constraints", "architecture"):
            # What a rule lists beside its subject changes with every fix; rule and subject do not.
            return (self.gate, self.code, "", self.address or "")
        text = _SPACE.sub(" ", _TOKENS.sub("<token>", self.message)).strip()
        if self.gate in ("lint", "types"):
            text = _NUMBERS.sub("#", text)
        where = self.locations[0].file if self.gate in ("format", "lint", "types", "tests") and self.locations else ""
        return (self.gate, self.code, text, self.address or where)
