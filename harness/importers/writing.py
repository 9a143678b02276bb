"""A draft to a case folder: all of it, or nothing."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

from harness.case import CASE_FILE, CDKTF, POLICY_FOLDER, load_case
from harness.errors import CaseError
from harness.importers.base import Draft
from harness.tree import Tree

_COMMENT = "# Made by `assay import`; docs/case-format.md describes every field.\n"


def write_case(draft: Draft, target: Path, force: bool) -> None:
    """Write `draft` as the case folder `target`, replacing a case that is there only with `force`.

    The folder is built and loaded beside its place, then renamed: whoever looks sees the old case or the new one.
    Raises `CaseError` where something is in the way or the result would be no valid case.
    """
    _check_place(target, force)
    target.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=".importing-", dir=target.parent) as scratch:
        built = Path(scratch) / target.name
        _build(draft, built)
        load_case(built)
        if target.exists():
            target.rename(Path(scratch) / "replaced-case")
        built.rename(target)


def _check_place(target: Path, force: bool) -> None:
    if not target.exists() and not target.is_symlink():
        return
    if target.is_symlink() or not (target / CASE_FILE).is_file():
        raise CaseError(f"{target}: something that is no case is in the way", "move it away, or import to another folder")
    if not force:
        raise CaseError(f"{target}: the case exists", "import with --force to replace it")


def _build(draft: Draft, root: Path) -> None:
    trees = {"response": draft.response, "ideal": draft.ideal} | ({POLICY_FOLDER: draft.policies} if draft.policies else {})
    for name, files in trees.items():
        (root / name).mkdir(parents=True)
        _check_paths(files)
        Tree(files).write(root / name)
    (root / "PROMPT.md").write_text(draft.prompt, encoding="utf-8", errors="replace", newline="")
    text = yaml.safe_dump(_fields(draft), sort_keys=False, allow_unicode=True, width=150)
    (root / CASE_FILE).write_text(_COMMENT + text, encoding="utf-8", errors="replace")


def _check_paths(files: Mapping[str, bytes]) -> None:
    """A path comes from a text that a model wrote: it may stay inside the tree, and be no folder of another one."""
    for path in files:
        parts = path.split("/")
        if path.startswith("/") or "\\" in path or "\0" in path or any(part in ("", ".", "..") for part in parts):
            raise CaseError(f"the file name {path!r} leaves the tree", "rename the file in the source")
        if any("/".join(parts[:depth]) in files for depth in range(1, len(parts))):
            raise CaseError(f"{path!r} lies in a folder that is a file, too", "rename one of them in the source")


def _fields(draft: Draft) -> dict[str, Any]:
    fields: dict[str, Any] = {"title": draft.title, "platform": draft.platform, "language": draft.language, "model": draft.model}
    if draft.platform == CDKTF:
        fields["tests"] = list(draft.tests)
    if draft.env:
        fields["env"] = dict(draft.env)
    if draft.tags:
        fields["tags"] = list(draft.tags)
    if draft.expectations:
        fields["expectations"] = [dict(claim) for claim in draft.expectations]
    if draft.provenance:
        fields["provenance"] = dict(draft.provenance)
    return fields
