"""Claims that nothing that runs here can decide, each with the reason."""

from __future__ import annotations

import re
from dataclasses import dataclass

from harness.gates.lint import RULES
from harness.results import CaseResult
from scoring.claim_match import RARE
from scoring.claim_text import code_line
from scoring.claim_trace import ClaimTrace

GATES_SAY = re.compile(
    r"\b(?:Import|ModuleNotFound|Type|Attribute|Name|Syntax|Indentation|JSII)Error\b|jsii|deseriali[sz]|unexpected keyword|cannot import name|"
    r"\bsynth(?:esis|esize[sd]?|)\b.{0,20}\b(?:fail|error|break|crash|abort|stop)|(?:fail|error|break)\w* (?:at|in|during|on) (?:cdktf )?synth|"
    r"terraform (?:validate|validation|plan)\b|No argument or block type|Unsupported (?:argument|attribute|block)|Missing required argument|"
    r"Extraneous JSON|Incorrect attribute value",
    re.IGNORECASE,
)
"""What gates say: a claim with such words says that one of them breaks, and then gates can decide it."""

_AWS_ANSWERS = re.compile(
    r"\berror (?:creating|reading|updating|deleting|modifying|putting|waiting|attaching|associating|registering)\b|operation error|api error|"
    r"status ?code:? ?[45]\d\d|\b\w+(?:Exception|Fault): |\bInvalid(?:Parameter|Argument|Input|Request)\w*|ValidationException|\b40[0-9] (?:Forbidden|Bad)",
    re.IGNORECASE,
)
_NEEDED = re.compile(
    r"import|module|\bfiles?\b|package|\bzip\b|archive|pipfile|argument|parameter|\bprovider|entry|__init__|signature|"
    r"constructor|account id|synth|variable|attribute|definition of",
    re.IGNORECASE,
)
"""What code cannot do without: whether it is missing is what gates find out."""

_LEFT_OUT = re.compile(
    r"^(?:missing|no|lack(?:s|ing)?|absent|incomplete|insufficient|without|omitted)\b|"
    r"\b(?:missing|lacks?|lacking|omitted|absent|not (?:set|configured|enabled|included|implemented|provided|created|added))\b",
    re.IGNORECASE,
)
_ISSUE = re.compile(r"^\W*(?:issue|problem)\W*:\W*(?:missing|no|incomplete|lack\w*)\b(?P<what>.*)$", re.IGNORECASE | re.MULTILINE)
"""What a claim whose title names no omission says in its first words."""

_NO_TESTS = "tests that are missing or too few: a test that is not there cannot fail, and coverage is not measured"
_TASTE = "a matter of taste or architecture"
_DEPLOYED = "how code behaves once it is deployed"
_ACCOUNT = "rights and state of one AWS account"
_NAME_TAKEN = "a name, or something else that has to be unique, that is taken in AWS"
_OTHER_ENVIRONMENT = "what only shows in another environment or in a second deployment: gates see one, with one set of values"
_LINT_RULES = "{}: the lint gate has no rule for that"
_SECURITY = "how secure the deployed stack is: bindings, Terraform and AWS accept it either way, and no rule that ran here judges it"
_PERMISSIONS = "whether permissions suffice: only AWS, using them, finds out"


@dataclass(frozen=True, slots=True)
class _Topic:
    """Claims by their words, and why nothing decides them. `always` holds even where the claim says that a gate breaks."""

    where: str
    pattern: str
    reason: str
    always: bool = True


_TOPICS = (
    _Topic(
        "title", r"readme|runbook|documentation|docstring|ideal_response|model_failures|model_response|metadata|prompt\.md", "documentation: no gate reads it"
    ),
    _Topic(
        "title", r"\b(?:missing|no|insufficient|incomplete|zero|placeholder|more):?\s+(?:\S+\s+){0,2}tests?\b(?!.*(?:argument|import|signature))", _NO_TESTS
    ),
    _Topic("title", r"\btests?\b.*(?:missing|placeholder|template|not real|not properly|incomplete|strategy)|\bcoverage\b", _NO_TESTS),
    _Topic("title", r"integration[- ]tests?|end.to.end", "integration tests: they run against a deployed stack, and nothing is deployed here"),
    _Topic(
        "text", r"\bintegration tests? (?:fail|used|expect|look)", "integration tests: they run against a deployed stack, and nothing is deployed here", False
    ),
    _Topic("title", r"\bcosts?\b|pricing|billing estimate|always-on", "cost: no gate knows prices"),
    _Topic("said", r"quota|limit ?exceeded|(?:has been|was|were) reached|service limit|vpc limit|account limit|\bscp\b", "a quota or limit of one AWS account"),
    _Topic(
        "said",
        r"already ?exists|already taken|(?<!in )(?<!output )\b(?:names?|naming|resource|bucket) (?:conflict|collision)|scheduled for deletion",
        _NAME_TAKEN,
    ),
    _Topic("said", r"global(?:ly)? (?:unique|namespace|naming)|redeploy", _NAME_TAKEN),
    _Topic("said", r"AccessDenied|not authorized|unauthori[sz]ed|permissions? denied|NoSuchBucket|state bucket|service access", _ACCOUNT),
    _Topic("title", r"\bsnapshot (?:ref|not|does)|pre-?existing|not found|lookup failure|does not exist in", "something that has to exist in one AWS account"),
    _Topic(
        "title", r"region(?:al)? (?:availab|capacity)|engine version|version (?:incompatib|compatib)|not available in", "what AWS offers in a region at a time"
    ),
    _Topic("title", r"backend|state[- ](?:lock|file|management)|lockfile|lock table", "the backend that keeps the state: every gate runs without one"),
    _Topic(
        "title",
        r"pipfile|requirements\.txt|package dependenc|missing (?:\S+ )?dependenc(?:y|ies)\b",
        "which packages the project asks for: gates bring their own",
    ),
    _Topic("title", r"over-?engineer|best practice|optimi[sz]|improve|naming (?:convention|pattern)|verbose|duplicate code|module size|trade-?off", _TASTE),
    _Topic(
        "title", r"(?:file|project|directory) structure|inconsistent (?:tag|naming)|simplif|maintainab|readab|rationale|misunderstanding|main guard", _TASTE
    ),
    _Topic(
        "title",
        r"lambda (?:function )?(?:code(?! (?:file|deploy))|handler|runtime|timeout|without)|(?:error|exception|none) handling|boto3|cold start",
        _DEPLOYED,
    ),
    _Topic("title", r"failover|replication (?:lag|delay)|\bin lambda\b|lambda dependenc", _DEPLOYED),
    _Topic("title", r"ci/?cd|pipeline (?:output|script)|plan output", "the pipeline that deploys, not the code"),
    _Topic("said", _AWS_ANSWERS.pattern, "what AWS itself answers to a deployment, and nothing is deployed here", False),
    _Topic("title", r"\boutputs?\b(?!.*(?:import|undefined|variable))", "outputs: their values are there after a deployment, and no gate asks for them", False),
    _Topic(
        "text",
        r"(?:plugin|provider|deployment|terraform|apply)\w* time-?(?:d )?outs?\b|time-?outs? (?:during|while|on) (?:deploy|apply|creat)",
        "how long a deployment takes",
        False,
    ),
    _Topic(
        "title",
        r"force_destroy|skip_final_snapshot|final snapshot|deletion[ _]?protection|removal polic|recovery[ _]window|deletion window|\bdestroy|\bcleanup",
        "what happens when a deployed stack is destroyed",
    ),
    _Topic(
        "title", r"environment[ _]?suffix|hard-?coded (?:\S+ ){0,2}(?:environment|region|suffix|names?|tags?|zones?|azs?|domain)", _OTHER_ENVIRONMENT, False
    ),
    _Topic(
        "title",
        r"(?:wrong|incorrect|missing|insufficient|incomplete|inadequate|overly|too)\b.*"
        r"\b(?:polic(?:y|ies)|permissions?|iam roles?|execution role)\b(?!.*\blogs?\b)",
        _PERMISSIONS,
        False,
    ),
    _Topic("title", r"\bpermission (?:issue|problem)s?|missing (?:\S+ ){0,2}permissions?", _PERMISSIONS, False),
    _Topic(
        "title",
        r"passwords?\b|secrets?\b(?! ?manager)|credential|plain ?text|encrypt|least privilege|permissive|wildcard|public(?:ly)? access|"
        r"\b(?:ssl|tls|https)\b|certificate|imdsv2",
        _SECURITY,
        False,
    ),
    _Topic("text", r"\bmodels (?:often|frequently|typically|usually|tend|commonly)\b", "it speaks of models in general, not of this response", False),
    _Topic(
        "text",
        r"\b(?:at|complete) runtime\b|runtime (?:failure|error)s?|"
        r"(?:functions?|lambdas?|tasks?|services?|instances?|pods?|nodes?|containers?) (?:cannot|can't|can not|could not|would fail to) "
        r"(?:access|reach|connect|communicate|pull|download|invoke|resolve)",
        _DEPLOYED,
        False,
    ),
    _Topic(
        "text",
        r"\b(?:as|than|not) (?:specified|required|requested)\b|requirements? (?:specif|not met|violat)|"
        r"(?:does ?n.t|do ?n.t|not) (?:meet|satisfy|fulfil\w*|demonstrate|comply with)\b|"
        r"failed? \w+ requirement|violat\w* \S+ \S* ?requirement|prompt (?:asks|requires|required|specif)",
        "what the task asks for: nothing here reads tasks, and code that does something else is accepted as well",
        False,
    ),
)
_LINTABLE = re.compile(r"\blint|pylint|trailing (?:newline|whitespace)|import (?:order|statement)|line.length|unused|formatt", re.IGNORECASE)
_CONSTRAINED = (re.compile(r"\baccount.?ids?\b", re.IGNORECASE), re.compile(r"(?=.*\bkms\b)(?=.*\blogs?\b)", re.IGNORECASE))
"""What the constraints gate has rules for, though no other gate objects."""
_COMPARED = re.compile(r"\bencrypt|\bpublic(?:ly)? (?:access|expos)|0\.0\.0\.0/0", re.IGNORECASE)
"""What the architecture gate holds against the ideal."""
_CHECKED = re.compile(r"line.?length|long lines?|unused|trailing|whitespace|blank line", re.IGNORECASE)
_UNCHECKED = (
    (re.compile(r"built-?in\b.{0,40}(?:name|shadow|conflict)|shadow\w*.{0,30}built-?in|W0622", re.IGNORECASE), "A", _LINT_RULES.format("shadowed built-ins")),
    (re.compile(r"\bimport (?:order|sort)|C0411|\bI001\b", re.IGNORECASE), "I", _LINT_RULES.format("the order of imports")),
    (re.compile(r"\b(?:C(?!030[1-5])|R)\d{4}\b|W07\d\d|W0[23]12", re.IGNORECASE), "PL", _LINT_RULES.format("what only pylint says")),
)
OMISSION = "something that is left out: neither bindings nor Terraform, no rule that ran and no test of the response asks for it, so nothing fails without it"


def undecidable(claim: ClaimTrace, result: CaseResult) -> str | None:
    """Why nothing that runs here can decide the claim; None where something could.

    Decided by the words of its title, for AWS's answers also by what it quotes, and for some by its prose. Where a claim says that a gate
    breaks, only such topics hold as are beyond gates whatever breaks. An omission counts only where the walk got through:
    then every gate passed without what is left out.
    """
    of_form = claim.title if _CHECKED.search(claim.title) else claim.prose
    if unchecked := next((reason for pattern, prefix, reason in _UNCHECKED if prefix not in RULES.split(",") and pattern.search(of_form)), None):
        return unchecked
    if _LINTABLE.search(claim.title):
        return None
    breaks = bool(GATES_SAY.search("\n".join([claim.prose, *claim.identifiers])) or any(words.search(claim.title) for words in _ruled(result)))
    places = {"title": claim.title, "said": "\n".join([claim.title, *claim.messages]), "text": claim.prose}
    for topic in _TOPICS:
        if (topic.always or not breaks) and re.search(topic.pattern, places[topic.where], re.IGNORECASE):
            return topic.reason
    if breaks or not result.converged:
        return None
    return _left_out(claim, result)


def _ruled(result: CaseResult) -> tuple[re.Pattern[str], ...]:
    """Subjects that rules over graphs judge, of the gates that said something of the ideal."""
    compared = result.gates.get("ideal", {}).get("architecture") in ("pass", "fail")
    return (*_CONSTRAINED, _COMPARED) if compared else _CONSTRAINED


def _left_out(claim: ClaimTrace, result: CaseResult) -> str | None:
    if "instead of" in claim.prose or replaced_unseen(claim, result):
        return None
    issue = _ISSUE.search(claim.prose)
    if _LEFT_OUT.search(claim.title):
        files = [file for file in claim.files if not any(path == file or path.endswith(f"/{file}") for path in claim.response)]
        needed = any(file in failure.fix.diff for file in files for failure in result.failures)
        is_of_a_file = bool(files) and files == list(claim.files) and files[0] in claim.title and not needed
        return OMISSION if is_of_a_file or not _NEEDED.search(claim.title) else None
    return OMISSION if issue and not _NEEDED.search(issue["what"]) else None


def needed_by_nothing(claim: ClaimTrace, result: CaseResult) -> tuple[str, ...]:
    """The fixes that change the lines which the claim shows, where neither experiment needs any of them."""
    counts = {"-": claim.counts, "+": claim.ideal_counts}
    shown = {("-", line) for line in claim.removed} | {("+", line) for line in claim.added}
    makers = []
    for fix in result.fixes:
        changed = {(line[0], code_line(line[1:])) for line in fix.diff.splitlines() if line.startswith(("-", "+"))}
        if any(0 < counts[side].get(line, 0) <= RARE for side, line in changed & shown):
            makers.append(fix)
    if any(fix.load_bearing or fix.step is not None or not fix.isolation.startswith("nothing") for fix in makers):
        return ()
    return tuple(fix.id for fix in makers)


def replaced_unseen(claim: ClaimTrace, result: CaseResult) -> str | None:
    """The fix with which the walk took away the code that the claim shows; later gates judged what came in its place."""
    counts = claim.counts
    shown = {line for line in claim.shown if counts.get(line, 0) <= RARE}
    for fix in result.fixes:
        removed = {code_line(line[1:]) for line in fix.diff.splitlines() if line.startswith("-")} if fix.step is not None else set()
        if shown & removed:
            return fix.id
    return None
