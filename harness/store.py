"""Runs on disk: one folder a run, its result rewritten whole after every case, so a crash loses none that ended."""

from __future__ import annotations

import json
import os
import secrets
import tempfile
import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path

from harness.errors import UsageError
from harness.results import CaseResult, RunResult
from harness.serialize import dump, load
from harness.userdata import data_folder

RESULT_FILE = "result.json"


@dataclass
class RunFolder:
    """A run under way: `add` each case's result as it comes."""

    folder: Path
    result: RunResult
    _lock: threading.Lock = field(default_factory=threading.Lock)

    @property
    def file(self) -> Path:
        """The JSON file that holds the run."""
        return self.folder / RESULT_FILE

    def add(self, case: CaseResult) -> None:
        """Keep one more case; safe from several threads. The file is replaced at once or not at all."""
        with self._lock:
            self.result = replace(self.result, cases=(*self.result.cases, case))
            self.save()

    def sort(self, names: Sequence[str]) -> None:
        """Put the cases into the order of `names`, whichever of them was finished first."""
        with self._lock:
            self.result = replace(self.result, cases=tuple(sorted(self.result.cases, key=lambda case: names.index(case.case))))
            self.save()

    def save(self) -> None:
        """Write the run as it stands."""
        self.folder.mkdir(parents=True, exist_ok=True)
        descriptor, temporary = tempfile.mkstemp(dir=self.folder, prefix=RESULT_FILE)
        with os.fdopen(descriptor, "w", encoding="utf-8") as stream:
            json.dump(dump(self.result), stream, indent=1)
        os.replace(temporary, self.file)


def start_run(toolchain: Mapping[str, str], rubric: str, holes: Mapping[str, str], root: Path | None = None) -> RunFolder:
    """A new, empty run below `root` (the user's data folder by default). Its name sorts by time."""
    now = datetime.now(UTC)
    name = f"{now:%Y%m%d-%H%M%S}-{secrets.token_hex(2)}"
    result = RunResult(name, now.isoformat(timespec="seconds"), dict(toolchain), rubric, (), holes=dict(holes))
    run = RunFolder((root or runs_folder()) / name, result)
    run.save()
    return run


def runs_folder() -> Path:
    """Where runs are kept."""
    return data_folder() / "runs"


def find_run(name: str | None, root: Path | None = None) -> Path:
    """The result file of a run: by name, by a path to it, or, for None, of the newest run. Raises `UsageError`."""
    root = root or runs_folder()
    if name is not None and Path(name).is_file():
        return Path(name)
    if name is not None and (Path(name) / RESULT_FILE).is_file():
        return Path(name) / RESULT_FILE
    files = sorted(root.glob(f"*/{RESULT_FILE}"))
    chosen = [file for file in files if name is None or file.parent.name == name]
    if not chosen:
        what = f"there is no run {name}" if name else "there is no run yet"
        raise UsageError(f"{what} in {root}", "make one with: assay run cases/zero-trust-payments")
    return chosen[-1]


def read_run(file: Path) -> RunResult:
    """A run from its file. Raises `UsageError` where the file is no run."""
    try:
        return load(json.loads(file.read_text(encoding="utf-8")))
    except (ValueError, KeyError, TypeError) as error:
        raise UsageError(f"{file}: not the result of a run ({type(error).__name__})", "name a run that `assay run` printed") from error
