"""Finds runs, samples and failures by what people call them, and reads whole results back."""

from __future__ import annotations

import json
import re
import zlib
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any

from sqlalchemy import Connection, Row, Select, select

from harness.errors import UsageError
from harness.results import CaseResult, RunResult
from harness.serialize import load_case_result
from harness.store import schema
from harness.store.errors import StoreError
from harness.store.locks import abandoned
from harness.store.plan import DONE, ERROR, INTERRUPTED, RUNNING, RunInfo, SampleKey
from harness.store.writing import RECORD, clean, key_text

_PAGE = 200
_NUMBERED = re.compile(r"^(sample|failure):(\d{1,18})$")


def find_run(connection: Connection, text: str | None) -> RunInfo:
    """The run that `text` names: its name, the beginning of only one name, or a label, then the newest run with it; for None the newest run of all.

    Raises `UsageError` where there is none, or several names begin so.
    """
    runs, query = schema.runs, _runs()
    newest = query.order_by(runs.c.started.desc(), runs.c.id.desc()).limit(1)
    if text is None:
        found = connection.execute(newest).first()
        if found is None:
            raise UsageError("there is no run yet", "make one with: assay run cases/zero-trust-payments")
        return _info(connection, found)
    key = key_text(text)
    if key:
        for where in (runs.c.name == key, runs.c.label == key):
            if (found := connection.execute(newest.where(where)).first()) is not None:
                return _info(connection, found)
        beginning = connection.execute(query.where(runs.c.name.startswith(key, autoescape=True)).order_by(runs.c.name).limit(4)).all()
        if len(beginning) == 1:
            return _info(connection, beginning[0])
        if beginning:
            known = ", ".join(row.name for row in beginning[:3]) + (", ..." if len(beginning) > 3 else "")
            raise UsageError(f"several runs begin with {text!r}: {known}", "write more of the name")
    raise UsageError(f"there is no run {text!r}", "see: assay runs")


def read_result(connection: Connection, run: RunInfo) -> RunResult:
    """The whole run, as `assay run --json` prints it, with the results that there are by now."""
    cases = tuple(result for _, result in case_results(connection, run))
    return RunResult(run.name, run.started.isoformat(timespec="seconds"), dict(run.toolchain), run.rubric, cases, holes=dict(run.holes), label=run.label)


def case_results(connection: Connection, run: RunInfo) -> Iterator[tuple[int, CaseResult]]:
    """Every sample of the run that has a result, in order, with its id; read page by page."""
    samples = schema.samples
    last = (-1, -1)
    while True:
        query = _records().where(samples.c.run_id == run.id, (samples.c.position > last[0]) | ((samples.c.position == last[0]) & (samples.c.id > last[1])))
        rows = connection.execute(query.order_by(samples.c.position, samples.c.id).limit(_PAGE)).all()
        for row in rows:
            yield row.id, _result(row)
        if len(rows) < _PAGE:
            return
        last = (rows[-1].position, rows[-1].id)


def read_case(connection: Connection, sample_id: int) -> CaseResult:
    """One sample's result. Raises `UsageError` where there is none."""
    row = connection.execute(_records().where(schema.samples.c.id == sample_id)).first()
    if row is None:
        raise UsageError(f"there is no result of sample:{sample_id}", "see: assay show RUN")
    return _result(row)


def find_sample(connection: Connection, text: str) -> int:
    """The id of the sample that `text` names: `sample:ID`, or RUN/CASE, and behind that /SAMPLE, /MODEL or /MODEL/SAMPLE. Raises `UsageError`."""
    if numbered := _NUMBERED.match(text):
        return _sample_of(connection, numbered[1], int(numbered[2]))
    if "/" not in text:
        if text.startswith(("sample:", "failure:")):
            raise UsageError(f"{text} is no sample", "write sample:ID or failure:ID, with the number that assay show RUN --json or assay query gives")
        run = find_run(connection, text)
        raise UsageError(f"{text} is a run, not a sample", f"name one of its samples, such as RUN/CASE; see: assay show {run.name}")
    run, words = _split(connection, text)
    samples = schema.samples
    query = select(samples.c.id, samples.c.case_name, samples.c.model, samples.c.sample).where(
        samples.c.run_id == run.id, samples.c.case_name == key_text(words[0])
    )
    named = key_text("/".join(words[1:]))
    rows = connection.execute(query.order_by(samples.c.position, samples.c.id)).all()
    rows = [row for row in rows if named in ("", row.sample, row.model, f"{row.model}/{row.sample}")]
    if not rows:
        raise UsageError(f"run {run.name} has no sample {'/'.join(words)}", f"see: assay show {run.name}")
    if len({(row.model, row.sample) for row in rows}) > 1:
        known = ", ".join(dict.fromkeys(f"{row.case_name}/{row.model}/{row.sample}" for row in rows[:4]))
        raise UsageError(f"run {run.name} has several samples {'/'.join(words)}", f"name one of: {known}{', ...' if len(rows) > 4 else ''}")
    return int(rows[0].id)


def _split(connection: Connection, text: str) -> tuple[RunInfo, list[str]]:
    """The run that `text` begins with, and the words after it; a label may have slashes of its own."""
    words = text.split("/")
    unknown: UsageError | None = None
    for number in range(1, len(words)):
        try:
            return find_run(connection, "/".join(words[:number])), words[number:]
        except UsageError as error:
            unknown = unknown or error
    assert unknown is not None
    raise unknown


def samples_of(connection: Connection, case_name: str, run: RunInfo | None) -> list[int]:
    """The ids of the samples of a case that have a result, newest first."""
    table = schema.samples
    query = select(table.c.id).where(table.c.case_name == key_text(case_name), table.c.state.in_((DONE, ERROR)))
    query = query if run is None else query.where(table.c.run_id == run.id)
    return list(connection.execute(query.order_by(table.c.run_id.desc(), table.c.position)).scalars())


def sample_states(connection: Connection, run: RunInfo) -> list[tuple[int, SampleKey, str]]:
    """The id of each sample of a run, in order, what names it, and its state."""
    table = schema.samples
    query = select(table.c.id, table.c.case_name, table.c.model, table.c.sample, table.c.attempt, table.c.state).where(table.c.run_id == run.id)
    return [(sample_id, SampleKey(*key), state) for sample_id, *key, state in connection.execute(query.order_by(table.c.position, table.c.id))]


def read_artefact(connection: Connection, sample_id: int, name: str) -> bytes:
    """The content of a sample's artefact. Raises `UsageError` where there is none, `StoreError` where it is damaged."""
    found = read_artefacts(connection, [sample_id], name)
    if not found:
        known = ", ".join(artefact_names(connection, sample_id))
        raise UsageError(f"sample:{sample_id} has no artefact {name!r}", f"it has: {known}" if known else "it was not evaluated")
    return found[sample_id]


def read_artefacts(connection: Connection, sample_ids: Sequence[int], name: str) -> dict[int, bytes]:
    """The contents of the artefact `name` of those of the samples that have it. Raises `StoreError` where one is damaged."""
    kept, links = schema.artefacts, schema.sample_artefacts
    query = select(links.c.sample_id, kept.c.content).join(kept, links.c.digest == kept.c.digest)
    rows = connection.execute(query.where(links.c.sample_id.in_(sample_ids), links.c.name == key_text(name, 255)))
    return {sample_id: _unpack(content, sample_id) for sample_id, content in rows}


def artefact_names(connection: Connection, sample_id: int) -> list[str]:
    """What is kept of a sample, sorted."""
    links = schema.sample_artefacts
    return list(connection.execute(select(links.c.name).where(links.c.sample_id == sample_id).order_by(links.c.name)).scalars())


def find_failure(connection: Connection, text: str) -> tuple[int, str]:
    """The sample's id and the failure's name (F1) for `failure:ID`, or a sample and a name, such as RUN/CASE/F1. Raises `UsageError`."""
    failures = schema.failures
    if (numbered := _NUMBERED.match(text)) and numbered[1] == "failure":
        row = connection.execute(select(failures.c.sample_id, failures.c.name).where(failures.c.id == int(numbered[2]))).first()
        if row is None:
            raise UsageError(f"there is no {text}", "see: assay show RUN/CASE")
        return int(row.sample_id), str(row.name)
    sample_text, _, name = text.rpartition("/")
    if not sample_text:
        raise UsageError(f"{text} is no failure", "write RUN/CASE/F1, or failure:ID")
    sample_id = find_sample(connection, sample_text)
    if connection.execute(select(failures.c.id).where(failures.c.sample_id == sample_id, failures.c.name == clean(name))).first() is None:
        raise UsageError(f"{sample_text} has no failure {name}", f"see: assay show {sample_text}")
    return sample_id, name


def _runs() -> Select[Any]:
    return select(schema.runs, schema.toolchains.c.fingerprint, schema.toolchains.c.versions).join(schema.toolchains)


def _info(connection: Connection, row: Row[Any]) -> RunInfo:
    # A process that was killed could not say so: a run that nobody writes is no longer running.
    state = INTERRUPTED if row.state == RUNNING and abandoned(connection, row.name) else row.state
    return RunInfo(
        id=row.id, name=row.name, label=row.label, started=row.started, ended=row.ended, state=state, toolchain=row.versions,
        toolchain_fingerprint=row.fingerprint, rubric=row.rubric, code=row.code, settings=row.settings, holes=row.holes,
    )  # fmt: skip


def _records() -> Select[Any]:
    samples, links, kept = schema.samples, schema.sample_artefacts, schema.artefacts
    query = select(samples.c.id, samples.c.position, samples.c.case_name, samples.c.model, samples.c.sample, samples.c.attempt, kept.c.content)
    query = query.join(links, links.c.sample_id == samples.c.id).join(kept, kept.c.digest == links.c.digest)
    return query.where(links.c.name == RECORD, samples.c.state.in_((DONE, ERROR)))


def _result(row: Row[Any]) -> CaseResult:
    key = SampleKey(row.case_name, row.model, row.sample, row.attempt)
    try:
        result = load_case_result(json.loads(_unpack(row.content, row.id)))
    except (ValueError, KeyError, TypeError) as error:
        raise StoreError(f"sample:{row.id} ({key.case}) cannot be read: {error}", "it may be of another version of Assay; evaluate it again") from error
    return replace(result, case=key.case, model=key.model, sample=key.sample, attempt=key.attempt)


def _unpack(content: bytes, sample_id: int) -> bytes:
    try:
        return zlib.decompress(content)
    except zlib.error as error:
        raise StoreError(f"an artefact of sample:{sample_id} is damaged", "evaluate the sample again") from error


def _sample_of(connection: Connection, kind: str, number: int) -> int:
    table, column = (schema.samples, "id") if kind == "sample" else (schema.failures, "sample_id")
    found = connection.execute(select(table.c[column]).where(table.c.id == number)).scalar()
    if found is None:
        raise UsageError(f"there is no {kind}:{number}", "see: assay show RUN")
    return int(found)
