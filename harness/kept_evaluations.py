"""Whole evaluations in the cache: what was evaluated before, on the same inputs with the same tools, is not evaluated again."""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import cache
from importlib.metadata import entry_points
from importlib.util import find_spec
from pathlib import Path

from harness.artefacts import dump_tree
from harness.cache import GateCache
from harness.case import Case
from harness.evaluate import Evaluation
from harness.gates.base import Gate
from harness.runner import source_digest
from harness.serialize import dump_case, load_case_result

_TREES = ("tree/response", "tree/ideal")
"""Artefacts that the case holds anyway."""

_PLUGIN_GROUPS = ("assay.architecture", "assay.constraints", "assay.gates", "assay.rules")


def key_of(case: Case, gates: Sequence[Gate], toolchain: str, holes: Mapping[str, str]) -> str:
    """A digest of all that an evaluation depends on: the case, the gates, the tools, what is missing here, Assay's code and rubric, plugins."""
    facts = (
        (case.name, case.title, case.platform, case.language, case.model, case.sample, case.response_folder, case.prompt, case.entry, case.tests, case.tags),
        (sorted(case.env.items()), case.expectations, case.provenance, [(policy.path, policy.text, policy.rules) for policy in case.policies]),
        (case.response.digest, case.ideal.digest),
        ([(gate.name, gate.version) for gate in gates], toolchain, sorted(holes.items()), source_digest(), judging_digest()),
    )
    return "evaluation " + hashlib.sha256(ascii(facts).encode()).hexdigest()  # not JSON: a case.yaml may hold keys that JSON lacks


def recall(store: GateCache, key: str, case: Case) -> Evaluation | None:
    """The evaluation kept under `key`, None where there is none that can be read."""
    content = store.get_bytes(key)
    if content is None:
        return None
    try:
        data = json.loads(content)
        artefacts = {name: base64.b64decode(text) for name, text in data["artefacts"].items()}
        result = load_case_result(data["result"])
    except (ValueError, KeyError, TypeError, AttributeError):
        return None
    artefacts |= dict(zip(_TREES, (dump_tree(case.response), dump_tree(case.ideal)), strict=True))
    return Evaluation(replace(result, attempt=1), artefacts, True)


def remember(store: GateCache, key: str, evaluation: Evaluation) -> None:
    """Keep an evaluation that another run would come to as well; others are left out."""
    if not evaluation.lasts or evaluation.result.error:
        return
    artefacts = {name: base64.b64encode(content).decode() for name, content in evaluation.artefacts.items() if name not in _TREES}
    store.put_bytes(key, json.dumps({"result": dump_case(evaluation.result), "artefacts": artefacts}).encode())


@cache
def judging_digest() -> str:
    """A digest of the code and the data that judge, and of the plugins that take part."""
    judging = find_spec("scoring")  # read, not imported: the harness does not know how scores are made
    total = hashlib.sha256()
    root = Path(judging.origin).parent if judging and judging.origin else Path(__file__).parents[1] / "scoring"
    for path in sorted([*root.rglob("*.py"), *root.rglob("*.yaml")]):
        total.update(path.relative_to(root).as_posix().encode() + b"\0" + path.read_bytes())
    plugins = sorted(
        (point.group, point.name, point.value, point.dist.name if point.dist else "", point.dist.version if point.dist else "")
        for group in _PLUGIN_GROUPS
        for point in entry_points(group=group)
    )
    total.update(json.dumps(plugins).encode())
    return total.hexdigest()
