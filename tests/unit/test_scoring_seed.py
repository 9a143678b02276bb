"""The seed's ten failures, as the two experiments find them, and what the rubric has to make of them."""

from __future__ import annotations

from collections import Counter

import pytest

from harness.attribution import Finding
from harness.diagnostics import Diagnostic, Location
from harness.failures import Category, Evidence, Failure, FixSummary, IsolationEvidence, Severity, WalkEvidence
from harness.results import CaseResult, FixRecord, RunResult
from scoring.classify import classify, count_unclassified
from scoring.rubric import load_rubric
from scoring.rulebook import all_rules
from scoring.score import category_values, score_case, training_quality

GATES = ("format", "lint", "types", "synth", "validate", "plan", "constraints", "tests")
RESPONSE_GATES = {
    "format": "fail",
    "lint": "fail",
    "types": "fail",
    "synth": "fail",
    "validate": "not run",
    "plan": "not run",
    "constraints": "not run",
    "tests": "not run",
}


def example_of(rule_id: str) -> Diagnostic:
    """The first real diagnostic that a rule names as its example."""
    example = next(rule for rule in all_rules() if rule.id == rule_id).examples[0]
    return Diagnostic(example.gate, example.code, example.message, (), example.address, example.symbols, example.detail)


def make_finding(
    diagnostic: Diagnostic,
    fix: str = "fix-1",
    *,
    place: tuple[str, int] = ("lib/tap_stack.py", 1),
    others: tuple[Diagnostic, ...] = (),
    response: str = "old()",
    ideal: str = "new()",
    step: int | None = 1,
    also: tuple[str, ...] = (),
    added_parameters: tuple[str, ...] = (),
) -> Finding:
    """A finding of both experiments, for one fix of one statement."""
    file, line = place
    walk = WalkEvidence(diagnostic.gate, step, diagnostic.message) if step else None
    diff = f"--- response/{file}\n+++ ideal/{file}\n@@ -{line} +{line} @@\n-{response}\n+{ideal}\n"
    return Finding(
        diagnostic=diagnostic,
        others=others,
        locations=(Location(file, line),),
        fix=FixSummary((fix,), 1, diff),
        evidence=Evidence(walk, IsolationEvidence(diagnostic.gate, diagnostic.message, also), "" if walk else "the walk never met it"),
        files=(file,),
        added_parameters=added_parameters,
        response_statements=(response,),
        ideal_statements=(ideal,),
    )


def missing_class(name: str, module: str, nearest: str) -> Diagnostic:
    """What Python says about a class that a module of the bindings does not have."""
    package = f"cdktf_cdktf_provider_aws.{module}"
    message = f"cannot import name '{name}' from '{package}' (/env/cdktf_cdktf_provider_aws/{module}/__init__.py)"
    return Diagnostic("synth", "ImportError", message, symbols=(name, package), detail=f"nearest: {nearest}")


def seed_findings() -> list[Finding]:
    """What the experiments find on the seed's pair: fourteen fixes, ten causes."""
    suffix = "S3BucketServerSideEncryptionConfiguration"
    lint = [Diagnostic("lint", "F401", f"`{name}` imported but unused", (Location("lib/tap_stack.py", 1),), symbols=(name,)) for name in ("os", "json")]
    unformatted = Diagnostic("format", "unformatted", "File would be reformatted", (Location("lib/storage.py", 3),))
    storage = "lib/storage.py"
    return [
        make_finding(
            example_of("stack-constructor-signature"),
            "constructor",
            place=("lib/tap_stack.py", 12),
            step=5,
            also=("tests",),
            response="def __init__(self, scope: Construct, id: str, **kwargs):",
            ideal="def __init__(self, scope: Construct, id: str, environment_suffix: str):",
            added_parameters=("TapStack.environment_suffix",),
        ),
        make_finding(
            example_of("provider-default-tags"),
            "tags",
            place=("lib/tap_stack.py", 20),
            step=2,
            response='default_tags={"Environment": "x"}',
            ideal='default_tags=[{"tags": {"Environment": "x"}}]',
        ),
        make_finding(missing_class("S3BucketVersioning", "s3_bucket_versioning", "S3BucketVersioningA"), "versioning", place=(storage, 4), step=1),
        make_finding(
            missing_class("S3BucketVersioningConfiguration", "s3_bucket_versioning", "S3BucketVersioningVersioningConfiguration"),
            "nested",
            place=(storage, 5),
            step=1,
        ),
        make_finding(missing_class(suffix, "s3_bucket_server_side_encryption_configuration", suffix + "A"), "encryption", place=(storage, 8), step=3),
        make_finding(
            missing_class("S3BucketObjectLockConfiguration", "s3_bucket_object_lock_configuration", "S3BucketObjectLockConfigurationA"),
            "lock",
            place=(storage, 11),
            step=4,
        ),
        make_finding(
            example_of("token-in-string"),
            "element",
            place=("lib/networking.py", 31),
            step=6,
            response='availability_zone=f"${{element({self.azs.names}, {i})}}",',
            ideal="availability_zone=Fn.element(self.azs.names, i),",
        ),
        make_finding(example_of("account-id-hardcoded"), "account", place=("lib/security.py", 14), step=9),
        make_finding(example_of("kms-logs-policy"), "policy", place=("lib/security.py", 40), step=8),
        make_finding(
            example_of("log-retention"),
            "retention",
            place=("lib/monitoring.py", 17),
            step=7,
            response="retention_in_days=2555,",
            ideal="retention_in_days=2557,",
        ),
        make_finding(example_of("data-source-repeated"), "handed-down", place=("lib/tap_stack.py", 33), step=10),
        make_finding(example_of("test-constructor-call"), "test", place=("tests/unit/test_tap_stack.py", 9), step=11),
        make_finding(lint[0], "imports", place=("lib/tap_stack.py", 1), others=(lint[1],), step=12),
        make_finding(unformatted, "format", place=(storage, 3), step=None),
    ]


def seed_run(failures: tuple[Failure, ...] | None = None) -> RunResult:
    """A run over the seed's pair, as a run folder keeps it. `failures` replaces the seed's own."""
    rubric = load_rubric()
    failures = classify(seed_findings(), rubric) if failures is None else failures
    ideal = dict.fromkeys(GATES, "pass")
    without = {f"ideal without {finding.fix.ids[0]}": ideal | {finding.diagnostic.gate: "fail"} for finding in seed_findings()}
    gates = {"response": RESPONSE_GATES, "ideal": ideal | {"types": "inconclusive"}} | without
    case = CaseResult(
        case="zero-trust-payments",
        title="Zero-trust payment processing",
        model="model-a",
        prompt="Build a zero-trust payment processing infrastructure.",
        control="ok",
        control_cause=None,
        score=score_case(failures, RESPONSE_GATES, set(), rubric),
        gates=gates,
        reasons={
            "response": dict.fromkeys(("validate", "plan", "constraints", "tests"), "synth failed"),
            "ideal": {"types": "the checker crashed"},
        },
        converged=True,
        failures=failures,
        fixes=tuple(FixRecord(one.fix.ids[0], one.ideal_statements[0], 1, one.files, (), True, one.fix.diff) for one in seed_findings()),
        unclassified=count_unclassified(failures),
        inconclusive=("ideal: types: the checker crashed",),
        expectations=(),
        resources=43,
        seconds={"wall": 41.5, "cpu": 73.25},
    )
    toolchain = {"python": "3.11.9", "cdktf": "0.21.0", "hashicorp/aws": "5.100.0"}
    return RunResult("20250101-120000-abcd", "2025-01-01T12:00:00+00:00", toolchain, rubric.version, (case,), holes={"apply": "not asked for"})


@pytest.fixture(scope="module")
def failures() -> tuple[Failure, ...]:
    return classify(seed_findings(), load_rubric())


def test_the_seed_has_ten_failures_of_its_severities(failures: tuple[Failure, ...]) -> None:
    assert Counter(failure.severity for failure in failures) == {Severity.CRITICAL: 4, Severity.HIGH: 4, Severity.MEDIUM: 2}


def test_the_seed_has_its_categories(failures: tuple[Failure, ...]) -> None:
    assert Counter((failure.severity, failure.category) for failure in failures) == {
        (Severity.CRITICAL, Category.CDKTF_API): 4,
        (Severity.HIGH, Category.AWS_CONSTRAINT): 2,
        (Severity.HIGH, Category.ARCHITECTURE): 2,
        (Severity.MEDIUM, Category.TESTING): 1,
        (Severity.MEDIUM, Category.CODE_QUALITY): 1,
    }


def test_the_seed_scores_what_a_person_gave_it(failures: tuple[Failure, ...]) -> None:
    score = score_case(failures, RESPONSE_GATES, set(), load_rubric())
    assert (score.training_quality, score.band, score.response_quality) == (0.65, "high", 0.0)


def test_the_seed_s_categories_have_its_training_values(failures: tuple[Failure, ...]) -> None:
    values = {one.category: (len(one.failures), one.value) for one in category_values(failures, load_rubric())}
    assert values == {
        Category.CDKTF_API: (4, Severity.CRITICAL),
        Category.AWS_CONSTRAINT: (2, Severity.HIGH),
        Category.ARCHITECTURE: (2, Severity.HIGH),
        Category.TESTING: (1, Severity.MEDIUM),
        Category.CODE_QUALITY: (1, Severity.LOW),
    }


def test_the_same_mistake_in_several_places_is_one_failure(failures: tuple[Failure, ...]) -> None:
    suffix = next(failure for failure in failures if failure.rule == "missing-a-suffix")
    assert [place.line for place in suffix.locations] == [4, 5, 8, 11]
    assert suffix.fix.ids == ("versioning", "nested", "encryption", "lock")
    assert suffix.fix.statements == 4
    assert suffix.evidence.walk is not None and suffix.evidence.walk.step == 1
    assert suffix.message.count("cannot import name") == 4


@pytest.mark.parametrize("rule", sorted({failure.rule for failure in classify(seed_findings(), load_rubric())}))
def test_removing_one_defect_moves_the_score(rule: str, failures: tuple[Failure, ...]) -> None:
    rubric = load_rubric()
    left = [failure for failure in failures if failure.rule != rule]
    assert training_quality(left, rubric) < training_quality(failures, rubric)
