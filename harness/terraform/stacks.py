"""What terraform is given for one synthesized stack, and what can be read from the stack without terraform."""

from __future__ import annotations

import base64
import hashlib
import json
import re
from collections.abc import Callable, Iterator, Mapping
from pathlib import PurePosixPath
from typing import Any

from harness.case import TERRAFORM
from harness.gates.base import Subject
from harness.synth.kernel import CASE_ROOT
from harness.tree import Tree

STACK_FILE = "cdk.tf.json"
OVERRIDE_FILE = "zz_assay_override.tf.json"
"""What is laid over a configuration of text. Terraform reads overrides in the order of their names, so that this comes last."""
_BUILT_IN = "terraform"
_AWS = "hashicorp/aws"
_READS_FILES = re.compile(rf"{CASE_ROOT}/|\b(?:file\w*|templatefile|fileset)\(|\bpath\.(?:module|root|cwd)\b|\"local-exec\":")


def stack_folder(name: str) -> str:
    """Where `cdktf synth` puts a stack, relative to the tree."""
    return f"cdktf.out/stacks/{name}"


def stack_files(name: str, stack: Mapping[str, Any], tree: Tree, produced: Mapping[str, str | None] | None = None) -> dict[str, bytes]:
    """The stack without its backend, the tree where the stack may read files of it, and the files that the synthesis
    `produced` (base64 by path) where the stack mentions them.

    Without the block terraform keeps its state in the folder, and needs no `init`. What cdktf noted under `//`, which terraform
    ignores, is left out and keys are in order, so that stacks that mean the same are the same text, and judged once.
    """
    text = json.dumps(without_notes(without_backend(stack)), indent=2, sort_keys=True)
    files = {path: base64.b64decode(content) for path, content in (produced or {}).items() if content is not None and PurePosixPath(path).name in text}
    files |= tree.files if _READS_FILES.search(text) else {}
    files[f"{stack_folder(name)}/{STACK_FILE}"] = text.encode()
    return files


def without_backend(stack: Mapping[str, Any]) -> dict[str, Any]:
    """The stack with no `backend` or `cloud` in its `terraform` block or blocks."""
    settings = stack.get("terraform", {})
    kept = [{name: value for name, value in block.items() if name not in ("backend", "cloud")} for block in blocks(settings)]
    return {**stack, "terraform": kept if isinstance(settings, list) else (kept or [{}])[0]}


def without_notes(stack: Mapping[str, Any]) -> dict[str, Any]:
    """The stack without the comments (`//`) at its top and in its resources and data sources."""
    return _each_body(_without(stack, "//"), lambda body: _without(body, "//"))


def _without(body: Mapping[str, Any], *names: str) -> dict[str, Any]:
    return {name: value for name, value in body.items() if name not in names}


def _each_body(stack: Mapping[str, Any], change: Callable[[dict[str, Any]], dict[str, Any]]) -> dict[str, Any]:
    def changed(value: Any, depth: int) -> Any:
        """Types, names and bodies lie inside one another, and each may be a list."""
        if isinstance(value, list):
            return [changed(entry, depth) for entry in value]
        if not isinstance(value, dict):
            return value
        return change(value) if depth == 0 else {name: entry if name == "//" else changed(entry, depth - 1) for name, entry in value.items()}

    return {name: changed(value, 2) if name in ("resource", "data") else value for name, value in stack.items()}


def used_types(stack: Mapping[str, Any]) -> dict[str, tuple[str, ...]]:
    """The types under `resource` and `data`."""
    return {kind: tuple(sorted({name for block in blocks(stack.get(kind)) for name in block if name != "//"})) for kind in ("resource", "data")}


def foreign_providers(stack: Mapping[str, Any]) -> list[str]:
    """The providers other than hashicorp/aws that the stack asks for or uses, as `namespace/name`."""
    sources: dict[str, str] = {}
    for block in blocks(stack.get("terraform")):
        for required in blocks(block.get("required_providers")):
            for name, wanted in required.items():
                sources[name] = _source(wanted.get("source", name) if isinstance(wanted, dict) else name)
    used = {name for block in blocks(stack.get("provider")) for name in block} | set(_providers_of_blocks(stack))
    used -= {_BUILT_IN, "//"}
    return sorted({*sources.values(), *(sources.get(name, _source(name)) for name in used)} - {_AWS})


def module_sources(stack: Mapping[str, Any]) -> list[str]:
    """Where the stack's modules come from."""
    modules = (body for block in blocks(stack.get("module")) for entry in block.values() for body in blocks(entry))
    return sorted({str(body.get("source")) for body in modules})


def construct_paths(stack: Mapping[str, Any]) -> dict[str, str]:
    """Terraform address to construct path, for every resource and data source that cdktf wrote one for."""
    found = {}
    for address, body in _addressed(stack):
        path = _metadata(body).get("path")
        if isinstance(path, str):
            found[address] = path
    return found


def addresses(stack: Mapping[str, Any]) -> list[str]:
    """The address of every resource and data source."""
    return [address for address, _ in _addressed(stack)]


def resources(stack: Mapping[str, Any]) -> list[tuple[str, Any]]:
    """Address and body of every resource."""
    return [(address, body) for address, body in _addressed(stack) if not address.startswith("data.")]


def stacks_key(subject: Subject) -> str:
    """A digest of the stacks, of where their constructs stand, and of the tree where a stack may read it."""
    stacks = json.dumps(subject.stacks(), sort_keys=True, indent=0)
    lines = subject.earlier["synth"].output.get("lines", {}) if "synth" in subject.earlier else {}
    tree = subject.tree.digest if subject.case.platform == TERRAFORM or _READS_FILES.search(stacks) else ""
    # What the synthesis produced follows from the tree; archives carry the time of day, so their names have to do.
    made = sorted(path for path in produced_files(subject) if PurePosixPath(path).name in stacks)
    return hashlib.sha256("\0".join((stacks, json.dumps(lines, sort_keys=True), tree, *made)).encode()).hexdigest()


def produced_files(subject: Subject) -> Mapping[str, str | None]:
    """The files that the synthesis left behind, by path, as base64; None for content that was not kept."""
    found: Mapping[str, str | None] = subject.earlier["synth"].output.get("produced", {}) if "synth" in subject.earlier else {}
    return found


def _addressed(stack: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    for kind, prefix in (("resource", ""), ("data", "data.")):
        for block in blocks(stack.get(kind)):
            for name, instances in block.items():
                for entry in blocks(instances):
                    yield from ((f"{prefix}{name}.{label}", body) for label, body in entry.items() if label != "//")


def _providers_of_blocks(stack: Mapping[str, Any]) -> Iterator[str]:
    for address, body in _addressed(stack):
        chosen = body.get("provider") if isinstance(body, dict) else None
        yield str(chosen).partition(".")[0] if chosen else address.removeprefix("data.").partition(".")[0].partition("_")[0]


def _source(text: str) -> str:
    """`aws`, `hashicorp/aws` and `registry.terraform.io/hashicorp/aws` are one provider."""
    parts = str(text).lower().split("/")
    return "/".join(["hashicorp", *parts][-2:])


def _metadata(body: Any) -> Mapping[str, Any]:
    note = body.get("//") if isinstance(body, dict) else None
    found = note.get("metadata") if isinstance(note, dict) else None
    return found if isinstance(found, dict) else {}


def blocks(value: Any) -> list[dict[str, Any]]:
    """Terraform's JSON syntax lets one object or a list of objects stand for blocks."""
    return [entry for entry in (value if isinstance(value, list) else [value]) if isinstance(entry, dict)]
