"""Puts an export where it belongs: all of it or nothing, and what was there before stays until then."""

from __future__ import annotations

import os
import shutil
import stat
import tempfile
from collections.abc import Collection, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TextIO

from harness.errors import UsageError


@contextmanager
def replacing_file(target: Path) -> Iterator[TextIO]:
    """A text to write; when the block ends, it takes the place of the file `target` in one step. Where it raises, `target` stays as it is.

    A link is followed. Raises `UsageError` where there is something that is no file, or nothing can be written.
    """
    with _explained(target):
        place = target.resolve()
        if place.exists() and not place.is_file():
            raise UsageError(f"{target}: not a file", "name a file, or - for the standard output")
        place.parent.mkdir(parents=True, exist_ok=True)
        mode = stat.S_IMODE(place.stat().st_mode) if place.exists() else 0o666 & ~_umask()
        handle, name = tempfile.mkstemp(dir=place.parent, prefix=f".{place.name[:100]}.")
        try:
            with os.fdopen(handle, "w", encoding="utf-8", newline="") as out:
                os.fchmod(handle, mode)
                yield out
                out.flush()
                os.fsync(handle)
            os.replace(name, place)
        except BaseException:
            with suppress(OSError):
                os.unlink(name)
            raise


@contextmanager
def replacing_folder(target: Path, files: Collection[str]) -> Iterator[Path]:
    """An empty folder to write into; when the block ends, it takes the place of `target`. Where it raises, `target` stays as it is.

    Only a folder that holds nothing but `files` (relative paths), which an earlier export wrote, is replaced: anything else in it
    raises `UsageError`, as do a target that is no folder and one that cannot be written. A folder can't be replaced in one step;
    between two renames there is none, and where the second fails, the first is undone.
    """
    with _explained(target):
        place = target.resolve()
        _check_folder(target, place, files)
        place.parent.mkdir(parents=True, exist_ok=True)
        beside = Path(tempfile.mkdtemp(dir=place.parent, prefix=f".{place.name[:100]}."))
        new, old = beside / "new", beside / "old"
        try:
            new.mkdir()
            yield new
            for file in sorted(new.rglob("*")):
                if file.is_file():
                    _sync(file)
            _swap(place, new, old)
        finally:
            shutil.rmtree(beside, ignore_errors=True)


def _swap(place: Path, new: Path, old: Path) -> None:
    if not place.exists():
        os.rename(new, place)
        return
    os.rename(place, old)
    try:
        os.rename(new, place)
    except BaseException:
        os.rename(old, place)
        raise


def _check_folder(target: Path, place: Path, files: Collection[str]) -> None:
    if not place.exists():
        return
    if not place.is_dir():
        raise UsageError(f"{target}: not a folder", "this format writes several files; name a folder")
    wanted = {part.as_posix() for name in files for part in (Path(name), *Path(name).parents)}
    strange = _strange(place, place, wanted)
    if strange is not None:
        raise UsageError(f"{target}: holds {strange.relative_to(place)}, which no export of this format wrote", "name a new or an empty folder")


def _strange(folder: Path, root: Path, wanted: Collection[str]) -> Path | None:
    """Something below `folder` that is not `wanted`; looks no further once it has found one, for the folder may be somebody's home."""
    for one in sorted(folder.iterdir()):
        if one.relative_to(root).as_posix() not in wanted:
            return one
        if one.is_dir() and not one.is_symlink() and (inside := _strange(one, root, wanted)) is not None:
            return inside
    return None


def _sync(file: Path) -> None:
    with file.open("rb") as handle:
        os.fsync(handle.fileno())


def _umask() -> int:
    """What the process takes away from a new file's permissions; it can only be read by setting it."""
    mask = os.umask(0o077)
    os.umask(mask)
    return mask


@contextmanager
def _explained(target: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        where = error.filename if isinstance(error.filename, str) and error.filename != str(target) else ""
        said = f"{target}: cannot be written ({error.strerror or error})" + (f" at {where}" if where and not Path(where).name.startswith(".") else "")
        raise UsageError(said, "check the place and its free space, or name another; what was there before is unchanged") from error
