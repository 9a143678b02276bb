"""Gate results, and whole evaluations, kept on disk by content: tree, gate, its settings, toolchain, Assay's own code."""

from __future__ import annotations

import contextlib
import hashlib
import json
import shutil
import sqlite3
import zlib
from pathlib import Path

import cattrs
import diskcache

from harness.errors import HarnessFault
from harness.gates.base import GateResult
from harness.userdata import cache_folder

_SIZE_LIMIT = 4 * 1024**3
_DIGEST = 32
_TROUBLE = (sqlite3.Error, OSError, diskcache.Timeout)


class GateCache:
    """A cache of what gates and evaluations came to. An entry that is not whole, byte for byte, is recomputed, never trusted."""

    def __init__(self, folder: Path | None = None) -> None:
        self.folder = folder or cache_folder() / "gates"
        self._entries = _open(self.folder)
        self._converter = cattrs.Converter()

    def get(self, key: str) -> GateResult | None:
        """The gate result kept under `key`, None where there is none that is whole."""
        content = self.get_bytes(key)
        try:
            return None if content is None else self._converter.structure(json.loads(content), GateResult)
        except (ValueError, TypeError, KeyError, cattrs.BaseValidationError):
            return None

    def put(self, key: str, result: GateResult) -> None:
        """Keep a gate result; a full disk costs speed only."""
        self.put_bytes(key, json.dumps(self._converter.unstructure(result)).encode())

    def get_bytes(self, key: str) -> bytes | None:
        """What is kept under `key`, None where there is nothing, or not what was put there."""
        try:
            entry = self._entries.get(key)
        except (*_TROUBLE, ValueError, TypeError, EOFError):
            return None
        if not isinstance(entry, bytes) or hashlib.sha256(key.encode() + entry[_DIGEST:]).digest() != entry[:_DIGEST]:
            return None
        try:
            return zlib.decompress(entry[_DIGEST:])
        except zlib.error:
            return None

    def put_bytes(self, key: str, content: bytes) -> None:
        """Keep `content` with a digest of it and of its key."""
        packed = zlib.compress(content, 1)
        with contextlib.suppress(*_TROUBLE):
            self._entries.set(key, hashlib.sha256(key.encode() + packed).digest() + packed)

    def clear(self) -> int:
        """Forget everything; returns how many entries there were, 0 where the index is too damaged to count them."""
        try:
            return int(self._entries.clear())
        except _TROUBLE:
            self._entries.close()
            shutil.rmtree(self.folder, ignore_errors=True)
            self._entries = _open(self.folder)
            return 0

    def info(self) -> dict[str, object]:
        """Where it lies, how many entries it has, how many bytes, and how many it may have. Raises `HarnessFault` where its index is damaged."""
        try:
            return {"folder": str(self.folder), "entries": len(self._entries), "bytes": self._entries.volume(), "limit": _SIZE_LIMIT}
        except _TROUBLE as error:
            raise HarnessFault(
                f"the cache {self.folder} is damaged: {error}", "assay cache clear begins it anew; nothing in it cannot be made again"
            ) from error

    def close(self) -> None:
        """Let go of the files."""
        self._entries.close()


class _BytesOnly(diskcache.Disk):  # type: ignore[misc]
    """Hands out bytes and nothing else: an entry whose kind was damaged would be unpickled, which runs whatever it says."""

    def fetch(self, mode: int, filename: str | None, value: object, read: bool) -> object:
        """The value. Raises `ValueError` where it is of a kind that is never put here."""
        if mode not in (diskcache.core.MODE_RAW, diskcache.core.MODE_BINARY):
            raise ValueError(f"an entry of kind {mode}")
        return super().fetch(mode, filename, value, read)


def _open(folder: Path) -> diskcache.Cache:
    """The cache in `folder`; one whose index is damaged is begun anew, for all in it can be made again. Raises `HarnessFault`."""
    try:
        try:
            return _cache(folder)
        except sqlite3.OperationalError:
            raise
        except sqlite3.DatabaseError:
            shutil.rmtree(folder, ignore_errors=True)
            return _cache(folder)
    except _TROUBLE as error:
        remedy = "check that you may write there, name another folder with ASSAY_CACHE, or do without: --no-cache"
        raise HarnessFault(f"the cache {folder} cannot be opened: {error}", remedy) from error


def _cache(folder: Path) -> diskcache.Cache:
    return diskcache.Cache(str(folder), disk=_BytesOnly, size_limit=_SIZE_LIMIT, eviction_policy="least-recently-used")
