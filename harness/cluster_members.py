"""Which workers of a cluster take part in a run: those that have the same tools, the same gates and the same code."""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import cached_property
from typing import Any

from harness.errors import AssayError


class ClusterError(AssayError):
    """The cluster cannot be used, or not any more."""

    exit_code = 3


@dataclass(frozen=True)
class Facts:
    """What a worker has: versions of its tools with their fingerprint, gates that cannot run there (`holes`), the digest of its code.

    `error` is empty, or why Assay cannot work there at all, with the `remedy`.
    """

    address: str
    name: str
    versions: Mapping[str, str]
    fingerprint: str
    holes: Mapping[str, str]
    code: str
    error: str = ""
    remedy: str = ""

    @cached_property
    def identity(self) -> str:
        """16 hex digits of all that has to be the same for results to be the same."""
        return hashlib.sha256(json.dumps([self.fingerprint, sorted(self.holes), self.code]).encode()).hexdigest()[:16]

    @property
    def title(self) -> str:
        """The worker as a person finds it again."""
        return self.address if self.name in ("", self.address) else f"{self.name} ({self.address})"

    def dump(self) -> dict[str, Any]:
        """As plain data, for `Facts(**data)`."""
        return asdict(self)


@dataclass(frozen=True, slots=True)
class Agreement:
    """`standard` is a worker like all that take part; `refused` says of the others, by address, who they are and what differs."""

    standard: Facts
    refused: Mapping[str, str]


def agree(workers: Sequence[Facts], threads: Mapping[str, int], code: str) -> Agreement:
    """Choose the workers that take part: of those with the client's `code`, the kind that has the most threads.

    Raises `ClusterError` where there is none, or where two kinds have equally many: then nobody could say which of them a result is of.
    """
    usable = [one for one in workers if not one.error and one.code == code]
    if not usable:
        reasons = [f"{one.title}: {refusal(one, None, code)}" for one in workers]
        remedy = next((one.remedy for one in workers if one.remedy), "install on every worker the version of Assay that the client has")
        raise ClusterError(f"no worker can evaluate anything: {'; '.join(reasons[:5])}", remedy)
    weight: Counter[str] = Counter()
    for one in usable:
        weight[one.identity] += threads.get(one.address, 1)
    (first, most), *others = weight.most_common(2)
    standard = next(one for one in usable if one.identity == first)
    if others and others[0][1] == most:
        other = next(one for one in usable if one.identity == others[0][0])
        raise ClusterError(
            f"the workers differ, and none are in the majority: {other.title} has {refusal(other, standard, code)}; so has {standard.title}",
            "install the same tools on all workers, or end those that are not meant",
        )
    return Agreement(standard, {one.address: f"{one.title}: {refusal(one, standard, code)}" for one in workers if one.identity != first or one.error})


def refusal(one: Facts, standard: Facts | None, code: str) -> str:
    """What differs between a worker and what is asked for."""
    if one.error:
        return one.error
    differences = ["other code of Assay than the client's"] if one.code != code else []
    if standard is not None:
        for tool in sorted({*one.versions, *standard.versions}):
            here, there = one.versions.get(tool), standard.versions.get(tool)
            if here != there:
                differences.append(f"{f'{tool} {here}' if here else f'no {tool}'} instead of {there or 'none'}")
        differences += [f"the gate {gate} that cannot run ({one.holes[gate]})" for gate in sorted(set(one.holes) - set(standard.holes))]
        differences += [f"the gate {gate} that cannot run elsewhere" for gate in sorted(set(standard.holes) - set(one.holes))]
    return ", ".join(differences) or "other tools"
