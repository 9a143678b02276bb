"""The bundled case gives the seed's ten failures and its 0.65, and each of the ten counts."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace

import pytest

from harness.case import Case
from harness.evaluate import evaluate
from harness.results import CaseResult
from harness.tree import Tree

pytestmark = [pytest.mark.slow, pytest.mark.terraform]

SEED_RULES = {
    "stack-constructor-signature": ("critical", "cdktf-api"),
    "provider-default-tags": ("critical", "cdktf-api"),
    "missing-a-suffix": ("critical", "cdktf-api"),
    "token-in-string": ("critical", "cdktf-api"),
    "account-id-hardcoded": ("high", "architecture"),
    "kms-logs-policy": ("high", "aws-constraint"),
    "log-retention": ("high", "aws-constraint"),
    "data-source-repeated": ("high", "architecture"),
    "test-constructor-call": ("medium", "testing"),
    "code-quality": ("medium", "code-quality"),
}
WEIGHTS = {"critical": 1.0, "high": 0.5, "medium": 0.25}


@pytest.fixture(scope="module")
def result(seed, session, shared_cache) -> CaseResult:
    return evaluate(seed, session, cache=shared_cache)


def test_the_seed_s_ten_failures_come_out(result: CaseResult) -> None:
    assert {failure.rule: (str(failure.severity), str(failure.category)) for failure in result.failures} == SEED_RULES
    assert Counter(str(failure.severity) for failure in result.failures) == {"critical": 4, "high": 4, "medium": 2}
    assert result.unclassified == 0
    assert not result.inconclusive


def test_the_score_is_the_seed_s(result: CaseResult) -> None:
    assert result.score is not None
    assert (result.score.training_quality, result.score.band) == (0.65, "high")


def test_every_gate_ran_on_the_control_and_passed(result: CaseResult) -> None:
    assert result.control == "ok"
    assert set(result.gates["ideal"].values()) == {"pass"}
    assert {"format", "lint", "types", "synth", "validate", "plan", "constraints", "tests"} <= result.gates["ideal"].keys()
    assert result.resources >= 40


def test_the_response_stops_at_its_first_error_and_the_rest_is_found_all_the_same(result: CaseResult) -> None:
    assert result.gates["response"]["synth"] == "fail"
    assert result.gates["response"]["validate"] == "not run"
    assert result.converged
    steps = [failure.evidence.walk.step for failure in result.failures if failure.evidence.walk]
    assert len(steps) == len(set(steps)) == 10


def test_both_experiments_agree_on_every_failure(result: CaseResult) -> None:
    for failure in result.failures:
        assert failure.evidence.isolation is not None, failure.rule
        assert failure.evidence.walk is not None, failure.rule
        if failure.rule != "code-quality":
            assert failure.evidence.walk.gate == failure.evidence.isolation.gate


def test_every_failure_points_at_the_line_that_is_wrong(result: CaseResult, seed: Case) -> None:
    telling = {
        "stack-constructor-signature": "**kwargs",
        "provider-default-tags": "AwsProvider(",
        "token-in-string": "Subnet(",
        "log-retention": "CloudwatchLogGroup(",
        "kms-logs-policy": "KmsKey(",
        "data-source-repeated": "DataAwsCallerIdentity(",
        "account-id-hardcoded": "123456789012",
        "test-constructor-call": 'TapStack(app, "TestStack")',
    }
    for failure in result.failures:
        for place in failure.locations:
            line = seed.response.text(place.file).splitlines()[place.line - 1]
            assert telling.get(failure.rule, "") in line, (failure.rule, place, line)
    places = {failure.rule: failure.locations for failure in result.failures}
    assert len(places["missing-a-suffix"]) == 3
    assert len(places["account-id-hardcoded"]) == 3
    assert {place.file for place in places["data-source-repeated"]} == {"lib/compliance.py", "lib/monitoring.py"}


def test_every_failure_explains_itself(result: CaseResult) -> None:
    for failure in result.failures:
        assert failure.title and failure.root_cause and failure.impact
        assert failure.documentation.startswith("https://")
        assert failure.fix.diff.startswith("--- ")
        assert failure.fix.ids


def test_the_same_again_gives_the_same(result: CaseResult, seed, session, shared_cache) -> None:
    again = evaluate(seed, session, cache=shared_cache)
    assert replace(again, seconds=result.seconds) == result


def test_expectations_influence_nothing(result: CaseResult, seed, session, shared_cache) -> None:
    silent = evaluate(replace(seed, expectations=()), session, cache=shared_cache)
    assert silent.failures == result.failures
    assert silent.score == result.score


def without_defect(response: Tree, ideal: Tree, rule: str) -> Tree:
    """The response with one of its ten defects mended by hand, as a person would, with nothing of Assay's own differ."""
    files = dict(response.files)

    def edit(path: str, *pairs: tuple[str, str]) -> None:
        text = files[path].decode()
        for old, new in pairs:
            assert old in text, (path, old)
            text = text.replace(old, new)
        files[path] = text.encode()

    parameters = '\n        environment_suffix: str,\n        state_bucket: str = None,\n        state_bucket_region: str = None,\n        aws_region: str = "us-east-1",\n    '
    lookup = '        current = DataAwsCallerIdentity(self, "current")\n        self.account_id = current.account_id\n'
    imported = "from cdktf_cdktf_provider_aws.data_aws_caller_identity import DataAwsCallerIdentity\n"
    if rule == "stack-constructor-signature":
        edit("lib/tap_stack.py", ("self, scope: Construct, id: str, **kwargs", f"\n        self,\n        scope: Construct,\n        id: str,{parameters}"))
    elif rule == "provider-default-tags":
        edit("lib/tap_stack.py", ("default_tags={\n", "default_tags=[{\"tags\": {\n"), ('"ManagedBy": "cdktf"\n            }', '"ManagedBy": "cdktf"\n            }}]'))
    elif rule == "missing-a-suffix":
        files["lib/storage.py"] = ideal.files["lib/storage.py"]
    elif rule == "token-in-string":
        edit("lib/networking.py", ('f"${{element({self.azs.names}, {i})}}"', "Fn.element(self.azs.names, i)"), ("import os\n", "import os\n\nfrom cdktf import Fn\n"))
    elif rule == "account-id-hardcoded":
        edit("lib/security.py", ('"arn:aws:iam::123456789012:root"', 'f"arn:aws:iam::{self.account_id}:root"'), ("        self.aws_region = aws_region\n", "        self.aws_region = aws_region\n        self.account_id = account_id\n"), ("        subnet_ids: list,\n    ):", "        subnet_ids: list,\n        account_id: str,\n    ):"))  # fmt: skip
        edit("lib/tap_stack.py", ("from cdktf_cdktf_provider_aws.provider", imported + "from cdktf_cdktf_provider_aws.provider"), ("        networking = NetworkingStack(", '        current_account = DataAwsCallerIdentity(self, "current")\n\n        networking = NetworkingStack('), ("            subnet_ids=[s.id for s in networking.private_subnets],\n        )\n\n        VpcEndpointsStack", "            subnet_ids=[s.id for s in networking.private_subnets],\n            account_id=current_account.account_id,\n        )\n\n        VpcEndpointsStack"))  # fmt: skip
    elif rule == "kms-logs-policy":
        policy = '{"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Principal": {"Service": f"logs.{self.aws_region}.amazonaws.com"}, "Action": "kms:*", "Resource": "*"}]}'
        edit("lib/security.py", ("CloudWatch Logs - {self.environment_suffix}\",\n            enable_key_rotation=True\n", f"CloudWatch Logs - {{self.environment_suffix}}\",\n            enable_key_rotation=True,\n            policy=json.dumps({policy}),\n"))  # fmt: skip
    elif rule == "log-retention":
        edit("lib/monitoring.py", ("retention_in_days=2555", "retention_in_days=2557"))
    elif rule == "data-source-repeated":
        edit("lib/tap_stack.py", ("from cdktf_cdktf_provider_aws.provider", imported + "from cdktf_cdktf_provider_aws.provider"), ("        networking = NetworkingStack(", '        current_account = DataAwsCallerIdentity(self, "current")\n\n        networking = NetworkingStack('), ("            alerts_kms_key_arn=security.alerts_kms_key.arn,\n", "            alerts_kms_key_arn=security.alerts_kms_key.arn,\n            account_id=current_account.account_id,\n"), ("            audit_bucket_arn=storage.audit_bucket.arn,\n", "            audit_bucket_arn=storage.audit_bucket.arn,\n            account_id=current_account.account_id,\n"))  # fmt: skip
        for path, last in (("lib/monitoring.py", "alerts_kms_key_arn: str"), ("lib/compliance.py", "audit_bucket_arn: str")):
            edit(path, (lookup, "        self.account_id = account_id\n"), (imported, ""), (f"        {last},\n    ):", f"        {last},\n        account_id: str,\n    ):"))
    elif rule == "test-constructor-call":
        edit("tests/unit/test_tap_stack.py", ('TapStack(app, "TestStack")', 'TapStack(app, "TestStack", environment_suffix="test")'))
    elif rule == "code-quality":
        return _tidied(files, ideal)
    return Tree(files)


def _tidied(files: dict[str, bytes], ideal: Tree) -> Tree:
    """What ruff would make of the response: formatted, and without unused imports."""
    import subprocess
    import sys
    from pathlib import Path

    ruff = Path(sys.executable).parent / "ruff"
    tidy = {}
    for path, content in files.items():
        if path.endswith(".py"):
            for argv in (["check", "--isolated", "--select", "F401", "--fix-only", "--quiet", "-"], ["format", "--isolated", "--line-length", "120", "-"]):
                content = subprocess.run([ruff, *argv], input=content, capture_output=True, check=True).stdout
        tidy[path] = content
    return Tree(tidy)


@pytest.mark.parametrize("rule", SEED_RULES)
def test_without_one_defect_the_score_moves_by_its_weight(rule: str, seed: Case, session, shared_cache) -> None:
    mended = replace(seed, response=without_defect(seed.response, seed.ideal, rule))
    result = evaluate(mended, session, cache=shared_cache)
    assert {failure.rule for failure in result.failures} == SEED_RULES.keys() - {rule}
    assert result.score is not None
    assert result.score.training_quality == pytest.approx(0.65 - WEIGHTS[SEED_RULES[rule][0]] / 10)
