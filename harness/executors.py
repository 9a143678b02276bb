"""Evaluates samples on this machine; `harness.cluster` does the same on many."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from typing import Protocol

from harness.cache import GateCache
from harness.evaluate import Evaluation
from harness.store.plan import PlannedSample
from harness.work import Worker, Workplace, load_planned


class Heard(Protocol):
    """As much of a listener as an executor tells."""

    def begun(self, planned: PlannedSample) -> None: ...
    def step(self, planned: PlannedSample, text: str) -> None: ...


class Executor(Protocol):
    """Where samples are evaluated. `versions`, `fingerprint`: the toolchain there; `holes`: gates that cannot run there, with the reason."""

    @property
    def versions(self) -> Mapping[str, str]: ...
    @property
    def fingerprint(self) -> str: ...
    @property
    def holes(self) -> Mapping[str, str]: ...

    def evaluate(self, samples: Sequence[PlannedSample], stop: threading.Event, heard: Heard) -> Iterator[tuple[PlannedSample, Evaluation]]:
        """Each sample with its evaluation, as they are done; after `stop` is set only those that are begun."""
        ...


class LocalExecutor:
    """`jobs` threads of this process, whose work is done by processes in sandboxes; a single sample gets all of them."""

    def __init__(self, workplace: Workplace, cache: GateCache | None, jobs: int) -> None:
        self._worker = Worker(workplace, cache)
        self._jobs = max(jobs, 1)
        self.versions, self.fingerprint, self.holes = self._worker.versions, self._worker.fingerprint, self._worker.holes

    def __enter__(self) -> LocalExecutor:
        return self

    def __exit__(self, *error: object) -> None:
        self._worker.close()

    def evaluate(self, samples: Sequence[PlannedSample], stop: threading.Event, heard: Heard) -> Iterator[tuple[PlannedSample, Evaluation]]:
        """See `Executor`."""
        workers = max(min(self._jobs, len(samples)), 1)
        share = max(self._jobs // workers, 1)

        def work(planned: PlannedSample) -> Evaluation:
            heard.begun(planned)
            return self._worker.evaluate(planned, lambda: load_planned(planned), share, lambda text: heard.step(planned, text))

        waiting = iter(samples)
        running: dict[Future[Evaluation], PlannedSample] = {}
        pool = ThreadPoolExecutor(max_workers=workers)
        try:
            while True:
                while len(running) < workers and not stop.is_set() and (planned := next(waiting, None)) is not None:
                    running[pool.submit(work, planned)] = planned
                if not running:
                    return
                for future in wait(running, return_when=FIRST_COMPLETED).done:
                    yield running.pop(future), future.result()
        finally:
            pool.shutdown(wait=False, cancel_futures=True)
