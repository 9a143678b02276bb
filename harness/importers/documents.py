"""The Markdown documents of a task, told from its code by their names."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import PurePosixPath

from harness.importers.markdown import headings

_NUMBERED = re.compile(r"^(?P<kind>PROMPT|MODEL_RESPONSE)[-_ ]?(?P<turn>\d*)\.md$", re.IGNORECASE)
_NOT_CODE = re.compile(r"^(?:[A-Z]+_[A-Z_]+|\.DS_Store|coverage\.(?:xml|json)|\.coverage)$")
_GENERIC = re.compile(
    r"^(?:(?:the|core|key|current|infrastructure|technical|deployment|functional|specific|implementation|main|project|model|original|additional)\s+)*"
    r"(?:task|problem|requirements?|overview|background|context|introduction|prompt|description|scenario|summary|what|constraints?|environment|"
    r"infrastructure|you|instructions?|details?|objectives?|goals?|success|criteria|architecture|solution|implementation|response|answer|code|"
    r"failing code response|project structure)\b(?:\s+(?:criteria|description|statement|we|need|to|build|are|is|setup|overview|context|details|response|"
    r"code|failing|and|requirements?|constraints?|structure|files?))*$",
    re.IGNORECASE,
)
_LABEL = re.compile(r"^(?:task(?: prompt)?|prompt|title|project|problem(?: statement)?|model response)\s*[:\-–]\s*", re.IGNORECASE)
_TAIL = re.compile(r"\s+[-–—:]\s+(?:CDKTF\b.*|Model Response|Implementation)$", re.IGNORECASE)
MAX_TITLE = 150


def is_document(path: str) -> bool:
    """Whether a file of a task is about its code rather than part of it: Markdown, metadata, one-word settings of the archive."""
    parts = PurePosixPath(path)
    if parts.suffix.lower() == ".md" or path in ("metadata.json", "lib/metadata.json"):
        return True
    return str(parts.parent) in (".", "lib") and bool(_NOT_CODE.match(parts.name))


class Documents:
    """The documents of one task as text. What is not UTF-8 is read with replacement characters, and a note says so."""

    def __init__(self, files: Mapping[str, bytes], notes: list[str]) -> None:
        self._files = files
        self._notes = notes
        self.responses = self._turns("MODEL_RESPONSE")
        """(path, text) of each turn's answer, in the order of the conversation."""
        self.prompt = "\n\n".join(text.strip("\n") + "\n" for _, text in self._turns("PROMPT"))
        self.failures = self._one("MODEL_FAILURES.md")
        self.ideal = self._one("IDEAL_RESPONSE.md")

    def _turns(self, kind: str) -> list[tuple[str, str]]:
        found = []
        for path in self._files:
            match = _NUMBERED.match(PurePosixPath(path).name)
            if match and match["kind"].upper() == kind and str(PurePosixPath(path).parent) in (".", "lib"):
                found.append((int(match["turn"] or 1), path))
        return [(path, self._text(path)) for _, path in sorted(found)]

    def _one(self, name: str) -> str:
        path = next((path for path in (f"lib/{name}", name) if path in self._files), None)
        return self._text(path) if path else ""

    def _text(self, path: str) -> str:
        content = self._files[path].removeprefix(b"\xef\xbb\xbf")
        try:
            return content.decode("utf-8")
        except UnicodeDecodeError as error:
            self._notes.append(f"{path} is not UTF-8 (byte {error.start}); what cannot be read is shown as a replacement character")
            return content.decode("utf-8", errors="replace")


def find_title(prompt: str) -> str:
    """The first heading of the first level that says what a text is about; empty where none does."""
    for level, heading in headings(prompt):
        title = re.sub(r"[*`]+", "", _LABEL.sub("", re.sub(r"[*`]+", "", heading).strip())).strip(" :")
        if title and level == 1 and not _GENERIC.match(re.sub(r"\s*\(.*?\)", "", title)):
            return _TAIL.sub("", title)[:MAX_TITLE]
    return ""
