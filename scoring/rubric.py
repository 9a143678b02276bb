"""The rubric: what a gate, a severity and a category count for, read from a checked YAML file."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import yaml

from harness.errors import UsageError
from harness.failures import Category, Severity

DEFAULT_RUBRIC = Path(__file__).with_name("rubric.yaml")
LOWEST_BAND = "low"

T = TypeVar("T")
K = TypeVar("K")


@dataclass(frozen=True, slots=True)
class Rubric:
    """Everything that turns findings into judgements; see `rubric.yaml` for what each field means.

    `bands` holds (name, lowest training quality) from the best band down.
    """

    version: str
    gate_order: tuple[str, ...]
    gate_severity: Mapping[str, Severity]
    single_remark_severity: Mapping[str, Severity]
    gate_category: Mapping[str, Category]
    severity_weight: Mapping[Severity, float]
    budget: float
    bands: tuple[tuple[str, float], ...]
    gate_weight: Mapping[str, float]
    category_label: Mapping[Category, str]
    category_ceiling: Mapping[Category, Severity]

    def severity_of(self, gate: str) -> Severity:
        """How bad a failure is that breaks first at `gate`; medium for a plugin's gate that the rubric does not name."""
        return self.gate_severity.get(gate, Severity.MEDIUM)

    def category_of(self, gate: str) -> Category:
        """The category of what no rule knows at `gate`."""
        return self.gate_category.get(gate, Category.CODE_QUALITY)

    def band_of(self, training_quality: float) -> str:
        """The band's name for a training quality from 0 to 1."""
        return next((name for name, lowest in self.bands if training_quality >= lowest), LOWEST_BAND)


def rank(severity: Severity) -> int:
    """0 for the worst severity; for sorting."""
    return list(Severity).index(severity)


def load_rubric(path: Path | None = None) -> Rubric:
    """The rubric in `path`, or the bundled one. Raises `UsageError` naming the file and the field that is wrong."""
    file = path or DEFAULT_RUBRIC
    try:
        data = yaml.safe_load(file.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        reason = str(error).splitlines()[0]
        raise UsageError(f"{file}: cannot be read as a rubric: {reason}", "give a YAML file like the bundled rubric.yaml") from error
    return _Reader(file, data).rubric()


class _Reader:
    """Reads one field after the other and names the one that is wrong."""

    def __init__(self, file: Path, data: Any) -> None:
        self._file = file
        if not isinstance(data, dict):
            raise self._wrong("the file", "is not a mapping")
        self._data = data

    def rubric(self) -> Rubric:
        """The whole file, checked."""
        unknown = sorted(set(map(str, self._data)) - set(Rubric.__dataclass_fields__))
        if unknown:
            raise self._wrong(unknown[0], "is not a field of a rubric")
        return Rubric(
            version=self._version(),
            gate_order=self._names("gate_order"),
            gate_severity=self._mapping("gate_severity", str, Severity),
            single_remark_severity=self._mapping("single_remark_severity", str, Severity),
            gate_category=self._mapping("gate_category", str, Category),
            severity_weight=self._complete("severity_weight", Severity, self._positive),
            budget=self._field("budget", self._positive),
            bands=self._bands(),
            gate_weight=self._mapping("gate_weight", str, self._positive),
            category_label=self._complete("category_label", Category, str),
            category_ceiling=self._mapping("category_ceiling", Category, Severity),
        )

    def _wrong(self, field: str, what: str) -> UsageError:
        return UsageError(f"{self._file}: {field}: {what}", "compare it with the bundled rubric.yaml")

    def _value(self, field: str) -> Any:
        if field not in self._data:
            raise self._wrong(field, "is missing")
        return self._data[field]

    def _field(self, field: str, read: Callable[[Any], T]) -> T:
        value = self._value(field)
        try:
            return read(value)
        except (ValueError, TypeError) as error:
            raise self._wrong(field, f"{value!r} does not fit: {error}") from error

    def _version(self) -> str:
        version = self._value("version")
        if not isinstance(version, str) or not version:
            raise self._wrong("version", f'{version!r} is not a quoted string such as "1"')
        return version

    def _names(self, field: str) -> tuple[str, ...]:
        value = self._value(field)
        if not isinstance(value, list) or not value or not all(isinstance(name, str) for name in value):
            raise self._wrong(field, "is not a list of gate names")
        if len(set(value)) != len(value):
            raise self._wrong(field, "names a gate twice")
        return tuple(value)

    def _mapping(self, field: str, key: Callable[[Any], K], read: Callable[[Any], T]) -> dict[K, T]:
        value = self._value(field)
        if not isinstance(value, dict):
            raise self._wrong(field, "is not a mapping")
        result = {}
        for name, entry in value.items():
            try:
                result[key(name)] = read(entry)
            except (ValueError, TypeError) as error:
                raise self._wrong(f"{field}.{name}", f"{entry!r} does not fit: {error}") from error
        return result

    def _complete(self, field: str, keys: type[K], read: Callable[[Any], T]) -> dict[K, T]:
        mapping = self._mapping(field, keys, read)
        lacking = [str(key) for key in keys if key not in mapping]  # type: ignore[attr-defined]
        if lacking:
            raise self._wrong(field, f"says nothing about {', '.join(lacking)}")
        return mapping

    @staticmethod
    def _positive(value: Any) -> float:
        if isinstance(value, bool) or not isinstance(value, int | float) or not value > 0:
            raise ValueError("not a number above 0")
        return float(value)

    def _bands(self) -> tuple[tuple[str, float], ...]:
        bands = self._mapping("bands", str, self._positive)
        lowest = list(bands.values())
        if not bands or lowest != sorted(set(lowest), reverse=True) or lowest[0] > 1:
            raise self._wrong("bands", "are not thresholds from 1 downwards, the best band first")
        return tuple(bands.items())
