"""The command line: parses, calls the library, prints; the only place that turns errors into exit codes."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable, Sequence

from rich.console import Console
from rich.table import Table

from harness.cache import GateCache
from harness.commands import audit, compare, export, import_, query, report, rules, run, runs, show
from harness.errors import AssayError

EXIT_OK = 0


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
        print("assay: interrupted", file=sys.stderr)
        return 130
    except BrokenPipeError:
        return EXIT_OK


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="assay", description="Finds, by running them, what is wrong with a model's infrastructure code.")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")

    run.add_arguments(_command(commands, "run", run.run, "evaluate cases", run.EXAMPLE))

    report.add_arguments(_command(commands, "report", report.run, "render the reports of a run", report.EXAMPLE))
    runs.add_arguments(_command(commands, "runs", runs.run, "list the runs in the store, newest first", runs.EXAMPLE))
    show.add_arguments(_command(commands, "show", show.run, "show a run, a sample or a failure", show.EXAMPLE))
    compare.add_arguments(_command(commands, "compare", compare.run, "say what got worse between two runs, with statistics", compare.EXAMPLE))
    query.add_arguments(_command(commands, "query", query.run, "ask the store in SQL; nothing can be changed", query.EXAMPLE))
    export.add_arguments(_command(commands, "export", export.run, "write a run in a format that other tools read", export.EXAMPLE))

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
