"""Makes a `Source` of a run in the store, or of one in memory."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import TYPE_CHECKING

from harness.errors import UsageError
from harness.exports.base import RunHeader, Sample, Source, key_of
from harness.results import CaseResult, RunResult
from harness.store.plan import PLANNED, SampleKey

if TYPE_CHECKING:
    import pandas as pd

    from harness.store import Store


def of_store(store: Store, run: str | None, folder: Callable[[CaseResult], str] | None = None) -> Source:
    """The run that `run` names (None for the newest), read while it is exported. The store has to stay open.

    Raises `UsageError` for a run that is not there.
    """
    info = store.find_run(run)
    name = info.name  # a newer run may take the label meanwhile
    planned = store.samples(name)
    keys = [SampleKey(str(case), str(model), str(sample), int(attempt)) for case, model, sample, attempt in planned[_KEY].itertuples(index=False)]

    def samples() -> Iterator[Sample]:
        for sample_id, result in store.case_results(name):
            yield Sample(result, _artefacts_of(store, sample_id))

    def frame(table: str) -> pd.DataFrame:
        if table == "runs":
            every = store.runs()
            return every[every["run"] == name].reset_index(drop=True)
        found: pd.DataFrame = getattr(store, table)(name)
        return found

    header = RunHeader(name, info.label, info.started.isoformat(timespec="seconds"), dict(info.toolchain), info.rubric, dict(info.holes))
    return Source(header, keys, samples, frame, folder or response_folders(), missing=int((planned["state"] == PLANNED).sum()))


def of_run(result: RunResult, artefacts: Mapping[SampleKey, Mapping[str, bytes]] | None = None) -> Source:
    """A run in memory, with what was kept of its samples. It has no tables: `frame` raises `UsageError`."""
    kept = artefacts or {}
    keys = [key_of(one) for one in result.cases]

    def samples() -> Iterator[Sample]:
        return (Sample(one, kept.get(key_of(one), {}).get) for one in result.cases)

    def frame(table: str) -> pd.DataFrame:
        raise UsageError(f"a run in memory has no table {table}", "export a run of the store")

    header = RunHeader(result.run, result.label, result.started, result.toolchain, result.rubric, result.holes)
    return Source(header, keys, samples, frame, response_folders())


def response_folders(prefix: str = "") -> Callable[[CaseResult], str]:
    """Where a result's response lies, relative to where `prefix` is: `PREFIX/CASE/response`, or `PREFIX/CASE/responses/MODEL/SAMPLE`."""

    def folder(result: CaseResult) -> str:
        return "/".join([*([prefix.strip("/")] if prefix.strip("/") else []), result.case, result.response_folder])

    return folder


_KEY = ["case_name", "model", "sample", "attempt"]


def _artefacts_of(store: Store, sample_id: int) -> Callable[[str], bytes | None]:
    def artefact(name: str) -> bytes | None:
        try:
            return store.artefact(sample_id, name)
        except UsageError:
            return None

    return artefact
