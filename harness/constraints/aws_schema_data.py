"""What cfn-lint's bundled schemas say of the arguments that `aws_schema_map.yaml` names; read file by file, on first use.

cfn-lint carries the schemas that AWS publishes for CloudFormation's resource types, one JSON file a type, and a list of files for each
region. Importing all of cfn-lint takes longer than every rule together, so only these files are read, and only those of types that a stack has.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import regex
import yaml

from harness.errors import HarnessFault

DEFAULT_REGION = "us-east-1"
"""Where AWS has every type: what counts where a stack does not say its region."""
KINDS: Mapping[str, str] = {
    # What the map calls a limit: what JSON Schema calls it.
    "enum": "enum",
    "pattern": "pattern",
    "min_length": "minLength",
    "max_length": "maxLength",
    "minimum": "minimum",
    "maximum": "maximum",
}
_MAP = Path(__file__).with_name("aws_schema_map.yaml")
_REMEDY = "install the pinned dependencies again: make setup"
_STEPS = 16


@dataclass(frozen=True, slots=True)
class Limit:
    """What AWS allows at `path` of a terraform type: `kind` is one of `KINDS`, `allowed` the schema's value for it.

    `allowed` is a tuple of strings for `enum`, a compiled pattern for `pattern`, else a number; `name` is the CloudFormation property.
    """

    path: tuple[str, ...]
    kind: str
    name: str
    allowed: Any


@dataclass(frozen=True, slots=True)
class InstanceArgument:
    """An argument that names a kind of instance, and the file of cfn-lint (below `extensions`) that lists the kinds by region."""

    path: tuple[str, ...]
    file: str
    prefix: str
    suffix: str


def library_version() -> str:
    """cfn-lint's version: it decides what the rules say."""
    return version("cfn-lint")


@cache
def mapped() -> Mapping[str, Any]:
    """The map, as written: `types` and `instances` by terraform type."""
    # The loader in C, where PyYAML has it, reads the map twenty times as fast.
    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    content: Mapping[str, Any] = yaml.load(_MAP.read_text(encoding="utf-8"), Loader=loader)
    return content


@cache
def limits(kind: str, region: str | None) -> tuple[Limit, ...]:
    """What AWS allows for a terraform type, in `region` where AWS has the type there; empty for a type that is not mapped.

    Raises `HarnessFault` where the map names what the installed cfn-lint does not have.
    """
    entry = mapped()["types"].get(kind)
    if entry is None:
        return ()
    schema = _schema(entry["schema"], region)
    return tuple(_limits(entry, schema))


def _limits(entry: Mapping[str, Any], schema: Mapping[str, Any]) -> Iterator[Limit]:
    for name, keyword in KINDS.items():
        for path, place in entry.get(name, {}).items():
            found = _property(schema, place.split("/"))
            if keyword not in found:
                raise HarnessFault(f"aws_schema_map.yaml: {entry['schema']} {place} has no {keyword} in the installed cfn-lint", _REMEDY)
            yield Limit(tuple(path.split(".")), name, place.rpartition("/")[2], _read(name, found[keyword]))


def _read(name: str, value: Any) -> Any:
    if name == "enum":
        return tuple(map(str, value))
    # Schemas use classes such as \p{L}, which Python's own module does not know.
    return regex.compile(value) if name == "pattern" else value


@cache
def instance_argument(kind: str) -> InstanceArgument | None:
    """The argument of a terraform type that names a kind of instance."""
    entry = mapped()["instances"].get(kind)
    if entry is None:
        return None
    return InstanceArgument(tuple(entry["path"].split(".")), entry["file"], entry.get("prefix", ""), entry.get("suffix", ""))


def instances(file: str, engine: str | None) -> Mapping[str, frozenset[str]]:
    """By region: the kinds of instances that a file of cfn-lint lists, for an engine where the file tells engines apart.

    None for `engine`, and one that the file does not know, take the kinds of all engines.
    """
    by_engine = _instances(file)
    return by_engine.get(engine, by_engine[None])


@cache
def _instances(file: str) -> Mapping[str | None, Mapping[str, frozenset[str]]]:
    """By engine, then by region; under None those of all engines."""
    found: dict[str | None, dict[str, set[str]]] = {None: {}}
    for region, listed in _load(f"extensions/{file}").items():
        if "-" in region and isinstance(listed, dict):
            for engine, kinds in _listed(listed):
                for key in {None, engine}:
                    found.setdefault(key, {}).setdefault(region, set()).update(kinds)
    return {engine: {region: frozenset(kinds) for region, kinds in regions.items()} for engine, regions in found.items()}


def _listed(listed: Mapping[str, Any]) -> Iterator[tuple[str | None, list[str]]]:
    """The kinds of one region, under the engine that a condition names; classes of databases depend on engine and licence."""
    if "enum" in listed:
        yield None, listed["enum"]
    for condition in listed.get("allOf", ()):
        named = condition["if"]["properties"].get("Engine")
        (values,) = condition["then"]["properties"].values()
        yield (named.get("const") if isinstance(named, dict) else None), values["enum"]


def _schema(cloudformation_type: str, region: str | None) -> Mapping[str, Any]:
    for place in (region, DEFAULT_REGION):
        digest = _files_of(place).get(cloudformation_type) if place else None
        if digest is not None:
            return _load(f"resources/{digest}.json")
    raise HarnessFault(f"aws_schema_map.yaml: the installed cfn-lint does not have {cloudformation_type}", _REMEDY)


@cache
def _files_of(region: str) -> Mapping[str, str]:
    """The file of each CloudFormation type in a region; none for a region that the installed cfn-lint does not know."""
    name = f"providers/{region}.json"
    return _load(name) if region.replace("-", "").isalnum() and (_folder() / name).is_file() else {}


def _property(schema: Mapping[str, Any], place: list[str]) -> Mapping[str, Any]:
    """What the schema says of a property; lists are passed through to their items. Empty where there is none of that name."""
    found = _resolved(schema, schema)
    for name in place:
        found = _resolved(schema, found.get("properties", {}).get(name, {}))
        if "items" in found:
            found = _resolved(schema, found["items"])
    return found


def _resolved(schema: Mapping[str, Any], part: Mapping[str, Any]) -> Mapping[str, Any]:
    for _ in range(_STEPS):
        if "$ref" not in part:
            break
        target: Any = schema
        for step in part["$ref"].removeprefix("#/").split("/"):
            target = target[step]
        part = {**target, **{name: value for name, value in part.items() if name != "$ref"}}
    return part


@cache
def _folder() -> Path:
    """Where cfn-lint keeps its schemas; found without importing it."""
    package = find_spec("cfnlint")
    if package is None or not package.submodule_search_locations:
        raise HarnessFault("the package cfn-lint is not installed", _REMEDY)
    return Path(package.submodule_search_locations[0]) / "data" / "schemas"


def _load(name: str) -> Mapping[str, Any]:
    file = _folder() / name
    try:
        content: Mapping[str, Any] = json.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise HarnessFault(f"{file}: cannot be read as a schema of cfn-lint {library_version()}: {error}", _REMEDY) from error
    return content
