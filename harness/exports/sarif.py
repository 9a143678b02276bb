"""SARIF 2.1.0 (OASIS standard with errata 01): findings at lines, for code hosts and editors."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from functools import lru_cache
from importlib.metadata import PackageNotFoundError, version
from typing import Any, TextIO
from urllib.parse import quote

from harness.exports.base import RESPONSE_TREE, RuleText, Sample, Source, Written, titles
from harness.exports.replacements import Region, replacements
from harness.exports.text import encodable, one_line
from harness.exports.trees import texts_of
from harness.failures import Failure, Severity
from harness.serialize import dump_evidence, dump_score

SCHEMA = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"
LEVELS = {Severity.CRITICAL: "error", Severity.HIGH: "error", Severity.MEDIUM: "warning", Severity.LOW: "note"}
SHOWN, TAKEN = 5_000, 25_000
"""How many results of one run GitHub shows, and how many it takes (its documentation of SARIF support for code scanning)."""

_FIELD = re.compile(r"\{(\w+)\}")
_PLACEHOLDER = re.compile(r"\{(\d+)\}")
_LONGEST_TITLE = 250


class Sarif:
    """One SARIF run. `results` stand before `tool` in it: the rules that fired are only known at the end."""

    name = "sarif"
    summary = "SARIF 2.1.0: each failure at its lines, with its rule and, where it can be said exactly, its fix"
    example = "assay export sarif nightly --to assay.sarif --prefix cases"

    def write(self, source: Source, out: TextIO) -> Written:
        """Write every failure. What kept a sample from being judged is a notification of the invocation."""
        title = titles(source.keys)
        rules: dict[str, tuple[int, dict[str, Any]]] = {}
        notifications: list[dict[str, Any]] = []
        count = fixes = 0
        broke = False
        out.write(f'{{"$schema": {json.dumps(SCHEMA)}, "version": "2.1.0", "runs": [{{"results": [')
        for sample in source.samples():
            broke |= bool(sample.result.error)
            notifications += _notifications(sample, title(sample.key))
            texts = _texts(sample)
            seen: dict[str, int] = {}
            for failure in sample.result.failures:
                if failure.rule not in rules:
                    rules[failure.rule] = (len(rules), _descriptor(failure, source.rule(failure.rule)))
                index = rules[failure.rule][0]
                one = result_of(sample, failure, source.folder(sample.result), index, texts, seen)
                out.write((",\n" if count else "\n") + _json(one))
                count += 1
                fixes += "fixes" in one
        rest = {
            "tool": {"driver": {"name": "Assay", **_version(), "rules": [rule for _, rule in rules.values()]}},
            "automationDetails": {"id": "/".join(part for part in ("assay", source.header.label, source.header.run) if part)},
            "columnKind": "unicodeCodePoints",
            "invocations": [{"executionSuccessful": not broke, "toolExecutionNotifications": notifications}],
            "properties": _header(source),
        }
        out.write("\n], " + _json(rest)[1:] + "]}\n")
        return Written({"results": count, "rules": len(rules), "fixes": fixes, "notifications": len(notifications)}, _remarks(count))


def result_of(sample: Sample, failure: Failure, folder: str, index: int, texts: Mapping[str, str], seen: dict[str, int]) -> dict[str, Any]:
    """A failure as a SARIF result object. `folder` is the response's, `index` its rule's, `texts` the response's files.

    `seen` counts the fingerprints of the sample so far: two failures may share one, and code hosts want them apart.
    """
    result = sample.result
    seen[failure.fingerprint] = seen.get(failure.fingerprint, 0) + 1
    fix = _fix(failure, folder, texts)
    properties: dict[str, Any] = {
        "severity": str(failure.severity),
        "category": str(failure.category),
        "score": dump_score(result.score) if result.score else None,
        "evidence": dump_evidence(failure.evidence),
        "rootCause": failure.root_cause,
        "impact": failure.impact,
        "symbols": list(failure.symbols),
        "failure": failure.id,
        **sample.key._asdict(),
    }
    return {
        "ruleId": failure.rule,
        "ruleIndex": index,
        "level": LEVELS[failure.severity],
        "message": {"text": plain_message(f"{failure.title}\n\n{failure.message}")},
        "locations": _locations(failure, folder, result.case),
        # GitHub matches alerts of two runs by the first; the second is Assay's own name for the failure.
        "partialFingerprints": {"primaryLocationLineHash": f"{failure.fingerprint}:{seen[failure.fingerprint]}", "assayFingerprint/v1": failure.fingerprint},
        **({"fixes": [fix]} if fix else {}),
        "properties": properties,
    }


def plain_message(text: str) -> str:
    """A plain text message (3.11) that a reader cannot take for a link or a placeholder.

    The standard wants every brace doubled; no code host undoes that, and Terraform's tokens are full of them. So only what is a
    placeholder, a number in braces, is doubled, and what would be a link, `[text](target)`, is taken apart.
    """
    return _PLACEHOLDER.sub(r"{{\1}}", text.replace("](", "] ("))


@lru_cache(maxsize=1024)
def uri(*parts: str) -> str:
    """A relative URI reference of path segments (RFC 3986), what is no plain character percent-encoded."""
    path = "/".join(part.strip("/") for part in parts if part.strip("/"))
    return quote(encodable(path), safe="/")


def _locations(failure: Failure, folder: str, case: str) -> list[dict[str, Any]]:
    if not failure.locations:
        # GitHub refuses a result without a place; the case's own file stands for one that concerns no line of the response.
        root = folder[: folder.rfind(f"{case}/") + len(case)] if f"{case}/" in folder else folder
        return [_location(uri(root, "case.yaml"), 1)]
    return [_location(uri(folder, place.file), max(place.line, 1)) for place in failure.locations]


def _location(target: str, line: int) -> dict[str, Any]:
    return {"physicalLocation": {"artifactLocation": {"uri": target}, "region": {"startLine": line}}}


def _fix(failure: Failure, folder: str, texts: Mapping[str, str]) -> dict[str, Any] | None:
    changed = replacements(failure.fix.diff, texts) if failure.fix.diff else None
    if changed is None:
        return None
    return {
        "description": {"text": f"{', '.join(failure.fix.ids)}: {failure.fix.statements} statements as the ideal has them"},
        "artifactChanges": [
            {
                "artifactLocation": {"uri": uri(folder, path)},
                "replacements": [{"deletedRegion": _region(one.region)} | ({"insertedContent": {"text": one.text}} if one.text else {}) for one in replaced],
            }
            for path, replaced in changed.items()
        ],
    }


def _region(region: Region) -> dict[str, int]:
    return {"startLine": region.start_line, "startColumn": region.start_column, "endLine": region.end_line, "endColumn": region.end_column}


def _texts(sample: Sample) -> dict[str, str]:
    content = sample.artefact(RESPONSE_TREE) if sample.result.failures else None
    return texts_of(content) if content else {}


def _descriptor(failure: Failure, rule: RuleText | None) -> dict[str, Any]:
    """A rule's reportingDescriptor; of a rule that this version does not have, what the failure says of it."""
    severity = rule.severity if rule and rule.severity else failure.severity
    category = rule.category if rule else failure.category
    help_uri = failure.documentation if rule is None or not rule.documentation else rule.documentation
    title = _FIELD.sub(lambda field: field[1].upper(), rule.title) if rule else failure.title
    description = "A rule that this version of Assay does not have."
    if rule is not None:
        # A rule that repeats what the gate said has no words of its own before it fires.
        said = rule.lesson if _FIELD.fullmatch(rule.description) else rule.description
        description = _FIELD.sub(lambda field: field[1].upper(), said)
    return {
        "id": failure.rule,
        "shortDescription": {"text": one_line(title, _LONGEST_TITLE)},
        "fullDescription": {"text": one_line(description, 4 * _LONGEST_TITLE) or failure.rule},
        **({"help": {"text": rule.lesson}} if rule and rule.lesson else {}),
        **({"helpUri": help_uri} if help_uri.startswith(("https://", "http://")) else {}),
        "defaultConfiguration": {"level": LEVELS[severity]},
        "properties": {"tags": [str(category)], "problem.severity": _problem(severity)},
    }


def _problem(severity: Severity) -> str:
    """GitHub's word for a rule's level."""
    return {"error": "error", "warning": "warning", "note": "recommendation"}[LEVELS[severity]]


def _notifications(sample: Sample, title: str) -> list[dict[str, Any]]:
    result = sample.result
    said = []
    if result.error:
        return [{"level": "error", "message": {"text": plain_message(f"{title}: {result.error}")}}]
    if result.control_cause:
        said.append(("warning", f"{title}: the control is broken: {result.control_cause}"))
    said += [("note", f"{title}: {what}") for what in result.inconclusive]
    return [{"level": level, "message": {"text": plain_message(text)}} for level, text in said]


def _header(source: Source) -> dict[str, Any]:
    header = source.header
    named = {"run": header.run, "label": header.label, "started": header.started, "rubric": header.rubric}
    return {**named, "toolchain": dict(header.toolchain), "holes": dict(header.holes)}


def _version() -> dict[str, str]:
    try:
        return {"version": version("assay-iac")}
    except PackageNotFoundError:
        return {}


def _remarks(count: int) -> tuple[str, ...]:
    if count > TAKEN:
        return (f"{count} results: GitHub refuses a file with more than {TAKEN}; export a smaller run",)
    return (f"{count} results: GitHub shows only {SHOWN} of them",) if count > SHOWN else ()


def _json(data: Mapping[str, Any]) -> str:
    """As JSON without lone surrogates, of which a reader may make an error; they only stand inside strings, where they can be replaced."""
    return encodable(json.dumps(data, ensure_ascii=False))
