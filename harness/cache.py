"""Gate results kept on disk by content: tree, gate, its settings, toolchain, Assay's own code."""

from __future__ import annotations

import json
import sqlite3
from pathlib import Path

import cattrs
import diskcache

from harness.gates.base import GateResult
from harness.userdata import cache_folder

_SIZE_LIMIT = 4 * 1024**3


class GateCache:
    """A cache of gate results. An entry that cannot be read is recomputed, never trusted."""

    def __init__(self, folder: Path | None = None) -> None:
        self.folder = folder or cache_folder() / "gates"
        self._entries = diskcache.Cache(str(self.folder), size_limit=_SIZE_LIMIT, eviction_policy="least-recently-used")
        self._converter = cattrs.Converter()

    def get(self, key: str) -> GateResult | None:
        """The result kept under `key`, None where there is none that is whole."""
        try:
            text = self._entries.get(key)
            return None if text is None else self._converter.structure(json.loads(text), GateResult)
        except (ValueError, TypeError, KeyError, cattrs.BaseValidationError, sqlite3.Error, OSError):
            return None

    def put(self, key: str, result: GateResult) -> None:
        """Keep a result; a full disk costs speed only."""
        try:
            self._entries.set(key, json.dumps(self._converter.unstructure(result)))
        except (sqlite3.Error, OSError):
            return

    def clear(self) -> int:
        """Forget everything; returns how many entries there were."""
        return int(self._entries.clear())

    def info(self) -> dict[str, object]:
        """Where it lies, how many entries it has, how many bytes."""
        return {"folder": str(self.folder), "entries": len(self._entries), "bytes": self._entries.volume()}

    def close(self) -> None:
        """Let go of the files."""
        self._entries.close()
