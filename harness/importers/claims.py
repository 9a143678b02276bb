"""A hand-written failure analysis (`MODEL_FAILURES.md`), read as claims: what somebody says is wrong with a response.

Such documents have no fixed form. What they share is read here, in this order: the outline (which heading opens a
claim), what a claim says of itself (severity, category, files), its code blocks, and the names in it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from itertools import pairwise

from harness.importers.outline import FENCE, SEVERITIES, Passage, find_passages, severity_in

MAX_TEXT, MAX_SNIPPET, MAX_MESSAGE = 1500, 4000, 400
MAX_IDENTIFIERS, MAX_MESSAGES, MAX_SNIPPETS = 15, 6, 6

_SEVERITY_LABEL = re.compile(r"^\W*(?:impact level|severity(?: level)?|impact severity|priority|criticality)\W*[:\uff1a]\W*(?P<value>.+)$", re.IGNORECASE)
_CATEGORY_LABEL = re.compile(r"^\W*(?:category|error type|type)\W*[:\uff1a]\W*(?P<value>.+)$", re.IGNORECASE)
_CATEGORIES = (
    ("testing", r"\btest(?:s|ing|ed)?\b|coverage|pytest"),
    ("code-quality", r"\b(?:py)?lint\w*|\bruff\b|formatt(?:ing|er)|code (?:quality|style)|line.length|unused import|docstring|pep ?8|trailing newline"),
    ("code-quality", r"import (?:order|organi[sz]ation)"),
    ("packaging", r"pipfile|requirements\.txt|package dependenc|missing dependenc|(?:deployment|lambda) package|\bzip\b"),
    ("python", r"syntax ?error|reserved keyword|indentation|shadow|built-?in|nameerror|undefined variable|circular import"),
    ("cdktf-api", r"class names?|import (?:name|statement|error)|provider import|constructor|\bcdktf\b|jsii|deseriali[sz]|\btokens?\b|signature"),
    ("cdktf-api", r"(?:parameter|property|argument) (?:name|type)|keyword.only|default_tags|type mismatch"),
    ("terraform", r"backend|terraform|state lock|circular dependenc"),
    ("aws-constraint", r"quota|reserved|aws.limit|length (?:limit|constraint|violation)|name length|retention|engine version|unsupported|not supported"),
    ("aws-constraint", r"validation error|kms key policy|api constraint"),
    ("security", r"security|password|credential|encrypt|least privilege|permissive|wildcard|public access|imdsv2|\bssl\b|\btls\b"),
    ("architecture", r"architect\w*|hard-?coded|over-?engineer|\bnat gateway|availability zone|account id|propagat"),
)
_RESPONSE_LABEL = (
    r"model[_ ]response|before|wrong|incorrect|original|initial|current|problem|issue|went wrong|failed|failing|bad\b|buggy|"
    r"code example|\u274c|description|invalid"
)
_IDEAL_LABEL = (
    r"ideal[_ ]?(?:response|solution)?|after|correct(?:ed|ion)?|fix(?:ed|es)?|solution|resolution|right\b|good\b|\u2705|"
    r"updated|improve(?:d|ment)|rewrite|required"
)
_NEITHER_LABEL = (
    r"root cause|impact|verif|validat|alternative|prevent|best practice|not to do|learning|lesson|documentation|reference|"
    r"expected|workaround|checklist|recommend|trade|why\b|note\b|location|output"
)
_ERROR_LABEL = r"error|exception|traceback|symptom|message|warning|stack trace"
_LABELS = re.compile(
    rf"(?P<ideal>\b(?:{_IDEAL_LABEL})|\u2705)|(?P<message>\b(?:{_ERROR_LABEL})s?\b)|(?P<neither>\b(?:{_NEITHER_LABEL}))|"
    rf"(?P<response>\b(?:{_RESPONSE_LABEL})|\u274c)",
    re.IGNORECASE,
)
_LABEL_LINE = re.compile(r"^\s*(?:[-*]\s+)?(?:#{2,6}\s+(?P<heading>.+)|\*\*(?P<bold>[^*]{1,90})\*\*(?P<after>.*)|(?P<plain>[^.`|]{1,80}):\s*$)")
_INSIDE = re.compile(
    r"^\s*(?:#|//)\s*(?:(?P<response>model[_ ]response|before\b|wrong\b|incorrect\b|original\b|bad\b|old\b|removed:|\u274c)|"
    r"(?P<ideal>ideal[_ ]response|after\b|correct(?:ed)?\b|right\b|good\b|new:|fixed\b|\u2705))",
    re.IGNORECASE,
)
_CODE_LANGUAGES = frozenset(
    {"python", "py", "json", "hcl", "terraform", "tf", "yaml", "yml", "toml", "ini", "diff", "javascript", "js", "typescript", "ts", "go"}
)
_FILE = re.compile(
    r"(?<![\w/.:-])(?:\./)?((?:[\w-]+/)*[\w-]+\.(?:py|json|toml|ya?ml|tf|js|ts|go|zip|cfg|ini|sh|txt|lock))(?![\w/])|"
    r"\b(Pipfile|Dockerfile|Makefile)\b"
)
_BACKTICK = re.compile(r"(?<!`)`([^`\n]+)`(?!`)")
_NAME = re.compile(r"(?<![\w$])(?:[A-Za-z_]\w*\.)?[A-Za-z_]\w*")
_CAMEL = re.compile(r"\b(?:[A-Z][a-z0-9]+|[A-Z]{2,}(?=[A-Z][a-z])){2,}[A-Z]?\b|\b[A-Z][A-Za-z0-9]*(?:Error|Exception)\b")
_SNAKE = re.compile(r"\b[a-z][a-z0-9]*(?:_[a-z0-9]+)+\b")
_SAID = re.compile(r"\b[A-Z]\w*(?:Error|Exception)\b:? \S.*|\berror:\s+\S.*|\berror [A-Z]?\d+: .*", re.IGNORECASE)
_QUOTED = re.compile(r"[\"\u201c]([^\"\u201c\u201d\n]{12,300})[\"\u201d]")
_SOUNDS_WRONG = re.compile(
    r"error|exception|invalid|cannot|can't|not (?:found|valid|supported|exist|expected|a valid)|no such|unexpected|unable|"
    r"already exists|failed|must be|missing \d|exceeded",
    re.IGNORECASE,
)

_NO_NAME = re.compile(r"[A-Z]+s|(?:pr|synth)\d+|.*\.(?:com|org|md|internal)")

NOISE = frozenset(
    """
    MODEL_RESPONSE IDEAL_RESPONSE MODEL_FAILURES PROMPT CloudWatch DynamoDB ElastiCache EventBridge CloudFront CloudTrail CloudFormation
    PostgreSQL MySQL GitHub GitLab GuardDuty OpenSearch SageMaker CodePipeline CodeBuild CodeDeploy CodeCommit JavaScript TypeScript HashiCorp
    DevOps WebSocket FinTech PyLint DocumentDB QuickSight MemoryDB AppSync CloudMap PrivateLink FireLens AutoScaling GraphQL NoSQL OpenID OAuth
    TerraForm BucketName DevSecOps true false none null self str int dict list bool def class import from return python bash json yaml True
    False None cdktf aws terraform pip pipenv pytest kwargs args id scope app cdktf_cdktf_provider_aws __init__ construct_id snake_case
    camelCase PascalCase
    """.split()  # noqa: SIM905 - one text reads and grows better than eighty strings
)
"""Names that tell one claim from another in no document: services, words of Python, the analysis's own headings."""


def parse_claims(markdown: str) -> list[dict[str, object]]:
    """The claims of a hand-written failure analysis, in its order, as plain values that YAML can keep.

    Each has `title` and `text`, and, where the document says so, `severity` (critical, high, medium, low), `category`
    (one of `harness.failures.Category`), `file` and `files`, `identifiers` (the most telling first), `snippets` (a list
    of `{"response": code, "ideal": code}`, either of which may be missing) and `messages` (what tools are quoted to
    have said). Sections that only sum up, teach or score are no claims. Raises nothing: a document without claims has none.
    """
    return [_claim(passage) for passage in find_passages(markdown)]


def _claim(passage: Passage) -> dict[str, object]:
    title, blocks = passage.title, list(_blocks(passage.lines))
    prose = [line for kind, _, text in blocks if kind == "prose" for line in text.splitlines()]
    snippets = _snippets(blocks)
    files = _files([title, *prose], snippets)
    values: dict[str, object] = {
        "title": _bare_title(title),
        "severity": _severity(title, prose, passage.above),
        "category": _category(title, prose),
        "file": files[0] if files else None,
        "files": files if len(files) > 1 else None,
        "identifiers": _identifiers(title, prose, snippets),
        "snippets": snippets,
        "messages": _messages(blocks),
        "text": _prose(prose),
    }
    return {name: value for name, value in values.items() if value}


def _bare_title(title: str) -> str:
    """The title without its severity, its line numbers and Markdown's marks."""
    pattern = "|".join(words for _, words in SEVERITIES)
    bare = re.sub(rf"\s*[(\[](?:severity:?\s*)?(?:{pattern})\b[^)\]]*[)\]]|\s*\(lines? [^)]*\)", "", title, flags=re.IGNORECASE)
    return (bare.replace("`", "").strip(" -:") or title)[:200]


def _severity(title: str, prose: list[str], above: tuple[str, ...]) -> str | None:
    labelled = next((match["value"] for line in prose if (match := _SEVERITY_LABEL.match(line.replace("**", "")))), "")
    bracket = " ".join(re.findall(r"[(\[]([^)\]]*)[)\]]", title))
    prefix = title.split(":")[0] if ":" in title and len(title.split(":")[0].split()) == 1 else ""
    impact = next(
        (match[1] for line in prose if (match := re.match(r"^\W*impact\W*:\W*(\w+)\s*(?:$|[-\u2013\u2014(,])", line.replace("**", ""), re.IGNORECASE))), ""
    )
    return next((found for text in (labelled, bracket, prefix, impact, *reversed(above)) if (found := severity_in(text))), None)


def _category(title: str, prose: list[str]) -> str | None:
    labelled = next((match["value"] for line in prose if (match := _CATEGORY_LABEL.match(line.replace("**", "")))), "")
    return next((name for text in (title, labelled) for name, words in _CATEGORIES if re.search(words, text, re.IGNORECASE)), None)


def _blocks(lines: list[str]) -> Iterator[tuple[str, str, str]]:
    """What a claim consists of, in order: `("prose", "", text)` and `("code", language, text)`."""
    held: list[str] = []
    fence, language = "", ""
    for line in lines:
        mark = FENCE.match(line)
        if not fence and mark:
            yield "prose", "", "\n".join(held)
            held, fence, language = [], mark[1], mark[2].lower()
        elif fence and mark and mark[1].startswith(fence) and not mark[2]:
            yield "code", language, "\n".join(held)
            held, fence = [], ""
        else:
            held.append(line)
    yield ("code", language, "\n".join(held)) if fence else ("prose", "", "\n".join(held))


def _labelled(blocks: list[tuple[str, str, str]]) -> Iterator[tuple[str, str, str]]:
    """Code blocks as (label, language, code); the label is response, ideal, message, neither or, where none stands above, empty."""
    label = ""
    for kind, language, text in blocks:
        if kind == "code":
            yield label, language, text
            continue
        for line in text.splitlines():
            match = _LABEL_LINE.match(line)
            words = (match["heading"] or match["bold"] or match["plain"] or "") if match else ""
            if found := _LABELS.search(words):
                # "Error in MODEL_RESPONSE" and "MODEL_RESPONSE Issue" both show the response; an ideal's label names it outright.
                label = "response" if re.search(r"model[_ ]response|original|initial|before|failing code", words, re.IGNORECASE) else str(found.lastgroup)


def _snippets(blocks: list[tuple[str, str, str]]) -> list[dict[str, str]]:
    pairs: list[dict[str, str]] = []
    for label, language, text in _labelled(blocks):
        for side, code in _sides(label, text):
            if side not in ("response", "ideal") or not code.strip() or (language not in _CODE_LANGUAGES and (language or not _looks_like_code(code))):
                continue
            if not pairs or side in pairs[-1] or (side == "response" and "ideal" in pairs[-1]):
                pairs.append({})
            pairs[-1][side] = code.strip("\n")[:MAX_SNIPPET]
    return pairs[:MAX_SNIPPETS]


def _sides(label: str, code: str) -> list[tuple[str, str]]:
    """A block's parts by side: comments such as `# WRONG` and `# After:` inside it speak louder than the label above."""
    parts: list[tuple[str, list[str]]] = [(label or "response", [])]
    for line in code.splitlines():
        if match := _INSIDE.match(line):
            parts.append((str(match.lastgroup), []))
            rest = line.split(":", 1)[1].strip() if ":" in line else ""
            # `# BEFORE: name-{suffix}` holds the code in the comment itself.
            if rest and re.search(r"[=(\"'{]|^from |^import ", rest):
                parts[-1][1].append(rest)
        elif parts[-1][0] == "response" and re.match(r"^\s*#\s*[A-Za-z_][\w.]*\s*[=(]", line):
            parts[-1][1].append(re.sub(r"#\s*", "", line, count=1))  # what was removed is shown commented out
        else:
            parts[-1][1].append(line)
    return [(side, "\n".join(lines)) for side, lines in parts if any(line.strip() for line in lines)]


def _looks_like_code(text: str) -> bool:
    return bool(
        re.search(r"^\s*(?:from \S+ import|import \w|class \w|def \w|\w[\w.]* ?= ?\S|\w+\(|[\w\"]+: ?[\[{\"])", text, re.MULTILINE)
    ) and not _SAID.search(text)


def _messages(blocks: list[tuple[str, str, str]]) -> list[str]:
    found: list[str] = []
    for label, language, text in _labelled(blocks):
        if language not in _CODE_LANGUAGES and (label == "message" or _SAID.search(text)):
            starts = [said.start() for said in _SAID.finditer(text)]
            found += [text[start:end] for start, end in pairwise([*starts, len(text)])] or [line for line in text.splitlines() if _SOUNDS_WRONG.search(line)][
                :2
            ]
    for kind, _, text in blocks:
        for line in text.splitlines() if kind == "prose" else ():
            found += [span for span in _BACKTICK.findall(line) if " " in span and _SOUNDS_WRONG.search(span)]
            found += [span for span in _QUOTED.findall(line) if _SOUNDS_WRONG.search(span)]
            if not found and (said := re.search(r"\b[A-Z]\w*(?:Error|Exception): \S.*", line)):
                found.append(said[0])
    return list(dict.fromkeys(" ".join(one.split()).strip('`*" ')[:MAX_MESSAGE] for one in found))[:MAX_MESSAGES]


def _files(prose: list[str], snippets: list[dict[str, str]]) -> list[str]:
    comments = [line for pair in snippets for code in pair.values() for line in code.splitlines() if line.lstrip().startswith(("#", "//"))]
    names = [match[1] or match[2] for line in (*prose, *comments) for match in _FILE.finditer(line)]
    unique = [name for name in dict.fromkeys(names) if not name.endswith((".md",))]
    return sorted(unique, key=lambda name: not name.endswith(".py"))[:8]


def _identifiers(title: str, prose: list[str], snippets: list[dict[str, str]]) -> list[str]:
    """Names the claim is about: those of the title, those in backticks, those that only one side of a snippet has, the others."""
    text = "\n".join(line for line in prose if not _CATEGORY_LABEL.match(line.replace("**", "")) and "http" not in line)
    ranked: list[str] = [*_quoted_names([title]), *_names(title), *_quoted_names(prose)]
    ranked += [name for name in _names(text) if name.endswith(("Error", "Exception"))]
    for pair in snippets:
        response, ideal = (_code_lines(pair.get(side, "")) for side in ("response", "ideal"))
        ranked += _names("\n".join([line for line in response if line not in ideal] + [line for line in ideal if line not in response]))
    ranked += _names(text)
    kept = [name for name in dict.fromkeys(ranked) if len(name) > 2 and not NOISE & {name, name.split(".")[-1]} and not _NO_NAME.fullmatch(name)]
    return sorted(kept, key=lambda name: name == "TapStack")[:MAX_IDENTIFIERS]


def _code_lines(code: str) -> list[str]:
    return [bare for line in code.splitlines() if (bare := re.sub(r"\s+(?:#|//).*|^\s*(?:#|//).*", "", line).strip(" ,"))]


def _quoted_names(lines: Iterable[str]) -> Iterator[str]:
    for line in lines:
        for span in _BACKTICK.findall(line):
            bare = re.sub(r"\(.*\)$|\s*=.*$", "", span.strip())
            if _NAME.fullmatch(bare) and not _FILE.fullmatch(bare):
                yield bare
            elif not _SOUNDS_WRONG.search(span):
                yield from _names(span)


def _names(text: str) -> Iterator[str]:
    """Class names, exception names and names with underscores, in the order of their appearance."""
    bare = _FILE.sub(" ", text)
    spotted = sorted((match.start(), match[0]) for pattern in (_CAMEL, _SNAKE) for match in pattern.finditer(bare))
    return (name for _, name in spotted)


def _prose(lines: list[str]) -> str:
    kept = [re.sub(r"\*\*|^#{1,6} ", "", line).strip() for line in lines]
    return re.sub(r"\n{2,}", "\n", "\n".join(line for line in kept if line and not re.fullmatch(r"-{3,}|\|[-| :]+\|", line)))[:MAX_TEXT].strip()
