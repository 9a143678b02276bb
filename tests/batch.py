"""What the tests of batch runs share: cases that say themselves how their gate behaves, and real `assay` processes."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import psutil

from harness.serialize import dump_case
from harness.store import Store, open_store

PATIENCE = 120.0
"""Seconds after which a test gives up waiting; nothing is measured by it."""

PLUGIN = '''
import re
from pathlib import Path

from harness.diagnostics import Diagnostic, Location
from harness.gates.base import GateResult, Status
from harness.sandbox import Command


class ObedientGate:
    """Does what the program of the tree says: `SLEEP = 2`, `FAIL = True`, `RAISE = True`, `FLAKY = "FILE"`."""

    name, version, needs = "obedient", "1", ()

    def missing(self, session):
        return ""

    def key(self, subject):
        return subject.tree.digest

    def run(self, subject, session):
        said = dict(re.findall(r"^([A-Z]+) = (.*)$", subject.tree.text("tap.py"), re.MULTILINE))
        if "RAISE" in said:
            raise RuntimeError("the gate's own mistake")
        command = Command(("sh", "-c", f"sleep {said.get('SLEEP', 0)}; echo slept"), env={"PATH": "/usr/bin:/bin"})
        done = session.sandbox.run(command)
        slept = done.exit_code == 0 and done.stdout == b"slept\\n"
        fails = "FAIL" in said or not slept
        if "FLAKY" in said:
            counter = Path(said["FLAKY"].strip('"'))
            counter.write_text(counter.read_text() + "x" if counter.exists() else "x")
            fails = len(counter.read_text()) % 2 == 0
        problem = Diagnostic(self.name, "told-to" if slept else "died", "the program says so" if slept else "sleep died", (Location("tap.py", 1),))
        return GateResult(self.name, Status.FAIL if fails else Status.PASS, (problem,) if fails else ())
'''


def write_plugin(folder: Path) -> Path:
    """Install the gate `obedient` in `folder`, for `PYTHONPATH`."""
    information = folder / "obedient_gate-1.dist-info"
    information.mkdir(parents=True)
    (information / "METADATA").write_text("Metadata-Version: 2.1\nName: obedient-gate\nVersion: 1\n")
    (information / "entry_points.txt").write_text("[assay.gates]\nobedient = obedient_gate:ObedientGate\n")
    (folder / "obedient_gate.py").write_text(PLUGIN)
    return folder


def write_case(folder: Path, responses: Mapping[str, str], ideal: str = "OK = True\n", **fields: str) -> Path:
    """A case: `responses` maps `response` or `responses/MODEL/SAMPLE` to the text of its program."""
    for side, text in {**responses, "ideal": ideal}.items():
        (folder / side).mkdir(parents=True)
        (folder / side / "tap.py").write_text(text)
    (folder / "PROMPT.md").write_text("Build something small.\n")
    wanted = {"title": "Small", "platform": "cdktf", "language": "python", "model": "own-model", "entry": "python tap.py"} | fields
    (folder / "case.yaml").write_text("".join(f"{name}: {value}\n" for name, value in wanted.items()))
    return folder


@dataclass(frozen=True)
class Bench:
    """A place with a store, a cache and temporary files of its own, in which `assay` runs."""

    root: Path
    plugin: Path | None = None

    def __post_init__(self) -> None:
        for name in ("data", "cache", "temporary"):
            (self.root / name).mkdir(parents=True, exist_ok=True)
        (self.root / "temporary").chmod(0o711)

    @property
    def environment(self) -> dict[str, str]:
        """The processes' environment."""
        kept = {name: value for name, value in os.environ.items() if not name.startswith("ASSAY_") or name in ("ASSAY_TERRAFORM", "ASSAY_PROVIDER_MIRROR")}
        own = {"ASSAY_DATA": self.root / "data", "ASSAY_CACHE": self.root / "cache", "TMPDIR": self.root / "temporary"}
        return {**kept, **{name: str(path) for name, path in own.items()}, **({"PYTHONPATH": str(self.plugin)} if self.plugin else {})}

    def start(self, *arguments: object, **options: Any) -> subprocess.Popen[bytes]:
        """A running `assay` that leads a process group of its own, as a job of a shell does."""
        argv = [sys.executable, "-m", "harness.cli", *map(str, arguments)]
        given = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "start_new_session": True} | options
        return subprocess.Popen(argv, env=self.environment, cwd=Path(__file__).resolve().parent.parent, **given)

    def assay(self, *arguments: object, code: int | None = 0) -> subprocess.CompletedProcess[str]:
        """A finished `assay`; `code` is the exit code that is wanted."""
        with self.start(*arguments) as process:
            out, error = (part.decode() for part in process.communicate(timeout=PATIENCE * 5))
        assert "Traceback" not in error, error
        assert code is None or process.returncode == code, out + error
        return subprocess.CompletedProcess(process.args, process.returncode, out, error)

    def run(self, *arguments: object, code: int | None = 0) -> dict[str, Any]:
        """What `assay run --json` prints."""
        return dict(json.loads(self.assay("run", *arguments, "--json", code=code).stdout))

    def open(self) -> Store:
        """The store."""
        return open_store(self.root / "data" / "store.sqlite3")

    def processes(self) -> list[psutil.Process]:
        """All living processes that were started with a place below this one, `assay` and what it started."""
        found = []
        for process in psutil.process_iter(["cmdline", "status"]):
            if str(self.root) in " ".join(process.info["cmdline"] or ()) and process.info["status"] != psutil.STATUS_ZOMBIE:
                found.append(process)
        return found


def everything(store: Store, run: str) -> dict[tuple[object, ...], object]:
    """All that the store has of a run by sample, without seconds and numbers of rows: equal for runs that came to the same."""
    frames = {"gates": store.gate_results(run), "failures": store.failures(run), "fixes": store.fixes(run)}
    rows: dict[tuple[object, ...], object] = {}
    samples = store.samples(run)
    for sample in samples.itertuples():
        key = (sample.case_name, sample.model, sample.sample, sample.attempt)
        assert key not in rows
        assert sample.state in ("done", "error"), key
        own = {
            name: frame[frame["sample_id"] == sample.sample_id].drop(columns=["sample_id", "run", "failure_id"], errors="ignore").astype(object)
            for name, frame in frames.items()
        }
        artefacts = {name: store.artefact(sample.sample_id, name) for name in store.artefact_names(sample.sample_id) if name != "record"}
        result = dump_case(replace(store.case_result(sample.sample_id), seconds={}))
        rows[key] = (sample.state, {name: frame.where(frame.notna(), None).values.tolist() for name, frame in own.items()}, artefacts, result)
    return rows


def wait_for(condition: Callable[[], bool], what: str) -> None:
    """Wait until it is so; fail where it never gets so."""
    deadline = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < deadline, f"waited in vain for: {what}"
        time.sleep(0.02)


def interrupt(process: subprocess.Popen[bytes]) -> None:
    """What a terminal does at Ctrl-C: the signal goes to the whole process group."""
    os.killpg(process.pid, signal.SIGINT)


def lines_of(folder: Path, arguments: Sequence[object], bench: Bench) -> subprocess.Popen[bytes]:
    """A running `assay` whose output goes to files in `folder`: `out` and `err`."""
    folder.mkdir(exist_ok=True)
    with (folder / "out").open("wb") as out, (folder / "err").open("wb") as err:
        return bench.start(*arguments, stdout=out, stderr=err)
