"""Which failures confirm which claims: everybody's own match first, then what is shared, then what only the two of them have left."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from scoring.claim_match import Grade, Match

Pairs = Mapping[tuple[int, int], Match]
"""Matches by the places of their claim and their failure."""


@dataclass(frozen=True, slots=True)
class Assigned:
    """One failure that confirms a claim. `left_over` is set where both were each other's best of those that nothing else matched."""

    failure: int
    match: Match
    left_over: bool = False


def assign(pairs: Pairs, claims: int, failures: int) -> list[list[Assigned]]:
    """The failures that confirm each claim, its own first.

    One to one: the heaviest match whose claim and failure are both free makes them each other's own. Then a claim keeps its
    other strong matches, unless the failure is the own one of a claim that it fits better; and a claim that got no own shares its best ones.
    Last, claims without an own failure and failures that nothing matched so far are matched where each is the other's single
    best, and a better one than what the claim shares with others.
    """
    ranked = sorted((pair for pair in pairs if pairs[pair].grade >= Grade.WEAK), key=lambda pair: (-pairs[pair].weight, -pairs[pair].grade, pair))
    own: dict[int, int] = {}
    owner: dict[int, int] = {}
    for claim, failure in ranked:
        if claim not in own and failure not in owner:
            own[claim], owner[failure] = failure, claim
    found = [_of_claim(claim, ranked, pairs, own, owner) for claim in range(claims)]
    covered = {one.failure for matches in found for one in matches}
    free = {pair: one for pair, one in pairs.items() if pair[0] not in own and pair[1] not in covered}
    for claim in range(claims):
        best = _single_best(free, claim, side=0)
        if best is None or _single_best(free, best, side=1) != claim:
            continue
        if all(free[claim, best].weight > shared.match.weight for shared in found[claim]):
            found[claim] = [Assigned(best, free[claim, best], left_over=True)]
    return found


def _of_claim(claim: int, ranked: list[tuple[int, int]], pairs: Pairs, own: dict[int, int], owner: dict[int, int]) -> list[Assigned]:
    mine = [(failure, pairs[claim, failure]) for one, failure in ranked if one == claim]
    kept = [(failure, one) for failure, one in mine if own.get(claim) == failure]
    for failure, one in mine:
        better = owner.get(failure)
        taken = better is not None and better != claim and claim in own and pairs[better, failure].weight > one.weight
        if one.grade is Grade.STRONG and own.get(claim) != failure and not taken:
            kept.append((failure, one))
    if not kept and mine:
        kept = [(failure, one) for failure, one in mine if one.weight == mine[0][1].weight]
    return [Assigned(failure, one) for failure, one in kept]


def _single_best(pairs: Pairs, one: int, *, side: int) -> int | None:
    """The partner with which a claim (side 0) or a failure (side 1) has most in common; None where that is nobody or several."""
    weights = sorted(((match.weight, pair[1 - side]) for pair, match in pairs.items() if pair[side] == one), reverse=True)
    if not weights or (len(weights) > 1 and weights[0][0] == weights[1][0]):
        return None
    return weights[0][1]
