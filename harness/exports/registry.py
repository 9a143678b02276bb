"""The exporters in the order in which they are shown; plugins add theirs by the entry-point group `assay.exports`."""

from __future__ import annotations

from importlib.metadata import entry_points

from harness.errors import UsageError
from harness.exports.base import Exporter
from harness.exports.csv import CsvTables
from harness.exports.jsonl import JsonLines
from harness.exports.junit import JUnit
from harness.exports.markdown import Markdown
from harness.exports.parquet import ParquetTables
from harness.exports.sarif import Sarif
from harness.exports.training import Training

ENTRY_POINT_GROUP = "assay.exports"


def all_exporters() -> tuple[Exporter, ...]:
    """Every exporter: ours, then the plugins', each checked when it is loaded. Raises `UsageError` for a plugin that is none."""
    exporters: list[Exporter] = [JUnit(), Sarif(), JsonLines(), ParquetTables(), CsvTables(), Markdown(), Training()]
    for point in sorted(entry_points(group=ENTRY_POINT_GROUP), key=lambda point: point.name):
        exporter = point.load()()
        wanted = ("name", "summary", "example", *(("files", "write_folder") if hasattr(exporter, "write_folder") else ("write",)))
        lacking = [name for name in wanted if not hasattr(exporter, name)]
        if lacking:
            raise UsageError(f"the export plugin {point.name} ({point.value}) lacks {', '.join(lacking)}", "see harness/exports/base.py for what one is")
        if exporter.name in {known.name for known in exporters}:
            raise UsageError(f"the export plugin {point.name} takes the name {exporter.name}, which is taken", "rename the plugin's format")
        exporters.append(exporter)
    return tuple(exporters)


def find_exporter(name: str) -> Exporter:
    """The exporter of that name. Raises `UsageError` where there is none."""
    exporters = all_exporters()
    found = next((one for one in exporters if one.name == name), None)
    if found is None:
        raise UsageError(f"there is no export format {name}", f"known: {', '.join(one.name for one in exporters)}")
    return found
