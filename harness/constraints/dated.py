"""What AWS offers as of some day (`dated.yaml`): runtimes, versions and the like, each with where that was read."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from functools import cache
from pathlib import Path
from typing import Any

import yaml

_FILE = Path(__file__).with_name("dated.yaml")


@dataclass(frozen=True, slots=True)
class Section:
    """A section of the data: `values` hold as of the day `as_of`, and were read at the URL `source`."""

    as_of: date
    source: str
    values: Mapping[str, Any] = field(hash=False)

    def ended(self, name: str) -> date | None:
        """The day on which AWS stopped taking `name` for something new; None while it is still taken, and for an unknown name."""
        day = self.values["ended"].get(name)
        return day if isinstance(day, date) and day <= self.as_of else None


@cache
def section(name: str) -> Section:
    """The section `name`. Raises KeyError for one that is not there."""
    values = dict(_sections()[name])
    return Section(values.pop("as_of"), values.pop("source"), values)


@cache
def _sections() -> Mapping[str, Any]:
    loaded: dict[str, Any] = yaml.safe_load(_FILE.read_text(encoding="utf-8"))
    return loaded
