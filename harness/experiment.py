"""What all experiments on one pair share: the pair, the judge, and the control that every verdict is compared with."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from harness.diagnostics import Diagnostic
from harness.fixes import Comparison
from harness.gates.base import GateResult, Status
from harness.tree import Tree

Judge = Callable[[Tree, Sequence[str]], Mapping[str, GateResult]]
"""The verdicts of the named gates on a tree, with those of the gates that they need."""

Identity = tuple[str, str, str, str]
Kind = tuple[str, str, tuple[str, ...]]
VERDICTS = (Status.PASS, Status.FAIL)


@dataclass(frozen=True, slots=True)
class Experiment:
    """A pair ready for experiments. `order` are the gates, the one that counts first in front; `control` is what they
    say of the ideal.

    `seen` are verdicts on the response of gates that see all of a tree at once: what they do not say of the response
    is no failure of it, only something that an experiment made.

    `derived` are gates that judge what another gate made, for next to nothing: every step can afford to ask them.
    """

    comparison: Comparison
    judge: Judge
    control: Mapping[str, GateResult]
    order: Sequence[str]
    seen: Mapping[str, GateResult] = field(default_factory=dict)
    derived: Sequence[str] = ()

    @property
    def judged(self) -> list[str]:
        """The gates that have a verdict on the ideal; only they can be held against another tree."""
        return [name for name in self.order if name in self.control and self.control[name].status in VERDICTS]

    def fresh(self, result: GateResult | None, baseline: GateResult | None = None) -> tuple[Diagnostic, ...]:
        """What `result` says that neither the ideal nor `baseline` has, and that the response has too."""
        if result is None or result.status is not Status.FAIL:
            return ()
        control = self.control.get(result.gate)
        baselines = [control] if baseline is None else [control, baseline]
        return self._visible(new_diagnostics(result, *baselines, renamed=self.comparison.renamed), self.seen.get(result.gate))

    def _visible(self, diagnostics: tuple[Diagnostic, ...], seen: GateResult | None) -> tuple[Diagnostic, ...]:
        """Those that the same gate says of the response too; all of them where it could not see everything."""
        if seen is None or seen.status not in VERDICTS or any("syntax" in diagnostic.code for diagnostic in seen.diagnostics):
            return diagnostics
        said = {same_place(diagnostic, self.comparison.renamed) for diagnostic in seen.diagnostics}
        return tuple(diagnostic for diagnostic in diagnostics if same_place(diagnostic, self.comparison.renamed) in said)


def new_diagnostics(result: GateResult | None, *baselines: GateResult | None, renamed: Mapping[str, str]) -> tuple[Diagnostic, ...]:
    """What `result` says and none of the `baselines` does; nothing where a baseline has no verdict to compare with.

    `renamed` maps the response's paths to the ideal's, for files that moved.
    """
    if result is None or result.status is not Status.FAIL:
        return ()
    if any(baseline is None or baseline.status not in VERDICTS for baseline in baselines):
        return ()
    known = {same_place(diagnostic, renamed) for baseline in baselines if baseline for diagnostic in baseline.diagnostics}
    fresh = [diagnostic for diagnostic in result.diagnostics if same_place(diagnostic, renamed) not in known]
    here = {same_place(diagnostic, renamed) for diagnostic in result.diagnostics}
    left = Counter(_kind(one) for baseline in baselines if baseline for one in baseline.diagnostics if same_place(one, renamed) not in here)
    return tuple(diagnostic for diagnostic in fresh if not _taken(left, diagnostic))


def only_shared(result: GateResult, control: GateResult | None, renamed: Mapping[str, str]) -> bool:
    """Whether `result` fails, and all that it says the `control` fails for too: then nothing of it is a failure of the response."""
    both_fail = control is not None and result.status is control.status is Status.FAIL
    return both_fail and not new_diagnostics(result, control, renamed=renamed)


def _kind(diagnostic: Diagnostic) -> Kind:
    """What is said, whatever the construct that it is said of is called."""
    label = (diagnostic.address or "").rpartition(".")[2]
    return diagnostic.gate, diagnostic.code, tuple(symbol for symbol in diagnostic.symbols if symbol != label)


def _taken(left: Counter[Kind], diagnostic: Diagnostic) -> bool:
    """Whether a baseline says the same of a construct that the tree does not have it of: constructs may have other ids there.

    Each of the baseline's counts once.
    """
    if diagnostic.path is None or not left[_kind(diagnostic)]:
        return False
    left[_kind(diagnostic)] -= 1
    return True


def same_place(diagnostic: Diagnostic, renamed: Mapping[str, str]) -> Identity:
    """The diagnostic's identity with the ideal's path where it speaks of a file that moved."""
    gate, code, text, where = diagnostic.identity
    there = renamed.get(where, where)
    return gate, code, text.replace(where, there) if where else text, there
