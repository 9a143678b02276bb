"""How a run goes on, on standard error: a live display on a terminal, plain lines elsewhere."""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from rich.console import Console, Group
from rich.live import Live
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn
from rich.text import Text

from harness.failures import Severity
from harness.results import CaseResult
from harness.store import RunInfo
from harness.store.plan import PlannedSample

if TYPE_CHECKING:
    from harness.batch import Listener  # at run time it would bring the whole evaluation along, which most commands do without

_STYLES = {Severity.CRITICAL: "bold red", Severity.HIGH: "red", Severity.MEDIUM: "yellow", Severity.LOW: "cyan"}


@contextmanager
def open_display() -> Iterator[Listener]:
    """The display that fits where standard error goes."""
    console = Console(stderr=True, highlight=False)
    if not console.is_terminal:
        yield Lines(console)
        return
    display = LiveDisplay(console)
    with display:
        yield display


class _Tally:
    """What has been found so far."""

    def __init__(self) -> None:
        self.total = self.missing = self.done = self.errors = 0
        self.severities: Counter[Severity] = Counter()
        self.begun = time.monotonic()

    def add(self, result: CaseResult) -> None:
        """Count one result."""
        self.done += 1
        self.errors += result.error is not None
        self.severities.update(failure.severity for failure in result.failures)

    @property
    def per_minute(self) -> float:
        """Samples a minute since the run began."""
        return self.done * 60 / max(time.monotonic() - self.begun, 1e-6)

    def found(self) -> str:
        """The failures, worst first, and the errors."""
        parts = [f"{self.severities[severity]} {severity}" for severity in Severity]
        return ", ".join(parts) + (f", {self.errors} errors" if self.errors else "")


class Lines:
    """One line when a sample begins, at each step, and when it ended. Its lock can be taken twice: a signal may come while it is held."""

    def __init__(self, console: Console) -> None:
        self._console, self._tally, self._lock = console, _Tally(), threading.RLock()

    def started(self, run: RunInfo, total: int, missing: int) -> None:
        """See `harness.batch.Listener`."""
        self._tally.total, self._tally.missing = total, missing
        self._print(f"run {run.name}: {missing} samples to evaluate" + (f", {total - missing} have a result" if missing < total else ""))

    def note(self, text: str) -> None:
        """See `harness.batch.Listener`."""
        self._print(text)

    def begun(self, planned: PlannedSample) -> None:
        """See `harness.batch.Listener`."""
        self._print(f"[{planned.position + 1}/{self._tally.total}] {planned.title}: begun")

    def step(self, planned: PlannedSample, text: str) -> None:
        """See `harness.batch.Listener`."""
        self._print(f"[{planned.position + 1}/{self._tally.total}] {planned.title}: {text}")

    def ended(self, planned: PlannedSample, result: CaseResult) -> None:
        """See `harness.batch.Listener`."""
        with self._lock:
            self._tally.add(result)
            left = (self._tally.missing - self._tally.done) * 60 / self._tally.per_minute
            rate = f"{self._tally.done} of {self._tally.missing} done, {self._tally.per_minute:.1f} a minute, {_clock(left)} left, {self._tally.found()}"
        outcome = result.error or f"{len(result.failures)} failures"
        self._print(f"[{planned.position + 1}/{self._tally.total}] {planned.title}: {outcome} ({rate})")

    def _print(self, text: str) -> None:
        with self._lock:
            self._console.print(text, soft_wrap=True, markup=False)


class LiveDisplay:
    """A bar with rate and remaining time, the failures so far, and a line for each sample at work."""

    def __init__(self, console: Console) -> None:
        self._console, self._tally, self._lock = console, _Tally(), threading.RLock()
        columns = (
            TextColumn("{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            TimeElapsedColumn(),
            TextColumn("left"),
            TimeRemainingColumn(),
            TextColumn("{task.fields[rate]}"),
        )
        self._progress = Progress(*columns, console=console)
        self._task = self._progress.add_task("starting", total=None, rate="")
        self._at_work: dict[PlannedSample, str] = {}
        self._live = Live(get_renderable=self._render, console=console, refresh_per_second=4, transient=True)

    def __enter__(self) -> LiveDisplay:
        self._live.start()
        return self

    def __exit__(self, *error: object) -> None:
        self._live.stop()

    def started(self, run: RunInfo, total: int, missing: int) -> None:
        """See `harness.batch.Listener`."""
        self._tally.total, self._tally.missing = total, missing
        self._progress.update(self._task, description=run.name, total=total, completed=total - missing)

    def note(self, text: str) -> None:
        """See `harness.batch.Listener`."""
        self._console.print(text, style="yellow", markup=False, soft_wrap=True)

    def begun(self, planned: PlannedSample) -> None:
        """See `harness.batch.Listener`."""
        with self._lock:
            self._at_work[planned] = "reading"

    def step(self, planned: PlannedSample, text: str) -> None:
        """See `harness.batch.Listener`."""
        with self._lock:
            self._at_work[planned] = text

    def ended(self, planned: PlannedSample, result: CaseResult) -> None:
        """See `harness.batch.Listener`."""
        with self._lock:
            self._at_work.pop(planned, None)
            self._tally.add(result)
            self._progress.update(self._task, advance=1, rate=f"{self._tally.per_minute:.1f} a minute")
        if result.error:
            self._console.print(f"{planned.title}: {result.error}", style="red", markup=False, soft_wrap=True)

    def _render(self) -> Group:
        with self._lock:
            found = Text("found so far: ").append_text(Text(", ").join(Text(f"{self._tally.severities[one]} {one}", _STYLES[one]) for one in Severity))
            if self._tally.errors:
                found.append(f", {self._tally.errors} errors", "bold red")
            lines = [Text(f"  {planned.title}: {text}", no_wrap=True, overflow="ellipsis") for planned, text in self._at_work.items()]
        return Group(self._progress, found, *lines)


def _clock(seconds: float) -> str:
    return f"{int(seconds) // 3600}:{int(seconds) % 3600 // 60:02}:{int(seconds) % 60:02}"
