"""Measures Assay on an archive of real pairs, and writes the table: `python benchmarks/archive.py ARCHIVE [--write docs/evaluation.md]`.

ARCHIVE holds one folder a task, in the form that `assay import markdown-archive` reads. The pairs are imported to a
temporary folder and evaluated three times: twice through synth and validate without a cache, for the time and for
whether both say the same, and once through all other gates but the tests too, for the claims. Nothing of the archive is written to the table:
cases are numbered.
"""

from __future__ import annotations

import argparse
import json
import statistics
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from harness.batch import RunOptions, Silent, run_cases
from harness.cache import GateCache
from harness.case import load_case
from harness.cli import main as assay
from harness.gates.base import Status
from harness.results import CaseResult, RunResult
from harness.serialize import dump, load
from harness.store import open_store
from harness.store.plan import PlannedSample
from scoring.audit import audit_case, dump_audit

FAST_GATES = ("synth", "validate")
CLAIM_GATES = ("synth", "silent-drop", "validate", "plan", "constraints", "architecture", "types", "lint", "format")
"""What claims are audited against: all gates that run by default but the tests, which the archive wrote for its own code."""
NO_CODE = "no-usable-code"
SMALL = 3
NOT_MEASURED = "not measured"


@dataclass(frozen=True, slots=True)
class Timed:
    """A run and its wall seconds."""

    result: RunResult
    seconds: float


class Said(Silent):
    """Prints what became of each case."""

    def ended(self, planned: PlannedSample, result: CaseResult) -> None:
        print(f"{planned.title}: {result.error or f'{len(result.failures)} failures'}, {result.seconds['wall']:.1f} s", file=sys.stderr, flush=True)


def timed_run(folders: Sequence[Path], root: Path, gates: Sequence[str] | None, cache: GateCache | None) -> Timed:
    """Evaluate the cases, two at a time; the run is kept in a store in `root`."""
    started = time.monotonic()
    with open_store(root / "store.sqlite3") as store:
        run = run_cases(folders, store, RunOptions(gates=gates), cache=cache, jobs=2, listener=Said())
        seconds = time.monotonic() - started
        return Timed(store.result(run.name), seconds)


def verdicts(case: CaseResult) -> object:
    """All of a case's result that must not differ between two runs."""
    return (
        case.control, case.control_cause, case.converged, case.gates, case.score,
        [(one.fingerprint, one.severity, one.category, one.locations, one.fix.ids, one.message) for one in case.failures],
        [(one.id, one.step, one.isolation) for one in case.fixes],
    )  # fmt: skip


def share(part: int, whole: int) -> str:
    """`3 of 4 (75 %)`."""
    return f"{part} of {whole} ({100 * part / whole:.0f} %)" if whole else "0 of 0"


def control_passes_everywhere(case: CaseResult, gates: Sequence[str]) -> bool:
    """Whether the ideal has a verdict, and passes, at every gate."""
    return all(case.gates["ideal"].get(gate) == Status.PASS for gate in gates)


def measure(first: Timed, second: Timed | None, whole: Timed | None, imported: int, tasks: int) -> list[tuple[str, str, str]]:
    """Rows of (what, bar, measured); a run that was not made leaves its rows unmeasured."""
    sound = [case for case in first.result.cases if case.control == "ok" and not case.error]
    failures = [failure for case in sound for failure in case.failures]
    partial = [failure for failure in failures if failure.rule != NO_CODE]
    everything = [case for case in sound if any(len(failure.fix.ids) > 1 and len(failure.fix.ids) == len(case.fixes) for failure in case.failures)]
    usable = [case for case in everything if all(failure.rule != NO_CODE for failure in case.failures)]
    shared = [
        failure
        for case in first.result.cases
        for failure in case.failures
        if case.gates["ideal"].get((failure.evidence.walk or failure.evidence.isolation).gate) == Status.FAIL  # type: ignore[union-attr]
    ]
    seconds = [case.seconds["wall"] for case in first.result.cases]
    again = NOT_MEASURED
    if second is not None:
        same = sum(verdicts(one) == verdicts(other) for one, other in zip(first.result.cases, second.result.cases, strict=True))
        again = share(same, len(first.result.cases))
    rows = [
        ("imported without an exception", "100 %", share(imported, tasks)),
        ("ideals that can serve as control", "", share(len(sound), len(first.result.cases))),
        ("walks that end at a tree that passes what the ideal passes", "97 %", share(sum(case.converged for case in sound), len(sound))),
        (f"failures whose fix is at most {SMALL} statements at each place", "85 %", share(sum(one.fix.largest <= SMALL for one in partial), len(partial))),
        ("the same, all places of a failure together", "", share(sum(one.fix.statements <= SMALL for one in partial), len(partial))),
        ("the same, with responses that hold no usable code", "", share(sum(one.fix.largest <= SMALL for one in failures), len(failures))),
        ("cases with a step of everything else", "3 %", share(len(usable), len(sound))),
        ("cases whose response holds no usable code", "", share(len(everything) - len(usable), len(sound))),
        ("failures that no rule knows", "5 %", share(sum(one.rule.startswith("unclassified") for one in failures), len(failures))),
        ("failures at a gate that the ideal fails too", "0", str(len(shared))),
        ("failures with both experiments as evidence", "", share(sum(bool(one.evidence.walk and one.evidence.isolation) for one in partial), len(partial))),
        ("seconds a case, median", "15", f"{statistics.median(seconds):.1f}"),
        ("seconds a case, largest", "", f"{max(seconds):.1f}"),
        ("minutes for all", "12", f"{first.seconds / 60:.1f}"),
        ("cases with the same result in a second run", "100 %", again),
    ]
    return rows + claims(whole or first, CLAIM_GATES if whole else FAST_GATES)


def claims(whole: Timed, gates: Sequence[str]) -> list[tuple[str, str, str]]:
    """The audit's rows, over the `gates` of the run."""
    audited = [claim for case in whole.result.cases if case.control == "ok" and case.audit for claim in case.audit["claims"]]
    rows = []
    for severity, bar in (("critical", "90 %"), ("high", ""), ("medium", ""), ("low", ""), (None, "")):
        mine = [claim for claim in audited if claim["severity"] == severity]
        confirmed = sum(claim["status"] == "confirmed" for claim in mine)
        undecided = sum(bool(claim["undecided"]) for claim in mine)
        contradicted = sum(claim["status"] == "contradicted" for claim in mine)
        name = severity or "no severity"
        rows.append(
            (
                f"claims, {name}: executable, not contradicted, confirmed ({', '.join(gates)})" if bar else f"claims, {name}: the same",
                bar,
                share(confirmed, confirmed + undecided),
            )
        )
        rows.append(
            (f"claims, {name}: contradicted; not executable", "", f"{contradicted}; {len(mine) - confirmed - undecided - contradicted} (of {len(mine)})")
        )
    found = [failure for case in whole.result.cases if case.control == "ok" for failure in case.failures]
    unclaimed = sum(len(case.audit["unclaimed"]) for case in whole.result.cases if case.control == "ok" and case.audit)
    rows.append((f"failures over {', '.join(gates)}", "", str(len(found))))
    rows.append(("of them claimed by nobody", "", str(unclaimed)))
    return rows


def render(rows: Sequence[tuple[str, str, str]], first: Timed, whole: Timed | None, remark: str) -> str:
    """The page, in Markdown."""
    lines = [
        "# Evaluation on pairs from the wild",
        "",
        "Written by `python benchmarks/archive.py ARCHIVE --write docs/evaluation.md`; nothing here is edited by hand.",
        "The archive is public; its pairs are not part of this repository, so cases are numbered. Times are of the machine that it was run on,",
        f"two cases at a time: {', '.join(f'{name} {version}' for name, version in sorted(first.result.toolchain.items()))}.",
        *([remark] if remark else []),
        "",
        "| what | bar | measured |",
        "|---|---|---|",
        *(f"| {what} | {bar} | {measured} |" for what, bar, measured in rows),
        "",
        "A claim is executable unless the audit says that nothing here could decide it; see [audit.md](audit.md) for what that means and for its limits.",
        "",
        "## Broken controls",
        "",
        "| cause | cases |",
        "|---|---|",
    ]
    causes = Counter(case.control_kind or "the harness" for case in first.result.cases if case.control != "ok")
    lines += [f"| {cause} | {count} |" for cause, count in sorted(causes.items())]
    lines += ["", f"## Failures by rule ({', '.join(CLAIM_GATES if whole else FAST_GATES)})", "", "| rule | failures |", "|---|---|"]
    rules = Counter(failure.rule for case in (whole or first).result.cases for failure in case.failures)
    lines += [f"| {rule} | {count} |" for rule, count in rules.most_common()]
    lines += [
        "",
        "## Cases (synth and validate)",
        "",
        "| case | fixes | steps | failures | converged | seconds | training quality |",
        "|---|---|---|---|---|---|---|",
    ]
    for number, case in enumerate(first.result.cases, start=1):
        steps = max((fix.step or 0 for fix in case.fixes), default=0)
        quality = f"{case.score.training_quality:.2f}" if case.score else case.control_kind or "no score"
        converged = "yes" if case.converged else "no"
        lines.append(f"| {number} | {len(case.fixes)} | {steps} | {len(case.failures)} | {converged} | {case.seconds['wall']:.1f} | {quality} |")
    return "\n".join(lines) + "\n"


def run_all(archive: Path, folder: Path, wanted: Sequence[str]) -> None:
    """Import the archive and evaluate it, the `wanted` runs of the three, all of it below `folder`."""
    if not (folder / "cases").exists():
        assay(["import", "markdown-archive", str(archive), "--to", str(folder / "cases")])
    cases = case_folders(folder)
    cache = GateCache(folder / "cache")
    plan: list[tuple[str, Sequence[str] | None, GateCache | None]] = [("first", FAST_GATES, cache), ("second", FAST_GATES, None), ("whole", CLAIM_GATES, cache)]
    for name, gates, kept in plan:
        if name not in wanted or (folder / f"{name}.json").exists():
            continue
        timed = timed_run(cases, folder / "runs", gates, kept)
        (folder / f"{name}.json").write_text(json.dumps({"seconds": timed.seconds, "result": dump(timed.result)}), encoding="utf-8")


def case_folders(folder: Path) -> list[Path]:
    """The imported cases."""
    return sorted(path.parent for path in (folder / "cases").glob("*/case.yaml"))


def read(folder: Path, name: str) -> Timed:
    """A kept run. Its claims are audited anew, so that a better audit needs no new run."""
    kept = json.loads((folder / f"{name}.json").read_text(encoding="utf-8"))
    result = load(kept["result"])
    by_name = {path.name: load_case(path) for path in case_folders(folder)}
    cases = tuple(replace(one, audit=dump_audit(audit_case(by_name[one.case], one))) if by_name[one.case].expectations else one for one in result.cases)
    return Timed(replace(result, cases=cases), kept["seconds"])


def main() -> int:
    """Import, run, measure, print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("archive", type=Path)
    parser.add_argument("--write", type=Path, help="the Markdown file to write")
    parser.add_argument("--keep", type=Path, help="a folder for cases and runs; runs that it has already are not made again")
    parser.add_argument("--remark", default="", help="a sentence on the circumstances, for the page")
    parser.add_argument("--runs", default="first,second,whole", help="which of the runs to make (the first always is)")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = options.keep or Path(name)
        run_all(options.archive, folder, options.runs.split(","))
        first = read(folder, "first")
        second, whole = (read(folder, run) if (folder / f"{run}.json").exists() else None for run in ("second", "whole"))
        imported = len(case_folders(folder))
    tasks = sum(path.is_dir() for path in options.archive.iterdir())
    rows = measure(first, second, whole, imported, tasks)
    for what, bar, measured in rows:
        print(f"{what:75} {bar:>6}  {measured}")
    if options.write:
        options.write.write_text(render(rows, first, whole, options.remark), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
