"""What runs inside a cluster's workers: the tools, opened once in each process, and one sample at a time in each of its threads.

The scheduler imports this module too (Dask unpickles task graphs there), so Assay itself is imported where it is used.
"""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING, Any

from distributed import Status, WorkerPlugin, get_worker

from harness.cluster_members import Facts

if TYPE_CHECKING:
    from harness.work import Worker, Workplace

PLENTY = 1e9
"""Of the resource that a worker offers: threads limit how much it does, this only says that it may."""

_STEP_SECONDS = 0.5
"""Between two steps of one sample that are told."""


class AssayPlugin(WorkerPlugin):  # type: ignore[misc]
    """Opens Assay's tools in a worker, and offers the resource that samples ask for.

    The resource's name has the worker's tools, holes and code in it, so the scheduler itself keeps samples away from a worker
    that differs, also from one that joins later. A worker without the tools offers nothing and says why (`Facts.error`).
    Events under the topic `name`: `{"facts": ...}` when the worker is ready, `{"step": [position, text], "worker": address}`.
    """

    def __init__(self, name: str, workplace: Workplace) -> None:
        self.name = name
        self._workplace = workplace
        self._worker: Worker | None = None
        self._cache: Any = None
        self.facts: Facts | None = None

    async def setup(self, worker: Any) -> None:
        """Open the tools, beside the worker's own loop, and offer the resource."""
        self.facts = await asyncio.to_thread(self._open, worker.address, str(worker.name))
        if not self.facts.error:
            await worker.set_resources(**{resource(self.name, self.facts): PLENTY})
            if worker.status is Status.running:
                # The scheduler looks at tasks that no worker could run only when a worker begins to run, not when one offers more.
                worker.status = Status.paused
                worker.status = Status.running
        worker.log_event(self.name, {"facts": self.facts.dump()})

    async def teardown(self, worker: Any) -> None:
        """Close the tools; the worker goes on without."""
        if self._worker is None:
            return
        if self.facts and worker.status in (Status.running, Status.paused):
            await worker.set_resources(**{resource(self.name, self.facts): 0})
        await asyncio.to_thread(self._close)

    def evaluate(self, sample: bytes, response: bytes, ideal: bytes) -> bytes:
        """The packed evaluation of a packed sample (`harness.cluster_travel`)."""
        from harness.cluster_travel import pack_evaluation, unpack_sample, unpack_tree
        from harness.errors import HarnessFault

        planned, shell, response_digest, ideal_digest = unpack_sample(sample)
        if self._worker is None:
            raise HarnessFault("the worker's tools are closed", "go on with: assay run --resume RUN")

        def load() -> Any:
            from dataclasses import replace

            return replace(shell, response=unpack_tree(response, response_digest), ideal=unpack_tree(ideal, ideal_digest))

        return pack_evaluation(self._worker.evaluate(planned, load, 1, _Steps(self.name, planned.position).tell))

    def _open(self, address: str, name: str) -> Facts:
        from harness.cache import GateCache
        from harness.errors import AssayError
        from harness.work import Worker, code_digest

        try:
            self._cache = GateCache() if self._workplace.use_cache else None
            self._worker = Worker(self._workplace, self._cache)
        except AssayError as error:
            return Facts(address, name, {}, "", {}, code_digest(), error.message, error.remedy)
        except Exception as error:  # whatever it is: this worker cannot do it, and the others can
            return Facts(address, name, {}, "", {}, "", f"{type(error).__name__}: {error}", "see the worker's log")
        return Facts(address, name, dict(self._worker.versions), self._worker.fingerprint, dict(self._worker.holes), code_digest())

    def _close(self) -> None:
        worker, self._worker = self._worker, None
        if worker is not None:
            worker.close()
        if self._cache is not None:
            self._cache.close()


class _Steps:
    """Tells where one sample stands, the first time at once and then not more often than is worth a message."""

    def __init__(self, topic: str, position: int) -> None:
        self._topic, self._position, self._told = topic, position, float("-inf")

    def tell(self, text: str) -> None:
        if time.monotonic() - self._told >= _STEP_SECONDS:
            self._told = time.monotonic()
            worker = get_worker()
            worker.log_event(self._topic, {"step": [self._position, text], "worker": worker.address})


def resource(plugin: str, facts: Facts) -> str:
    """The name of the resource that samples of the client's `plugin` ask for, where all workers are as `facts` say."""
    return f"{plugin} {facts.identity}"


def tree_task(packed: bytes) -> bytes:
    """A tree as a task of its own: the scheduler keeps what it needs to make it again when a worker is lost."""
    return packed


def sample_task(plugin: str, sample: bytes, response: bytes, ideal: bytes) -> bytes:
    """One sample on this worker.

    Trouble is answered, not raised: a client of Dask waits for ever for a task whose exception cannot be pickled. Only `ToolMissing`,
    which can be, ends the run.
    """
    from harness.cluster_travel import pack_trouble
    from harness.errors import AssayError, ToolMissing

    try:
        packed: bytes = get_worker().plugins[plugin].evaluate(sample, response, ideal)
        return packed
    except ToolMissing as error:
        raise ToolMissing(error.message, error.remedy) from None
    except AssayError as error:
        return pack_trouble(str(error))
    except Exception as error:
        return pack_trouble(f"Assay broke on this case: {type(error).__name__}: {error}")


def facts_of(plugin: str, dask_worker: Any) -> dict[str, Any] | None:
    """What the worker's plugin found, None where it is not ready yet."""
    opened = dask_worker.plugins.get(plugin)
    return opened.facts.dump() if opened is not None and opened.facts is not None else None


def abandoned(prefix: str, dask_scheduler: Any) -> list[str]:
    """Plugins whose name is `prefix` and a client's id, of clients that are no more: they were killed and could not remove them."""
    return [name for name in dask_scheduler.worker_plugins if name.startswith(prefix) and name.removeprefix(prefix) not in dask_scheduler.clients]
