"""`assay show`: a run, a sample or a failure out of the store."""

from __future__ import annotations

import argparse
import json
import sys
from dataclasses import asdict
from typing import TYPE_CHECKING

from rich.console import Console
from rich.syntax import Syntax
from rich.table import Table
from rich.text import Text

from harness.commands.run import print_case
from harness.errors import UsageError
from harness.failures import Failure, Severity
from harness.store import RunInfo, Store
from harness.store.plan import ERROR

if TYPE_CHECKING:
    import pandas as pd

_SHOWN = 50
"""So many samples are listed on a terminal; thousands would take seconds to lay out, and nobody reads them."""

EXAMPLE = "assay show 20261125-061100-ab12/zero-trust-payments/F1"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare what the command takes."""
    named = "a run's name or label; RUN/CASE or RUN/CASE/MODEL/SAMPLE; that and a failure's id, such as /F1; sample:ID or failure:ID"
    parser.add_argument("what", nargs="?", metavar="RUN | SAMPLE | FAILURE", help=f"{named} (default: the newest run)")
    parser.add_argument("--artefact", metavar="NAME", help="print this artefact of the sample, such as diff, log, tree/response or synth/ideal/STACK")
    parser.add_argument("--artefacts", action="store_true", help="list the artefacts of the sample")


def run(options: argparse.Namespace) -> int:
    """Show it. Raises `UsageError` where the store has nothing of that name."""
    from harness.store import open_store

    what = options.what
    with open_store() as store:
        if options.artefact or options.artefacts:
            if what is None:
                raise UsageError("an artefact belongs to a sample", "name the sample: assay show RUN/CASE --artefact diff")
            return _artefact(store, what, options)
        if what is None or _is_run(store, what):
            return _run(store, store.find_run(what), options.json)
        if what.startswith("failure:") or _is_failure(what):
            sample_id, name = store.find_failure(what)
            return _failure(store, sample_id, name, options.json)
        return _sample(store, store.find_sample(what), options.json)


def _is_run(store: Store, what: str) -> bool:
    """Whether a run is called so; a label may have a slash."""
    if what.startswith(("sample:", "failure:")):
        return False
    if "/" not in what:
        return True
    try:
        return bool(store.find_run(what))
    except UsageError:
        return False


def _is_failure(what: str) -> bool:
    last = what.rpartition("/")[2]
    return what.count("/") > 1 and last[:1] == "F" and last[1:].isdigit()


def _artefact(store: Store, what: str, options: argparse.Namespace) -> int:
    sample_id = store.find_sample(what)
    if options.artefacts:
        listed = store.artefact_names(sample_id)
        print(json.dumps(listed) if options.json else "\n".join(listed))
        return 0
    sys.stdout.flush()
    sys.stdout.buffer.write(store.artefact(sample_id, options.artefact))
    return 0


def _run(store: Store, info: RunInfo, as_json: bool) -> int:
    import pandas as pd

    from scoring.pass_at_k import run_pass_at_k

    samples, failures, gates = store.samples(info.name), store.failures(info.name), store.gate_results(info.name, variants=("response", "ideal"))
    rates = pd.DataFrame([{"model": one.model, "gate": one.gate, "k": one.k, **asdict(one.estimate)} for one in run_pass_at_k(samples, gates)])
    counts = (
        failures.pivot_table(index="sample_id", columns="severity", values="failure_id", aggfunc="count")
        .reindex(columns=list(map(str, Severity)))
        .fillna(0)
        .astype(int)
    )
    samples = samples.join(counts, on="sample_id")
    samples[list(map(str, Severity))] = samples[list(map(str, Severity))].fillna(0).astype(int)
    if as_json:
        described = {**asdict(info), "started": info.started.isoformat(), "ended": info.ended.isoformat() if info.ended else None}
        print(json.dumps({**described, "samples": json.loads(samples.to_json(orient="records")), "pass_at_k": json.loads(rates.to_json(orient="records"))}))
        return 0
    console = Console(highlight=False)
    models = samples["model"].unique()
    counted = f"{len(samples)} samples of {len(models)} models" if len(models) > 1 else f"{len(samples)} samples of {models[0] if len(models) else 'no model'}"
    console.print(f"{info.name} {info.label}: {info.state}, {counted}, {len(failures)} failures, rubric {info.rubric}", style="bold", markup=False)
    _print_frame(console, _listed(_worst(samples)))
    if len(samples) > _SHOWN:
        console.print(f"{len(samples) - _SHOWN} more samples, no worse than these; all of them: assay show {info.name} --json", markup=False)
    if len(failures):
        console.print("rules that most samples break", style="bold")
        top = failures.groupby("rule").agg(samples=("sample_id", "nunique"), failures=("failure_id", "count"), title=("title", "first"))
        _print_frame(console, top.sort_values(["samples", "failures"], ascending=False).head(10).reset_index())
    if len(rates):
        console.print("pass@k of the response by gate, with 95 % intervals over the cases", style="bold")
        interval = [f"{max(low, 0):.2f} to {min(high, 1):.2f}" if pd.notna(low) else "" for low, high in zip(rates["low"], rates["high"], strict=True)]
        _print_frame(console, rates[["model", "gate", "k", "mean"]].assign(interval=interval, cases=rates["clusters"]))
    for gate, reason in info.holes.items():
        console.print(f"hole: {gate} was not run: {reason}", style="yellow", markup=False, soft_wrap=True)
    return 0


def _worst(samples: pd.DataFrame) -> pd.DataFrame:
    """All samples in their order, or, of more than a screen or two, the worst: errors first, then by severity."""
    if len(samples) <= _SHOWN:
        return samples
    ranked = samples.assign(failed=samples["state"] == ERROR).sort_values(["failed", *map(str, Severity)], ascending=False, kind="stable")
    return ranked.head(_SHOWN).drop(columns="failed")


def _listed(samples: pd.DataFrame) -> pd.DataFrame:
    """The samples as the terminal has room for them: each by what `assay show RUN/...` calls it, and columns only where they tell something."""
    several = samples.groupby("case_name")["sample_id"].transform("count") > 1
    name = samples["case_name"].where(~several, samples["case_name"] + "/" + samples["model"] + "/" + samples["sample"])
    table = name.rename("sample").to_frame()
    if (samples["attempt"] > 1).any():
        table["attempt"] = samples["attempt"]
    for column in ("state", "control"):
        if not samples[column].isin(["done", "ok"]).all():
            table[column] = samples[column]
    table["training"], table["response"] = samples["training_quality"], samples["response_quality"]
    for severity in map(str, Severity):
        table[severity] = samples[severity]
    return table


def _sample(store: Store, sample_id: int, as_json: bool) -> int:
    import pandas as pd

    from harness.serialize import dump_case

    result = store.case_result(sample_id)
    if as_json:
        print(json.dumps({"sample_id": sample_id, **dump_case(result)}))
        return 0
    console = Console(highlight=False)
    print_case(console, result)
    gates = pd.DataFrame({variant: result.gates[variant] for variant in ("response", "ideal", "repaired") if variant in result.gates})
    if len(gates):
        _print_frame(console, gates.rename_axis("gate").reset_index())
    for text in result.inconclusive:
        console.print(f"inconclusive: {text}", style="yellow", markup=False, soft_wrap=True)
    console.print(f"artefacts: {', '.join(store.artefact_names(sample_id))}", markup=False, soft_wrap=True)
    return 0


def _failure(store: Store, sample_id: int, name: str, as_json: bool) -> int:
    result = store.case_result(sample_id)
    failure = next(one for one in result.failures if one.id == name)
    if as_json:
        print(json.dumps({"sample_id": sample_id, "case": result.case, "model": result.model, "sample": result.sample, **asdict(failure)}, default=str))
        return 0
    _print_failure(Console(highlight=False), failure)
    return 0


def _print_failure(console: Console, failure: Failure) -> None:
    def line(text: str, style: str | None = None) -> None:
        console.print(text, style=style, markup=False, soft_wrap=True)

    line(f"{failure.id} {failure.severity} {failure.category}: {failure.title}", "bold")
    line(f"rule {failure.rule}, fingerprint {failure.fingerprint}")
    line("at " + ", ".join(f"{place.file}:{place.line}" for place in failure.locations))
    line(failure.message)
    if failure.evidence.walk:
        line(f"walk: step {failure.evidence.walk.step} breaks at {failure.evidence.walk.gate}")
    if failure.evidence.isolation:
        line(f"isolation: the ideal without the fix breaks at {failure.evidence.isolation.gate}: {failure.evidence.isolation.message}")
    if failure.evidence.note:
        line(failure.evidence.note)
    line(f"cause: {failure.root_cause}")
    line(f"impact: {failure.impact}")
    if failure.documentation:
        line(failure.documentation)
    line(f"fix of {failure.fix.statements} statements:", "bold")
    console.print(Syntax(failure.fix.diff, "diff", background_color="default"))


def _print_frame(console: Console, frame: pd.DataFrame) -> None:
    import pandas as pd

    table = Table(box=None, pad_edge=False)
    for column in frame.columns:
        numbers = pd.api.types.is_numeric_dtype(frame[column])
        table.add_column(str(column).replace("_", " "), overflow="fold", justify="right" if numbers else "left", no_wrap=numbers)
    for row in frame.itertuples(index=False):
        table.add_row(*(Text("" if pd.isna(value) else f"{value:.2f}" if isinstance(value, float) else str(value)) for value in row))
    console.print(table)
