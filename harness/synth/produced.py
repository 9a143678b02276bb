"""Files that a synthesis leaves behind: assets that cdktf stages beside the stack, archives that the program builds.

Terraform reads them at deployment, so they belong to what later gates judge.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

from harness.tree import Tree

_MOST_FILES = 5_000
_MOST_BYTES = 8 * 1024**2
_OWN = ("cdktf.out/manifest.json", "cdk.tf.json")
_CONFIGURATION = (".tf", ".tf.json", ".tfvars", ".tfvars.json")
"""Terraform would take these for a part of the stack; the stack is what cdktf wrote, and nothing else."""
_LEFT_OUT = ("__pycache__", ".pytest_cache")


def collect(folder: Path, tree: Tree, stacks: Iterable[str]) -> Mapping[str, bytes | None]:
    """What lies in `folder` and not in `tree`, by path relative to it, in order; None for content that is not kept.

    Content is kept where the JSON text of a stack mentions the file's name, up to 8 MiB in all. Nothing is followed out of
    the folder: the program that ran in it is not trusted.
    """
    text = "\n".join(stacks)
    found: dict[str, bytes | None] = {}
    room = _MOST_BYTES
    for path, size in _files(folder):
        if path in tree or path.endswith(_OWN):
            continue
        if len(found) == _MOST_FILES:
            break
        content = _read(folder / path, size) if size <= room and os.path.basename(path) in text and not path.endswith(_CONFIGURATION) else None
        room -= len(content or b"")
        found[path] = content
    return found


def _files(folder: Path) -> Iterator[tuple[str, int]]:
    """Regular files below the folder with their sizes, in the order of their paths."""
    for root, folders, names in os.walk(folder):
        folders[:] = sorted(name for name in folders if name not in _LEFT_OUT)
        for name in sorted(names):
            path = Path(root, name)
            about = path.lstat()
            if stat.S_ISREG(about.st_mode):
                yield path.relative_to(folder).as_posix(), about.st_size


def _read(path: Path, size: int) -> bytes | None:
    """The content of a file that is no link and that may be read; the program may have taken the right away."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW)
    except OSError:
        return None
    with os.fdopen(descriptor, "rb") as file:
        return file.read(size)
