"""The command line: parses, calls the library, prints; the only place that turns errors into exit codes."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

from rich.console import Console
from rich.table import Table

from harness.cache import GateCache
from harness.case import CASE_FILE
from harness.commands import audit, import_, rules
from harness.errors import AssayError, UsageError
from harness.failures import Severity
from harness.results import CaseResult, RunResult
from harness.serialize import dump
from harness.store import find_run, read_run

EXIT_OK, EXIT_FINDINGS = 0, 1
FORMATS = ("html", "md", "ipynb")


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command. Exit codes: 0 ran, 1 findings beyond the threshold asked for, 2 usage or input, 3 environment."""
    options = _parser().parse_args(arguments)
    try:
        command: Callable[[argparse.Namespace], int] = options.command
        return command(options)
    except AssayError as error:
        print(f"assay: {error}", file=sys.stderr)
        return error.exit_code
    except KeyboardInterrupt:
        print("assay: interrupted; the cases that ended are kept", file=sys.stderr)
        return 130
    except BrokenPipeError:
        return EXIT_OK


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="assay", description="Finds, by running them, what is wrong with a model's infrastructure code.")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")

    run = _command(commands, "run", _run, "evaluate cases", "assay run cases/zero-trust-payments --json")
    run.add_argument("cases", nargs="+", type=Path, metavar="CASE", help="a case folder, or a folder of cases")
    run.add_argument("--jobs", type=_positive, default=2, help="cases, or gates of a single case, at work at the same time (default: 2)")
    run.add_argument("--gates", type=_names, help="only these gates, and what they need, such as synth,validate (default: all that are not optional)")
    run.add_argument(
        "--with", dest="also", type=_names, default=[], metavar="GATES", help="these optional gates too, such as apply,security; all for every one"
    )
    run.add_argument("--fail-on", choices=[str(severity) for severity in Severity], help="exit with 1 when a failure is this bad or worse")
    run.add_argument("--no-cache", action="store_true", help="judge everything again, and keep nothing")
    run.add_argument("--no-sandbox", action="store_true", help="run untrusted code without bubblewrap; only for code you trust")

    report = _command(commands, "report", _report, "render the reports of a run", "assay report --format html,md --to reports")
    report.add_argument("run", nargs="?", help="a run's name or file (default: the newest)")
    report.add_argument("--case", help="only this case")
    report.add_argument("--to", type=Path, default=Path("reports"), help="the folder for the reports (default: reports)")
    report.add_argument("--format", default=",".join(FORMATS), help="any of html, md and ipynb (default: all)")

    audit.add_arguments(_command(commands, "audit", audit.run, "compare people's claims with what ran", "assay audit cases/zero-trust-payments"))

    # `import` is a word of Python's, hence the underscore.
    import_.add_arguments(_command(commands, "import", import_.run, "make cases from other formats", import_.EXAMPLE))

    _command(commands, "doctor", _doctor, "say which tools were found, and what a missing one costs", "assay doctor")

    cache = _command(commands, "cache", _cache, "show or clear the cache of gate results", "assay cache info")
    cache.add_argument("action", choices=["info", "clear"])

    rules.add_arguments(_command(commands, "rules", rules.run, "list every rule, or explain one with its examples", rules.EXAMPLE))
    return parser


def _command(commands, name: str, function: Callable[[argparse.Namespace], int], text: str, example: str) -> argparse.ArgumentParser:  # type: ignore[no-untyped-def]
    parser: argparse.ArgumentParser = commands.add_parser(name, help=text, description=text, epilog=f"example: {example}")
    parser.add_argument("--json", action="store_true", help="print JSON instead of tables")
    parser.set_defaults(command=function)
    return parser


def _positive(text: str) -> int:
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError("has to be at least 1")
    return number


def _names(text: str) -> list[str]:
    return [name for part in text.split(",") if (name := part.strip())]


def _run(options: argparse.Namespace) -> int:
    from harness.batch import run_cases

    console = Console(stderr=True, highlight=False)
    folders = find_cases(options.cases)
    with console.status("starting", spinner="line") as status:

        def progress(line: str) -> None:
            if console.is_terminal:
                status.update(line)
            else:
                console.print(line, soft_wrap=True, markup=False)

        cache = None if options.no_cache else GateCache()
        run = run_cases(folders, cache=cache, jobs=options.jobs, gates=options.gates, also=options.also, sandboxed=not options.no_sandbox, progress=progress)
    if options.json:
        print(json.dumps(dump(run.result)))
    else:
        _print_run(run.result)
        print(f"kept as {run.file}")
    return _exit_code(run.result, options.fail_on)


def _exit_code(result: RunResult, threshold: str | None) -> int:
    if any(case.error for case in result.cases):
        return 2
    if threshold is None:
        return EXIT_OK
    bad = list(Severity)[: list(Severity).index(Severity(threshold)) + 1]
    return EXIT_FINDINGS if any(failure.severity in bad for case in result.cases for failure in case.failures) else EXIT_OK


def find_cases(paths: Sequence[Path]) -> list[Path]:
    """The case folders that `paths` name: each itself, or, for a folder of cases, every case in it. Raises `UsageError`."""
    found: list[Path] = []
    for path in paths:
        if (path / CASE_FILE).exists() or not path.is_dir():
            found.append(path)
            continue
        inside = sorted(file.parent for file in path.glob(f"*/{CASE_FILE}"))
        found += inside or [path]
    twice = {path.resolve().name for path in found if sum(other.resolve().name == path.resolve().name for other in found) > 1}
    if twice:
        raise UsageError(f"the case {sorted(twice)[0]} is named twice", "name each case once")
    return found


def _print_run(result: RunResult) -> None:
    console = Console(highlight=False)
    for case in result.cases:
        _print_case(console, case)
    for gate, reason in result.holes.items():
        console.print(f"hole: {gate} was not run: {reason}", style="yellow", markup=False, soft_wrap=True)


def _print_case(console: Console, case: CaseResult) -> None:
    if case.error:
        console.print(f"{case.case}: {case.error}", style="red", markup=False, soft_wrap=True)
        return
    score = "no score: the control is broken" if case.score is None else f"training quality {case.score.training_quality:.2f} ({case.score.band})"
    console.print(f"{case.case}: {len(case.failures)} failures, {score}, {case.seconds['wall']:.1f} s", style="bold", markup=False, soft_wrap=True)
    if case.control_cause:
        console.print(f"  broken control: {case.control_cause}", style="yellow", markup=False, soft_wrap=True)
    table = Table(box=None, pad_edge=False)
    for heading in ("id", "severity", "category", "where", "what"):
        table.add_column(heading, overflow="fold")
    for failure in case.failures:
        where = f"{failure.locations[0].file}:{failure.locations[0].line}" if failure.locations else ""
        more = f" (+{len(failure.locations) - 1})" if len(failure.locations) > 1 else ""
        table.add_row(failure.id, str(failure.severity), str(failure.category), where + more, failure.title.replace("[", r"\["))
    console.print(table)


def _report(options: argparse.Namespace) -> int:
    from scoring.render import render_case

    formats = tuple(dict.fromkeys(part.strip() for part in options.format.split(",") if part.strip()))
    unknown = [name for name in formats if name not in FORMATS]
    if unknown or not formats:
        raise UsageError(f"format {', '.join(unknown) or 'missing'}: not known", f"known: {', '.join(FORMATS)}")
    file = find_run(options.run)
    result = read_run(file)
    cases = [case for case in result.cases if not case.error and options.case in (None, case.case)]
    if not cases:
        raise UsageError(f"run {result.run} has no case to report" + (f" named {options.case}" if options.case else ""), "see: assay run --help")
    written: dict[str, dict[str, str]] = {}
    for case in cases:
        print(f"rendering {case.case}", file=sys.stderr)
        paths = render_case(file, case.case, options.to, formats)
        written[case.case] = {name: str(path) for name, path in paths.items()}
    if options.json:
        print(json.dumps({"run": result.run, "reports": written}))
    else:
        for case_name, paths_of in written.items():
            for name, path in paths_of.items():
                print(f"{case_name} {name}: {path}")
    return EXIT_OK


def _doctor(options: argparse.Namespace) -> int:
    from harness.toolchain import diagnose, find_toolchain

    reports = diagnose(find_toolchain())
    if options.json:
        print(json.dumps([{name: getattr(report, name) for name in report.__dataclass_fields__} for report in reports], default=str))
    else:
        console = Console(highlight=False)
        table = Table(box=None, pad_edge=False)
        for heading in ("tool", "found", "wanted", "where"):
            table.add_column(heading, overflow="fold")
        for report in reports:
            table.add_row(report.tool, report.found or "missing", report.wanted, str(report.path or ""), style=None if report.ok else "yellow")
        console.print(table)
        for report in reports:
            if not report.ok:
                console.print(f"{report.tool}: {report.cost}; {report.remedy}", markup=False, soft_wrap=True)
    return 3 if any(report.required and not report.ok for report in reports) else EXIT_OK


def _cache(options: argparse.Namespace) -> int:
    cache = GateCache()
    answer = {"cleared": cache.clear()} if options.action == "clear" else cache.info()
    print(json.dumps(answer) if options.json else "\n".join(f"{name}: {value}" for name, value in answer.items()))
    return EXIT_OK


if __name__ == "__main__":
    sys.exit(main())
