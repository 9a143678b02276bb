"""Verdicts of the gates on responses, as a table of samples by gates; the meaning is that of the response quality."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from harness.gates.base import Status

_BLOCKED = re.compile(r"^(.+) did not pass$")
"""What `harness.runner` gives as the reason of a gate that was not run because one that it needs did not pass."""

_CODES = {str(status): code for code, status in enumerate(Status)}
PASS, FAIL, NOT_RUN, INCONCLUSIVE = (_CODES[str(status)] for status in (Status.PASS, Status.FAIL, Status.NOT_RUN, Status.INCONCLUSIVE))
ABSENT = -1

Table = npt.NDArray[np.int8]


@dataclass(frozen=True, slots=True)
class Verdicts:
    """One row a sample (in the order of the samples that it was made for), one column a gate.

    `status` holds the position of the status in `Status`, -1 where the gate said nothing; `passed` 1, 0, or -1 for no verdict;
    `blocked` marks those that did not pass only because an earlier gate failed.
    """

    gates: tuple[str, ...]
    status: Table
    passed: Table
    blocked: npt.NDArray[np.bool_]

    def column(self, gate: str) -> Table:
        """`passed` of one gate; no verdict at all where the run does not know the gate."""
        return self.passed[:, self.gates.index(gate)] if gate in self.gates else np.full(len(self.passed), ABSENT, dtype=np.int8)


def response_verdicts(gate_results: pd.DataFrame, sample_ids: npt.NDArray[np.int64]) -> Verdicts:
    """The verdicts on the variant `response` of the samples `sample_ids` (shape n, no id twice) out of `store.gate_results`.

    `not run` is a verdict, not passed, where an earlier gate failed, or where the gate does run on the ideal: the response lacks
    what it judges. It is none where the gate waits for one that is inconclusive, or does not run on the ideal either. Inconclusive is no verdict.
    """
    rows = pd.Index(sample_ids).get_indexer(pd.Index(gate_results["sample_id"].to_numpy(dtype=np.int64)))
    known = rows >= 0
    columns, names = pd.factorize(gate_results["gate"], sort=True)
    gates = tuple(str(name) for name in names)
    variant, status = gate_results["variant"], _codes(gate_results["status"])
    response, ideal = known & _is(variant, "response"), known & _is(variant, "ideal")
    shape = (len(sample_ids), len(gates))
    own = _table(shape, rows[response], columns[response], status[response])
    control = _table(shape, rows[ideal], columns[ideal], status[ideal])
    needs = _needs(gate_results, response & (status == NOT_RUN), rows, columns, shape, gates)
    cause = _followed(own, needs)
    blocked = (own == NOT_RUN) & (cause == FAIL)
    lacking = (own == NOT_RUN) & (cause == NOT_RUN) & np.isin(control, (PASS, FAIL))
    passed = np.full(shape, ABSENT, dtype=np.int8)
    passed[own == PASS] = 1
    passed[(own == FAIL) | blocked | lacking] = 0
    return Verdicts(gates, own, passed, blocked)


def _is(column: pd.Series[Any], word: str) -> npt.NDArray[np.bool_]:
    return (column == word).to_numpy(dtype=bool)


def _codes(status: pd.Series[Any]) -> npt.NDArray[np.int8]:
    codes, words = pd.factorize(status)
    known = np.array([*(_CODES.get(str(word), ABSENT) for word in words), ABSENT], dtype=np.int8)
    return known[codes]


def _table(shape: tuple[int, int], rows: npt.NDArray[Any], columns: npt.NDArray[Any], values: npt.NDArray[Any]) -> Table:
    table = np.full(shape, ABSENT, dtype=np.int8)
    table[rows, columns] = values
    return table


def _needs(
    gate_results: pd.DataFrame,
    waiting: npt.NDArray[np.bool_],
    rows: npt.NDArray[Any],
    columns: npt.NDArray[Any],
    shape: tuple[int, int],
    gates: tuple[str, ...],
) -> Table:
    """For each gate that was not run the column of the gate that it waits for, else -1."""
    codes, reasons = pd.factorize(gate_results["reason"][waiting])
    found = [match[1] if (match := _BLOCKED.match(str(reason))) else "" for reason in reasons]
    position = {gate: column for column, gate in enumerate(gates)}
    column_of = np.array([*(position.get(name, ABSENT) for name in found), ABSENT], dtype=np.int8)
    return _table(shape, rows[waiting], columns[waiting], column_of[codes])


def _followed(own: Table, needs: Table) -> Table:
    """The status at the end of each chain of gates that wait for another."""
    ends = own.copy()
    rows, first = np.nonzero((own == NOT_RUN) & (needs >= 0))
    at = first
    for _ in range(own.shape[1]):
        at = np.where((own[rows, at] == NOT_RUN) & (needs[rows, at] >= 0), needs[rows, at], at)
    ends[rows, first] = own[rows, at]
    return ends
