"""Results as plain JSON data and back: the one serialisation of `harness.results`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import cattrs

from harness.failures import Evidence
from harness.results import SCHEMA, CaseResult, RunResult, Score

_converter = cattrs.Converter()
_quick = cattrs.Converter(detailed_validation=False)
"""Twice as fast, and does not say where something is wrong."""

# Most of a result are short tuples of texts, which the converter would take apart with its slowest means.
_quick.register_structure_hook_func(lambda kind: kind == tuple[str, ...], lambda value, kind: tuple(map(str, value)))


def dump(result: RunResult) -> dict[str, Any]:
    """The run as dictionaries, lists, strings and numbers, ready for `json.dump`."""
    data: dict[str, Any] = _converter.unstructure(result, RunResult)
    return data


def load(data: Mapping[str, Any]) -> RunResult:
    """The run that `dump` made `data` from. Raises `ValueError` where `data` is none, or is of another schema."""
    schema = data.get("schema") if isinstance(data, Mapping) else None
    if schema != SCHEMA:
        raise ValueError(f"schema {schema!r} is not {SCHEMA}, the one that this version reads")
    try:
        return _converter.structure(data, RunResult)
    except cattrs.BaseValidationError as error:
        raise ValueError("; ".join(cattrs.transform_error(error, path="result"))) from error


def dump_case(result: CaseResult) -> dict[str, Any]:
    """One sample's result as JSON data."""
    data: dict[str, Any] = _converter.unstructure(result, CaseResult)
    return data


def dump_evidence(evidence: Evidence) -> dict[str, Any]:
    """A failure's evidence as JSON data."""
    data: dict[str, Any] = _converter.unstructure(evidence, Evidence)
    return data


def dump_score(score: Score) -> dict[str, Any]:
    """A score as JSON data."""
    data: dict[str, Any] = _converter.unstructure(score, Score)
    return data


def load_case_result(data: Mapping[str, Any]) -> CaseResult:
    """What `dump_case` made `data` from. Raises `ValueError` where it is none."""
    try:
        return _quick.structure(data, CaseResult)
    except (cattrs.BaseValidationError, ValueError, TypeError, KeyError, AttributeError):
        pass
    try:
        return _converter.structure(data, CaseResult)
    except cattrs.BaseValidationError as error:
        raise ValueError("; ".join(cattrs.transform_error(error, path="result"))) from error
