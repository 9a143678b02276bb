"""Evaluates samples on a Dask cluster (`--scheduler tcp://HOST:8786`): the results are those of `harness.executors.LocalExecutor`.

The client reads cases and keeps results; workers evaluate. Trees go by content hash, each once for all samples that share it.
"""

from __future__ import annotations

import asyncio
import queue
import threading
import time
from collections import OrderedDict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from typing import Any, Protocol, runtime_checkable

from harness.errors import AssayError, ToolMissing, UsageError
from harness.evaluate import Evaluation
from harness.executors import Heard
from harness.store.plan import PlannedSample
from harness.tree import Tree
from harness.work import Workplace, code_digest, failed, load_planned

try:
    from distributed import Client, KilledWorker

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

PATIENCE = 120.0
"""Seconds that a run waits for a worker when none is left that may go on: nobody may be there to end it."""

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

    def __init__(self, scheduler: str, workplace: Workplace, *, patience: float = PATIENCE) -> None:
        self._patience = patience
        self._address, self._workplace, self._code = scheduler, workplace, code_digest()
        self._stack = ExitStack()
        self._lock = threading.Lock()
        self._known: dict[str, Facts] = {}
        self._notes: queue.SimpleQueue[str] = queue.SimpleQueue()
        self._done: queue.SimpleQueue[tuple[int, Any]] = queue.SimpleQueue()
        self._sent: dict[int, _Sent] = {}
        self._heard: Heard | None = None
        self._looked, self._threads = float("-inf"), 1
        self._missed_since: float | None = None
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
            self._trees = _Trees(self._client)
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
            packed = pack_sample(planned, case)
            digests = {"response": case.response.digest, "ideal": case.ideal.digest}
            trees = {"response": self._trees.hold(case.response), "ideal": self._trees.hold(case.ideal)}
        except AssayError as error:
            return failed(planned, str(error))
        except Exception as error:  # one case must not take the others with it
            return failed(planned, f"Assay broke on this case: {type(error).__name__}: {error}")
        sent = _Sent(planned, packed, trees, digests)
        with self._lock:
            self._sent[planned.position] = sent
        self._submit(sent)
        return None

    def _submit(self, sent: _Sent) -> None:
        """Send the sample, and in the same message the trees that the cluster has not: each message is work for the scheduler."""
        sent.times += 1
        position = sent.planned.position
        key = f"assay-sample-{self._client.id}-{position}-{sent.times}"
        graph, references = self._trees.wanted(sent.digests.values())
        response, ideal = (references[sent.digests[side]] for side in ("response", "ideal"))
        graph[key] = (sample_task, self._plugin, sent.packed, response, ideal)
        futures = self._client.get(graph, list(graph), sync=False, resources=self._resources, fifo_timeout="100 ms")
        *new, sent.future = futures
        self._trees.sent(dict(zip(graph, new, strict=False)))
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
            if not sent.begun or self._missed_since is not None:
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
            self._threads = max(count, 1)
            if count:
                self._missed_since = None
            elif self._missed_since is None:
                self._missed_since = self._looked
                self._notes.put(f"no worker is left that can go on: waiting {self._patience:.0f} s for one")
            elif self._looked - self._missed_since > self._patience:
                raise ClusterError(
                    f"no worker of the cluster at {self._address} can go on any more, and none came within {self._patience:.0f} s",
                    "start workers like those that the run began with, then go on with: assay run --resume RUN --scheduler ADDRESS",
                )
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


@dataclass
class _Kept:
    """A tree: packed, on the cluster once it was sent, needed by `users` samples under way."""

    packed: bytes
    users: int = 0
    future: Any = None


class _Trees:
    """Trees by digest. One that a sample under way needs is never let go: Dask would forget the sample with it."""

    def __init__(self, client: Client) -> None:
        self._prefix = f"assay-tree-{client.id}-"
        self._kept: OrderedDict[str, _Kept] = OrderedDict()

    def hold(self, tree: Tree) -> bytes:
        """The tree, packed, which is done once; it stays until `release`, and a while longer."""
        if tree.digest not in self._kept:
            self._kept[tree.digest] = _Kept(pack_tree(tree))
        self._kept.move_to_end(tree.digest)
        kept = self._kept[tree.digest]
        kept.users += 1
        return kept.packed

    def wanted(self, digests: Iterable[str]) -> tuple[dict[str, Any], dict[str, Any]]:
        """The tasks that make those of the trees that the cluster has not, by key, and for each tree what a task refers to it with."""
        new: dict[str, Any] = {}
        references: dict[str, Any] = {}
        for digest in digests:
            kept, key = self._kept[digest], self._prefix + digest
            there = kept.future is not None and not kept.future.cancelled()
            references[digest] = kept.future if there else key
            if not there:
                new[key] = (tree_task, kept.packed)
        return new, references

    def sent(self, futures: Mapping[str, Any]) -> None:
        """The trees that were sent, by key."""
        for key, future in futures.items():
            if key.startswith(self._prefix):
                self._kept[key.removeprefix(self._prefix)].future = future

    def release(self, digest: str) -> None:
        """One sample less needs the tree."""
        self._kept[digest].users -= 1
        idle = [one for one, kept in self._kept.items() if not kept.users]
        for one in idle[: max(len(idle) - _IDLE_TREES, 0)]:
            self._let_go(self._kept.pop(one))

    def clear(self) -> None:
        """Let everything go."""
        while self._kept:
            self._let_go(self._kept.popitem()[1])

    @staticmethod
    def _let_go(kept: _Kept) -> None:
        if kept.future is not None:
            kept.future.release()
