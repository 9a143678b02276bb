"""What a claim and a failure have in common, as links that each say what they rest on."""

from __future__ import annotations

import re
from dataclasses import dataclass

from scoring.claim_text import canonical, is_kind, is_telling, listed, names, quoted_names, words
from scoring.claim_trace import ClaimTrace, FailureTrace, count_lines

RARE = 2
"""A line that a tree holds more often than this identifies no place."""

_QUALITY = (
    (r"line.length|line.too.long|long (?:import )?lines?|C0301|E501", r"E501"),
    (r"unused|W0611|F401", r"F401|F841"),
    (r"import (?:order|organi[sz]ation)|I001|C0411", r"I001"),
    (r"built-?in|shadow|W0622|redefin", r"A00\d|W0622"),
    (r"trailing (?:newline|whitespace)|blank lines?|quotes|formatt|layout|black\b", r"reformatted|W29\d|W391|E30\d"),
)
_LINT_AT_LARGE = re.compile(r"\blint|\bruff\b|pep ?8|code (?:style|quality)|flake8|pylint", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Link:
    """One thing that a claim and a failure share. A strong one is enough for a match; `text` completes "they share"."""

    kind: str
    strong: bool
    text: str


def match(claim: ClaimTrace, failure: FailureTrace) -> tuple[Link, ...]:
    """The links between a claim and a failure, where they are enough for a match; nothing otherwise.

    One strong link is enough. Weak ones are where a name is among them, something says which of the name's many
    possible failures is meant (further names on the fix's lines, or words of the title), and file or category agree.
    """
    found = [link for link in (_message(claim, failure), _quality(claim, failure), *_lines(claim, failure), *_names(claim, failure)) if link]
    file, category = _file(claim, failure), _category(claim, failure)
    elsewhere = file is False and category is False
    if elsewhere:
        # Somebody who names another file and another kind of mistake means another failure, whatever names are shared.
        found = [Link(link.kind, link.strong and link.kind in ("message", "line"), link.text) for link in found]
    agreeing = [link for link in (file, category) if isinstance(link, Link)]
    if any(link.strong for link in found):
        return (*sorted(found, key=lambda link: not link.strong), *agreeing)
    kinds = {link.kind for link in found}
    specific = _title(claim, failure)
    if specific:
        found.append(specific)
    if "name" in kinds and agreeing and (specific or kinds & {"touched", "line"}):
        return (*found, *agreeing)
    return ()


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
            return Link("message", True, f"the message \u201c{_short(quoted)}\u201d")
    return None


def _quality(claim: ClaimTrace, failure: FailureTrace) -> Link | None:
    """Whether linter or formatter object to what the claim says they do."""
    if str(failure.failure.category) != "code-quality":
        return None
    said = f"{claim.title}\n{' '.join(claim.identifiers)}"
    wanted = [codes for pattern, codes in _QUALITY if re.search(pattern, said, re.IGNORECASE)]
    if not wanted and claim.claim.get("category") == "code-quality" and _LINT_AT_LARGE.search(said):
        return Link("quality", True, "what linter and formatter say")
    heard = next((found[0] for codes in wanted if (found := re.search(codes, failure.failure.message))), None)
    return Link("quality", True, f"the linter's {heard}") if heard else None


def _lines(claim: ClaimTrace, failure: FailureTrace) -> list[Link]:
    links = []
    response, ideal = count_lines(claim.response), count_lines(claim.ideal)
    for side, wanted, have, counts in (
        ("response", claim.removed, failure.removed | failure.places, response),
        ("fix", claim.added, failure.added, ideal),
    ):
        shared = [line for line in wanted if line in have and counts.get(line, 0) <= RARE]
        if not shared:
            continue
        enough = len(shared) >= 2 or len(shared) * 3 >= len(wanted)
        strong = enough and not failure.is_large and _speaks_of(claim, failure)
        links.append(Link("line", strong, f"the {side}'s line{'s' if len(shared) > 1 else ''} {listed((f'`{_short(line)}`' for line in shared), 2)}"))
    return links


def _speaks_of(claim: ClaimTrace, failure: FailureTrace) -> bool:
    """Whether the claim mentions a name the failure is exactly about; a failure without such a name excludes nothing."""
    return not failure.exact or any(name in claim.folded for name in failure.exact)


def _names(claim: ClaimTrace, failure: FailureTrace) -> list[Link]:
    links = []
    shared = [name for name in claim.telling if canonical(name) in failure.about]
    # Far down the list are names that the claim's code only happens to hold.
    exact = [
        name
        for name in shared[:6]
        if name in claim.telling[:6] and (canonical(name) in failure.exact or ("_" in name and canonical(name) in failure.attributes))
    ]
    if exact:
        links.append(Link("name", True, f"{listed(exact)}, which the failure is about"))
    elif shared or (shared := [name for name in claim.commonplace if canonical(name) in failure.mentions]):
        links.append(Link("name", False, listed(shared)))
    touched = [name for name in claim.telling if canonical(name) in failure.touched and name not in shared]
    if touched and not failure.is_large:
        if not shared and len(touched) >= 2:
            links.append(Link("name", False, f"{listed(touched[:1])} in the fix"))
            touched = touched[1:]
        if touched and links:
            links.append(Link("touched", False, f"{listed(touched)} where the fix is"))
    return links


def _title(claim: ClaimTrace, failure: FailureTrace) -> Link | None:
    """Words of the titles in common, beyond the parts of the names that are counted already."""
    of_names = " ".join(canonical(name) for name in claim.identifiers if is_kind(name))
    both = words(claim.title) & words(f"{failure.failure.title} {failure.failure.rule.replace('-', ' ')}")
    shared = {word for word in both if word not in of_names}
    return Link("title", False, f"the words {listed(sorted(shared))}") if shared else None


def _file(claim: ClaimTrace, failure: FailureTrace) -> Link | bool | None:
    """The link where both name one file, False where they name different ones, None where one names none."""
    if not claim.files or not failure.files:
        return None
    same = [file for file in claim.files if any(file == other or other.endswith(f"/{file}") or file.endswith(f"/{other}") for other in failure.files)]
    return Link("file", False, f"the file {listed(same)}") if same else False


def _category(claim: ClaimTrace, failure: FailureTrace) -> Link | bool | None:
    mine = claim.claim.get("category")
    if not isinstance(mine, str):
        return None
    return Link("category", False, f"the category {mine}") if mine == str(failure.failure.category) else False


def _short(text: str, most: int = 70) -> str:
    flat = " ".join(text.split())
    return flat if len(flat) <= most else flat[: most - 1] + "\u2026"
