"""The outline of a hand-written failure analysis: which of its headings and list items open a claim."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import pairwise

FENCE = re.compile(r"^\s*(`{3,}|~{3,})\s*(\S*)")
_HEADING = re.compile(r"^(#{1,6})\s+(.*?)\s*#*$")
_DECORATION = re.compile(r"[*`]+|[\U0001F300-\U0001FAFF\u2600-\u27BF\uFE0F]")
SEVERITIES = (
    ("critical", r"critical|blocker|blocking|p0|severe"),
    ("high", r"high|major|significant|p1"),
    ("medium", r"medium|moderate|p2"),
    ("low", r"low|minor|trivial|improvement|enhancement|informational|cosmetic|p3"),
)
_KIND = r"(?:issue|failure|bug|error|problem|mistake|defect|finding|violation|gap)"
_NUMBERED = re.compile(
    rf"^(?:(?:critical|high|medium|moderate|low|minor|major)\s+(?:severity\s+|"
    rf"priority\s+)?)?(?:{_KIND}\s*#?\s*[A-Z]?\d+(?:\.\d+)*|#?[A-Z]?-?\d+(?:\.\d+)*)\s*[.:)\-\u2013\u2014]+\s*(?P<title>\S.*)$",
    re.IGNORECASE,
)
_NAMED = re.compile(rf"^(?:[\w ]+ )?{_KIND}\s*:\s*(?P<title>\S.*)$", re.IGNORECASE)
_OF_CLAIMS = re.compile(rf"\b(?:{_KIND}s?|fix(?:es)?)\b", re.IGNORECASE)
_SEVERAL = re.compile(rf"\b{_KIND}s\b", re.IGNORECASE)
_NOT_CLAIMS = re.compile(
    r"\b(summar|learning|lesson|score|training (?:quality|value|impact)|impact on|conclusion|best practices?|reference|"
    r"checklist|validation|verification|"
    r"strength|positive|what worked|got right|superior|recommend|overview|context|why (?:the )?ideal|deployment (?:results?|"
    r"outcome|readiness|success|notes?|status)|"
    r"enhancement|improvements?$|added$|additions|next steps|metrics|assessment|success criteria|resource count|"
    r"high availability|coverage:?$|statistics|"
    r"prevention|what ma[dk]e|knowledge gaps|classification|why these|alternatives?\b|cost estimate|instructions|"
    r"detailed impact|expected model|performance summary|file structure)",
    re.IGNORECASE,
)
_CLAIM_SECTION = re.compile(rf"\b(critical|high|medium|moderate|low|minor|major|severe|blockers?|missing|{_KIND}(?:s|es)?|failures)\b", re.IGNORECASE)
_PART = re.compile(
    r"^(?:the |model_response|ideal_response|ideal|model )?\s*(?:problem|issue|fix|solution|impact|root cause|error|"
    r"resolution|description|what went wrong|why|symptom|before|after|"
    r"prevention|key learning|lessons?|correct|initial|business|testing|documentation|evidence|details?|analysis|current|"
    r"expected|failure description|knowledge gap|pattern|alternative|solution|category \w)\b",
    re.IGNORECASE,
)
_ENOUGH = 3
_ITEM = re.compile(r"^(?:[-*]|\d+[.)])\s+(?P<text>\S.*)$")


@dataclass(frozen=True, slots=True)
class Passage:
    """The part of a document that makes one claim; `above` are the headings over it, its own last."""

    title: str
    lines: list[str]
    above: tuple[str, ...] = ()
    numbered: bool = True


@dataclass
class _Section:
    """A heading with the lines below it (fences included) and its subsections."""

    level: int
    heading: str
    lines: list[str] = field(default_factory=list)
    children: list[_Section] = field(default_factory=list)

    def body(self) -> Iterator[str]:
        """Every line below the heading, those of subsections with their headings."""
        yield from self.lines
        for child in self.children:
            yield f"{'#' * child.level} {child.heading}"
            yield from child.body()


def find_passages(markdown: str) -> list[Passage]:
    """The passages of a document that each make one claim, in its order.

    Headings decide. Items of lists count too, unless headings make enough claims of their own: beside those,
    such lists only say the same again.
    """
    root = _outline(markdown)
    passages = list(_passages(root, ()))
    headed = [passage for passage, is_item in passages if not is_item]
    if len(headed) >= _ENOUGH:
        return headed
    return [passage for passage, _ in passages] or [item for item in _items(root.lines, ()) if item.numbered]


def _outline(markdown: str) -> _Section:
    root = _Section(0, "")
    path = [root]
    fence = ""
    for line in markdown.expandtabs(4).splitlines():
        mark = FENCE.match(line)
        heading = None if fence else _HEADING.match(line)
        if mark and not fence:
            fence = mark[1]
        elif mark and mark[1].startswith(fence) and not mark[2]:
            fence = ""
        if heading:
            section = _Section(len(heading[1]), heading[2])
            while path[-1].level >= section.level:
                path.pop()
            path[-1].children.append(section)
            path.append(section)
        else:
            path[-1].lines.append(line)
    return root


def _passages(section: _Section, above: tuple[str, ...]) -> Iterator[tuple[Passage, bool]]:
    """Every passage below a section, and whether it is an item of a list."""
    for child in section.children:
        plain = plain_heading(child.heading)
        path = (*above, plain)
        numbered = _NUMBERED.match(plain) or _NAMED.match(plain)
        if numbered and not _is_group(numbered["title"], child):
            yield Passage(numbered["title"], list(child.body()), path), False
        elif child.level > 1 and _NOT_CLAIMS.search(re.sub(r"\(.*?\)", "", plain)) and not (severity_in(plain) and _OF_CLAIMS.search(plain)):
            continue
        elif child.level > 2 and any(severity_in(one) or _OF_CLAIMS.search(one) for one in above[1:]) and not _is_part(plain, child):
            yield Passage(plain, list(child.body()), path), False
        else:
            inner = list(_passages(child, path))
            if not inner and child.level > 1 and (_CLAIM_SECTION.search(plain) and not _PART.match(plain)):
                inner = [(item, True) for item in _items(child.lines, path)]
            yield from inner


def _is_group(title: str, section: _Section) -> bool:
    """Whether a numbered heading only groups claims, as `## 1. Critical failures` with numbered ones below."""
    numbered_below = sum(bool(_NUMBERED.match(plain_heading(one.heading))) for one in section.children)
    return numbered_below > 1 and bool(severity_in(title) or _SEVERAL.search(title))


def _is_part(plain: str, section: _Section) -> bool:
    """Whether a heading without number is a part of a claim, or a group of claims, rather than a claim."""
    groups = _CLAIM_SECTION.search(plain) and re.search(r"s\b[^a-z]*$|identified|found", plain)
    return bool(_PART.match(plain) or groups) or any(_NUMBERED.match(plain_heading(one.heading)) for one in section.children)


def _items(lines: list[str], above: tuple[str, ...]) -> Iterator[Passage]:
    """Claims that are items of a list: the first words of each, and the lines up to the next. Numbered ones go before bullets."""
    starts = [number for number, line in enumerate(lines) if _ITEM.match(line)]
    numbered = [number for number in starts if lines[number][0].isdigit()]
    for start, end in pairwise([*(numbered or starts), len(lines)]):
        text = _ITEM.sub(r"\g<text>", lines[start])
        bold = re.match(r"\*\*(.+?)\*\*", text)
        title = plain_heading(bold[1] if bold else re.split(r"[.:] ", text, maxsplit=1)[0])[:120]
        if title and not title.lower().startswith(("total", "none")) and not _PART.match(title):
            yield Passage(title, [text, *lines[start + 1 : end]], above, numbered=bool(numbered))


def plain_heading(heading: str) -> str:
    return _DECORATION.sub("", heading).strip(" :\u200d")


def severity_in(text: str) -> str | None:
    """The severity that is named first, as a word of its own."""
    hits = [(match.start(), name) for name, words in SEVERITIES if (match := re.search(rf"(?<![\w-])(?:{words})(?!\w)", text, re.IGNORECASE))]
    return min(hits)[1] if hits else None
