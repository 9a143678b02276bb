"""A data set for training: preference pairs and repair pairs, in a layout that Hugging Face `datasets` loads."""

from __future__ import annotations

import json
from collections import Counter
from contextlib import ExitStack
from copy import deepcopy
from pathlib import Path
from typing import Any

import yaml

from harness.errors import HarnessFault, UsageError
from harness.exports.base import IDEAL_TREE, RESPONSE_TREE, Sample, Source, Written
from harness.exports.text import encodable
from harness.exports.trees import TreeFile, as_text, read_tree
from harness.failures import Failure, Severity

PREFERENCE, REPAIR = "preference", "repair"
README = "README.md"

_FILES = {"list": [{"name": name, "dtype": "string"} for name in ("path", "content", "encoding")]}
_COMMON: dict[str, Any] = {
    **dict.fromkeys(("run", "label", "case", "model", "sample"), "string"),
    "attempt": "int64",
    "prompt": "string",
    "training_quality": "float64",
    "response_quality": "float64",
    "band": "string",
    "converged": "bool",
}
FEATURES: dict[str, dict[str, Any]] = {
    PREFERENCE: {
        **_COMMON,
        "chosen": "string",
        "rejected": "string",
        "chosen_files": _FILES,
        "rejected_files": _FILES,
        "failures": "int64",
        **dict.fromkeys(map(str, Severity), "int64"),
        "failure_messages": {"list": "string"},
    },
    REPAIR: {
        **_COMMON,
        "response": "string",
        "ideal": "string",
        "response_files": _FILES,
        "ideal_files": _FILES,
        **dict.fromkeys(("failure", "fingerprint", "rule", "severity", "category", "training_value", "title", "message"), "string"),
        "failure_messages": {"list": "string"},
        **dict.fromkeys(("root_cause", "impact", "documentation"), "string"),
        "symbols": {"list": "string"},
        "locations": {"list": [{"name": "file", "dtype": "string"}, {"name": "line", "dtype": "int64"}]},
        "fix": "string",
        "statements": "int64",
    },
}
"""Columns of each configuration in order, with their types as a data set card writes them."""

_LEFT_OUT = {
    "error": "Assay could not evaluate the sample",
    "control": "the ideal itself is broken, so nothing is proved",
    "clean": "no failure was found, so there is nothing to prefer or to repair",
    "tree": "its trees were not kept",
    "repeated": "the same response was evaluated before in this run",
}


class Training:
    """The folder: README.md (a data set card), data/preference/train.jsonl and data/repair/train.jsonl."""

    name = "training"
    summary = "training data: preference and repair pairs that Hugging Face datasets loads"
    example = "assay export training nightly --to pairs"
    files = (README, *(f"data/{name}/train.jsonl" for name in (PREFERENCE, REPAIR)))

    def write_folder(self, source: Source, folder: Path) -> Written:
        """Write the pairs. Raises `UsageError` where the run has no sample with a proved failure, `HarnessFault` where a tree is damaged."""
        counts: Counter[str] = Counter()
        left_out: Counter[str] = Counter()
        done: set[tuple[str, str, str]] = set()
        with ExitStack() as stack:
            out = {}
            for name in (PREFERENCE, REPAIR):
                path = folder / f"data/{name}/train.jsonl"
                path.parent.mkdir(parents=True)
                out[name] = stack.enter_context(path.open("w", encoding="utf-8", newline=""))
            for sample in source.samples():
                why = _unfit(sample, done)
                trees = _trees(sample) if not why else None
                if why or trees is None:
                    left_out[why or "tree"] += 1
                    continue
                done.add(sample.key[:3])
                rows = [(PREFERENCE, preference_row(source, sample, *trees))]
                rows += [(REPAIR, repair_row(source, sample, failure, *trees)) for failure in sample.result.failures if failure.fix.diff.strip()]
                counts["without diff"] += len(sample.result.failures) - (len(rows) - 1)
                for name, row in rows:
                    counts[name] += 1
                    out[name].write(json.dumps(row) + "\n")
        if not counts[PREFERENCE]:
            raise UsageError(
                f"run {source.header.run} has no sample to train on" + (f" ({_listed(left_out)})" if left_out else ""),
                "export a run that has samples with failures and a working control",
            )
        remarks = _remarks(left_out, counts["without diff"])
        # An empty file is no data set; its configuration is left out with it.
        names = [name for name in (PREFERENCE, REPAIR) if counts[name]]
        for name in {PREFERENCE, REPAIR} - {*names}:
            (folder / f"data/{name}/train.jsonl").unlink()
            (folder / f"data/{name}").rmdir()
        (folder / README).write_text(card(source, {name: counts[name] for name in names}, remarks), encoding="utf-8")
        return Written({name: counts[name] for name in (PREFERENCE, REPAIR)} | {"left_out": left_out.total()}, remarks)


def preference_row(source: Source, sample: Sample, response: list[TreeFile], ideal: list[TreeFile]) -> dict[str, Any]:
    """The pair as a preference: the ideal is chosen, the response rejected."""
    counts = Counter(str(failure.severity) for failure in sample.result.failures)
    own = {
        "chosen": as_text(ideal),
        "rejected": as_text(response),
        "chosen_files": ideal,
        "rejected_files": response,
        "failures": len(sample.result.failures),
        **{str(severity): counts[str(severity)] for severity in Severity},
        "failure_messages": [f"{failure.title}\n{failure.message}" for failure in sample.result.failures],
    }
    return _row(PREFERENCE, {**_common(source, sample), **own})


def repair_row(source: Source, sample: Sample, failure: Failure, response: list[TreeFile], ideal: list[TreeFile]) -> dict[str, Any]:
    """One failure with its fix, a unified diff from the response. `training_value` is that of the failure's category in this sample."""
    evidence = (failure.evidence.walk, failure.evidence.isolation)
    own = {
        "response": as_text(response),
        "ideal": as_text(ideal),
        "response_files": response,
        "ideal_files": ideal,
        "failure": failure.id,
        "fingerprint": failure.fingerprint,
        "rule": failure.rule,
        "severity": str(failure.severity),
        "category": str(failure.category),
        "training_value": str(source.training_values(sample.result).get(failure.category, failure.severity)),
        "title": failure.title,
        "message": failure.message,
        "failure_messages": list(dict.fromkeys([failure.message, *(one.message for one in evidence if one)])),
        "root_cause": failure.root_cause,
        "impact": failure.impact,
        "documentation": failure.documentation,
        "symbols": list(failure.symbols),
        "locations": [{"file": place.file, "line": place.line} for place in failure.locations],
        "fix": failure.fix.diff,
        "statements": failure.fix.statements,
    }
    return _row(REPAIR, {**_common(source, sample), **own})


def card(source: Source, counts: dict[str, int], remarks: tuple[str, ...]) -> str:
    """The data set card: configurations and types for `datasets`, and for people what it is and what is not in it."""
    header = source.header
    front = {
        "pretty_name": encodable(f"Assay {header.label or header.run}"),
        "license": "other",
        "license_name": "see-provenance",
        "configs": [
            {"config_name": name, "data_files": [{"split": "train", "path": f"data/{name}/train.jsonl"}], **({"default": True} if name == PREFERENCE else {})}
            for name in counts
        ],
        "dataset_info": [{"config_name": name, "features": _card_features(name)} for name in counts],
    }
    toolchain = ", ".join(f"{name} {value}" for name, value in header.toolchain.items())
    lines = [
        "---",
        yaml.safe_dump(front, sort_keys=False, allow_unicode=True).rstrip(),
        "---",
        "",
        "# Pairs of model responses and their fixes",
        "",
        f"Run {header.run}{f' ({header.label})' if header.label else ''} of {header.started}, rubric {header.rubric}. Toolchain: {toolchain}.",
        "Every failure was found by running the code: without its fix, a gate fails that the ideal passes.",
        "",
        *(f"- `{name}`: {count} rows" for name, count in counts.items()),
        *(f"- {remark}" for remark in remarks),
        "",
        "## Licence and provenance",
        "",
        "The rows are copies of prompts, of code that language models wrote, and of code that people wrote. Whatever licence or terms the cases, the prompts",
        "and the models' outputs came with hold for the rows too; Assay grants none and checks none. `case`, `model` and `sample` say where a row comes from.",
        "Look for secrets and personal data before you publish it.",
        "",
    ]
    return encodable("\n".join(lines))


def _common(source: Source, sample: Sample) -> dict[str, Any]:
    result = sample.result
    score = result.score
    return {
        "run": source.header.run,
        "label": source.header.label,
        **sample.key._asdict(),
        "prompt": result.prompt,
        "training_quality": float(score.training_quality) if score else None,
        "response_quality": float(score.response_quality) if score else None,
        "band": score.band if score else None,
        "converged": result.converged,
    }


def _row(name: str, values: dict[str, Any]) -> dict[str, Any]:
    return {column: _clean(values[column]) for column in FEATURES[name]}


def _clean(value: Any) -> Any:
    if isinstance(value, str):
        return encodable(value)
    if isinstance(value, dict):
        return {name: _clean(one) for name, one in value.items()}
    return [_clean(one) for one in value] if isinstance(value, list) else value


def _card_features(name: str) -> list[dict[str, Any]]:
    # Copies, because YAML writes what occurs twice as an alias, which datasets cannot read.
    return [{"name": column, **({"dtype": kind} if isinstance(kind, str) else deepcopy(kind))} for column, kind in FEATURES[name].items()]


def _unfit(sample: Sample, done: set[tuple[str, str, str]]) -> str:
    """Why a sample is no pair to train on; empty where it is one."""
    result = sample.result
    if result.error:
        return "error"
    if result.control != "ok":
        return "control"
    if not result.failures:
        return "clean"
    return "repeated" if sample.key[:3] in done else ""


def _trees(sample: Sample) -> tuple[list[TreeFile], list[TreeFile]] | None:
    response, ideal = sample.artefact(RESPONSE_TREE), sample.artefact(IDEAL_TREE)
    if response is None or ideal is None:
        return None
    try:
        return read_tree(response), read_tree(ideal)
    except ValueError as error:
        raise HarnessFault(f"{sample.result.case}: a kept tree cannot be read ({error})", "evaluate the sample again") from error


def _remarks(left_out: Counter[str], without_diff: int) -> tuple[str, ...]:
    remarks = [f"left out: {count} samples, {_LEFT_OUT[why]}" for why, count in sorted(left_out.items())]
    if without_diff:
        remarks.append(f"left out of {REPAIR}: {without_diff} failures whose fix has no diff")
    return tuple(remarks)


def _listed(left_out: Counter[str]) -> str:
    return "; ".join(f"{count}: {_LEFT_OUT[why]}" for why, count in sorted(left_out.items()))
