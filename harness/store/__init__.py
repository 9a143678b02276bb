"""Runs, and all that was found, in SQLite or PostgreSQL; DataFrames out.

>>> from harness.store import open_store
>>> with open_store() as store:
...     store.failures("nightly").groupby(["model", "rule"]).size()
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from sqlalchemy import URL, Connection

from harness.results import CaseResult, RunResult
from harness.store import reading
from harness.store.engine import open_engine, patience, store_url
from harness.store.errors import StoreError, shown, translated
from harness.store.plan import PlannedSample, RunInfo, RunPlan, SampleKey
from harness.store.query import Answer, read_only
from harness.store.writing import RunWriter, reopen, start_run

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["Answer", "PlannedSample", "RunInfo", "RunPlan", "RunWriter", "SampleKey", "Store", "StoreError", "open_store"]

QUERY_LIMIT = 10_000


class Store:
    """The database. Close it, or use it in a `with` statement. Wherever a run is asked for, its name, the beginning
    of its name, or a label (then the newest run with it) will do, and None is the newest of all.

    All methods raise `StoreError` where the database cannot be used, and `UsageError` for what it does not have.
    """

    def __init__(self, url: URL) -> None:
        self.url = url
        self._patience = patience()
        self._engine = open_engine(url, self._patience)

    def __enter__(self) -> Store:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()

    def close(self) -> None:
        """Let go of all connections."""
        self._engine.dispose()

    @cached_property
    def place(self) -> str:
        """The file, or the URL without its password."""
        return shown(self.url)

    def start(self, plan: RunPlan) -> RunWriter:
        """A new run, with everything that it plans; the writer takes the results."""
        name, lock = start_run(self._engine, plan, self._patience)
        return RunWriter(self._engine, self.find_run(name), lock, self._patience)

    def resume(self, run: str) -> RunWriter:
        """The writer of a run that was interrupted. Raises `StoreError` where another process writes it."""
        return reopen(self._engine, self.find_run(run), self._patience)

    def find_run(self, run: str | None = None) -> RunInfo:
        """What a run is, without its results."""
        with self._reading() as connection:
            return reading.find_run(connection, run)

    def result(self, run: str | None = None) -> RunResult:
        """The run with all its results, as `assay run --json` prints it."""
        with self._reading() as connection:
            return reading.read_result(connection, reading.find_run(connection, run))

    def case_results(self, run: str | None = None) -> Iterator[tuple[int, CaseResult]]:
        """The results of a run one by one, each with its sample's id: for runs that do not fit into memory."""
        with self._reading() as connection:
            yield from reading.case_results(connection, reading.find_run(connection, run))

    def case_result(self, sample_id: int) -> CaseResult:
        """One sample's result."""
        with self._reading() as connection:
            return reading.read_case(connection, sample_id)

    def find_sample(self, text: str) -> int:
        """The id for `sample:ID`, RUN/CASE, RUN/CASE/SAMPLE or RUN/CASE/MODEL/SAMPLE."""
        with self._reading() as connection:
            return reading.find_sample(connection, text)

    def samples_of(self, case_name: str, run: str | None = None) -> list[int]:
        """The ids of the samples of a case that have a result, newest first, in `run` or in all runs."""
        with self._reading() as connection:
            return reading.samples_of(connection, case_name, None if run is None else reading.find_run(connection, run))

    def sample_states(self, run: str | None = None) -> list[tuple[int, SampleKey, str]]:
        """The id of each sample of a run, in order, what names it, and its state: planned, done or error. Quicker than `samples`, which needs pandas."""
        with self._reading() as connection:
            return reading.sample_states(connection, reading.find_run(connection, run))

    def find_failure(self, text: str) -> tuple[int, str]:
        """The sample's id and the failure's name for `failure:ID` or a sample and a name (RUN/CASE/F1)."""
        with self._reading() as connection:
            return reading.find_failure(connection, text)

    def artefact(self, sample_id: int, name: str) -> bytes:
        """What was kept of a sample under `name`; see `artefact_names`."""
        with self._reading() as connection:
            return reading.read_artefact(connection, sample_id, name)

    def artefacts(self, sample_ids: Sequence[int], name: str) -> dict[int, bytes]:
        """The artefact `name` of those of the samples that have it: one question instead of many."""
        with self._reading() as connection:
            return reading.read_artefacts(connection, sample_ids, name)

    def artefact_names(self, sample_id: int) -> list[str]:
        """The names of what was kept of a sample."""
        with self._reading() as connection:
            return reading.artefact_names(connection, sample_id)

    def runs(self, label: str | None = None, limit: int | None = None) -> pd.DataFrame:
        """One row a run, newest first."""
        from harness.store import frames

        with self._reading() as connection:
            return frames.runs(connection, label, limit)

    def samples(self, run: str | None = None, *, every: bool = False) -> pd.DataFrame:
        """One row a sample of a run, or, with `every`, of all runs."""
        return self._frame("samples", run, every)

    def gate_results(self, run: str | None = None, *, every: bool = False, variants: Sequence[str] = ()) -> pd.DataFrame:
        """One row a gate, a variant and a sample; only of `variants` where they are named."""
        return self._frame("gate_results", run, every, variants)

    def failures(self, run: str | None = None, *, every: bool = False) -> pd.DataFrame:
        """One row a failure."""
        return self._frame("failures", run, every)

    def fixes(self, run: str | None = None, *, every: bool = False) -> pd.DataFrame:
        """One row a fix."""
        return self._frame("fixes", run, every)

    def query(self, sql: str, limit: int = QUERY_LIMIT) -> Answer:
        """What one SELECT gives; nothing can be changed."""
        return read_only(self._engine, sql, limit)

    def _frame(self, kind: str, run: str | None, every: bool, *more: object) -> pd.DataFrame:
        from harness.store import frames

        with self._reading() as connection:
            frame: pd.DataFrame = getattr(frames, kind)(connection, None if every else reading.find_run(connection, run), *more)
            return frame

    @contextmanager
    def _reading(self) -> Iterator[Connection]:
        with translated(self.url), self._engine.connect() as connection:
            yield connection


def open_store(place: str | Path | None = None) -> Store:
    """The store at `place` (a file or a URL), by default what `ASSAY_STORE` names, else the file in the user's data folder.

    Raises `StoreError` where it cannot be opened, or is of a newer version.
    """
    return Store(store_url(place))
