"""Where Assay keeps what outlives a run: caches, and the runs themselves."""

from __future__ import annotations

import os
from pathlib import Path


def cache_folder() -> Path:
    """What can be made again: `ASSAY_CACHE`, else `assay` in the user's cache folder (XDG base directories)."""
    if chosen := os.environ.get("ASSAY_CACHE"):
        return Path(chosen)
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "assay"


def data_folder() -> Path:
    """What cannot: `ASSAY_DATA`, else `assay` in the user's data folder (XDG base directories)."""
    if chosen := os.environ.get("ASSAY_DATA"):
        return Path(chosen)
    return Path(os.environ.get("XDG_DATA_HOME") or Path.home() / ".local" / "share") / "assay"
