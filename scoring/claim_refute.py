"""Why a claim is not true of a response: what it describes is not there, or is accepted."""

from __future__ import annotations

import re
from collections.abc import Mapping

from harness.results import CaseResult
from harness.tree import Tree
from scoring.claim_match import FIRST
from scoring.claim_text import canonical, code_line, code_lines, code_names, is_kind, is_telling, listed, names
from scoring.claim_trace import ClaimTrace

_SETTING = re.compile(r"^\"?(?P<key>[A-Za-z_]\w*)\"?\s*[=:]\s*(?P<value>\"[^\"{}]*\"|-?\d+(?:\.\d+)?|True|False|true|false|\[\]|\{\})$")
_TEXT = re.compile(r"^(?P<key>[A-Za-z_]\w*)\s*=\s*f?\"(?P<value>[^\"]{8,})\"$")
_IMPORT = re.compile(r"^(?:from \S+ )?import ")
_REPLACED = re.compile(
    r"`(?P<wrong>[A-Za-z_]\w*)`\s*(?:(?P<said>\u2192|->|=>|should be)|instead of|rather than)"
    r"(?: the)?(?P<adjective> (?:actual|correct|right|proper|real))?(?: \w+)?\s*`(?P<right>[A-Za-z_]\w*)`"
)
_MISSING = re.compile(r"\b(?:missing|lacks?|lacking|no|without|absent|omitted)\b(?P<what>.{0,60})", re.IGNORECASE)

_EXCEPTION = re.compile(r"(?:Error|Exception|Fault)$")
_WRONG = re.compile(r"\b(?:types?|formats?|values?|syntax|structure|wrong|incorrect|invalid|improper|mismatch)\b", re.IGNORECASE)
_LEFT_OUT = re.compile(
    r"\b(?:missing|no|not|lack\w*|without|absent|omitted|incomplete|insufficient|never|use|should|need\w*|add(?:ed)?|instead)\b", re.IGNORECASE
)
"""What is said of things that are not there, which contradicts nothing."""
_OTHER_PLATFORM = re.compile(r"wrong (?:platform|language|framework)|\b(?:HCL|Pulumi|TypeScript|AWS CDK)\b.{0,40}\binstead of\b.{0,20}CDKTF", re.IGNORECASE)
_TEST_FILE = re.compile(r"(?:^|/)(?:tests?/.*|test_\w+|\w+_test)\.py$")
_ABSENT_TESTS = re.compile(r"\b(?:missing|no|insufficient|incomplete|zero|placeholder|lack\w*|coverage|more)\b", re.IGNORECASE)
_SAID_BY = {
    "synth": re.compile(
        r"\b(?:Import|ModuleNotFound|Syntax|Indentation|JSII)Error\b|jsii|deseriali[sz]|cannot import name|unexpected keyword|"
        r"\bsynth(?:esis|)\b.{0,20}\b(?:fail|error)|fail\w* (?:at|in|during) (?:cdktf )?synth",
        re.IGNORECASE,
    ),
    "validate": re.compile(r"No argument or block type|Unsupported (?:argument|attribute|block)|Missing required argument|Extraneous JSON", re.IGNORECASE),
}
_DOING = {"synth": "synthesis", "validate": "Terraform's validation"}
_NOT_SEEN = re.compile(r"backend|state[- ]lock|lockfile|\btests?\b|lambda (?:code|handler|runtime)", re.IGNORECASE)
"""What the synth and validate gates do not look at."""
_LINTABLE = re.compile(r"\blint|pylint|trailing (?:newline|whitespace)|import (?:order|statement)|line.length|unused|formatt", re.IGNORECASE)


def contradiction(claim: ClaimTrace, result: CaseResult) -> str | None:
    """Why the claim is not true of this response, as a sentence; None where nothing speaks against it.

    Strict: documents paraphrase code, so a line that is not found verbatim is no contradiction by itself. What linters say is
    quoted as text, so claims about it are only ever confirmed or open.
    """
    if _LINTABLE.search(claim.title):
        return None
    counts = claim.counts
    present = {canonical(name) for line in counts for name in code_names(line)}
    if absent := _described_but_absent(claim, counts, present):
        return absent
    if fixed := _fixed_already(claim, counts):
        return fixed
    trees = (_missing_but_there, _import_not_missing, _of_another_platform, _of_tests_that_are_not_there)
    return next((why for check in trees if (why := check(claim))), None) or _passes_as_it_is(claim, result)


def _described_but_absent(claim: ClaimTrace, counts: Mapping[str, int], present: set[str]) -> str | None:
    """The code that the claim shows as the response's is not there: each telling line holds a name, or a setting, that the response has nowhere."""
    lines = list(claim.removed)
    why = [_absence(line, counts, present) for line in lines]
    if lines and all(why):
        return f"the code it describes is not in the response: {listed((one for one in why if one), 2)}"
    if _nearly_unknown(claim, present):
        return f"the code it describes is not in the response, which knows hardly a name of it: {listed(f'`{line[:60]}`' for line in lines)}"
    named: list[str] = []
    for found in _REPLACED.finditer(str(claim.claim.get("text", ""))):
        told = found["said"] or found["adjective"]  # "`a` should be `b`" says which of the two is wrong, "`a` instead of `b`" does not
        named += [found["wrong"]] if told else [found["wrong"], found["right"]]
    named = [name for name in named if is_telling(name)]
    shows = all(any(name in code_names(line) for name in named) for line in lines)
    if named and shows and not any(_is_written(name, counts) for name in named):
        return f"the names it speaks of are nowhere in the response: {listed(named)}"
    return None


def _nearly_unknown(claim: ClaimTrace, present: set[str]) -> bool:
    """Each of several lines has a name that is not in the response, and of half of them every name. A paraphrase keeps classes, arguments and functions."""
    unknown = [
        [canonical(name) not in present for name in code_names(line) if is_telling(name)]
        for line in claim.removed
        if any(is_telling(name) for name in code_names(line))
    ]
    # Where something is missing, what is shown is often what ought to be there.
    return not _LEFT_OUT.search(claim.title) and len(unknown) >= 2 and all(any(one) for one in unknown) and 2 * sum(all(one) for one in unknown) >= len(unknown)


def _absence(line: str, counts: Mapping[str, int], present: set[str]) -> str | None:
    """Why a line that a claim shows is surely not in the response in other words either; None where it may be."""
    if line in counts:
        return None
    telling = [name for name in sorted(code_names(line)) if is_telling(name)]
    unknown = [name for name in telling if canonical(name) not in present and _is_of_an_interface(name, line)]
    # An import may well be split or joined in the response, so only one of which nothing is there counts.
    if unknown and not (_IMPORT.match(line) and any(canonical(name) in present for name in telling)):
        return f"{listed(unknown)} occurs nowhere in it"
    setting = _SETTING.match(line)
    if setting and is_telling(setting["key"]):
        others = [other for other in counts if (found := _SETTING.match(other)) and found["key"] == setting["key"]]
        if others and not any(line in other for other in counts):
            return f"it has `{others[0]}`, not `{line}`"
    text = _TEXT.match(line)
    if text and is_telling(text["key"]) and not any(text["value"] in other for other in counts):
        others = [other for other in counts if other.startswith(f"{text['key']}=")]
        if others:
            return f"it has `{others[0]}`, not `{line}`"
    return None


def _is_of_an_interface(name: str, line: str) -> bool:
    """Whether a name is a class, an argument or a key, which a paraphrase keeps, rather than a variable, which it may rename."""
    return (is_kind(name) and name in set(names(line))) or bool(re.search(rf"[\"']{re.escape(name)}[\"']\s*:|(?:^|[(, ]){re.escape(name)}=(?!=)", line))


def _fixed_already(claim: ClaimTrace, counts: Mapping[str, int]) -> str | None:
    """Every line that the claim's fix adds is in the response as often as in the ideal, and nothing is left of what it removes."""
    wanted = claim.ideal_counts
    if not claim.added or not all(counts.get(line, 0) >= wanted.get(line, 0) > 0 for line in claim.added):
        return None
    kept = {name for line in claim.added for name in code_names(line)}
    shown = [line for pair in claim.snippets for line in code_lines(pair.get("response", ""))]
    given_up = {name for line in shown if line not in wanted for name in code_names(line)} - kept
    passed = {line.partition("=")[0] for line in shown if re.match(r"\w+=[^=]", line)}
    kept_on = [name for name in given_up if (_is_passed(name, counts) if name in passed else _is_written(name, counts))]
    if kept_on or any(line in counts and line not in wanted for line in shown):
        return None
    return f"the response already has the claimed fix, as often as the ideal: {listed((f'`{line[:80]}`' for line in claim.added), 2)}"


def _missing_but_there(claim: ClaimTrace) -> str | None:
    """The title says that a named thing is missing, and the response uses it."""
    said = _MISSING.search(claim.title)
    if not said or claim.removed:
        return None
    files = [file for file in claim.files if "/" in file and not file.endswith(".py")]
    if files and all(file in claim.response for file in files):
        return f"it says that a file is missing, and the response has {listed(files)}"
    wanted = [name for name in names(said["what"]) if is_telling(name)]
    there = [(name, place) for name in wanted if (place := _where(claim.response, name))]
    if wanted and len(there) == len(wanted):
        return f"it says that {listed(name for name, _ in there)} is missing, and the response has it at {listed(place for _, place in there)}"
    return None


def _import_not_missing(claim: ClaimTrace) -> str | None:
    """The title says that an import is missing, and the response has it, or uses nothing that it would import."""
    said = _MISSING.search(claim.title)
    wanted = [name for name in names(said["what"]) if len(name) > 2] if said and re.search(r"\bimports?\b", claim.title, re.IGNORECASE) else []
    if not wanted:
        return None
    imported = [place for name in wanted if (place := _find(claim.response, rf"^\s*(?:from \S+ )?import .*\b{re.escape(name)}\b"))]
    if len(imported) == len(wanted):
        return f"it says that the import of {listed(wanted)} is missing, and the response has it at {listed(imported)}"
    if not any(_where(claim.response, name) for name in wanted):
        return f"it says that the import of {listed(wanted)} is missing, and nothing in the response uses it"
    return None


def of_another_draft(claim: ClaimTrace) -> str | None:
    """It says what is wrong with a thing that its title names and the response has not, or all of whose names are in neither tree."""
    if _LEFT_OUT.search(claim.title) or _LINTABLE.search(claim.title) or claim.claim.get("category") == "testing":
        return None
    here, there = (_all_names(tree) for tree in (claim.response, claim.ideal))
    in_title = [name for name in names(claim.title) if is_telling(name) and not _EXCEPTION.search(name)]
    if in_title and _WRONG.search(claim.title) and not any(_spelling(name) in here for name in in_title):
        return f"it is about {listed(in_title)}, which the response has nowhere"
    named = [name for name in claim.telling[:FIRST] if not _EXCEPTION.search(name) and name.isidentifier()]
    if named and not any(_spelling(name) in here | there for name in named):
        return f"it speaks of {listed(named)}, which neither the response nor the ideal has: of another draft"
    return None


def _of_another_platform(claim: ClaimTrace) -> str | None:
    """It says that the response is not written for CDKTF, and the response is a program that imports it."""
    if not re.search(
        r"wrong (?:platform|language|framework)|\b(?:HCL|Pulumi|TypeScript|AWS CDK)\b.{0,40}\binstead of\b.{0,20}CDKTF", claim.prose, re.IGNORECASE
    ):
        return None
    place = _find(claim.response, r"^(?:from cdktf\S* import|import cdktf)\b")
    return f"it says that the response is not written for CDKTF, and {place} imports it" if place else None


def _of_tests_that_are_not_there(claim: ClaimTrace) -> str | None:
    """It is about what tests do wrong, and the response has no tests."""
    about_tests = claim.claim.get("category") == "testing" or re.search(r"\b(?:unit )?tests?\b", claim.title, re.IGNORECASE)
    if not about_tests or _ABSENT_TESTS.search(claim.title) or any(_TEST_FILE.search(path) for path in claim.response):
        return None
    return "it speaks of what tests do, and the response has no tests"


def _passes_as_it_is(claim: ClaimTrace, result: CaseResult) -> str | None:
    """It says that a gate refuses the response, which passes that gate without any fix, or that it refuses lines that are still there where all gates pass."""
    said = "\n".join([claim.prose, *claim.identifiers])
    gates = result.gates.get("response", {})
    gate = next((name for name, pattern in _SAID_BY.items() if pattern.search(said)), None)
    if gate is None or _NOT_SEEN.search(claim.title):
        return None
    if gates.get(gate) == "pass":
        return f"it says that {_DOING[gate]} fails, and the response passes {gate} as it is"
    repaired = result.gates.get("repaired", {})
    if not (result.converged and repaired.get(gate) == "pass" and claim.removed):
        return None
    taken = {code_line(line[1:]) for fix in result.fixes if fix.step is not None for line in fix.diff.splitlines() if line.startswith("-")}
    places = [place for line in claim.removed if (place := _line_place(claim.response, line))]
    modules = {place.rpartition(":")[0].removesuffix(".py").rpartition("/")[2] for place in places}
    if any(_IMPORT.match(line) and code_names(line) & modules for line in taken):
        return None  # the walk left the whole module out, so what is in it was not judged
    if len(places) == len(claim.removed) and not taken & set(claim.removed):
        return f"the code that it says {gate} refuses is at {listed(places, 2)}, and it is still there where the repair walk ended, which passes {gate}"
    return None


def _line_place(tree: Tree, wanted: str) -> str | None:
    for path in tree.python_files():
        for number, line in enumerate(tree.files[path].decode("utf-8", "replace").splitlines(), 1):
            if code_line(line) == wanted:
                return f"{path}:{number}"
    return None


def _where(tree: Tree, name: str) -> str | None:
    """Where a Python file of the tree uses a name other than by importing it."""
    return _find(tree, rf"^[^#]*\b{re.escape(name)}\b\s*[(=:]")


def _find(tree: Tree, pattern: str) -> str | None:
    """The first place in the tree's Python files where a line begins with the pattern."""
    wanted = re.compile(pattern)
    for path in tree.python_files():
        for number, line in enumerate(tree.files[path].decode("utf-8", "replace").splitlines(), 1):
            if wanted.match(line):
                return f"{path}:{number}"
    return None


def _spelling(name: str) -> str:
    """Resources and classes in one form, because they have several; arguments as they are."""
    return canonical(name) if is_kind(name) or not name.islower() else name


def _all_names(tree: Tree) -> set[str]:
    """Every name in the tree's text files, as it is and in one form, and every part of their paths."""
    text = (tree.files[path].decode("utf-8", "replace") for path in tree if not path.endswith((".zip", ".png")))
    found = {name for part in (*text, *tree) for name in code_names(part)}
    return found | {canonical(name) for name in found}


def _is_passed(name: str, counts: Mapping[str, int]) -> bool:
    """Whether an argument of that name is passed somewhere, or taken by a function with a default."""
    return any(re.search(rf"\b{re.escape(name)}=(?!=)", line) for line in counts)


def _is_written(name: str, counts: Mapping[str, int]) -> bool:
    return any(name in code_names(line) for line in counts)
