"""A tree of files held in memory: what a variant is, and what gates judge."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath

from harness.errors import CaseError

IGNORED_PARTS = frozenset({"__pycache__", ".git", ".terraform", "cdktf.out", ".venv", ".pytest_cache", ".ruff_cache", "node_modules"})
"""Folders that tools leave behind; never part of what a model wrote."""

MAX_FILES = 5_000
MAX_BYTES = 64 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Tree:
    """An immutable mapping from relative POSIX path to content, with a digest of all of it."""

    files: Mapping[str, bytes]
    digest: str = field(init=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "digest", _digest(self.files))

    def __iter__(self) -> Iterator[str]:
        return iter(sorted(self.files))

    def __contains__(self, path: str) -> bool:
        return path in self.files

    def text(self, path: str) -> str:
        """The file as text. Raises `UnicodeDecodeError` where it is not UTF-8."""
        return self.files[path].decode("utf-8")

    def python_files(self) -> list[str]:
        """Paths of the Python sources, sorted."""
        return [path for path in self if path.endswith(".py")]

    def write(self, folder: Path) -> None:
        """Write every file below `folder`, which has to exist."""
        for path, content in self.files.items():
            target = folder / path
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(content)


def read_tree(root: Path, case_root: Path) -> Tree:
    """Read all files below `root`.

    Raises `CaseError` for a folder that is absent or empty, for a link that leaves the case, and for a
    tree larger than any real one.
    """
    if not root.is_dir():
        raise CaseError(f"{root}: the folder does not exist", "a case needs a response/ and an ideal/ folder, each a full tree")
    files: dict[str, bytes] = {}
    total = 0
    boundary = case_root.resolve()
    for folder, subfolders, names in os.walk(root, followlinks=False):
        for name in list(subfolders):
            if name in IGNORED_PARTS:
                subfolders.remove(name)
            elif (Path(folder) / name).is_symlink():
                _inside(Path(folder) / name, boundary)
                raise CaseError(f"{Path(folder) / name}: a link to a folder", "replace the link with the files it points to")
        for name in sorted(names):
            path = Path(folder) / name
            if name.endswith(".pyc"):
                continue
            if path.is_symlink():
                _inside(path, boundary)
            if not path.is_file():
                raise CaseError(f"{path}: neither a file nor a folder", "remove it from the case")
            content = path.read_bytes()
            total += len(content)
            if len(files) >= MAX_FILES or total > MAX_BYTES:
                raise CaseError(f"{root}: more than {MAX_FILES} files or {MAX_BYTES // 2**20} MiB", "a tree holds sources only; remove build output")
            files[PurePosixPath(path.relative_to(root).as_posix()).as_posix()] = content
    if not files:
        raise CaseError(f"{root}: the folder is empty", "put the full tree there, entry file included")
    return Tree(files)


def _inside(path: Path, boundary: Path) -> None:
    target = path.resolve()
    if not target.is_relative_to(boundary):
        raise CaseError(f"{path}: a symbolic link that leaves the case (to {target.name})", "replace the link with the file it points to")


def _digest(files: Mapping[str, bytes]) -> str:
    total = hashlib.sha256()
    for path in sorted(files):
        total.update(path.encode() + b"\0" + hashlib.sha256(files[path]).digest())
    return total.hexdigest()
