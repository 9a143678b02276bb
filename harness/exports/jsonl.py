"""JSON Lines: one sample a line, with all that is known of it."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from typing import TextIO

from harness.exports.base import Source, Written
from harness.results import CaseResult
from harness.serialize import dump_case, load_case_result


class JsonLines:
    """One object a line: `run`, `label`, and what `assay run --json` has in `cases`."""

    name = "jsonl"
    summary = "JSON Lines: one sample a line, complete"
    example = "assay export jsonl nightly --to results.jsonl"

    def write(self, source: Source, out: TextIO) -> Written:
        """Write every result. The text is ASCII: what is not, and lone surrogates, are escapes."""
        count = 0
        for sample in source.samples():
            line = {"run": source.header.run, "label": source.header.label, **dump_case(sample.result)}
            out.write(json.dumps(line, separators=(",", ":")) + "\n")
            count += 1
        return Written({"samples": count})


def read_lines(lines: Iterable[str]) -> Iterator[tuple[str, str, CaseResult]]:
    """Run, label and result of each line that `JsonLines` wrote. Raises `ValueError` with the line's number for any other."""
    for number, line in enumerate(lines, start=1):
        try:
            data = json.loads(line)
            run, label = str(data.pop("run")), str(data.pop("label"))
            yield run, label, load_case_result(data)
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise ValueError(f"line {number} is no result: {error}") from error
