"""docs/store.md names everything that a query can ask for."""

from __future__ import annotations

import re
from pathlib import Path

from harness.store import frames, schema

PAGE = (Path(__file__).resolve().parent.parent.parent / "docs" / "store.md").read_text()


def test_every_table_view_and_column_is_described() -> None:
    tables = PAGE[PAGE.index("## Tables") : PAGE.index("## Artefacts")]
    rows = [line.split("|")[1:] for line in tables.splitlines() if line.startswith("| ") and not line.startswith("| table")]
    described: dict[str, set[str]] = {}
    table = ""
    for name, columns, *_ in rows:
        table = name.strip(" `") or table
        described.setdefault(table, set()).update(re.findall(r"`(\w+)`", columns))
    assert described == {one.name: {column.name for column in one.columns} for one in schema.metadata.sorted_tables}
    assert [name for name in schema.VIEWS if f"`{name}`" not in tables] == []


def test_every_column_of_a_frame_is_named() -> None:
    named = PAGE[PAGE.index("| frame |") :]
    for name, columns in (("runs", frames._RUNS), ("gate_results", frames._GATES), ("failures", frames._FAILURES), ("fixes", frames._FIXES)):
        (row,) = [line for line in named.splitlines() if line.startswith(f"| `{name}()`")]
        own = set(columns) - (set(frames._KEY) if name != "runs" else set())
        assert set(re.findall(r"`(\w+)`", row)) == own
