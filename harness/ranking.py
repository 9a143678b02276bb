"""Which fixes are most likely to cure a diagnostic: those on its lines, then those that speak of what it names."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from harness.diagnostics import Diagnostic
from harness.edits import Edit
from harness.fixes import FORMAT, Comparison
from harness.variants import Variant

_QUOTED = re.compile(r"['\"`]([A-Za-z_][\w.]{2,})['\"`]")
_CALLED = re.compile(r"\b([A-Za-z_]\w+)(?:\.__init__)?\(\)")
_ARGUMENT = re.compile(r"(?:argument|Key) '?(\w+)")
_HINTS = (("without a matching provider construct", "Provider"), ("has no app", "App"), ("without synthesizing", "synth"))
"""What a message is about that names nothing."""
_SAYS_NOTHING = frozenset(
    {"NoneType", "object", "str", "int", "float", "bool", "list", "dict", "tuple", "set", "bytes", "get", "self", "None", "True", "False"}
)
_WORD_START = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")

ON_LINE, IN_STATEMENT, MENTIONS, IN_FILE, REST = range(1, 6)
"""How near a fix is, best first."""
_FAR = 99


class Nearness:
    """How near each fix is to one diagnostic of one variant."""

    def __init__(self, comparison: Comparison, diagnostic: Diagnostic, variant: Variant) -> None:
        self._comparison = comparison
        self._diagnostic = diagnostic
        self._words = telling_words(diagnostic)
        self._test = diagnostic.symbols[0] if diagnostic.gate == "tests" and diagnostic.symbols else ""
        origins = [variant.origin(place) for place in diagnostic.locations]
        self._files = [origin.file or place.file for origin, place in zip(origins, diagnostic.locations, strict=True)]
        self._lines = [origin.line for origin in origins]
        self._edits: dict[int, int] = {}
        self._statements: dict[tuple[str, int], int] = {}
        for depth, origin in enumerate(origins):
            if origin.edit is not None:
                self._edits.setdefault(origin.edit, depth)
            if origin.statement is not None:
                self._statements.setdefault(origin.statement, depth)

    def rank(self, fixes: Iterable[str]) -> list[str]:
        """The fixes, nearest first."""
        position = {fix: number for number, fix in enumerate(self._comparison.fixes)}
        return sorted(fixes, key=lambda fix: (*self.of(fix), position[fix]))

    def of(self, fix: str) -> tuple[int, ...]:
        """The fix's tier (`ON_LINE` to `REST`), then what orders fixes within it; smaller is nearer."""
        if fix == FORMAT:
            return (ON_LINE if self._diagnostic.gate == "format" else REST + 1, 0, 0, 0)
        edits = self._comparison.edits_of(fix)
        said = -max(_mentions(edit, self._words) for edit in edits)
        on_line = min((self._edits[edit.index] for edit in edits if edit.index in self._edits), default=_FAR)
        inside = [self._statements[edit.pair, edit.leaf] for edit in edits if edit.leaf is not None and (edit.pair, edit.leaf) in self._statements]
        in_statement = min(inside, default=_FAR)
        in_file = min((self._files.index(edit.response_path) for edit in edits if edit.response_path in self._files), default=_FAR)
        places = list(zip(self._files, self._lines, strict=True))
        near = min((abs(edit.response_line - line) for edit in edits for file, line in places if file == edit.response_path), default=9_999)
        if on_line < _FAR:
            return (ON_LINE, min(on_line, in_statement), said, near)
        if in_statement < _FAR:
            return (IN_STATEMENT, in_statement, said, near)
        if self._test and any(self._test in edit.scope and edit.response_path in self._files for edit in edits):
            return (IN_STATEMENT, _FAR, said, near)
        if said:
            return (MENTIONS, said, in_file, near)
        return (IN_FILE, in_file, near, 0) if in_file < _FAR else (REST, 0, 0, 0)


def telling_words(diagnostic: Diagnostic) -> tuple[str, ...]:
    """The names that a diagnostic is about, most telling first: its symbols, then what its message quotes."""
    text = f"{diagnostic.code} {diagnostic.message}"
    found = [*diagnostic.symbols, *_ARGUMENT.findall(text), *_QUOTED.findall(text), *_CALLED.findall(text)]
    found += [word for said, word in _HINTS if said in text]
    if diagnostic.address:
        found.append(diagnostic.address.split(".")[-1])
    # jsii writes names as JavaScript does; the code has them as Python does.
    found += [_WORD_START.sub("_", word).lower() for word in found if _WORD_START.search(word) and word[:1].islower()]
    return tuple(dict.fromkeys(word for word in found if len(word) > 2 and word not in _SAYS_NOTHING))


def _mentions(edit: Edit, words: Sequence[str]) -> int:
    """How much an edit speaks of the words: more for what it exchanges itself than for the statement around it."""
    score = 0
    for number, word in enumerate(words):
        weight = max(8 - number, 1)
        if word in edit.response_part or word in edit.ideal_part:
            score += 2 * weight
        elif edit.hole is not None and (word in edit.response_text or word in edit.ideal_text):
            score += weight // 2
    return score
