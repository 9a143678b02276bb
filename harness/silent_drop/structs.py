"""The struct class that the bindings have for a block, read from their source: what should have been written."""

from __future__ import annotations

import difflib
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

_MODULE = re.compile(r"cdktf_cdktf_provider_\w+(?:\.\w+)*\Z")
_NAME = re.compile(r"[A-Za-z]\w*\Z")
_PAIR = re.compile(r'"(\w+)": "(\w+)"')


@dataclass(frozen=True, slots=True)
class Struct:
    """A struct class of the bindings; `arguments` maps Python's name of each to jsii's."""

    name: str
    arguments: Mapping[str, str]

    def nearest(self, key: str) -> str | None:
        """The argument meant by `key`, or the one that comes closest."""
        if key in self.arguments:
            return key
        return next(iter(difflib.get_close_matches(key, self.arguments, n=1, cutoff=0.7)), None)


def find_struct(site_packages: Path, module: str, class_name: str, block: Sequence[str]) -> Struct | None:
    """The struct of the block at `block` of a class, None where the bindings have none: maps, and attributes of any type.

    Names come from the program's own report, so only those of bindings are looked up.
    """
    if not _MODULE.match(module) or not _NAME.match(class_name):
        return None
    source = site_packages.joinpath(*module.split("."), "__init__.py")
    if not source.is_file():
        return None
    text = source.read_text(encoding="utf-8")
    inner = "".join(part[:1].upper() + part[1:] for name in block for part in name.split("_"))
    # Where a block of another resource has the name, the class got an A at its end, and so did its structs.
    for candidate in (class_name + inner, class_name.removesuffix("A") + inner + "A", class_name.removesuffix("A") + inner):
        position = text.find(f"\nclass {candidate}:")
        if position >= 0:
            mapping = text.rfind("name_mapping={", 0, position)
            return Struct(candidate, dict(_PAIR.findall(text[mapping:position])))
    return None
