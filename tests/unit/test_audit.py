"""What a claim needs to be confirmed, what refutes it, and that everything else is said to be open. All examples are invented."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from harness import cli
from harness.case import Case, load_case
from harness.diagnostics import Location
from harness.failures import Category, Evidence, Failure, FixSummary, Severity, WalkEvidence
from harness.results import CaseResult, FixRecord, RunResult
from harness.serialize import dump, load
from harness.store import PlannedSample, RunPlan, Store, open_store
from scoring.audit import NO_OBJECTION, ClaimStatus, Verdict, audit_case, audit_frame, dump_audit, load_audit
from scoring.claim_match import Grade, match
from scoring.claim_text import canonical, code_lines, words
from scoring.claim_trace import ClaimTrace, FailureTrace
from scoring.render import markdown
from scoring.report import CaseReport
from scoring.rubric import load_rubric
from scoring.sections import section

RESPONSE = """\
from cdktf_cdktf_provider_aws.sqs_queue import SqsQueues
from cdktf_cdktf_provider_aws.kms_key import KmsKey


class QueueStack:
    def __init__(self, scope, id, environment_suffix):
        self.orders = SqsQueues(self, "orders", message_retention_seconds=9999999)
        self.key = KmsKey(self, "key", deletion_window_in_days=45)
        self.password = "not-a-secret"
"""
IDEAL = RESPONSE.replace("SqsQueues", "SqsQueue").replace("9999999", "1209600").replace("=45", "=30")
FILE = "lib/queues.py"
IMPORT = "from cdktf_cdktf_provider_aws.sqs_queue import SqsQueues"


def diff(*changes: tuple[str, str]) -> str:
    body = "".join(f"-{old}\n+{new}\n" for old, new in changes)
    return f"--- response/{FILE}\n+++ ideal/{FILE}\n@@ -1 +1 @@\n{body}"


def failure(name: str = "F1", **fields: Any) -> Failure:
    line = '        self.orders = SqsQueues(self, "orders", message_retention_seconds=9999999)'
    values: dict[str, Any] = {
        "id": name,
        "fingerprint": name,
        "rule": "unknown-class",
        "title": "A class that the bindings do not have: SqsQueues",
        "severity": Severity.CRITICAL,
        "category": Category.CDKTF_API,
        "message": "cannot import name 'SqsQueues' from 'cdktf_cdktf_provider_aws.sqs_queue'",
        "locations": (Location(FILE, 1),),
        "symbols": ("SqsQueues",),
        "fix": FixSummary(("fix1",), 2, diff((line, line.replace("SqsQueues", "SqsQueue")))),
        "evidence": Evidence(WalkEvidence("synth", 1, "cannot import name 'SqsQueues'")),
        "root_cause": "r",
        "impact": "i",
        "documentation": "",
    }
    return Failure(**(values | fields))


def window(name: str = "F2", **fields: Any) -> Failure:
    """A failure about an argument of a resource."""
    old = '        self.key = KmsKey(self, "key", deletion_window_in_days=45)'
    values: dict[str, Any] = {
        "rule": "out-of-range",
        "title": "KMS does not offer a deletion window of 45 days",
        "severity": Severity.HIGH,
        "category": Category.AWS_CONSTRAINT,
        "message": "expected deletion_window_in_days to be in the range (7 - 30), got 45",
        "locations": (Location(FILE, 8),),
        "symbols": ("aws_kms_key",),
        "fix": FixSummary(("fix2",), 1, diff((old, old.replace("=45", "=30")))),
    }
    return failure(name, **(values | fields))


@pytest.fixture
def case(make_case: Callable[..., Path]) -> Case:
    return load_case(make_case({"tap.py": "", FILE: RESPONSE}, {"tap.py": "", FILE: IDEAL}))


def result_of(*failures: Failure, **fields: Any) -> CaseResult:
    values: dict[str, Any] = {
        "case": "small", "title": "Small", "model": "m", "prompt": "p", "control": "ok", "control_cause": None, "score": None, "gates": {}, "reasons": {},
        "converged": True, "failures": failures, "fixes": (), "unclassified": 0, "inconclusive": (), "expectations": (), "resources": 0, "seconds": {},
    }  # fmt: skip
    return CaseResult(**(values | fields))


def verdict(case: Case, claim: Mapping[str, Any], *failures: Failure, **fields: Any) -> Verdict:
    (one,) = audit_case(replace(case, expectations=(claim,)), result_of(*failures, **fields)).claims
    return one


@pytest.mark.parametrize(
    ("claim", "why"),
    [
        ({"title": "Wrong class", "identifiers": ["SqsQueues"]}, "SqsQueues, which the failure is about"),
        ({"title": "It stops", "messages": ["ImportError: cannot import name 'SqsQueues' from 'cdktf_cdktf_provider_aws.sqs_queue'"]}, "the message"),
        ({"title": "Q", "snippets": [{"response": 'self.orders = SqsQueues(self, "orders", message_retention_seconds=9999999)  # WRONG'}]}, "response's line"),
        ({"title": "Q", "snippets": [{"ideal": 'self.orders = SqsQueue(self, "orders", message_retention_seconds=9999999)'}]}, "fix's line"),
    ],
    ids=["name", "message", "response line", "fix line"],
)
def test_one_strong_link_confirms_and_says_which(case: Case, claim: dict[str, Any], why: str) -> None:
    one = verdict(case, claim, failure(), window())
    assert one.status is ClaimStatus.CONFIRMED
    assert one.failures == ("F1",)
    assert why in one.reason and one.reason.startswith("F1 shares")


def test_names_are_the_same_in_every_spelling() -> None:
    assert len({canonical(name) for name in ("KmsKey", "aws_kms_key", "kms_key", "kmsKey")}) == 1
    assert canonical("S3BucketVersioningA") == canonical("S3BucketVersioning") == canonical("aws_s3_bucket_versioning")
    assert canonical("DataAwsCallerIdentity") == canonical("aws_caller_identity")
    assert canonical("KmsAlias") != canonical("KmsKey")


def test_code_is_compared_without_comments_and_layout() -> None:
    assert code_lines("  a = 'x',  # WRONG\n\n# only a comment\n") == ['a = "x"']
    assert words("Missing KmsKey policies") == {"kms", "key", "polic"}


def test_a_whole_resource_in_common_is_not_enough(case: Case) -> None:
    claim = {"title": "Key rotation is off", "identifiers": ["KmsKey", "enable_key_rotation"], "category": "aws-constraint", "file": FILE}
    one = verdict(case, claim, window(title="The deletion window is too long"))
    assert one.status is ClaimStatus.NOT_EXECUTABLE and one.undecided
    assert one.reason.startswith(NO_OBJECTION)


def test_a_resource_confirms_with_place_kind_and_words(case: Case) -> None:
    one = verdict(case, {"title": "Deletion window too long", "identifiers": ["KmsKey"], "category": "aws-constraint", "file": FILE}, window())
    assert one.failures == ("F2",)
    assert "the words" in one.reason and FILE in one.reason


def test_names_that_every_stack_has_prove_nothing(case: Case) -> None:
    one = verdict(
        case, {"title": "Suffix badly placed in names", "identifiers": ["environment_suffix", "TapStack"]}, failure(symbols=("TapStack", "environment_suffix"))
    )
    assert one.undecided


def test_another_file_and_another_kind_of_mistake_is_another_failure(case: Case) -> None:
    claim = {"title": "Tests wait for the wrong window", "identifiers": ["deletion_window_in_days"], "file": "tests/unit/test_queues.py", "category": "testing"}
    assert not verdict(case, claim, window()).failures


def test_a_fix_that_holds_everything_proves_nothing(case: Case) -> None:
    changes = [(f"old_{number}()", f"new_{number}()") for number in range(40)]
    line = 'self.orders = SqsQueues(self, "orders", message_retention_seconds=9999999)'
    claim = {"title": "Retention beyond what a queue has", "snippets": [{"response": line}]}
    small = failure(symbols=(), message="it stops", title="It stops", fix=FixSummary(("fix1",), 1, diff((line, "x"))))
    large = replace(small, fix=FixSummary(("fix1",), 41, diff((line, "x"), *changes)))
    assert verdict(case, claim, small).status is ClaimStatus.CONFIRMED
    assert verdict(case, claim, large).undecided


def test_a_line_does_not_confirm_a_failure_that_is_about_something_else(case: Case) -> None:
    line = '        self.orders = SqsQueues(self, "orders", message_retention_seconds=9999999)'
    other = failure(
        message="SqsQueue got an unexpected keyword argument 'fifo_mode'",
        symbols=("fifo_mode",),
        title="Argument",
        fix=FixSummary(("f",), 1, diff((line, "x"))),
    )
    claim = {"title": "Retention", "snippets": [{"response": "message_retention_seconds=9999999"}, {"response": line}]}
    assert not verdict(case, claim, other).failures


def test_a_line_that_is_everywhere_names_no_place(case: Case) -> None:
    crowded = replace(case, response=type(case.response)({FILE: b"encrypt_everything = True\n" * 5}))
    claim = ClaimTrace({"title": "x", "snippets": [{"response": "encrypt_everything = True"}]}, crowded.response, crowded.ideal)
    assert match(claim, FailureTrace(failure(fix=FixSummary(("f",), 1, diff(("encrypt_everything = True", "")))), crowded.response)) is None


def test_linter_claims_are_confirmed_by_the_linter_s_own_code(case: Case) -> None:
    lint = failure(category=Category.CODE_QUALITY, message="lib/queues.py:1: F401 `os` imported but unused", symbols=(), title="Linter", rule="code-quality")
    assert verdict(case, {"title": "Unused import"}, lint).failures == ("F1",)
    assert verdict(case, {"title": "Pylint score too low", "category": "code-quality"}, lint).failures == ("F1",)
    assert verdict(case, {"title": "Line length violations", "category": "code-quality"}, lint).undecided


def test_a_claim_may_have_many_failures_and_a_failure_many_claims(case: Case) -> None:
    claims = ({"title": "What the bindings refuse", "identifiers": ["SqsQueues", "deletion_window_in_days"]}, {"title": "B", "identifiers": ["SqsQueues"]})
    audit = audit_case(
        replace(case, expectations=claims), result_of(failure(), window(), failure("F3", symbols=(), message="else", title="else", fix=FixSummary((), 0, "")))
    )
    assert [set(one.failures) for one in audit.claims] == [{"F1", "F2"}, {"F1"}]
    assert [one.id for one in audit.unclaimed] == ["F3"]


@pytest.mark.parametrize(
    ("claim", "why"),
    [
        ({"title": "Wrong topic", "snippets": [{"response": 'SnsTopicX(self, "alerts")', "ideal": 'SnsTopic(self, "alerts")'}]}, "SnsTopicX occurs nowhere"),
        ({"title": "Window", "snippets": [{"response": "deletion_window_in_days=90", "ideal": "deletion_window_in_days=10"}]}, None),
        ({"title": "Class", "text": "It uses `SnsTopics` instead of `SnsTopic`."}, "nowhere in the response"),
        ({"title": "Missing deletion_window_in_days"}, "the response has it at lib/queues.py:8"),
        (
            {"title": "Password", "snippets": [{"response": 'secret_password = "x1"', "ideal": 'self.password = "not-a-secret"'}]},
            "already has the claimed fix",
        ),
        ({"title": "No password", "snippets": [{"ideal": 'self.password = "not-a-secret"'}]}, "already has the claimed fix, as often as the ideal"),
        ({"title": "Line length violations", "snippets": [{"response": 'SnsTopicX(self, "alerts")'}]}, None),
    ],
    ids=["class absent", "paraphrase is no contradiction", "names absent", "not missing", "other code", "fixed already", "linters quote text"],
)
def test_a_claim_about_code_that_is_not_there_is_contradicted(case: Case, claim: dict[str, Any], why: str | None) -> None:
    one = verdict(case, claim)
    assert one.status is (ClaimStatus.CONTRADICTED if why else ClaimStatus.NOT_EXECUTABLE)
    assert (why or NO_OBJECTION) in one.reason


def test_a_fix_that_the_ideal_has_more_often_is_not_there_yet(make_case: Callable[..., Path]) -> None:
    once, twice = "a = key(\n    enable_key_rotation=True,\n)\n", "a = key(\n    enable_key_rotation=True,\n)\nb = key(\n    enable_key_rotation=True,\n)\n"
    case = load_case(make_case({"tap.py": once}, {"tap.py": twice}))
    assert verdict(case, {"title": "Rotation", "snippets": [{"ideal": "enable_key_rotation=True,"}]}).undecided


def test_a_variable_of_another_name_is_no_contradiction(case: Case) -> None:
    claim = {"title": "Retention", "snippets": [{"response": 'queue_object = SqsQueues(self, "orders", message_retention_seconds=9999999)'}]}
    assert verdict(case, claim).undecided


def test_another_value_of_a_setting_contradicts(make_case: Callable[..., Path]) -> None:
    case = load_case(make_case({"tap.py": "queue(\n    delay_seconds=5,\n)\n"}, {"tap.py": ""}))
    one = verdict(case, {"title": "Delay", "snippets": [{"response": "queue(delay_seconds=7)"}, {"response": "delay_seconds=7,"}]})
    assert not one.failures
    one = verdict(case, {"title": "Delay", "snippets": [{"response": "delay_seconds=7,", "ideal": "delay_seconds=9,"}]})
    assert one.status is ClaimStatus.CONTRADICTED
    assert "`delay_seconds=5`, not `delay_seconds=7`" in one.reason


@pytest.mark.parametrize(
    ("claim", "why"),
    [
        ({"title": "README is incomplete"}, "documentation"),
        ({"title": "Missing unit tests"}, "cannot fail"),
        ({"title": "NAT gateways cost too much", "category": "architecture"}, "prices"),
        ({"title": "VPC quota reached"}, "quota"),
        ({"title": "Bucket", "messages": ["BucketAlreadyExists: the requested bucket name already exists"]}, "taken in AWS"),
        ({"title": "Lambda code crashes on an empty event"}, "once it is deployed"),
        ({"title": "Over-engineered stacks"}, "taste"),
    ],
    ids=lambda value: value["title"] if isinstance(value, dict) else "",
)
def test_what_nothing_here_can_decide_says_why(case: Case, claim: dict[str, Any], why: str) -> None:
    one = verdict(case, claim, failure())
    assert (one.status, one.undecided) == (ClaimStatus.NOT_EXECUTABLE, False)
    assert why in one.reason


def test_a_claim_that_no_gate_objects_to_is_told_from_one_that_none_could(case: Case) -> None:
    claim = {"title": "Odd assignment", "snippets": [{"response": 'self.password = "not-a-secret"'}]}
    one = verdict(case, claim, failure(), converged=False)
    assert (one.status, one.undecided) == (ClaimStatus.NOT_EXECUTABLE, True)
    assert one.reason.startswith(f"{NO_OBJECTION}: the code it describes is at lib/queues.py:9")
    assert "repair walk did not get through" in one.reason


def test_a_broken_control_decides_nothing(case: Case) -> None:
    one = verdict(case, {"title": "Password in plain text"}, control="broken", control_cause="synth: boom\nmore")
    assert (one.status, one.undecided) == (ClaimStatus.NOT_EXECUTABLE, False)
    assert one.reason.endswith("synth: boom")


def test_without_usable_code_claims_about_code_are_untrue(case: Case) -> None:
    empty = failure(rule="no-usable-code", message="the response contains no usable code: a refusal", symbols=())
    assert verdict(case, {"title": "Wrong class", "snippets": [{"response": "SqsQueues(self)"}]}, empty).status is ClaimStatus.CONTRADICTED
    assert verdict(case, {"title": "Missing queue"}, empty).failures == ("F1",)
    one = verdict(case, {"title": "Queue too small"}, empty)
    assert (one.status, one.undecided) == (ClaimStatus.NOT_EXECUTABLE, False)


@pytest.mark.parametrize(
    ("claim", "why"),
    [
        ({"title": "Queue name too long", "identifiers": ["aws_sqs_queue", "name"]}, "aws_sqs_queue, name together, which the failure is about"),
        (
            {"title": "Called what", "identifiers": ["name"], "snippets": [{"response": "name=suffix,"}]},
            "the line at the failure's place",
        ),
    ],
    ids=["resource and argument", "the very line"],
)
def test_common_names_are_enough_together_or_at_the_failure_s_place(make_case: Callable[..., Path], claim: dict[str, Any], why: str) -> None:
    case = load_case(make_case({"tap.py": "", FILE: "queue(\n    name=suffix,\n)\n"}, {"tap.py": "", FILE: "queue(\n    name=short,\n)\n"}))
    long = failure(
        symbols=("aws_sqs_queue", "name"), title="name of aws_sqs_queue has too many characters", message='"name" cannot have 90 characters',
        locations=(Location(FILE, 2),), fix=FixSummary(("f",), 1, diff(("    name=suffix,", "    name=short,"))),
    )  # fmt: skip
    one = verdict(case, claim, long)
    assert one.failures == ("F1",) and why in one.reason
    assert not verdict(case, {"title": "Other thing", "identifiers": ["name"]}, long).failures


def missing_file(**fields: Any) -> Failure:
    values: dict[str, Any] = {
        "rule": "asset-file-missing", "title": "A file was never written: assets/worker.zip", "symbols": ("assets/worker.zip",), "category": Category.PACKAGING,
        "message": "open assets/worker.zip: no such file", "fix": FixSummary(("f",), 1, diff(("x", "y"))),
    }  # fmt: skip
    return failure(**(values | fields))


def test_a_file_is_known_by_its_name_and_its_folders_are_not(case: Case) -> None:
    one = verdict(case, {"title": "Nobody packs the worker", "text": "`worker.zip` is never built."}, missing_file())
    assert "the file assets/worker.zip, which the failure is about" in one.reason
    deep = missing_file(symbols=("job_handlers/worker.zip",), message="open job_handlers/worker.zip: no such file")
    assert not verdict(case, {"title": "Handlers are called differently", "identifiers": ["job_handlers"]}, deep).failures


def test_a_file_that_is_there_is_not_missing(case: Case) -> None:
    there = replace(case, response=type(case.response)({**case.response.files, "assets/worker.zip": b"PK"}))
    claim = {"title": "Missing worker archive", "files": ["assets/worker.zip"]}
    one = verdict(there, claim, missing_file(title="The asset wants a folder", message="assets/worker.zip is no folder"))
    assert one.status is ClaimStatus.CONTRADICTED and "the response has assets/worker.zip" in one.reason
    assert verdict(case, claim, missing_file()).failures == ("F1",)


def test_prose_that_says_all_the_title_says_is_enough(case: Case) -> None:
    one = verdict(case, {"title": "Key trouble", "text": "A deletion window of 45 days is nothing that KMS offers."}, window())
    assert one.failures == ("F2",) and "nearly all words of" in one.reason
    assert not verdict(case, {"title": "Key trouble", "text": "KMS keys are deleted too late."}, window()).failures


def other(name: str, **fields: Any) -> Failure:
    """A failure with no name in it."""
    plain = {"symbols": (), "message": "the loop never ends", "title": "An endless loop", "root_cause": "", "fix": FixSummary(("f",), 1, diff(("x", "y")))}
    return failure(name, **(plain | fields))


LOOP = {"title": "The loop of the poller never stops", "file": FILE, "category": "cdktf-api"}


def test_what_is_left_for_each_other_is_matched(case: Case) -> None:
    one = verdict(case, LOOP, failure(), other("F9"))
    assert one.failures == ("F9",)
    assert "F9 and this claim are what is left for each other" in one.reason
    assert verdict(case, LOOP, other("F8"), other("F9")).undecided, "two are equally good"
    assert verdict(case, LOOP | {"file": "lib/else.py"}, other("F9")).undecided
    assert verdict(case, LOOP | {"category": "python"}, other("F9")).undecided
    assert verdict(case, LOOP | {"title": "A loop too many"}, other("F9")).undecided, "one word is too little"


def test_a_shared_resource_is_nothing_that_is_left_for_each_other(case: Case) -> None:
    claim = {"title": "Key rotation is off", "identifiers": ["KmsKey"], "file": FILE, "category": "aws-constraint"}
    assert verdict(case, claim, window(title="A window")).undecided


def test_everybody_s_own_failure_goes_before_shared_ones(case: Case) -> None:
    claims = (
        {"title": "The bindings do not have the class SqsQueues", "identifiers": ["SqsQueues"], "file": FILE, "category": "cdktf-api"},
        {"title": "The loop over SqsQueues never ends", "identifiers": ["SqsQueues"], "file": FILE, "category": "python"},
    )
    audit = audit_case(replace(case, expectations=claims), result_of(failure(), other("F2", category=Category.PYTHON)))
    assert [one.failures for one in audit.claims] == [("F1",), ("F2",)]
    alone = audit_case(replace(case, expectations=claims), result_of(failure()))
    assert [one.failures for one in alone.claims] == [("F1",), ("F1",)]


def test_a_failure_that_fits_another_claim_better_is_not_taken_along(case: Case) -> None:
    claims = (
        {"title": "Deletion window of 45 days", "identifiers": ["deletion_window_in_days"], "file": FILE, "category": "aws-constraint"},
        {"title": "The bindings lack it", "identifiers": ["SqsQueues", "deletion_window_in_days"], "file": FILE, "category": "cdktf-api"},
    )
    audit = audit_case(replace(case, expectations=claims), result_of(failure(), window()))
    assert [one.failures for one in audit.claims] == [("F2",), ("F1",)]


def test_a_class_among_others_needs_more_in_common(case: Case) -> None:
    assert not verdict(case, {"title": "Order of creation", "identifiers": ["SqsQueues", "SnsTopic"]}, failure()).failures
    assert verdict(case, {"title": "Bindings without it", "identifiers": ["SqsQueues", "SnsTopic"]}, failure()).failures == ("F1",)


def test_one_line_of_a_fix_that_brings_along_many_is_not_enough(case: Case) -> None:
    claim = {"title": "Rotation off", "snippets": [{"ideal": "enable_key_rotation=True,"}]}
    ideal = replace(case, ideal=type(case.ideal)({FILE: b"enable_key_rotation=True,\n"}))
    extra = tuple((f"old_{number}=1,", f"new_{number}=1,") for number in range(9))
    small = other("F1", fix=FixSummary(("f",), 1, diff(("x=1", "enable_key_rotation=True,"))))
    assert verdict(ideal, claim, small).failures == ("F1",)
    assert not verdict(ideal, claim, replace(small, fix=FixSummary(("f",), 9, diff(("x=1", "enable_key_rotation=True,"), *extra)))).failures


def test_linter_and_others_are_not_confused(case: Case) -> None:
    line = 'self.orders = SqsQueues(self, "orders", message_retention_seconds=9999999)'
    lint = other("F1", category=Category.CODE_QUALITY, message="lib/queues.py:7: E501 Line too long", fix=FixSummary(("f",), 1, diff((line, "x"))))
    assert not verdict(case, {"title": "Wrong retention", "snippets": [{"response": line}]}, lint).failures
    claim = {"title": "Line length", "category": "code-quality", "snippets": [{"response": line}]}
    assert verdict(case, claim, failure(symbols=(), message="x", title="x")).undecided
    assert verdict(case, claim, lint).failures == ("F1",)
    assert verdict(case, {"title": "Neither formatter nor linter was run", "category": "code-quality"}, lint).failures == ("F1",)


def test_severity_only_supports(case: Case) -> None:
    found = match(
        ClaimTrace({"title": "Window", "severity": "high", "identifiers": ["KmsKey"]}, case.response, case.ideal), FailureTrace(window(), case.response)
    )
    assert found is None
    strong = match(
        ClaimTrace({"title": "Window", "severity": "high", "identifiers": ["deletion_window_in_days"]}, case.response, case.ideal),
        FailureTrace(window(), case.response),
    )
    assert strong and strong.grade is Grade.STRONG and strong.links[-1].kind == "severity"


PASSED = {"response": {"synth": "pass", "validate": "pass"}, "repaired": {"synth": "pass", "validate": "pass"}}
REPAIRED = {"response": {"synth": "fail", "validate": "not run"}, "repaired": {"synth": "pass", "validate": "pass"}}


def fix(*changes: tuple[str, str], step: int | None = 1, isolation: str = "synth") -> FixRecord:
    return FixRecord("fix7", "t", len(changes), (FILE,), (), step is not None, diff(*changes), step, True, isolation)


@pytest.mark.parametrize(
    ("claim", "why"),
    [
        ({"title": "Missing KmsKey import", "snippets": [{"response": IMPORT}]}, "the import of KmsKey is missing, and the response has it at lib/queues.py:2"),
        ({"title": "Missing SnsTopic import"}, "nothing in the response uses it"),
        ({"title": "Wrong platform", "text": "Terraform HCL instead of CDKTF."}, "lib/queues.py:1 imports it"),
        ({"title": "Unit tests call the old signature", "category": "testing"}, "the response has no tests"),
        ({"title": "Wrong type of visibility_timeout"}, "it is about visibility_timeout, which the response has nowhere"),
        ({"title": "Clusters of caches", "identifiers": ["cache_limits", "CacheCluster"]}, "neither the response nor the ideal has"),
        ({"title": "Key", "text": "It uses `old_window` instead of the actual argument `deletion_window_in_days`."}, "nowhere in the response: old_window"),
        (
            {"title": "Poller", "snippets": [{"response": "poll_interval = settings_of(poller_table)\nstart_poller(poll_interval)\n"}]},
            "which knows hardly a name of it",
        ),
        ({"title": "Missing poller", "snippets": [{"response": "poll_interval = settings_of(poller_table)\nstart_poller(poll_interval)\n"}]}, None),
    ],
    ids=["import there", "import unused", "platform", "no tests", "title's name", "neither tree", "wrong name", "unknown code", "what is missing"],
)  # fmt: skip
def test_what_the_trees_contradict(case: Case, claim: dict[str, Any], why: str | None) -> None:
    one = verdict(case, claim)
    assert (one.status is ClaimStatus.CONTRADICTED) is bool(why)
    assert (why or "") in one.reason


def test_a_text_that_is_nowhere_contradicts_where_the_setting_has_another_value(make_case: Callable[..., Path]) -> None:
    case = load_case(make_case({"tap.py": "queue(\n    label_text=make_label(self),\n)\n"}, {"tap.py": ""}))
    claim = {"title": "Label", "snippets": [{"response": 'label_text=f"jobs-{zone}-main"', "ideal": 'label_text="x"'}]}
    assert "it has `label_text=make_label(self)`" in verdict(case, claim).reason
    there = load_case(make_case({"tap.py": 'text = f"jobs-{zone}-main"\nqueue(\n    label_text=text,\n)\n'}, {"tap.py": ""}, name="there"))
    assert verdict(there, claim).status is not ClaimStatus.CONTRADICTED


def test_a_gate_that_passes_contradicts_who_says_that_it_fails(case: Case) -> None:
    claim = {"title": "Queue class", "text": "Synthesis fails with an ImportError.", "snippets": [{"response": 'self.password = "not-a-secret"'}]}
    assert "passes synth as it is" in verdict(case, claim, gates=PASSED).reason
    assert "still there where the repair walk ended" in verdict(case, claim, gates=REPAIRED, fixes=(fix(("a=1", "b=1")),)).reason
    for fixes in ((fix(('self.password = "not-a-secret"', "x")),), (fix(("from lib.queues import QueueStack", "")),)):
        assert verdict(case, claim, gates=REPAIRED, fixes=fixes).undecided, "the walk took it away, or the module that holds it"
    assert verdict(case, claim, gates=REPAIRED, converged=False).undecided
    quiet = {"title": "Queue class", "snippets": claim["snippets"]}
    assert verdict(case, quiet, gates=PASSED).undecided, "it does not say that a gate fails"
    assert verdict(case, {"title": "Backend argument", "text": "TypeError: unexpected keyword"}, gates=PASSED).status is not ClaimStatus.CONTRADICTED


@pytest.mark.parametrize(
    ("claim", "why"),
    [
        ({"title": "Password in plain text"}, "how secure"),
        ({"title": "Missing alarm for the queue"}, "something that is left out"),
        ({"title": "Alarms", "text": "Issue: No alarms at all."}, "something that is left out"),
        ({"title": "Missing lib/extra.py", "files": ["lib/extra.py"]}, "something that is left out"),
        ({"title": "Topic", "messages": ["Error: creating SNS Topic: InvalidParameter: status code: 400"]}, "what AWS itself answers"),
        ({"title": "force_destroy not set"}, "destroyed"),
        ({"title": "Hardcoded environment suffix"}, "another environment"),
        ({"title": "Missing IAM policy for the queue"}, "permissions suffice"),
        ({"title": "State locking"}, "backend"),
        ({"title": "Retention", "text": "Not as specified in the task."}, "what the task asks for"),
        ({"title": "Queues", "text": "Models often forget them."}, "models in general"),
        ({"title": "Queues", "text": "Functions cannot reach the queue."}, "once it is deployed"),
        ({"title": "id shadows a built-in", "category": "code-quality"}, "the lint gate has no rule for that"),
        ({"title": "Missing package dependency"}, "gates bring their own"),
        ({"title": "Endpoint output is an object"}, "outputs"),
    ],
    ids=lambda value: value["title"] if isinstance(value, dict) else "",
)
def test_what_is_beyond_every_gate(case: Case, claim: dict[str, Any], why: str) -> None:
    one = verdict(case, claim, failure())
    assert (one.status, one.undecided) == (ClaimStatus.NOT_EXECUTABLE, False)
    assert why in one.reason


@pytest.mark.parametrize(
    "claim",
    [
        {"title": "Password in plain text", "text": "TypeError: it has to be a string"},
        {"title": "Missing window", "text": "Synthesis fails."},
        {"title": "Missing argument"},
        {"title": "Missing import of the queue"},
        {"title": "Missing asset file"},
        {"title": "Missing account id in the policy"},
        {"title": "KMS key policy incomplete for logs"},
    ],
    ids=lambda claim: claim["title"],
)
def test_what_a_gate_would_find_stays_undecided(case: Case, claim: dict[str, Any]) -> None:
    assert verdict(case, claim, failure()).undecided


def test_an_omission_counts_only_where_gates_saw_the_code(case: Case) -> None:
    line = '        self.password = "not-a-secret"'
    claim = {"title": "Missing template", "snippets": [{"response": line}]}
    assert not verdict(case, claim).undecided
    assert verdict(case, claim, converged=False).undecided
    assert verdict(case, claim, fixes=(fix((line, "x")),)).undecided
    assert not verdict(case, claim, fixes=(fix((line, "x"), step=None),)).undecided


def test_an_undecided_claim_names_the_fixes_that_nothing_needs(case: Case) -> None:
    line = 'self.password = "not-a-secret"'
    claim = {"title": "Odd assignment", "snippets": [{"response": line}]}
    assert "asks for is fix7, which neither experiment needs" in verdict(case, claim, fixes=(fix((line, "x"), step=None, isolation="nothing"),)).reason
    assert "neither" not in verdict(case, claim, fixes=(fix((line, "x")),)).reason


@pytest.mark.parametrize("title", ["Missing encryption of the queue", "The bucket allows public access"])
def test_what_the_architecture_gate_compares_is_decidable_where_it_ran(case: Case, title: str) -> None:
    assert not verdict(case, {"title": title}, failure()).undecided
    assert verdict(case, {"title": title}, failure(), gates={"ideal": {"architecture": "pass"}}).undecided
    assert not verdict(case, {"title": title}, failure(), gates={"ideal": {"architecture": "not run"}}).undecided


def test_secrets_in_plain_text_are_judged_by_no_rule(case: Case) -> None:
    assert not verdict(case, {"title": "Password in plain text"}, failure(), gates={"ideal": {"architecture": "pass"}}).undecided


def test_without_usable_code_what_is_beyond_gates_stays_so(case: Case) -> None:
    empty = failure(rule="no-usable-code", message="the response contains no usable code: a refusal", symbols=())
    assert not verdict(case, {"title": "Missing unit tests"}, empty).failures


def test_no_expectations_no_claims(case: Case) -> None:
    audit = audit_case(case, result_of(failure()))
    assert audit.claims == () and [one.id for one in audit.unclaimed] == ["F1"]
    frame = audit_frame(audit)
    assert len(frame) == 0 and list(frame.columns) == ["case", "title", "severity", "category", "status", "undecided", "failures", "ids", "reason"]


def test_fields_of_the_wrong_type_are_ignored(case: Case) -> None:
    claim = {"title": "Odd", "identifiers": "SqsQueues", "snippets": [3, {"response": None}], "messages": {"a": 1}, "file": 7, "severity": 2, "category": []}
    one = verdict(case, claim, failure())
    assert (one.claim.severity, one.claim.category, one.failures) == (None, None, ())


def test_the_audit_survives_its_json_and_fills_the_frame(case: Case) -> None:
    claims = ({"title": "Wrong class", "severity": "critical", "identifiers": ["SqsQueues"]}, {"title": "Oddities"}, {"title": "README"})
    audit = audit_case(replace(case, expectations=claims), result_of(failure(), window()))
    data = json.loads(json.dumps(dump_audit(audit)))
    assert load_audit(data) == audit
    assert set(data["claims"][0]) == {"title", "severity", "category", "status", "reason", "failures", "undecided"}
    assert set(data["unclaimed"][0]) == {"id", "rule", "title", "severity"}
    frame = audit_frame(audit)
    assert list(frame["status"]) == ["confirmed", "not executable", "not executable"]
    assert list(frame["undecided"]) == [False, True, False]
    assert audit.count(ClaimStatus.NOT_EXECUTABLE, undecided=True) == 1


def kept(result: CaseResult) -> RunResult:
    return RunResult("20990101-000000-abcd", "2099-01-01T00:00:00+00:00", {"python": "3"}, load_rubric().version, (result,))


@pytest.fixture
def audited(case: Case) -> CaseResult:
    claims = ({"title": "Wrong <b>class</b> | x", "identifiers": ["SqsQueues"]}, {"title": "Oddities"})
    result = result_of(failure(), window(), expectations=claims)
    return replace(result, audit=dump_audit(audit_case(replace(case, expectations=claims), result)))


def test_reports_show_the_audit_only_where_there_are_claims(audited: CaseResult) -> None:
    run = kept(audited)
    report = CaseReport(run, run.cases[0], load_rubric())
    text = markdown(report)
    assert "## Claims Audit" in text and "| undecided |" in text and "F2 (high)" in text
    page = str(section("audit", report).data)
    assert "Claims audit" in page and "<b>" not in page and 'href="#F2"' in page
    silent = replace(report, case=replace(audited, audit=None, expectations=()))
    assert "Claims Audit" not in markdown(silent)
    assert not str(section("audit", silent).data).strip()


def test_runs_of_before_the_audit_still_load(audited: CaseResult) -> None:
    data = json.loads(json.dumps(dump(kept(audited))))
    assert load(data).cases[0].audit == audited.audit
    del data["cases"][0]["audit"]
    assert load(data).cases[0].audit is None


def keep_in(store: Store, result: CaseResult) -> str:
    """Keeps a run of this one result; its name."""
    planned = PlannedSample(0, "/nowhere", result.case, result.model)
    plan = RunPlan("", {}, "tools", "1", "code", {}, {"gates": [], "repeat": 1, "sandboxed": True}, (planned,))
    with store.start(plan) as writer:
        writer.add(planned, result)
        writer.finish("finished")
        return writer.run.name


def test_the_command_reads_a_kept_run(
    make_case: Callable[..., Path], audited: CaseResult, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    root = tmp_path / "small"
    (root / "case.yaml").write_text((root / "case.yaml").read_text() + "expectations:\n  - title: Wrong class\n    identifiers: [SqsQueues]\n")
    monkeypatch.setenv("ASSAY_DATA", str(tmp_path / "data"))
    monkeypatch.delenv("ASSAY_STORE", raising=False)
    with open_store() as store:
        whole, damaged = (keep_in(store, replace(audited, response_digest=load_case(root).response.digest)) for _ in range(2))
    with sqlite3.connect(tmp_path / "data" / "store.sqlite3") as database:
        links = "SELECT digest FROM sample_artefacts a JOIN samples s ON s.id = a.sample_id JOIN runs r ON r.id = s.run_id WHERE r.name = ?"
        (digest,) = database.execute(links, (damaged,)).fetchone()
        database.execute("INSERT INTO artefacts VALUES ('other', 1, ?)", (b"{",))
        database.execute("UPDATE sample_artefacts SET digest = 'other' WHERE digest = ? AND sample_id = (SELECT max(id) FROM samples)", (digest,))
    assert cli.main(["audit", str(root), "--json"]) == 0
    data = json.loads(capsys.readouterr().out)
    assert [one["status"] for one in data["claims"]] == ["confirmed"], "the case's claims of today, not those that the run kept"
    assert cli.main(["audit", str(root), "--run", whole]) == 0
    assert "unclaimed: F2 high" in capsys.readouterr().out
    assert cli.main(["audit", str(root), "--run", "nope"]) == 2
