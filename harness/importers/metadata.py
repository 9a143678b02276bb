"""A task's metadata.json, read liberally: a field may be a text, a list or absent, and nothing in it stops an import but another platform."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from harness.errors import CaseError

_PLATFORMS = {"cdktf": "cdktf", "cdk-tf": "cdktf", "cdk-for-terraform": "cdktf", "terraform-cdk": "cdktf"}
_LANGUAGES = {"py": "python", "python": "python", "python3": "python"}
_KEPT = ("complexity", "turn_type", "subtask", "training_quality", "region")


@dataclass(frozen=True, slots=True)
class Metadata:
    """What a case takes over; `kept` goes into its provenance."""

    title: str = ""
    model: str = ""
    tags: tuple[str, ...] = ("cdktf",)
    kept: Mapping[str, Any] = field(default_factory=dict)


def read_metadata(files: Mapping[str, bytes], notes: list[str]) -> Metadata:
    """Read `metadata.json`. Raises `CaseError` for a platform or language that is not CDKTF in Python; what is odd becomes a note."""
    fields = _fields(files, notes)
    platform, language = _word(fields, "platform"), _word(fields, "language")
    if not platform and "cdktf.json" not in files:
        raise CaseError("the metadata names no platform, and there is no cdktf.json", "only CDKTF in Python can be imported")
    if platform and _PLATFORMS.get(platform) is None:
        raise CaseError(f"platform {platform!r} is not supported", "only CDKTF in Python can be imported")
    if language and _LANGUAGES.get(language) is None:
        raise CaseError(f"language {language!r} is not supported", "only CDKTF in Python can be imported")
    words = ["cdktf", *_words(fields.get("complexity")), *_words(fields.get("aws_services"))]
    return Metadata(
        title=next((text for name in ("title", "task_name", "name") if (text := _plain(fields.get(name)))), ""),
        model=next((text for name in ("model", "model_name", "model_id") if (text := _plain(fields.get(name)))), ""),
        tags=tuple(dict.fromkeys(tag for word in words if (tag := _tag(word)))),
        kept={name: fields[name] for name in _KEPT if isinstance(fields.get(name), (str, int, float)) and fields[name] != ""},
    )


def _fields(files: Mapping[str, bytes], notes: list[str]) -> dict[str, Any]:
    if "metadata.json" not in files:
        notes.append("there is no metadata.json")
        return {}
    try:
        fields = json.loads(files["metadata.json"].decode("utf-8-sig", errors="replace"))
    except (ValueError, RecursionError) as error:
        notes.append(f"metadata.json is not JSON: {error}")
        return {}
    if not isinstance(fields, dict):
        notes.append("metadata.json holds no fields")
        return {}
    return fields


def _word(fields: Mapping[str, Any], name: str) -> str:
    words = _words(fields.get(name))
    return words[0].strip().lower().replace(" ", "-") if words else ""


def _words(value: object) -> list[str]:
    """The texts in a field, whether it is a list, or one text with commas."""
    if isinstance(value, str):
        return [word for word in re.split(r"[,;\n]", value) if word.strip()]
    if isinstance(value, list):
        return [word for item in value for word in _words(item)]
    return []


def _plain(value: object) -> str:
    return value.strip() if isinstance(value, str) else ""


def _tag(word: str) -> str:
    return re.sub(r"[^a-z0-9+.]+", "-", word.lower()).strip("-")[:40]
