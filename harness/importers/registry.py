"""The importers in the order in which they are shown; plugins add theirs by the entry-point group `assay.importers`."""

from __future__ import annotations

from importlib.metadata import entry_points

from harness.errors import UsageError
from harness.importers.base import Importer
from harness.importers.iac_eval import IacEval
from harness.importers.markdown_archive import MarkdownArchive
from harness.importers.pair import Pair

ENTRY_POINT_GROUP = "assay.importers"


def all_importers() -> tuple[Importer, ...]:
    """Every importer: ours, then the plugins', each checked when it is loaded. Raises `UsageError` for a plugin that is none."""
    importers: list[Importer] = [MarkdownArchive(), Pair(), IacEval()]
    for point in sorted(entry_points(group=ENTRY_POINT_GROUP), key=lambda point: point.name):
        importer = point.load()()
        lacking = [name for name in ("name", "summary", "example", "add_arguments", "tasks") if not hasattr(importer, name)]
        if lacking:
            raise UsageError(f"the importer plugin {point.name} ({point.value}) lacks {', '.join(lacking)}", "see harness/importers/base.py")
        if importer.name in {known.name for known in importers}:
            raise UsageError(f"the importer plugin {point.name} takes the name {importer.name}, which is taken", "rename the plugin's importer")
        importers.append(importer)
    return tuple(importers)
