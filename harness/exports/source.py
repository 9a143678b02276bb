"""Makes a `Source` of a run in the store, or of one in memory."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING

from harness.errors import UsageError
from harness.exports.base import RunHeader, Sample, Source, key_of
from harness.results import CaseResult, RunResult
from harness.store.plan import PLANNED, SampleKey

if TYPE_CHECKING:
    import pandas as pd

    from harness.store import Store


_AHEAD = 20
"""Artefacts read at once: a tree has some ten kilobytes, rarely megabytes."""


def of_store(store: Store, run: str | None, folder: Callable[[CaseResult], str] | None = None) -> Source:
    """The run that `run` names (None for the newest), read while it is exported. The store has to stay open.

    Raises `UsageError` for a run that is not there.
    """
    info = store.find_run(run)
    name = info.name  # a newer run may take the label meanwhile
    planned = store.sample_states(name)
    artefacts = _Artefacts(store, [sample_id for sample_id, _, _ in planned])

    def samples() -> Iterator[Sample]:
        for sample_id, result in store.case_results(name):
            yield Sample(result, partial(artefacts.read, sample_id))

    def frame(table: str) -> pd.DataFrame:
        if table == "runs":
            every = store.runs()
            return every[every["run"] == name].reset_index(drop=True)
        found: pd.DataFrame = getattr(store, table)(name)
        return found

    header = RunHeader(name, info.label, info.started.isoformat(timespec="seconds"), dict(info.toolchain), info.rubric, dict(info.holes))
    missing = sum(state == PLANNED for _, _, state in planned)
    return Source(header, [key for _, key, _ in planned], samples, frame, folder or response_folders(), missing=missing)


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


class _Artefacts:
    """Reads the artefacts of a run's samples in the order in which an export asks for them, those of the next ones along."""

    def __init__(self, store: Store, sample_ids: Sequence[int]) -> None:
        self._store, self._ids = store, sample_ids
        self._place = {sample_id: number for number, sample_id in enumerate(sample_ids)}
        self._kept: dict[str, tuple[range, Mapping[int, bytes]]] = {}

    def read(self, sample_id: int, name: str) -> bytes | None:
        """None where the sample has no such artefact."""
        place = self._place[sample_id]
        there, kept = self._kept.get(name, (range(0), {}))
        if place not in there:
            there = range(place, place + _AHEAD)
            kept = self._store.artefacts(self._ids[place : place + _AHEAD], name)
            self._kept[name] = there, kept
        # Of a run that goes on meanwhile, the sample may not have had it yet.
        return kept[sample_id] if sample_id in kept else self._store.artefacts([sample_id], name).get(sample_id)
