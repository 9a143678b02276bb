"""What a result rests on, kept beside it: the two trees, their difference, what every gate said, the synthesized stacks."""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping
from textwrap import indent
from typing import Any

from harness.case import Case
from harness.fixes import Comparison
from harness.gates.base import GateResult
from harness.tree import Tree
from harness.variants import diff


def collect_artefacts(case: Case, comparison: Comparison, response: Mapping[str, GateResult], ideal: Mapping[str, GateResult]) -> dict[str, bytes]:
    """The artefacts of one evaluation by name.

    `tree/response`, `tree/ideal`: see `dump_tree`. `diff`: unified, from response to ideal. `log`: what the gates said of
    either. `synth/response/STACK`, `synth/ideal/STACK`: the JSON that terraform is given.
    """
    artefacts = {
        "tree/response": dump_tree(case.response),
        "tree/ideal": dump_tree(case.ideal),
        "diff": diff(comparison, list(comparison.fixes)).encode("utf-8", "replace"),
        "log": (_log("response", response) + _log("ideal", ideal)).encode("utf-8", "replace"),
    }
    for variant, results in (("response", response), ("ideal", ideal)):
        if "synth" in results:
            for name, stack in results["synth"].output.get("stacks", {}).items():
                artefacts[f"synth/{variant}/{name}"] = json.dumps(stack, indent=1, sort_keys=True).encode()
    return artefacts


def dump_tree(tree: Tree) -> bytes:
    """A tree as one JSON object: path to text, or to `{"base64": ...}` for content that is no UTF-8."""
    files: dict[str, Any] = {}
    for path in tree:
        try:
            files[path] = tree.text(path)
        except UnicodeDecodeError:
            files[path] = {"base64": base64.b64encode(tree.files[path]).decode()}
    return json.dumps(files, ensure_ascii=False).encode("utf-8", "replace")


def load_tree(content: bytes) -> Tree:
    """The tree that `dump_tree` wrote."""
    files = json.loads(content)
    return Tree({path: text.encode() if isinstance(text, str) else base64.b64decode(text["base64"]) for path, text in files.items()})


def _log(variant: str, results: Mapping[str, GateResult]) -> str:
    lines = []
    for gate, result in results.items():
        lines.append(f"== {variant}: {gate}: {result.status}" + (f" ({result.reason})" if result.reason else ""))
        for one in result.diagnostics:
            place = f"{one.locations[0].file}:{one.locations[0].line}: " if one.locations else ""
            lines.append(f"{place}{one.code}: {one.message}")
            if one.detail and one.detail.strip() != one.message.strip():
                lines.append(indent(one.detail.rstrip(), "    "))
    return "\n".join(lines) + "\n"
