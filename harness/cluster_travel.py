"""What travels between the client and a cluster's workers: trees, samples and evaluations as compressed bytes."""

from __future__ import annotations

import json
import pickle
import zlib
from collections.abc import Mapping
from dataclasses import replace

from harness.artefacts import dump_tree, load_tree
from harness.case import Case
from harness.errors import HarnessFault
from harness.evaluate import Evaluation
from harness.serialize import dump_case, load_case_result
from harness.store.plan import PlannedSample
from harness.tree import Tree
from harness.work import failed

_TREES = ("tree/response", "tree/ideal")
"""Artefacts that the client has anyway, so they stay where they are."""

_LEVEL = 1
_NOTHING = Tree({})


def pack_tree(tree: Tree) -> bytes:
    """A tree, compressed."""
    return zlib.compress(dump_tree(tree), _LEVEL)


def unpack_tree(packed: bytes, digest: str) -> Tree:
    """The tree that was packed. Raises `HarnessFault` where it is not the one with `digest`: what is judged is what was sent."""
    tree = load_tree(zlib.decompress(packed))
    if tree.digest != digest:
        raise HarnessFault(f"a tree arrived changed: {tree.digest[:12]} instead of {digest[:12]}", "check that every worker runs the same version of Assay")
    return tree


def pack_sample(planned: PlannedSample, case: Case) -> bytes:
    """A sample without its trees, of which it has the digests.

    Pickled, because a case may hold whatever YAML can say; it goes from the client to workers that take its code anyway.
    """
    shell = replace(case, response=_NOTHING, ideal=_NOTHING)
    return zlib.compress(pickle.dumps((planned, shell, case.response.digest, case.ideal.digest)), _LEVEL)


def unpack_sample(packed: bytes) -> tuple[PlannedSample, Case, str, str]:
    """The sample, its case without trees, and the digests of response and ideal."""
    planned, shell, response, ideal = pickle.loads(zlib.decompress(packed))
    return planned, shell, response, ideal


def pack_evaluation(evaluation: Evaluation) -> bytes:
    """An evaluation: one line of JSON, then the artefacts one after the other, without the two trees."""
    artefacts = {name: content for name, content in evaluation.artefacts.items() if name not in _TREES}
    head = {
        "result": dump_case(evaluation.result),
        "lasts": evaluation.lasts,
        "trees": [name for name in _TREES if name in evaluation.artefacts],
        "artefacts": {name: len(content) for name, content in artefacts.items()},
    }
    return zlib.compress(b"\n".join([json.dumps(head, separators=(",", ":")).encode(), b"".join(artefacts.values())]), _LEVEL)


def pack_trouble(text: str) -> bytes:
    """What a worker answers that could not even try to evaluate a sample."""
    return zlib.compress(json.dumps({"trouble": text}).encode() + b"\n", _LEVEL)


def unpack_evaluation(packed: bytes, planned: PlannedSample, trees: Mapping[str, bytes]) -> Evaluation:
    """The evaluation that was packed. `trees` are the packed trees that were sent, `response` and `ideal`.

    Raises `ValueError` where `packed` holds none.
    """
    try:
        line, rest = zlib.decompress(packed).split(b"\n", 1)
    except zlib.error as error:
        raise ValueError("not compressed data") from error
    head = json.loads(line)
    if "trouble" in head:
        return failed(planned, head["trouble"])
    artefacts = {name: zlib.decompress(trees[name.removeprefix("tree/")]) for name in head["trees"]}
    start = 0
    for name, size in head["artefacts"].items():
        artefacts[name] = rest[start : start + size]
        start += size
    return Evaluation(load_case_result(head["result"]), artefacts, head["lasts"])
