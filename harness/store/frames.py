"""Tables for notebooks: pandas DataFrames, one row a run, sample, verdict, failure or fix. docs/store.md documents every column."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pandas as pd
from sqlalchemy import Connection, Select, case, func, select

from harness.failures import Severity
from harness.store import schema
from harness.store.locks import abandoned
from harness.store.plan import DONE, ERROR, INTERRUPTED, RUNNING, RunInfo
from harness.store.writing import key_text

_KEY = ("run", "case_name", "model", "sample", "attempt")
_RUNS = {
    "run": "string", "label": "string", "started": "datetime64[us, UTC]", "ended": "datetime64[us, UTC]", "state": "string", "models": "string",
    "samples": "int64", "done": "int64", "errors": "int64", **dict.fromkeys(map(str, Severity), "int64"), "rubric": "string", "toolchain": "string",
}  # fmt: skip
_SAMPLES = {
    "sample_id": "int64", **dict.fromkeys(_KEY[:4], "string"), "attempt": "int64", "state": "string", "control": "string", "training_quality": "float64",
    "response_quality": "float64", "band": "string", "converged": "boolean", "unclassified": "Int64", "resources": "Int64", "wall": "float64", "cpu": "float64",
    "error": "string", "response_digest": "string", "ideal_digest": "string",
}  # fmt: skip
_GATES = {"sample_id": "int64", **dict.fromkeys(_KEY[:4], "string"), "attempt": "int64", **dict.fromkeys(("variant", "gate", "status", "reason"), "string")}
_FAILURES = {
    "failure_id": "int64", "sample_id": "int64", **dict.fromkeys(_KEY[:4], "string"), "attempt": "int64",
    **dict.fromkeys(("name", "fingerprint", "rule", "symbol", "severity", "category", "title", "file"), "string"), "line": "Int64", "gate": "string",
    "statements": "int64", "fixes": "string",
}  # fmt: skip
_FIXES = {
    "sample_id": "int64", **dict.fromkeys(_KEY[:4], "string"), "attempt": "int64", "name": "string", "title": "string", "statements": "int64",
    "load_bearing": "boolean", "step": "Int64", "cures": "boolean", "isolation": "string",
}  # fmt: skip


def runs(connection: Connection, label: str | None = None, limit: int | None = None) -> pd.DataFrame:
    """All runs, newest first, or the `limit` newest, of one `label` where it is given."""
    table, samples, failures = schema.runs, schema.samples, schema.failures
    chosen = select(table.c.id).order_by(table.c.started.desc(), table.c.id.desc())
    chosen = chosen.where(table.c.label == key_text(label)) if label is not None else chosen
    chosen = chosen.limit(limit) if limit is not None else chosen
    ids = list(connection.execute(chosen).scalars())
    counted = (
        select(samples.c.run_id, samples.c.model, func.count().label("samples"))
        .add_columns(*(func.sum(case((samples.c.state == state, 1), else_=0)).label(name) for state, name in ((DONE, "done"), (ERROR, "errors"))))
        .where(samples.c.run_id.in_(ids))
        .group_by(samples.c.run_id, samples.c.model)
    )
    by_run: dict[int, dict[str, Any]] = {}
    for row in connection.execute(counted.order_by(samples.c.model)):
        one = by_run.setdefault(row.run_id, {"models": [], "samples": 0, "done": 0, "errors": 0})
        one["models"].append(row.model)
        for name in ("samples", "done", "errors"):
            one[name] += getattr(row, name)
    found = (
        select(failures.c.run_id, failures.c.severity, func.count().label("number"))
        .where(failures.c.run_id.in_(ids))
        .group_by(failures.c.run_id, failures.c.severity)
    )
    for row in connection.execute(found):
        by_run[row.run_id][row.severity] = row.number
    details = (
        select(table, schema.toolchains.c.fingerprint).join(schema.toolchains).where(table.c.id.in_(ids)).order_by(table.c.started.desc(), table.c.id.desc())
    )
    rows = []
    for row in connection.execute(details).all():
        one = by_run.get(row.id, {"models": [], "samples": 0, "done": 0, "errors": 0})
        state = INTERRUPTED if row.state == RUNNING and abandoned(connection, row.name) else row.state
        rows.append(
            {
                "run": row.name, "label": row.label, "started": row.started, "ended": row.ended, "state": state, **one, "models": ", ".join(one["models"]),
                "rubric": row.rubric, "toolchain": row.fingerprint,
            }
        )  # fmt: skip
    frame = pd.DataFrame(rows, columns=list(_RUNS))
    counts = list(map(str, Severity))
    frame[counts] = frame[counts].astype("float64").fillna(0)
    return frame.astype(_RUNS)


def samples(connection: Connection, run: RunInfo | None) -> pd.DataFrame:
    """The samples of a run, in order, or of all runs; those without a result have the state `planned`."""
    table = schema.samples
    own = [table.c[name] for name in _SAMPLES if name not in ("sample_id", *_KEY)]
    return _frame(connection, select(table.c.id.label("sample_id"), *own), run, _SAMPLES, table.c.id)


def gate_results(connection: Connection, run: RunInfo | None, variants: Sequence[str] = ()) -> pd.DataFrame:
    """The verdict of every gate on the variants response, ideal and repaired of each sample, or only on `variants`."""
    table = schema.gate_results
    query = select(table.c.sample_id, table.c.variant, table.c.gate, table.c.status, table.c.reason)
    query = query.where(table.c.variant.in_(variants)) if variants else query
    return _frame(
        connection, query.join(schema.samples, schema.samples.c.id == table.c.sample_id), run, _GATES, table.c.sample_id, table.c.variant, table.c.gate
    )


def failures(connection: Connection, run: RunInfo | None) -> pd.DataFrame:
    """The failures of each sample, worst first within it."""
    table, named = schema.failures, schema.fingerprints
    query = select(
        table.c.id.label("failure_id"), table.c.sample_id, table.c.name, named.c.fingerprint, named.c.rule, named.c.symbol, table.c.severity,
        table.c.category, table.c.title, table.c.file, table.c.line, table.c.gate, table.c.statements, table.c.fixes,
    )  # fmt: skip
    query = query.join(schema.samples, schema.samples.c.id == table.c.sample_id).join(named, named.c.id == table.c.fingerprint_id)
    return _frame(connection, query, run, _FAILURES, table.c.id)


def fixes(connection: Connection, run: RunInfo | None) -> pd.DataFrame:
    """The fixes between response and ideal of each sample, with what the experiments say of them."""
    table = schema.fixes
    own = [table.c[name] for name in _FIXES if name in table.c and name != "sample_id"]
    query = select(table.c.sample_id, *own).join(schema.samples, schema.samples.c.id == table.c.sample_id)
    return _frame(connection, query, run, _FIXES, table.c.sample_id, table.c.name)


def _frame(connection: Connection, query: Select[Any], run: RunInfo | None, columns: dict[str, str], *order: Any) -> pd.DataFrame:
    """The rows of `query`, sample by sample in the order of the plan, and by `order` within a sample.

    What names a sample is read once a sample and not once a row: a run has dozens of verdicts a sample.
    """
    rows = connection.execute(_of_run(query, run).order_by(schema.samples.c.run_id, schema.samples.c.position, *order)).all()
    own = {name: kind for name, kind in columns.items() if name not in _KEY}
    frame = pd.DataFrame.from_records([tuple(row) for row in rows], columns=list(own)).astype(own)
    names = connection.execute(_of_run(select(schema.samples.c.id, schema.runs.c.name, *(schema.samples.c[name] for name in _KEY[1:])), run)).all()
    keys = pd.DataFrame.from_records([tuple(row) for row in names], columns=["sample_id", *_KEY], index="sample_id").astype(
        {name: columns[name] for name in _KEY}
    )
    found = keys.take(keys.index.get_indexer(pd.Index(frame["sample_id"]))).reset_index(drop=True)
    return pd.concat([frame, found], axis=1)[list(columns)]


def _of_run(query: Select[Any], run: RunInfo | None) -> Select[Any]:
    """The query with its samples' runs, or for the samples of one run."""
    query = query.join(schema.runs, schema.runs.c.id == schema.samples.c.run_id)
    return query if run is None else query.where(schema.samples.c.run_id == run.id)
