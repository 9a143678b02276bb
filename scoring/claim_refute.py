"""Why a claim is not confirmed: the response does not hold what it describes, or nothing that runs here can decide it."""

from __future__ import annotations

import re

from harness.tree import Tree
from scoring.claim_text import canonical, code_lines, code_names, is_kind, is_telling, listed, names
from scoring.claim_trace import ClaimTrace, count_lines

_SETTING = re.compile(r"^\"?(?P<key>[A-Za-z_]\w*)\"?\s*[=:]\s*(?P<value>\"[^\"{}]*\"|-?\d+(?:\.\d+)?|True|False|true|false|\[\]|\{\})$")
_IMPORT = re.compile(r"^(?:from \S+ )?import ")
_REPLACED = re.compile(r"`(?P<wrong>[A-Za-z_]\w*)`\s*(?:\u2192|->|=>|instead of|rather than|should be)\s*`(?P<right>[A-Za-z_]\w*)`")
_MISSING = re.compile(r"\b(?:missing|lacks?|lacking|no|without|absent|omitted)\b(?P<what>.{0,60})", re.IGNORECASE)

_NO_TESTS = "tests that are missing or too few: a test that is not there cannot fail, and coverage is not measured"
_TASTE = "a matter of taste or architecture"
_DEPLOYED = "how code behaves once it is deployed"
_ACCOUNT = "rights and state of one AWS account"
_NAME_TAKEN = "a name that is taken in one AWS account"
_UNDECIDABLE = (
    ("title", r"readme|runbook|documentation|docstring|ideal_response|model_failures|model_response|metadata|prompt\.md", "documentation: no gate reads it"),
    ("title", r"\b(?:missing|no|insufficient|incomplete|zero|placeholder|more):?\s+(?:\S+\s+){0,2}tests?\b(?!.*(?:argument|import|signature))", _NO_TESTS),
    ("title", r"\btests?\b.*(?:missing|placeholder|template|not real|not properly|incomplete|strategy)|\bcoverage\b", _NO_TESTS),
    ("title", r"integration[- ]tests?|end.to.end", "integration tests: they run against a deployed stack, and nothing is deployed here"),
    ("title", r"\bcosts?\b|pricing|billing estimate|always-on", "cost: no gate knows prices"),
    ("both", r"quota|limit ?exceeded|(?:has been|was|were) reached|service limit|vpc limit|account limit|\bscp\b", "a quota or limit of one AWS account"),
    ("both", r"already ?exists|already taken|(?<!in )(?<!output )(?:name|naming) (?:conflict|collision)|scheduled for deletion", _NAME_TAKEN),
    ("both", r"global(?:ly)? (?:unique|namespace|naming)|redeploy", _NAME_TAKEN),
    ("both", r"AccessDenied|not authorized|unauthori[sz]ed|permissions? denied|NoSuchBucket|state bucket|service access", _ACCOUNT),
    ("title", r"\bsnapshot\b|pre-?existing|not found|lookup failure|does not exist in", "something that has to exist in one AWS account"),
    ("title", r"region(?:al)? (?:availab|capacity)|engine version|version (?:incompatib|compatib)|not available in", "what AWS offers in a region at a time"),
    ("title", r"over-?engineer|best practice|optimi[sz]|improve|naming (?:convention|pattern)|verbose|duplicate code|module size|trade-?off", _TASTE),
    ("title", r"(?:file|project|directory) structure|inconsistent (?:tag|naming)|simplif|maintainab|readab|rationale|misunderstanding", _TASTE),
    ("title", r"lambda (?:function )?(?:code(?! (?:file|deploy))|runtime|timeout|without)|(?:error|exception|none) handling|boto3|retry|cold start", _DEPLOYED),
    ("title", r"failover|replication (?:lag|delay)|\bin lambda\b|lambda dependenc", _DEPLOYED),
    ("title", r"ci/?cd|pipeline (?:output|script)|plan output", "the pipeline that deploys, not the code"),
)
_LINTABLE = re.compile(r"\blint|pylint|trailing (?:newline|whitespace)|import (?:order|statement)|line.length|unused|formatt", re.IGNORECASE)


def contradiction(claim: ClaimTrace) -> str | None:
    """Why the claim is not true of this response, as a sentence; None where nothing speaks against it.

    Strict: documents paraphrase code, so a line that is not found verbatim is no contradiction by itself. What linters say is
    quoted as text, so claims about it are only ever confirmed or open.
    """
    if _LINTABLE.search(claim.title):
        return None
    counts = count_lines(claim.response)
    present = {canonical(name) for line in counts for name in code_names(line)}
    if absent := _described_but_absent(claim, counts, present):
        return absent
    if fixed := _fixed_already(claim, counts):
        return fixed
    return _missing_but_there(claim)


def _described_but_absent(claim: ClaimTrace, counts: dict[str, int], present: set[str]) -> str | None:
    """The code that the claim shows as the response's is not there: each telling line holds a name, or a setting, that the response has nowhere."""
    lines = list(claim.removed)
    why = [_absence(line, counts, present) for line in lines]
    if lines and all(why):
        return f"the code it describes is not in the response: {listed((one for one in why if one), 2)}"
    wrong = [found["wrong"] for found in _REPLACED.finditer(str(claim.claim.get("text", "")))]
    swapped = [found["right"] for found in _REPLACED.finditer(str(claim.claim.get("text", ""))) if "instead of" in found[0] or "rather than" in found[0]]
    named = [name for name in (*wrong, *swapped) if is_telling(name)]
    if not lines and named and not any(_is_written(name, counts) for name in named):
        return f"the names it speaks of are nowhere in the response: {listed(named)}"
    return None


def _absence(line: str, counts: dict[str, int], present: set[str]) -> str | None:
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
    return None


def _is_of_an_interface(name: str, line: str) -> bool:
    """Whether a name is a class, an argument or a key, which a paraphrase keeps, rather than a variable, which it may rename."""
    return (is_kind(name) and name in set(names(line))) or bool(re.search(rf"[\"']{re.escape(name)}[\"']\s*:|(?:^|[(, ]){re.escape(name)}=(?!=)", line))


def _fixed_already(claim: ClaimTrace, counts: dict[str, int]) -> str | None:
    """Every line that the claim's fix adds is in the response as often as in the ideal, and nothing is left of what it removes."""
    wanted = count_lines(claim.ideal)
    if not claim.added or not all(counts.get(line, 0) >= wanted.get(line, 0) > 0 for line in claim.added):
        return None
    kept = {name for line in claim.added for name in code_names(line)}
    shown = [line for pair in claim.snippets for line in code_lines(pair.get("response", ""))]
    given_up = {name for line in shown if line not in wanted for name in code_names(line)} - kept
    if any(line in counts and line not in wanted for line in shown) or any(_is_written(name, counts) for name in given_up):
        return None
    return f"the response already has the claimed fix, as often as the ideal: {listed((f'`{line[:80]}`' for line in claim.added), 2)}"


def _missing_but_there(claim: ClaimTrace) -> str | None:
    """The title says that a named thing is missing, and the response uses it."""
    said = _MISSING.search(claim.title)
    if not said or claim.removed:
        return None
    wanted = [name for name in names(said["what"]) if is_telling(name)]
    there = [(name, place) for name in wanted if (place := _where(claim.response, name))]
    if wanted and len(there) == len(wanted):
        return f"it says that {listed(name for name, _ in there)} is missing, and the response has it at {listed(place for _, place in there)}"
    return None


def _where(tree: Tree, name: str) -> str | None:
    """Where a Python file of the tree uses a name other than by importing it."""
    use = re.compile(rf"\b{re.escape(name)}\b\s*[(=:]")
    for path in tree.python_files():
        for number, line in enumerate(tree.files[path].decode("utf-8", "replace").splitlines(), 1):
            if use.search(line) and not line.lstrip().startswith("#"):
                return f"{path}:{number}"
    return None


def _is_written(name: str, counts: dict[str, int]) -> bool:
    return any(name in code_names(line) for line in counts)


def undecidable(claim: ClaimTrace) -> str | None:
    """Why nothing that runs here can decide the claim; None where something could."""
    body = "\n".join([claim.title, *claim.messages])
    if _LINTABLE.search(claim.title):
        return None
    for where, pattern, reason in _UNDECIDABLE:
        if re.search(pattern, body if where == "both" else claim.title, re.IGNORECASE):
            return reason
    return None
