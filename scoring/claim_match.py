"""What a claim and a failure have in common, as links that each say what they rest on."""

from __future__ import annotations

import enum
import re
from dataclasses import dataclass

from scoring.claim_text import canonical, is_kind, is_telling, listed, names, quoted_names, words
from scoring.claim_trace import ClaimTrace, FailureTrace

RARE = 2
"""A line that a tree holds more often than this identifies no place."""
FIRST = 6
"""How many of a claim's identifiers say what it is about; those after them its code only happens to hold."""

_QUALITY = (
    (r"line.length|line.too.long|long (?:import )?lines?|C0301|E501", r"E501"),
    (r"unused|W0611|F401", r"F401|F841"),
    (r"import (?:order|organi[sz]ation)|I001|C0411", r"I001"),
    (r"built-?in|shadow|W0622|redefin", r"A00\d|W0622"),
    (r"trailing (?:newline|whitespace)|blank lines?|quotes|formatting|layout|black\b", r"reformatted|W29\d|W391|E30\d"),
)
_LINT_AT_LARGE = re.compile(r"\blint|\bformatter\b|\bruff\b|pep ?8|code (?:style|quality)|flake8|pylint", re.IGNORECASE)
_MISSES = re.compile(r"\b(?:missing|absent|not (?:found|included|provided|created)|no)\b", re.IGNORECASE)
_MOST = 4
"""More words or names than this in common count no further."""


class Grade(enum.IntEnum):
    """What a match is worth: a faint one counts only where claim and failure have nobody better."""

    FAINT = 1
    WEAK = 2
    STRONG = 3


@dataclass(frozen=True, slots=True)
class Link:
    """One thing that a claim and a failure share. A strong one is enough for a match; `text` completes "they share"."""

    kind: str
    strong: bool
    text: str
    weight: int = 1


@dataclass(frozen=True, slots=True)
class Match:
    """All that a claim and a failure share. `weight` ranks matches of one grade: what each link counts, less where they disagree."""

    grade: Grade
    weight: int
    links: tuple[Link, ...]


def match(claim: ClaimTrace, failure: FailureTrace) -> Match | None:
    """What a claim and a failure share, where that is enough for a match of some grade.

    Strong: one strong link. Weak: a name, something that says which of the name's many possible failures is meant, and the same
    file or category; or a claim in whose prose nearly every word of the failure's title is. Faint: the same file and
    category, and two words or names in common.
    """
    file, category = _file(claim, failure), _category(claim, failure)
    agreeing = [link for link in (file, category, _severity(claim, failure)) if isinstance(link, Link)]
    found = [link for link in (_message(claim, failure), _quality(claim, failure), _path(claim, failure)) if link]
    spoken = _words(claim, failure)
    if str(failure.failure.category) != "code-quality":
        # A linter's remarks are about a line's form; whatever else is said of that line is another matter.
        lines = _lines(claim, failure)
        if not any(link.strong for link in lines) and (line := _at_the_place(claim, failure)):
            lines.append(line)
        found += [
            *lines,
            *_names(claim, failure, supported=bool(any(link.strong for link in lines) or spoken or isinstance(file, Link) or isinstance(category, Link))),
        ]
    if category is False and claim.claim.get("category") == "code-quality":
        # Likewise, who minds a line's form says nothing of what else is wrong with it.
        found = [link for link in found if link.kind == "message"]
    if file is False and category is False:
        # Somebody who names another file and another kind of mistake means another failure, whatever names are shared.
        found = [Link(link.kind, link.strong and link.kind in ("message", "line"), link.text) for link in found]
    links = (*sorted([*found, *spoken], key=lambda link: not link.strong), *agreeing)
    weight = sum(link.weight for link in links) - 2 * (file is False) - 3 * (category is False)
    if any(link.strong for link in found):
        return Match(Grade.STRONG, weight, links)
    kinds = {link.kind for link in links}
    specific = bool(kinds & {"title", "touched", "place", "line"}) or sum(link.weight for link in spoken) > 1
    placed = kinds & {"file", "category"}
    if (kinds & {"name", "resource"} and specific and placed) or ("prose" in kinds and category is not False):
        return Match(Grade.WEAK, weight, links)
    # Many different failures are about one resource, so that alone says nothing here; nor do more names say more.
    pieces = sum(1 if link.kind in ("name", "commonplace") else link.weight for link in (*found, *spoken) if link.kind != "resource")
    if placed == {"file", "category"} and pieces > 1:
        return Match(Grade.FAINT, weight, links)
    return None


def _message(claim: ClaimTrace, failure: FailureTrace) -> Link | None:
    """Whether the claim quotes what a tool said."""
    said = " ".join([failure.failure.message, *(one.message for one in (failure.failure.evidence.walk, failure.failure.evidence.isolation) if one)])
    theirs = words(said)
    for quoted in claim.messages:
        mine = words(quoted)
        shared_names = {canonical(name) for name in (*quoted_names(quoted), *names(quoted)) if is_telling(name)} & failure.about
        # Tools phrase the same refusal alike whatever it is about, so without a name in common nearly all words have to be.
        needed = 0.5 if shared_names else 0.8
        if len(mine) >= 4 and len(mine & theirs) / len(mine) >= needed:
            return Link("message", True, f"the message \u201c{_short(quoted)}\u201d", 8)
    return None


def _quality(claim: ClaimTrace, failure: FailureTrace) -> Link | None:
    """Whether linter or formatter object to what the claim says they do."""
    if str(failure.failure.category) != "code-quality":
        return None
    said = f"{claim.title}\n{' '.join(claim.identifiers)}"
    wanted = [codes for pattern, codes in _QUALITY if re.search(pattern, said, re.IGNORECASE)]
    if not wanted and claim.claim.get("category") == "code-quality" and _LINT_AT_LARGE.search(said):
        return Link("quality", True, "what linter and formatter say", 6)
    heard = next((found[0] for codes in wanted if (found := re.search(codes, failure.failure.message))), None)
    return Link("quality", True, f"the linter's {heard}", 6) if heard else None


def _path(claim: ClaimTrace, failure: FailureTrace) -> Link | None:
    """Whether the claim speaks of the very file, other than a module, that the failure is about."""
    said = "\n".join([claim.prose, *claim.files])
    # What is there after all is not what somebody misses.
    paths = [path for path in sorted(failure.paths) if not (path.endswith(".py") and path in claim.response)]
    paths = [path for path in paths if not (_MISSES.search(claim.title) and any(path.endswith(there) for there in claim.response))]
    named = next((path for path in paths if re.search(rf"(?<![\w.-]){re.escape(path.rpartition('/')[2])}(?!\w)", said)), None)
    return Link("path", True, f"the file {named}, which the failure is about", 6) if named else None


def _lines(claim: ClaimTrace, failure: FailureTrace) -> list[Link]:
    links = []
    response, ideal = claim.counts, claim.ideal_counts
    for side, wanted, have, counts in (
        ("response", claim.removed, failure.removed | failure.places, response),
        ("fix", claim.added, failure.added, ideal),
    ):
        shared = [line for line in wanted if line in have and counts.get(line, 0) <= RARE]
        if not shared or not _speaks_of(claim, failure):
            continue
        enough = len(shared) >= 2 or len(shared) * 3 >= len(wanted)
        # A fix may bring along much that is no part of the cure.
        strong = enough and not failure.is_large and (side == "response" or len(shared) * 3 >= len(have))
        text = f"the {side}'s line{'s' if len(shared) > 1 else ''} {listed((f'`{_short(line)}`' for line in shared), 2)}"
        links.append(Link("line", strong, text, 6 if strong else 2))
    return links


def _at_the_place(claim: ClaimTrace, failure: FailureTrace) -> Link | None:
    """Whether a line that the claim calls wrong is the one at the failure's place, however common its names are."""
    counts = claim.counts
    shared = [line for line in claim.shown if line in failure.places and counts.get(line, 0) <= RARE]
    if not shared or not failure.subjects & claim.folded:
        return None
    return Link("line", True, f"the line at the failure's place, {listed((f'`{_short(line)}`' for line in shared), 2)}", 6)


def _speaks_of(claim: ClaimTrace, failure: FailureTrace) -> bool:
    """Whether the claim mentions a name the failure is exactly about; a failure without such a name excludes nothing."""
    about = failure.exact or failure.members
    return not about or bool(about & claim.folded)


def _names(claim: ClaimTrace, failure: FailureTrace, *, supported: bool) -> list[Link]:
    """Names in common. A class or a resource in a claim that names others too needs something else in common to say that this one is meant."""
    links = []
    shared = [name for name in claim.telling if canonical(name) in failure.about]
    first = [name for name in claim.identifiers[:FIRST] if canonical(name) in failure.subjects]
    exact = [
        name
        for name in shared[:FIRST]
        if name in claim.telling[:FIRST] and (canonical(name) in failure.exact or ("_" in name and canonical(name) in failure.attributes))
    ]
    alone = all(canonical(name) in failure.about for name in claim.telling[:FIRST])
    if exact and (supported or alone or not all(canonical(name) in failure.exact_kinds for name in exact)):
        links.append(Link("name", True, f"{listed(exact)}, which the failure is about", 5 + min(len(exact), 3)))
    elif _owner_and_member(first):
        # Either alone may be in many failures, a resource and its argument together are in few.
        links.append(Link("name", True, f"{listed(first)} together, which the failure is about", 7))
    elif shared or (shared := [name for name in claim.commonplace if canonical(name) in failure.mentions]):
        links.append(Link("resource" if all(map(is_kind, shared)) else "name", False, listed(shared), 2))
    elif first:
        links.append(Link("commonplace", False, listed(first), 1))
    shown = {canonical(name) for name in (*shared, *first)}
    placed = [name for name in claim.identifiers[:FIRST] if canonical(name) in failure.placed and canonical(name) not in shown]
    if placed:
        links.append(Link("place", False, f"{listed(placed)} at the failure's place", min(len(placed), _MOST)))
    touched = [name for name in claim.telling if canonical(name) in failure.touched and name not in shared]
    if touched and not failure.is_large:
        if not any(link.kind in ("name", "resource") for link in links) and len(touched) >= 2 and (not failure.exact or failure.exact & claim.folded):
            links.append(Link("name", False, f"{listed(touched[:1])} in the fix", 1))
            touched = touched[1:]
        if touched and any(link.kind in ("name", "resource") for link in links):
            links.append(Link("touched", False, f"{listed(touched)} where the fix is", min(len(touched), _MOST)))
    return links


def _owner_and_member(shared: list[str]) -> bool:
    """Whether names hold a resource or class and something of it, at least one of which is no commonplace."""
    owners = {canonical(name) for name in shared if is_kind(name) and is_telling(name)}
    return bool(owners) and any(canonical(name) not in owners and not (is_kind(name) and is_telling(name)) for name in shared)


def _words(claim: ClaimTrace, failure: FailureTrace) -> list[Link]:
    """Words in common, beyond the parts of the names that are counted already: of the titles, of what the failure says is wrong, of the claim's prose."""
    links = []
    of_names = " ".join(canonical(name) for name in claim.identifiers if is_kind(name))
    mine = {word for word in words(claim.title) if word not in of_names}
    theirs = words(f"{failure.failure.title} {failure.failure.rule.replace('-', ' ')}")
    both = mine & theirs
    if both:
        links.append(Link("title", False, f"the words {listed(sorted(both))}", min(len(both), _MOST)))
    if more := (mine & failure.lesson) - both:
        links.append(Link("lesson", False, f"{'also ' if both else ''}the words {listed(sorted(more))}", min(len(more), _MOST)))
    needed = words(failure.failure.title)
    if len(needed) >= 5 and len(needed & words(claim.prose)) / len(needed) >= 0.8:
        links.append(Link("prose", False, f"nearly all words of \u201c{failure.failure.title}\u201d", 3))
    return links


def _file(claim: ClaimTrace, failure: FailureTrace) -> Link | bool | None:
    """The link where both name one file, False where they name different ones, None where one names none."""
    if not claim.files or not failure.files:
        return None
    same = [file for file in claim.files if any(file == other or other.endswith(f"/{file}") or file.endswith(f"/{other}") for other in failure.files)]
    return Link("file", False, f"the file {listed(same)}", 2) if same else False


def _category(claim: ClaimTrace, failure: FailureTrace) -> Link | bool | None:
    mine = claim.claim.get("category")
    if not isinstance(mine, str):
        return None
    return Link("category", False, f"the category {mine}", 3) if mine == str(failure.failure.category) else False


def _severity(claim: ClaimTrace, failure: FailureTrace) -> Link | None:
    """Support only: people's severities and the gates' measure different things."""
    mine = claim.claim.get("severity")
    return Link("severity", False, f"the severity {mine}") if mine == str(failure.failure.severity) else None


def _short(text: str, most: int = 70) -> str:
    flat = " ".join(text.split())
    return flat if len(flat) <= most else flat[: most - 1] + "\u2026"
