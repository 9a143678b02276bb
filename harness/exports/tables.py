"""The store's tables with fixed columns and types, for the formats that hold tables."""

from __future__ import annotations

import pandas as pd
import pyarrow as pa  # type: ignore[import-untyped]

from harness.exports.base import Source
from harness.exports.text import encodable
from harness.failures import Severity

_KEY = [("run", pa.string()), ("case_name", pa.string()), ("model", pa.string()), ("sample", pa.string()), ("attempt", pa.int64())]
_TIME = pa.timestamp("us", tz="UTC")
_SAMPLE = [("sample_id", pa.int64()), *_KEY]

SCHEMAS: dict[str, pa.Schema] = {
    "runs": pa.schema(
        [
            ("run", pa.string()),
            ("label", pa.string()),
            ("started", _TIME),
            ("ended", _TIME),
            ("state", pa.string()),
            ("models", pa.string()),
            *((name, pa.int64()) for name in ("samples", "done", "errors", *map(str, Severity))),
            ("rubric", pa.string()),
            ("toolchain", pa.string()),
        ]
    ),
    "samples": pa.schema(
        [
            *_SAMPLE,
            ("state", pa.string()),
            ("control", pa.string()),
            ("training_quality", pa.float64()),
            ("response_quality", pa.float64()),
            ("band", pa.string()),
            ("converged", pa.bool_()),
            ("unclassified", pa.int64()),
            ("resources", pa.int64()),
            ("wall", pa.float64()),
            ("cpu", pa.float64()),
            ("error", pa.string()),
            ("response_digest", pa.string()),
            ("ideal_digest", pa.string()),
        ]
    ),
    "gate_results": pa.schema([*_SAMPLE, *((name, pa.string()) for name in ("variant", "gate", "status", "reason"))]),
    "failures": pa.schema(
        [
            ("failure_id", pa.int64()),
            *_SAMPLE,
            *((name, pa.string()) for name in ("name", "fingerprint", "rule", "symbol", "severity", "category", "title", "file")),
            ("line", pa.int64()),
            ("gate", pa.string()),
            ("statements", pa.int64()),
            ("fixes", pa.string()),
        ]
    ),
    "fixes": pa.schema(
        [
            *_SAMPLE,
            ("name", pa.string()),
            ("title", pa.string()),
            ("statements", pa.int64()),
            ("load_bearing", pa.bool_()),
            ("step", pa.int64()),
            ("cures", pa.bool_()),
            ("isolation", pa.string()),
        ]
    ),
}
"""Columns and types of each table, whatever the run holds: a column without any value has its type too."""


def table(source: Source, name: str) -> pa.Table:
    """The run's rows of a table, one of `SCHEMAS`; missing values are null."""
    return as_table(source.frame(name), SCHEMAS[name])


def as_table(frame: pd.DataFrame, schema: pa.Schema) -> pa.Table:
    """A frame's columns that `schema` names, with its types. Raises `KeyError` where the frame lacks one."""
    columns = [_column(frame[field.name], field.type) for field in schema]
    return pa.Table.from_arrays(columns, schema=schema)


def _column(values: pd.Series, kind: pa.DataType) -> pa.Array:
    if pa.types.is_string(kind):
        try:
            return pa.array(values, type=kind, from_pandas=True)  # text out of a store is fit for it as it is
        except (UnicodeEncodeError, pa.ArrowException):
            pass
        return pa.array([None if pd.isna(value) else encodable(str(value)) for value in values], type=kind)
    return pa.array(values.astype(object).where(values.notna(), None).tolist(), type=kind)
