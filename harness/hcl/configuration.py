"""The Terraform configuration that lies on top of a tree: its files, its structure, and the line of each of its blocks."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

from harness.hcl.syntax import Item, parse_hcl
from harness.hcl.tokens import HclError
from harness.tree import Tree

STACK = "root"
"""What the one stack of a plain Terraform case is called: terraform's own name for the module on top."""

_SECTIONS = ("resource", "data", "variable", "output", "module")
_OVERRIDE = re.compile(r"(?:^|_)override\.tf(?:\.json)?$")
_EXPRESSION = re.compile(r"\$\{([^{}]+)\}")
_LEFT_OUT = (".terraform.lock.hcl", "terraform.tfstate", "terraform.tfstate.backup")


def source_files(tree: Tree) -> list[str]:
    """The files that terraform reads: those on top of the tree; what overrides others comes last."""
    found = [path for path in tree if "/" not in path and path.endswith((".tf", ".tf.json"))]
    return sorted(found, key=lambda path: (bool(_OVERRIDE.search(path)), path))


def terraform_files(tree: Tree) -> dict[str, bytes]:
    """The tree as terraform gets it: byte for byte, without lock and state, and with the backend blanked out.

    Without a backend terraform keeps its state in the folder, and needs no `init`. Its lines stay, so that every other line keeps its number.
    """
    files = {path: content for path, content in tree.files.items() if path not in _LEFT_OUT}
    return files | {path: _without_backend(path, files[path]) for path in source_files(tree)}


def _without_backend(path: str, content: bytes) -> bytes:
    if b"backend" not in content and b"cloud" not in content:
        return content
    if path.endswith(".json"):
        return _json_without_backend(content)
    try:
        text = content.decode("utf-8")
        settings = [item for item in parse_hcl(text) if item.kind == "block" and item.name == "terraform"]
    except (UnicodeDecodeError, HclError):
        return content  # terraform says itself what is wrong with it
    for item in [inner for block in settings for inner in block.items if inner.kind == "block" and inner.name in ("backend", "cloud")]:
        start, end = item.span
        text = text[:start] + re.sub(r"[^\n]", " ", text[start:end]) + text[end:]
    return text.encode("utf-8")


def _json_without_backend(content: bytes) -> bytes:
    try:
        body = json.loads(content)
    except (ValueError, RecursionError):
        return content
    settings = body.get("terraform") if isinstance(body, dict) else None
    blocks = [block for block in (settings if isinstance(settings, list) else [settings]) if isinstance(block, dict)]
    if not any(name in block for block in blocks for name in ("backend", "cloud")):
        return content
    for block in blocks:
        for name in ("backend", "cloud"):
            block.pop(name, None)
    return json.dumps(body, indent=2).encode()


def build_stack(bodies: Mapping[str, Any]) -> dict[str, Any]:
    """One stack of the bodies of all files, in their order: what a synthesized `cdk.tf.json` has, addresses for construct paths."""
    stack: dict[str, Any] = {}
    for path, body in bodies.items():
        overrides = bool(_OVERRIDE.search(path))
        for section, blocks in body.items():
            for block in _blocks(blocks):
                _add(stack, section, block, overrides)
    return stack


def _add(stack: dict[str, Any], section: str, block: Mapping[str, Any], overrides: bool) -> None:
    if section == "locals":
        stack.setdefault("locals", {}).update(block)
    elif section in ("resource", "data"):
        for kind, instances in block.items():
            for name, body in ((name, body) for one in _blocks(instances) for name, body in one.items()):
                known = stack.setdefault(section, {}).setdefault(kind, {})
                body = _with_bare_names(_one(body))
                address = f"{'data.' if section == 'data' else ''}{kind}.{name}"
                merged = {**known.get(name, {}), **body} if overrides else body
                known[name] = {**merged, "//": {"metadata": {"path": address}}}
    elif section in _SECTIONS:
        for name, body in block.items():
            known = stack.setdefault(section, {})
            known[name] = {**known.get(name, {}), **_one(body)} if overrides else _one(body)
    elif section == "provider":
        for name, bodies in block.items():
            stack.setdefault("provider", {}).setdefault(name, []).extend(_blocks(bodies))
    else:
        stack.setdefault(section, []).append(dict(block))


def _with_bare_names(body: dict[str, Any]) -> dict[str, Any]:
    """Terraform's JSON syntax has names, and no expressions, where only a name can stand."""
    for argument in ("provider", "depends_on"):
        if argument in body:
            body = {**body, argument: _bare(body[argument])}
    if "lifecycle" in body:
        blocks = [{name: _bare(value) if name == "ignore_changes" else value for name, value in block.items()} for block in _blocks(body["lifecycle"])]
        body = {**body, "lifecycle": blocks}
    return body


def _bare(value: Any) -> Any:
    if isinstance(value, list):
        return [_bare(one) for one in value]
    found = _EXPRESSION.fullmatch(value) if isinstance(value, str) else None
    return found[1] if found else value


def _one(body: Any) -> dict[str, Any]:
    """The arguments of a block that stands once."""
    merged: dict[str, Any] = {}
    for block in _blocks(body):
        merged |= block
    return merged


def _blocks(value: Any) -> list[dict[str, Any]]:
    return [entry for entry in (value if isinstance(value, list) else [value]) if isinstance(entry, dict)]


def block_lines(tree: Tree) -> dict[str, tuple[str, int]]:
    """By address (`aws_vpc.main`, `var.region`), the file and the line, from 1, of each block."""
    lines: dict[str, tuple[str, int]] = {}
    for path in source_files(tree):
        text = tree.files[path].decode("utf-8", errors="replace")
        found = _json_addresses(text) if path.endswith(".json") else _addresses(text)
        for address, line in found:
            lines.setdefault(address, (path, line))
    return lines


def _addresses(text: str) -> Iterator[tuple[str, int]]:
    try:
        items: tuple[Item, ...] = parse_hcl(text)
    except HclError:
        return
    for item in items:
        if item.name == "locals":
            yield from ((f"local.{inner.name}", inner.first) for inner in item.items)
        elif item.labels:
            yield item.address, item.first


def _json_addresses(text: str) -> Iterator[tuple[str, int]]:
    """JSON keeps no lines: a block stands where its type, and behind it its name, are first mentioned."""
    try:
        body = json.loads(text)
    except (ValueError, RecursionError):
        return
    for section, prefix in (("resource", ""), ("data", "data.")):
        for block in _blocks(body.get(section) if isinstance(body, dict) else None):
            for kind, instances in block.items():
                for name in [name for one in _blocks(instances) for name in one]:
                    at = text.find(json.dumps(name), max(text.find(json.dumps(kind)), 0))
                    yield f"{prefix}{kind}.{name}", text.count("\n", 0, max(at, 0)) + 1
