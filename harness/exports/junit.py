"""JUnit XML: one test suite a sample, one test case a gate, for the test pages of code hosts and CI servers."""

from __future__ import annotations

import shutil
import tempfile
from collections import Counter
from collections.abc import Callable, Sequence
from typing import TextIO
from xml.sax.saxutils import quoteattr

from junitparser import Error, Skipped, TestCase, TestSuite
from junitparser import Failure as FailedTest

from harness.exports.base import Source, Written, key_of, titles
from harness.exports.text import one_line, xml_text
from harness.failures import Failure, Severity
from harness.gates.base import Status
from harness.results import CaseResult
from harness.store.plan import SampleKey

CONTROL, HARNESS = "control", "harness"
"""Test cases beside the gates: whether the ideal can be held against the response, and what kept Assay from evaluating the sample."""

_IN_MEMORY = 8 * 1024 * 1024
_LONGEST = 500


class JUnit:
    """Keeps to the schema junit-10 of Jenkins's xUnit plugin, with at most one outcome a test case: some readers take no more.

    The older schema of Apache Ant wants a host and a package for each suite and forbids the totals; no code host asks for that.
    """

    name = "junit"
    summary = "JUnit XML: a test suite for each sample, a test case for each gate"
    example = "assay export junit nightly --to junit.xml"

    def write(self, source: Source, out: TextIO) -> Written:
        """Write every sample. The suites wait in a temporary file, because the counts of all of them come before the first."""
        title = titles(source.keys)
        totals: Counter[str] = Counter()
        with tempfile.SpooledTemporaryFile(_IN_MEMORY, "w+", encoding="utf-8", newline="") as body:
            for sample in source.samples():
                suite = suite_of(sample.result, title, source.header.started)
                totals.update(suites=1, tests=suite.tests, failures=suite.failures, errors=suite.errors, skipped=suite.skipped)
                totals["milliseconds"] += round(1000 * float(suite.time))
                content: bytes = suite.tostring()  # type: ignore[no-untyped-call]
                body.write(content.decode("utf-8") + "\n")
            name = " ".join(part for part in ("assay", source.header.label, source.header.run) if part)
            counted = " ".join(f'{what}="{totals[what]}"' for what in ("tests", "failures", "errors"))
            time = f'time="{totals["milliseconds"] / 1000:.3f}"'
            out.write(f'<?xml version="1.0" encoding="UTF-8"?>\n<testsuites name={quoteattr(xml_text(name))} {counted} {time}>\n')
            body.seek(0)
            shutil.copyfileobj(body, out)
        out.write("</testsuites>\n")
        return Written({name: totals[name] for name in ("suites", "tests", "failures", "errors", "skipped")})


def suite_of(result: CaseResult, title: Callable[[SampleKey], str], started: str) -> TestSuite:
    """The sample as a test suite. `started` is ISO 8601; the schema wants it without a zone."""
    suite = TestSuite(xml_text(title(key_of(result))))
    suite.timestamp = started[:19]
    for name, value in _properties(result).items():
        suite.add_property(name, xml_text(value))
    suite.add_testcases(_testcases(result, suite.name))
    suite.time = round(result.seconds.get("wall", 0.0), 3)
    return suite


def _properties(result: CaseResult) -> dict[str, str]:
    named = {"case": result.case, "model": result.model, "sample": result.sample, "attempt": str(result.attempt), "control": result.control}
    if result.score is not None:
        named |= {"training_quality": f"{result.score.training_quality:.4f}", "response_quality": f"{result.score.response_quality:.4f}"}
    return named


def _testcases(result: CaseResult, suite: str) -> list[TestCase]:
    if result.error:
        return [_testcase(suite, HARNESS, Error(one_line(xml_text(result.error), _LONGEST), "error"), result.error)]
    if result.control != "ok":
        cause = result.control_cause or "the ideal does not pass"
        cases = [_testcase(suite, CONTROL, Error(one_line(xml_text(cause), _LONGEST), result.control_kind or "broken control"), cause)]
    else:
        cases = [_testcase(suite, CONTROL)]
    found: dict[str, list[Failure]] = {}
    for failure in result.failures:
        found.setdefault(gate_of(failure), []).append(failure)
    statuses = result.gates.get("response", {})
    return cases + [_gate(result, suite, gate, found.get(gate, ())) for gate in dict.fromkeys([*statuses, *found])]


def gate_of(failure: Failure) -> str:
    """The gate that found a failure: the first that breaks in the ideal without its fix, else the one at which the walk met it."""
    evidence = failure.evidence.isolation or failure.evidence.walk
    return evidence.gate if evidence else "unknown"


def _gate(result: CaseResult, suite: str, gate: str, failures: Sequence[Failure]) -> TestCase:
    status = result.gates.get("response", {}).get(gate, Status.NOT_RUN)
    reason = result.reasons.get("response", {}).get(gate, "")
    if failures:
        worst = min((failure.severity for failure in failures), key=list(Severity).index)
        listed = "; ".join(f"{failure.id} {failure.title}" for failure in failures)
        many = f"{len(failures)} failures: " if len(failures) > 1 else ""
        return _testcase(suite, gate, FailedTest(one_line(xml_text(many + listed), _LONGEST), str(worst)), "\n\n".join(map(_described, failures)))
    if status == Status.FAIL and result.control == "ok" and gate not in result.shared:
        said = "the gate fails; what it says is no failure of its own, but comes from failures at other gates or is nothing that counts"
        return _testcase(suite, gate, FailedTest(said, "fail"), reason or said)
    if status == Status.FAIL and gate not in result.shared:
        return _testcase(suite, gate, Skipped("the gate fails, and without a working control nobody can say whether that is the response's failure"))
    if status in (Status.NOT_RUN, Status.INCONCLUSIVE):
        return _testcase(suite, gate, Skipped(one_line(xml_text(f"{status}: {reason or 'no reason given'}"), _LONGEST)))
    return _testcase(suite, gate)


def _described(failure: Failure) -> str:
    places = ", ".join(f"{place.file}:{place.line}" for place in failure.locations) or "no line is known"
    lines = (f"{failure.id} {failure.severity} {failure.category} {failure.rule}: {failure.title}", places, failure.message, failure.documentation)
    return "\n".join(line for line in lines if line)


def _testcase(suite: str, name: str, result: FailedTest | Error | Skipped | None = None, text: str = "") -> TestCase:
    case = TestCase(xml_text(name), suite)
    if result is not None:
        if text:
            result.text = xml_text(text)
        case.result = [result]
    return case
