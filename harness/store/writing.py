"""Writes runs: the plan first, then each result in one transaction the moment it exists."""

from __future__ import annotations

import hashlib
import json
import secrets
import zlib
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Connection, Engine, Table, insert, select, update

from harness.failures import Failure
from harness.results import CaseResult
from harness.serialize import dump_case
from harness.store import schema
from harness.store.engine import write
from harness.store.errors import StoreError
from harness.store.locks import RunLock
from harness.store.plan import DONE, ERROR, PLANNED, RUNNING, PlannedSample, RunInfo, RunPlan

RECORD = "record"
"""The artefact that holds a sample's whole result, as JSON."""

KEY_BYTES = 600
"""PostgreSQL's indices take 2,700 bytes a row, and a sample's key is three texts; a model's name is any text that a case.yaml holds."""

VARIANTS = ("response", "ideal", "repaired")
_ROWS = 500
"""Rows of one statement: SQLite takes 32,766 values at most."""


class RunWriter:
    """The one writer of a run; `close` it, or use it in a `with` statement. Safe from several threads."""

    def __init__(self, engine: Engine, run: RunInfo, lock: RunLock, patience: float) -> None:
        self._engine, self._lock, self._patience = engine, lock, patience
        self.run = run

    def __enter__(self) -> RunWriter:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()

    def missing(self) -> list[PlannedSample]:
        """What is planned and has no result yet, in order."""
        table = schema.samples
        query = select(table).where(table.c.run_id == self.run.id, table.c.state == PLANNED).order_by(table.c.position)
        rows = write(self._engine, lambda connection: connection.execute(query).all(), self._patience)
        return [PlannedSample(row.position, row.folder, row.case_name, row.model, row.sample, row.attempt) for row in rows]

    def add(self, planned: PlannedSample, result: CaseResult, artefacts: Mapping[str, bytes] = {}) -> None:
        """Keep the result of one sample: all of it or nothing. What is there already stays.

        Raises `StoreError` where the store cannot take it, the run does not plan the sample, or another process has become the run's writer.
        """
        record = json.dumps(dump_case(result), separators=(",", ":")).encode()
        packed = {name: _pack(content) for name, content in {RECORD: record, **artefacts}.items()}
        self._do(lambda connection: _add(connection, self.run.id, planned, result, packed))

    def finish(self, state: str) -> None:
        """Say how the run ended: `finished` or `interrupted`."""
        change = update(schema.runs).where(schema.runs.c.id == self.run.id).values(state=state, ended=datetime.now(UTC))
        self._do(lambda connection: connection.execute(change))

    def close(self) -> None:
        """Let another process write the run."""
        self._lock.release()

    def _do(self, work: Any) -> None:
        def guarded(connection: Connection) -> None:
            if not self._lock.keep():
                raise StoreError(f"run {self.run.name}: another process writes it now", "the server went away, and a resumed run was faster; see: assay runs")
            work(connection)

        write(self._engine, guarded, self._patience)


def start_run(engine: Engine, plan: RunPlan, patience: float) -> tuple[str, RunLock]:
    """Write a new run with all that it plans; returns its name, which sorts by time, and its lock, taken. Raises `StoreError`."""
    now = datetime.now(UTC)
    name = f"{now:%Y%m%d-%H%M%S}-{secrets.token_hex(2)}"
    lock = RunLock(engine, name)
    if not lock.take():
        raise StoreError(f"run {name}: another process writes it", "try again")
    try:
        write(engine, lambda connection: _start(connection, name, now, plan), patience)
    except BaseException:
        lock.release()
        raise
    return name, lock


def reopen(engine: Engine, run: RunInfo, patience: float) -> RunWriter:
    """Become the writer of a run that ended before it was finished. Raises `StoreError` where another process writes it."""
    lock = RunLock(engine, run.name)
    if not lock.take():
        raise StoreError(f"run {run.name}: another process is writing it", "wait for that process, or end it, and try again")
    change = update(schema.runs).where(schema.runs.c.id == run.id).values(state=RUNNING, ended=None)
    try:
        write(engine, lambda connection: connection.execute(change), patience)
    except BaseException:
        lock.release()
        raise
    return RunWriter(engine, run, lock, patience)


def _start(connection: Connection, name: str, now: datetime, plan: RunPlan) -> None:
    if connection.execute(select(schema.runs.c.id).where(schema.runs.c.name == name)).first():
        return  # the first try was committed though the server went away before it could say so
    toolchain = _id_of(connection, schema.toolchains, "fingerprint", {plan.toolchain_fingerprint: {"versions": dict(plan.toolchain)}})[
        plan.toolchain_fingerprint
    ]
    row = {
        "name": name, "label": key_text(plan.label), "started": now, "state": RUNNING, "toolchain_id": toolchain, "rubric": plan.rubric, "code": plan.code,
        "settings": dict(plan.settings), "holes": dict(plan.holes),
    }  # fmt: skip
    (run_id,) = connection.execute(insert(schema.runs).values(row)).inserted_primary_key or (None,)
    rows = [
        {
            "run_id": run_id, "position": one.position, "case_name": key_text(one.case), "model": key_text(one.model), "sample": key_text(one.sample),
            "attempt": one.attempt, "folder": clean(one.folder), "state": PLANNED,
        }
        for one in plan.samples
    ]  # fmt: skip
    _insert(connection, schema.samples, rows)


def _add(connection: Connection, run_id: int, planned: PlannedSample, result: CaseResult, packed: Mapping[str, tuple[str, int, bytes]]) -> None:
    table = schema.samples
    where = (
        table.c.run_id == run_id,
        table.c.case_name == key_text(planned.case),
        table.c.model == key_text(planned.model),
        table.c.sample == key_text(planned.sample),
        table.c.attempt == planned.attempt,
    )
    found = connection.execute(select(table.c.id, table.c.state).where(*where)).first()
    if found is None:
        raise StoreError(f"the run does not plan {planned.title}", "start a new run")
    sample_id = found.id
    if connection.execute(update(table).where(table.c.id == sample_id, table.c.state == PLANNED).values(_sample_row(result))).rowcount == 0:
        return  # it is there
    _insert(connection, schema.gate_results, [{"sample_id": sample_id, **row} for row in _gate_rows(result)])
    _insert(connection, schema.failures, _failure_rows(connection, run_id, sample_id, result))
    _insert(connection, schema.fixes, [{"sample_id": sample_id, **row} for row in _fix_rows(result)])
    _add_artefacts(connection, sample_id, packed)


def _sample_row(result: CaseResult) -> dict[str, Any]:
    score = result.score
    return {
        "state": ERROR if result.error else DONE,
        "control": result.control,
        "control_kind": result.control_kind,
        "training_quality": score.training_quality if score else None,
        "response_quality": score.response_quality if score else None,
        "band": score.band if score else None,
        "converged": result.converged,
        "unclassified": result.unclassified,
        "resources": result.resources,
        "wall": result.seconds.get("wall"),
        "cpu": result.seconds.get("cpu"),
        "error": clean(result.error) if result.error else None,
        "response_digest": result.response_digest,
        "ideal_digest": result.ideal_digest,
        "ended": datetime.now(UTC),
    }


def _gate_rows(result: CaseResult) -> list[dict[str, Any]]:
    return [
        {"variant": variant, "gate": gate, "status": status, "reason": clean(result.reasons.get(variant, {}).get(gate, "")) or None}
        for variant in VARIANTS
        for gate, status in result.gates.get(variant, {}).items()
    ]


def _fix_rows(result: CaseResult) -> list[dict[str, Any]]:
    return [
        {
            "name": fix.id, "title": clean(fix.title), "statements": fix.statements, "load_bearing": fix.load_bearing, "step": fix.step, "cures": fix.cures,
            "isolation": clean(fix.isolation),
        }
        for fix in result.fixes
    ]  # fmt: skip


def _failure_rows(connection: Connection, run_id: int, sample_id: int, result: CaseResult) -> list[dict[str, Any]]:
    described = {failure.fingerprint: _fingerprint_row(failure) for failure in result.failures}
    ids = _id_of(connection, schema.fingerprints, "fingerprint", described)
    rows = []
    for failure in result.failures:
        place = failure.locations[0] if failure.locations else None
        evidence = failure.evidence.isolation or failure.evidence.walk
        rows.append(
            {
                "sample_id": sample_id, "run_id": run_id, "fingerprint_id": ids[failure.fingerprint], "name": failure.id, "severity": str(failure.severity),
                "category": str(failure.category), "title": clean(failure.title), "file": clean(place.file) if place else None,
                "line": place.line if place else None, "gate": evidence.gate if evidence else None, "statements": failure.fix.statements,
                "fixes": ",".join(failure.fix.ids),
            }
        )  # fmt: skip
    return rows


def _fingerprint_row(failure: Failure) -> dict[str, Any]:
    symbols = [clean(symbol) for symbol in failure.symbols]
    return {
        "rule": key_text(failure.rule),
        "symbol": key_text(symbols[0]) if symbols else "",
        "symbols": symbols,
        "documentation": clean(failure.documentation),
    }


def _add_artefacts(connection: Connection, sample_id: int, packed: Mapping[str, tuple[str, int, bytes]]) -> None:
    table = schema.artefacts
    digests = sorted({digest for digest, _, _ in packed.values()})
    there = set(connection.execute(select(table.c.digest).where(table.c.digest.in_(digests))).scalars())
    new = {digest: {"digest": digest, "size": size, "content": content} for digest, size, content in packed.values() if digest not in there}
    if new:
        _insert_new(connection, table, [new[digest] for digest in sorted(new)])
    _insert(connection, schema.sample_artefacts, [{"sample_id": sample_id, "name": key_text(name, 255), "digest": packed[name][0]} for name in sorted(packed)])


def _id_of(connection: Connection, table: Table, column: str, described: Mapping[str, Mapping[str, Any]]) -> dict[str, int]:
    """The ids of rows by their unique text, those that are missing made first; writers of other runs may make the same ones meanwhile."""

    def known() -> dict[str, int]:
        return {text: int(id_) for text, id_ in connection.execute(select(table.c[column], table.c.id).where(table.c[column].in_(list(described))))}

    ids = known()
    # Sorted, so that two writers never wait for each other.
    new = [{column: text, **described[text]} for text in sorted(described) if text not in ids]
    if new:
        _insert_new(connection, table, new)
        ids = known()
    return ids


def _insert_new(connection: Connection, table: Table, rows: Sequence[Mapping[str, Any]]) -> None:
    from sqlalchemy.dialects import postgresql, sqlite  # only a writer needs them, and they take a while

    dialect = postgresql if connection.dialect.name == "postgresql" else sqlite
    connection.execute(dialect.insert(table).on_conflict_do_nothing(), list(rows))


def _insert(connection: Connection, table: Table, rows: Sequence[Mapping[str, Any]]) -> None:
    for start in range(0, len(rows), _ROWS):
        connection.execute(insert(table), list(rows[start : start + _ROWS]))


def _pack(content: bytes) -> tuple[str, int, bytes]:
    return hashlib.sha256(content).hexdigest(), len(content), zlib.compress(content, 6)


def key_text(text: str, most: int = KEY_BYTES) -> str:
    """The text as an index takes it: `clean`, and in at most `most` bytes. One that is longer ends in a digest of the whole, so that two never become one."""
    text = clean(text)
    if len(text.encode()) <= most:
        return text
    ending = "~" + hashlib.sha256(text.encode()).hexdigest()[:16]
    return text.encode()[: most - len(ending)].decode("utf-8", "ignore") + ending


def clean(text: str) -> str:
    """The text as every database takes it: PostgreSQL refuses NUL, and no encoding has lone surrogates."""
    return text.replace("\0", "\ufffd").encode("utf-8", "replace").decode("utf-8")
