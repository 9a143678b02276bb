"""CSV: the store's tables, for spreadsheets."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from harness.exports.base import Source, Written

if TYPE_CHECKING:
    import pyarrow as pa  # type: ignore[import-untyped]

_TABLES = ("runs", "samples", "gate_results", "failures", "fixes")


class CsvTables:
    """A folder with one file a table: UTF-8, one heading line, texts in double quotes, a missing value as nothing at all."""

    name = "csv"
    summary = "CSV tables: runs, samples, gate_results, failures, fixes"
    example = "assay export csv nightly --to tables"
    files = tuple(f"{name}.csv" for name in _TABLES)

    def write_folder(self, source: Source, folder: Path) -> Written:
        """Write the tables, one at a time."""
        # pyarrow takes 0.3 s to import, which no other command should pay.
        import pyarrow.csv  # type: ignore[import-untyped]

        from harness.exports.tables import table

        counts = {}
        for name in _TABLES:
            rows = table(source, name)
            counts[name] = rows.num_rows
            pyarrow.csv.write_csv(rows, folder / f"{name}.csv")
        return Written(counts)


def read_table(folder: Path, name: str) -> pa.Table:
    """One of the tables that `CsvTables` wrote, with the same rows and types: a text in quotes is never missing, nothing at all always is."""
    import pyarrow.csv

    from harness.exports.tables import SCHEMAS

    schema = SCHEMAS[name]
    convert = pyarrow.csv.ConvertOptions(column_types=schema, strings_can_be_null=True, quoted_strings_can_be_null=False, null_values=[""])
    return pyarrow.csv.read_csv(folder / f"{name}.csv", parse_options=pyarrow.csv.ParseOptions(newlines_in_values=True), convert_options=convert)
