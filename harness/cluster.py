"""Evaluates samples on a Dask cluster (`--scheduler tcp://HOST:8786`): the results are those of `harness.executors.LocalExecutor`.

The client reads cases and keeps results; workers evaluate. Trees go by content hash, each once for all samples that share it.
"""

from __future__ import annotations

import asyncio
import queue
import threading
import time
from collections import OrderedDict
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from typing import Any, Protocol, runtime_checkable

from harness.errors import AssayError, ToolMissing, UsageError
from harness.evaluate import Evaluation
from harness.executors import Heard
from harness.store.plan import PlannedSample
from harness.work import Workplace, code_digest, failed, load_planned

try:
    from distributed import Client, Future, KilledWorker

    from harness.cluster_client import connected, opened_tools
    from harness.cluster_worker import resource, sample_task, tree_task
except ImportError as error:
    if (error.name or "").split(".")[0] not in ("dask", "distributed"):
        raise
    raise UsageError(f"--scheduler needs the package {error.name}, which is not installed", "pip install 'assay-iac[cluster]'") from error

from harness.cluster_members import ClusterError, Facts, agree, refusal
from harness.cluster_travel import pack_sample, pack_tree, unpack_evaluation

AHEAD = 3
"""Samples under way for each thread of the cluster: one at work, the next ones already there when it is done."""

_IDLE_TREES = 64
"""Trees that no sample under way needs, kept on the cluster because the next sample may."""

_CHANCES = 3
"""How often a sample is sent that Dask gave up though it never saw it begin."""

_LOOK_SECONDS = 2.0
"""Between two looks at which workers there are."""


@runtime_checkable
class _Noting(Protocol):
    def note(self, text: str) -> None: ...


@dataclass
class _Sent:
    """A sample under way: its packed trees by side, their digests, and the workers that were seen to begin it."""

    planned: PlannedSample
    packed: bytes
    trees: Mapping[str, bytes]
    digests: Mapping[str, str]
    begun: set[str] = field(default_factory=set)
    times: int = 0
    future: Any = None


class ClusterExecutor:
    """The cluster of the scheduler at `scheduler`; use it in a `with` statement. `versions`, `fingerprint` and `holes` are the workers'.

    Entering raises `ClusterError` where the cluster cannot do the work. Workers that differ are refused and named in a note.
    """

    def __init__(self, scheduler: str, workplace: Workplace) -> None:
        self._address, self._workplace, self._code = scheduler, workplace, code_digest()
        self._stack = ExitStack()
        self._lock = threading.Lock()
        self._known: dict[str, Facts] = {}
        self._notes: queue.SimpleQueue[str] = queue.SimpleQueue()
        self._done: queue.SimpleQueue[tuple[int, Any]] = queue.SimpleQueue()
        self._sent: dict[int, _Sent] = {}
        self._heard: Heard | None = None
        self._looked, self._threads, self._missed = float("-inf"), 1, False
        self.versions: Mapping[str, str] = {}
        self.fingerprint = ""
        self.holes: Mapping[str, str] = {}

    def __enter__(self) -> ClusterExecutor:
        try:
            self._open()
        except OSError as error:
            raise self._lost() from error
        return self

    def _open(self) -> None:
        with ExitStack() as stack:
            self._client: Client = stack.enter_context(connected(self._address))
            self._plugin, found = stack.enter_context(opened_tools(self._client, self._workplace))
            agreement = agree(found, self._client.nthreads(), self._code)
            self._standard = agreement.standard
            self._resources = {resource(self._plugin, self._standard): 1}
            self._known = {one.address: one for one in found}
            for text in agreement.refused.values():
                self._notes.put(f"worker refused: {text}")
            self._client.subscribe_topic(self._plugin, self._told)
            self.versions, self.fingerprint, self.holes = self._standard.versions, self._standard.fingerprint, self._standard.holes
            self._trees = _Trees(self._client, self._plugin, self._resources)
            self._stack = stack.pop_all()

    def __exit__(self, *error: object) -> None:
        self._stack.close()

    def evaluate(self, samples: Sequence[PlannedSample], stop: threading.Event, heard: Heard) -> Iterator[tuple[PlannedSample, Evaluation]]:
        """See `Executor`. Raises `ClusterError` where the scheduler goes away; what was handed out before is good."""
        self._heard = heard
        waiting = iter(samples)
        try:
            while True:
                while len(self._sent) < self._window() and not stop.is_set() and (planned := next(waiting, None)) is not None:
                    if (unreadable := self._send(planned)) is not None:
                        yield planned, unreadable
                if stop.is_set():
                    self._withdraw()
                if not self._sent:
                    return
                yield from self._gathered()
                self._say_notes()
        except OSError as error:
            raise self._lost() from error
        finally:
            for sent in self._sent.values():
                sent.future.release()
            self._sent.clear()
            self._trees.clear()
            self._heard = None

    def _send(self, planned: PlannedSample) -> Evaluation | None:
        """Send a sample, or say why its case cannot be read, in the words of `Worker.evaluate`."""
        try:
            case = load_planned(planned)
            trees = {"response": pack_tree(case.response), "ideal": pack_tree(case.ideal)}
            digests = {"response": case.response.digest, "ideal": case.ideal.digest}
            packed = pack_sample(planned, case)
        except AssayError as error:
            return failed(planned, str(error))
        except Exception as error:  # one case must not take the others with it
            return failed(planned, f"Assay broke on this case: {type(error).__name__}: {error}")
        sent = _Sent(planned, packed, trees, digests)
        for side, digest in digests.items():
            self._trees.hold(digest, trees[side])
        with self._lock:
            self._sent[planned.position] = sent
        self._submit(sent)
        return None

    def _submit(self, sent: _Sent) -> None:
        sent.times += 1
        position = sent.planned.position
        response, ideal = (self._trees.future(sent.digests[side]) for side in ("response", "ideal"))
        key = f"assay-sample-{self._client.id}-{position}-{sent.times}"
        sent.future = self._client.submit(sample_task, self._plugin, sent.packed, response, ideal, key=key, resources=self._resources)
        sent.future.add_done_callback(lambda future: self._done.put((position, future)))

    def _gathered(self) -> Iterator[tuple[PlannedSample, Evaluation]]:
        """What is done by now, after waiting a moment where nothing is."""
        arrived: list[tuple[int, Any]] = []
        try:
            arrived.append(self._done.get(timeout=0.2))
            while True:
                arrived.append(self._done.get_nowait())
        except queue.Empty:
            pass
        current = [(self._sent[position], future) for position, future in arrived if position in self._sent and self._sent[position].future is future]
        for sent, packed in self._fetched(current):
            evaluation = self._ended(sent) if packed is None else self._read(sent, packed)
            if evaluation is None:
                self._submit(sent)
                continue
            self._say_begun(sent, "")
            with self._lock:
                del self._sent[sent.planned.position]
            self._forget(sent)
            yield sent.planned, evaluation

    def _fetched(self, current: Sequence[tuple[_Sent, Any]]) -> list[tuple[_Sent, bytes | None]]:
        """The results, together; one by one where that fails, with None for those that have none."""
        try:
            return list(zip([sent for sent, _ in current], self._client.gather([future for _, future in current]), strict=True))
        except (Exception, asyncio.CancelledError):  # whichever it is, it is looked at below
            pass
        fetched: list[tuple[_Sent, bytes | None]] = []
        for sent, future in current:
            try:
                fetched.append((sent, future.result(timeout=60)))
            except (Exception, asyncio.CancelledError):  # `_ended` reads it off the future
                fetched.append((sent, None))
        return fetched

    def _read(self, sent: _Sent, packed: bytes) -> Evaluation:
        try:
            return unpack_evaluation(packed, sent.planned, sent.trees)
        except (ValueError, KeyError, TypeError) as error:
            return failed(sent.planned, f"the result from the cluster cannot be read: {type(error).__name__}: {error}")

    def _ended(self, sent: _Sent) -> Evaluation | None:
        """What a sample without a result came to; None where it is to be sent again."""
        future = sent.future
        self._check_connection()
        if future.status != "error":
            # Dask forgot it, together with a tree that it needed: the two are sent again.
            return None if sent.times < _CHANCES else failed(sent.planned, f"the cluster lost this sample {sent.times} times")
        error = future.exception()
        if isinstance(error, KilledWorker):
            # Dask blames everything that was on a worker when it died, also what only waited there.
            if error.last_worker.address not in sent.begun and sent.times < _CHANCES:
                return None
            times = error.allowed_failures + 1
            return failed(sent.planned, f"{times} workers died while they evaluated this sample (the last: {error.last_worker.address}); it is not tried again")
        if isinstance(error, ToolMissing):
            raise error
        if isinstance(error, AssayError):
            return failed(sent.planned, str(error))
        return failed(sent.planned, f"Assay broke on this case: {type(error).__name__}: {error}")

    def _withdraw(self) -> None:
        """Give up what nobody has begun, and everything where nobody is left."""
        self._window()
        for position, sent in list(self._sent.items()):
            if not sent.begun or self._missed:
                sent.future.release()
                with self._lock:
                    del self._sent[position]
                self._forget(sent)

    def _forget(self, sent: _Sent) -> None:
        sent.future.release()
        for digest in sent.digests.values():
            self._trees.release(digest)

    def _window(self) -> int:
        """How many samples may be under way; looks now and then which workers there are."""
        if time.monotonic() - self._looked >= _LOOK_SECONDS:
            self._check_connection()
            threads: Mapping[str, int] = self._client.nthreads()
            self._looked = time.monotonic()
            with self._lock:
                taking_part = [address for address, facts in self._known.items() if not facts.error and facts.identity == self._standard.identity]
            count = sum(threads.get(address, 0) for address in taking_part)
            if not count and not self._missed:
                self._notes.put("no worker is left that can go on: waiting for one; Ctrl-C leaves a run that can be resumed")
            self._missed, self._threads = not count, max(count, 1)
        return AHEAD * self._threads

    def _check_connection(self) -> None:
        if self._client.status != "running":
            raise self._lost()

    def _lost(self) -> ClusterError:
        message = f"the connection to the scheduler {self._address} was lost"
        return ClusterError(message, "what was done is kept; when it is there again, go on with: assay run --resume RUN --scheduler ADDRESS")

    def _told(self, event: tuple[float, Mapping[str, Any]]) -> None:
        """An event of a worker (`AssayPlugin`), in the client's thread."""
        message = event[1]
        if "facts" in message:
            facts = Facts(**message["facts"])
            with self._lock:
                new = facts.address not in self._known
                self._known[facts.address] = facts
            self._looked = float("-inf")
            if new and (facts.error or facts.identity != self._standard.identity):
                self._notes.put(f"worker refused: {facts.title}: {refusal(facts, self._standard, self._code)}")
            return
        position, text = message["step"]
        with self._lock:
            sent = self._sent.get(position)
        heard = self._heard
        if sent is not None and heard is not None:
            self._say_begun(sent, message["worker"])
            heard.step(sent.planned, text)

    def _say_begun(self, sent: _Sent, worker: str) -> None:
        with self._lock:
            first = not sent.begun
            sent.begun.add(worker)
        if first and self._heard is not None:
            self._heard.begun(sent.planned)

    def _say_notes(self) -> None:
        while isinstance(self._heard, _Noting) and not self._notes.empty():
            self._heard.note(self._notes.get())


class _Trees:
    """Trees on the cluster by digest. One that a sample under way needs is never let go: Dask would forget the sample with it."""

    def __init__(self, client: Client, prefix: str, resources: Mapping[str, float]) -> None:
        self._client, self._prefix, self._resources = client, prefix, resources
        self._futures: OrderedDict[str, Any] = OrderedDict()
        self._users: dict[str, int] = {}

    def hold(self, digest: str, packed: bytes) -> None:
        """Send the tree, if it is not there; it stays until `release`, and a while longer."""
        if digest not in self._futures:
            key = f"assay-tree-{self._client.id}-{digest}"
            self._futures[digest] = self._client.submit(tree_task, packed, key=key, resources=self._resources)
        self._users[digest] = self._users.get(digest, 0) + 1
        self._futures.move_to_end(digest)

    def future(self, digest: str) -> Future:
        """The tree on the cluster; it has to be held."""
        return self._futures[digest]

    def release(self, digest: str) -> None:
        """One sample less needs the tree."""
        self._users[digest] -= 1
        idle = [one for one in self._futures if not self._users.get(one)]
        for one in idle[: max(len(idle) - _IDLE_TREES, 0)]:
            self._futures.pop(one).release()
            self._users.pop(one, None)

    def clear(self) -> None:
        """Let everything go."""
        for future in self._futures.values():
            future.release()
        self._futures.clear()
        self._users.clear()
