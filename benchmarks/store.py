"""Measures the store with generated data, and prints the table of docs/store.md: `python benchmarks/store.py [FOLDER] [--runs N]`.

FOLDER gets an SQLite store of 50 runs of 2,000 samples (200 cases, two models, five responses of each), 500,000 failures, a million fixes
and 3,900,000 verdicts; it is made once (some ten minutes) and used again. Then every command that reads the store is run as a
user runs it, each in a process of its own. The runs are made up; rules, gates and the size of their records are real.
"""

from __future__ import annotations

import argparse
import difflib
import hashlib
import json
import os
import random
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from itertools import accumulate, count
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, insert

from harness.batch import code_digest
from harness.diagnostics import Location
from harness.failures import Category, Evidence, Failure, FixSummary, IsolationEvidence, Severity, WalkEvidence
from harness.results import CaseResult, FixRecord, Score
from harness.serialize import dump_case
from harness.store import PlannedSample, RunPlan, Store, open_store, schema
from harness.store.plan import FINISHED
from harness.store.writing import _failure_rows, _fingerprint_row, _fix_rows, _gate_rows, _pack, _sample_row
from scoring.rulebook import all_rules

CASES, MODELS, SAMPLES = 200, ("gpt-x", "claude-y"), 5
RUNS = 50
FAILURES, FIXES = (2, 8), 10
FINGERPRINTS = 3000
GATES = ("format", "lint", "types", "synth", "silent-drop", "validate", "plan", "constraints", "intent", "architecture", "security", "tests", "apply")
RESOURCES = (
    "S3BucketVersioning",
    "S3BucketServerSideEncryptionConfiguration",
    "SecurityGroup",
    "LbListener",
    "IamRolePolicy",
    "KmsKey",
    "DbInstance",
    "EcsService",
)
ADDED = 200
"""Results that are added one by one, to see how long one takes."""

_FILES = tuple(f"lib/{name}.py" for name in ("networking", "storage", "security", "compute", "monitoring"))
_CODE = tuple(f"resource_{line} = Bucket(self, 'name-{line}')\n" for line in range(160))
"""With two lines before it, each file of each response: 36 kB a tree, as the bundled seed case has it."""

_MESSAGE = "cannot import name '{symbol}' from 'cdktf_cdktf_provider_aws.{module}' (cdktf_cdktf_provider_aws/{module}/__init__.py), variation {number}"


@dataclass(frozen=True, slots=True)
class Timing:
    """A command, its seconds on the clock and of CPU in a fresh process (medians), and what it printed, in bytes."""

    command: str
    wall: float
    cpu: float
    printed: int


def made_up_failures(dice: random.Random) -> list[Failure]:
    """One failure for each fingerprint, in the shape of real ones."""
    rules = [rule.id for rule in all_rules()]
    made = []
    for number in range(FINGERPRINTS):
        symbol = RESOURCES[number % len(RESOURCES)] + ("" if number < len(RESOURCES) else f"Part{number // len(RESOURCES)}")
        message = _MESSAGE.format(symbol=symbol, module=symbol.lower(), number=number)
        gate = dice.choice(GATES[:8])
        places = tuple(Location(dice.choice(_FILES), dice.randint(1, 200)) for _ in range(dice.randint(1, 3)))
        evidence = Evidence(WalkEvidence(gate, dice.randint(1, 9), message), IsolationEvidence(gate, message, ("types",), ("fix1",)))
        made.append(
            Failure(
                id="F1", fingerprint=hashlib.sha256(message.encode()).hexdigest()[:12], rule="missing-a-suffix" if number < 40 else dice.choice(rules),
                title=f"Class names that the bindings do not have: {symbol}", severity=dice.choice(list(Severity)), category=dice.choice(list(Category)),
                message=message, locations=places, symbols=(symbol,), fix=FixSummary(("fix1",), 2, made_up_diff(dice), 2), evidence=evidence,
                root_cause=f"The response derives the class's name from the resource's; {symbol} has an A at the end. " * 3,
                impact="Deployment blocked: synthesis stops here, so nothing of the stack exists.", documentation="https://example.org/page",
            )
        )  # fmt: skip
    return made


def made_up_diff(dice: random.Random) -> str:
    """A unified diff of two statements that applies to every response."""
    before = ["\n", "\n", *_CODE]
    at = dice.randint(10, len(before) - 10)
    after = [line.replace("Bucket", "BucketA") if number in (at, at + 3) else line for number, line in enumerate(before)]
    file = dice.choice(_FILES)
    return "".join(difflib.unified_diff(before, after, f"response/{file}", f"ideal/{file}"))


class Generator:
    """Makes runs up. The same case keeps its title, prompt and ideal; the same seed gives the same runs."""

    def __init__(self, seed: int = 1) -> None:
        self._dice = random.Random(seed)
        self._known = made_up_failures(self._dice)
        # Few mistakes are made often, most seldom.
        self._weights = list(accumulate(1 / (1 + number) ** 0.7 for number in range(FINGERPRINTS)))
        self._fixes = tuple(
            FixRecord(
                f"fix{number}", f"{_FILES[number % 5]}:{number} a fix of some statements", number % 4 + 1, (_FILES[number % 5],), (), number <= 5,
                made_up_diff(self._dice), number if number <= 5 else None, number <= 4,
                "synth" if number <= 5 else "nothing",
            )
            for number in range(1, FIXES + 1)
        )  # fmt: skip

    def planned(self) -> list[PlannedSample]:
        """The samples of a run."""
        keys = ((case, model, sample) for case in range(CASES) for model in MODELS for sample in range(1, SAMPLES + 1))
        return [PlannedSample(number, f"/cases/case-{case:03}", f"case-{case:03}", model, str(sample)) for number, (case, model, sample) in enumerate(keys)]

    def result(self, planned: PlannedSample) -> CaseResult:
        """A result of the usual size."""
        dice = self._dice
        chosen = sorted(set(dice.choices(range(FINGERPRINTS), cum_weights=self._weights, k=dice.randint(*FAILURES))))
        failures = tuple(replace(self._known[number], id=f"F{place}") for place, number in enumerate(chosen, 1))
        stopped = dice.randint(3, len(GATES))
        response = {gate: "pass" if at < stopped else "fail" if at == stopped else "not run" for at, gate in enumerate(GATES)}
        ideal = dict.fromkeys(GATES, "pass")
        gates = {"response": response, "ideal": ideal, "repaired": ideal, **{f"ideal without fix{number}": response for number in range(1, FIXES + 1)}}
        reasons = {"response": {gate: f"{GATES[stopped]} did not pass" for gate, status in response.items() if status == "not run"}}
        quality = dice.random()
        return CaseResult(
            case=planned.case, title=f"What {planned.case} is about", model=planned.model, prompt=f"Build the stack of {planned.case}. " * 60,
            control="ok", control_cause=None, score=Score(quality, "high" if quality > 0.6 else "low", dice.random()), gates=gates, reasons=reasons,
            converged=True, failures=failures, fixes=self._fixes, unclassified=0, inconclusive=(), expectations=(), resources=dice.randint(5, 60),
            seconds={"wall": dice.random() * 20, "cpu": dice.random() * 20}, sample=planned.sample, attempt=planned.attempt,
            response_folder=f"responses/{planned.model}/{planned.sample}", response_digest=_digest(f"{planned.key}"), ideal_digest=_digest(planned.case),
        )  # fmt: skip

    @staticmethod
    def artefacts(planned: PlannedSample) -> dict[str, bytes]:
        """What is kept beside a result; a response is the same in every run."""
        code = f"# {planned.case}\n" + "".join(_CODE)
        response, ideal = f"# {planned.model} {planned.sample}\n{code}", f"# the ideal\n{code}"
        trees = {"tree/response": json.dumps(dict.fromkeys(_FILES, response)), "tree/ideal": json.dumps(dict.fromkeys(_FILES, ideal))}
        diff = "".join(difflib.unified_diff([response], [ideal], "response", "ideal"))
        return {name: text.encode() for name, text in {**trees, "diff": diff, "log": f"== response: synth: fail\n{planned.key}"}.items()}


def make_store(file: Path, runs: int) -> None:
    """Write the runs through the store's tables, many rows at a time; each run is one transaction."""
    generator, packed = Generator(), dict[tuple[str, str, str], dict[str, tuple[str, int, bytes]]]()
    with open_store(file) as store:
        engine = store._engine
        planned = generator.planned()
        for one in planned:
            packed[one.key[:3]] = {name: _pack(content) for name, content in generator.artefacts(one).items()}
        ids = count(1)
        for number in range(runs):
            started = datetime(2026, 1, 1, tzinfo=UTC) + timedelta(days=number)
            with engine.connect().execution_options(assay_write=True) as connection, connection.begin():
                _make_run(connection, number, started, planned, generator, packed, ids)
            print(f"run {number + 1} of {runs}", file=sys.stderr, flush=True)


def _make_run(
    connection: Connection,
    number: int,
    started: datetime,
    planned: Sequence[PlannedSample],
    generator: Generator,
    packed: dict[tuple[str, str, str], dict[str, tuple[str, int, bytes]]],
    ids: Iterator[int],
) -> None:
    if number == 0:
        connection.execute(insert(schema.toolchains), [{"fingerprint": _digest("toolchain"), "versions": {"python": "3.11.7"}}])
        known = [{"fingerprint": one.fingerprint, **_fingerprint_row(one)} for one in generator._known]
        connection.execute(insert(schema.fingerprints), known)
    settings = {"gates": list(GATES), "repeat": 1, "sandboxed": True}
    run = {
        "name": f"{started:%Y%m%d-%H%M%S}-{number:04x}", "label": "nightly" if number % 5 else "weekly", "started": started, "ended": started,
        "state": FINISHED, "toolchain_id": 1, "rubric": "3", "code": code_digest(), "settings": settings, "holes": {},
    }  # fmt: skip
    (run_id,) = connection.execute(insert(schema.runs).values(run)).inserted_primary_key or (0,)
    rows: dict[Any, list[dict[str, Any]]] = {table: [] for table in schema.metadata.sorted_tables}
    new: dict[str, tuple[str, int, bytes]] = {}
    for one in planned:
        sample_id, result = next(ids), generator.result(one)
        key = {"id": sample_id, "run_id": run_id, "position": one.position, "case_name": one.case, "model": one.model, "sample": one.sample}
        rows[schema.samples].append({**key, "attempt": one.attempt, "folder": one.folder, **_sample_row(result)})
        rows[schema.gate_results] += ({"sample_id": sample_id, **row} for row in _gate_rows(result))
        rows[schema.fixes] += ({"sample_id": sample_id, **row} for row in _fix_rows(result))
        rows[schema.failures] += _failure_rows(connection, run_id, sample_id, result)
        record = _pack(json.dumps(dump_case(result), separators=(",", ":")).encode())
        kept = {"record": record, **packed[one.key[:3]]}
        new |= {content[0]: content for name, content in kept.items() if number == 0 or name == "record"}
        rows[schema.sample_artefacts] += ({"sample_id": sample_id, "name": name, "digest": content[0]} for name, content in sorted(kept.items()))
    rows[schema.artefacts] = [{"digest": digest, "size": size, "content": content} for digest, size, content in new.values()]
    for table, some in rows.items():
        if some:
            connection.execute(insert(table), some)


def commands(store: Store, folder: Path) -> list[tuple[str, Sequence[str]]]:
    """Every command of the store, with the words that a user would type."""
    names = list(store.runs()["run"])
    head, base = names[0], names[1]
    often = "select model, count(*) as failures, count(distinct sample_id) as samples from failure_rows where symbol = 'S3BucketVersioning' group by model"
    queries = {
        "how often a model writes S3BucketVersioning": often,
        "the ten commonest rules": "select rule, count(*) as failures from failure_rows group by rule order by 2 desc limit 10",
        "mean quality by run": "select run, avg(response_quality) as mean from sample_rows group by run order by run",
        "one case over time": "select run, model, avg(response_quality) as mean from sample_rows where case_name = 'case-042' group by run, model",
        "how often synth passed, by run": "select run, avg(status = 'pass') as part from gate_rows where variant = 'response' and gate = 'synth' group by run",
    }
    listed: list[tuple[str, Sequence[str]]] = [
        ("assay runs", ["runs"]),
        ("assay runs --label weekly", ["runs", "--label", "weekly"]),
        ("assay runs --limit 1000", ["runs", "--limit", "1000"]),
        ("assay show RUN", ["show", head]),
        ("assay show LABEL", ["show", "nightly"]),
        ("assay show SAMPLE", ["show", f"{head}/case-042/gpt-x/3"]),
        ("assay show FAILURE", ["show", f"{head}/case-042/gpt-x/3/F1"]),
        ("assay show failure:ID", ["show", "failure:1000"]),
        ("assay show SAMPLE --artefact diff", ["show", f"{head}/case-042/gpt-x/3", "--artefact", "diff"]),
        *((f"assay query: {what}", ["query", sql]) for what, sql in queries.items()),
        ("assay compare BASE HEAD", ["compare", base, head]),
        ("assay compare RUN:MODEL RUN:MODEL", ["compare", f"{head}:{MODELS[0]}", f"{head}:{MODELS[1]}"]),
        *((f"assay export {name}", ["export", name, head, "--to", str(folder / f"export-{name}")]) for name in ("markdown", "junit", "sarif", "jsonl")),
        *((f"assay export {name}", ["export", name, head, "--to", str(folder / f"export-{name}")]) for name in ("csv", "parquet", "training")),
        ("assay run --resume of a finished run", ["run", "--resume", head]),
    ]
    return listed


def timed(what: str, words: Sequence[str], environment: dict[str, str], times: int) -> Timing:
    """The command in a fresh process, `times` times."""
    walls, cpus, printed = [], [], 0
    for _ in range(times):
        started, before = time.perf_counter(), resource.getrusage(resource.RUSAGE_CHILDREN)
        done = subprocess.run([sys.executable, "-m", "harness.cli", *words], env=environment, capture_output=True)
        walls.append(time.perf_counter() - started)
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        cpus.append(after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime)
        if done.returncode:
            raise RuntimeError(f"{what}: {done.stderr.decode(errors='replace')}")
        printed = len(done.stdout)
    return Timing(what, statistics.median(walls), statistics.median(cpus), printed)


def seconds_of_one_result(place: str | Path) -> float:
    """How long one result takes to be kept, everything of it, committed: the median of `ADDED`."""
    generator = Generator(seed=2)
    planned = generator.planned()[:ADDED]
    seconds = []
    with open_store(place) as store:
        plan = RunPlan("added one by one", {}, _digest("toolchain"), "3", "", {}, {}, tuple(planned))
        with store.start(plan) as writer:
            for one in planned:
                result, artefacts = generator.result(one), generator.artefacts(one)
                started = time.perf_counter()
                writer.add(one, result, artefacts)
                seconds.append(time.perf_counter() - started)
            writer.finish(FINISHED)
    return statistics.median(seconds)


def on_postgresql() -> float | str:
    """`seconds_of_one_result` on a server of its own; or why there is none."""
    sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
    from tests.postgresql import find_binaries, running_server

    binaries = find_binaries()
    if isinstance(binaries, str):
        return binaries
    with running_server(binaries, fsync=True) as server:
        return seconds_of_one_result(server.database())


def main(arguments: Sequence[str] | None = None) -> None:
    """Make the data if they are not there, measure, print."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("folder", nargs="?", type=Path, default=Path(tempfile.gettempdir()) / "assay-benchmark-store", help="keeps the generated store")
    parser.add_argument("--runs", type=int, default=RUNS, help=f"runs of {CASES * len(MODELS) * SAMPLES:,} samples (default: {RUNS})")
    parser.add_argument("--times", type=int, default=3, help="how often each command is timed; the median counts (default: 3)")
    parser.add_argument("--only", default="", help="only the commands that have this in them")
    options = parser.parse_args(arguments)
    options.folder.mkdir(parents=True, exist_ok=True)
    file = options.folder / f"store-{options.runs}.sqlite3"
    if not file.exists():
        unfinished = file.with_suffix(".unfinished")
        unfinished.unlink(missing_ok=True)
        make_store(unfinished, options.runs)
        unfinished.rename(file)
    environment = {**os.environ, "ASSAY_STORE": str(file), "ASSAY_CACHE": str(options.folder / "cache"), "COLUMNS": "160"}
    with open_store(file) as store:
        sizes: Callable[[str], int] = lambda table: store.query(f"select count(*) from {table}").rows[0][0]  # noqa: E731
        print(", ".join(f"{sizes(table):,} {table.replace('_', ' ')}" for table in ("runs", "samples", "failures", "fixes", "gate_results", "fingerprints")))
        print(f"{file.stat().st_size / 1e6:,.0f} MB\n")
        listed = commands(store, options.folder)
    print("| command | seconds | of CPU | bytes printed |\n|---|---:|---:|---:|")
    for what, words in listed:
        if options.only in what:
            one = timed(what, words, environment, options.times)
            print(f"| {one.command} | {one.wall:.2f} | {one.cpu:.2f} | {one.printed:,} |", flush=True)
    if not options.only:
        with tempfile.TemporaryDirectory(dir=options.folder) as name:
            print(f"\none result kept: {1000 * seconds_of_one_result(Path(name) / 'store.sqlite3'):.1f} ms on SQLite", end="")
        server = on_postgresql()
        print(f", {1000 * server:.1f} ms on PostgreSQL" if isinstance(server, float) else f"; PostgreSQL: {server}")


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


if __name__ == "__main__":
    main()
