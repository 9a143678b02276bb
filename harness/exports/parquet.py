"""Parquet: the store's tables, for pandas, DuckDB, Spark and the like."""

from __future__ import annotations

from pathlib import Path

from harness.exports.base import Source, Written

_TABLES = ("runs", "samples", "gate_results", "failures", "fixes")


class ParquetTables:
    """A folder with one file a table, compressed with Zstandard."""

    name = "parquet"
    summary = "Parquet tables: runs, samples, gate_results, failures, fixes"
    example = "assay export parquet nightly --to tables"
    files = tuple(f"{name}.parquet" for name in _TABLES)

    def write_folder(self, source: Source, folder: Path) -> Written:
        """Write the tables, one at a time."""
        # pyarrow takes 0.3 s to import, which no other command should pay.
        import pyarrow.parquet as pq  # type: ignore[import-untyped]

        from harness.exports.tables import table

        counts = {}
        for name in _TABLES:
            rows = table(source, name)
            counts[name] = rows.num_rows
            pq.write_table(rows, folder / f"{name}.parquet", compression="zstd")
        return Written(counts)
