"""Hand-written analyses, in the forms people give them, become the same kind of claims. Every document here is invented."""

from __future__ import annotations

import pytest
import yaml

from harness.importers.claims import NOISE, parse_claims

FULL = """
# Model Response Failures Analysis

## Summary

1. Not a claim
2. Not a claim either

## Critical Failures

### 1. Queue Created With the Wrong Class (CRITICAL)

**MODEL_RESPONSE Issue** in `lib/queues.py`:
```python
from cdktf_cdktf_provider_aws.sqs_queue import SqsQueues

self.orders = SqsQueues(self, "orders", delay="5")
```

**IDEAL_RESPONSE Fix**:
```python
from cdktf_cdktf_provider_aws.sqs_queue import SqsQueue

self.orders = SqsQueue(self, "orders", delay_seconds=5)
```

**Root Cause**: `SqsQueues` does not exist, so Python raises
```
ImportError: cannot import name 'SqsQueues' from 'cdktf_cdktf_provider_aws.sqs_queue'
```

## High Failures

### 2. Dead-letter queue never attached

**Impact Level**: Medium

`redrive_policy` is missing.

## Key Learnings

1. **Read the bindings**: always
"""


def titles(markdown: str) -> list[object]:
    return [claim["title"] for claim in parse_claims(markdown)]


def severities(markdown: str) -> list[object]:
    return [claim.get("severity") for claim in parse_claims(markdown)]


def test_a_claim_is_read_whole() -> None:
    first, second = parse_claims(FULL)
    assert first["title"] == "Queue Created With the Wrong Class"
    assert first["severity"] == "critical"
    assert first["file"] == "lib/queues.py"
    assert first["snippets"] == [
        {
            "response": 'from cdktf_cdktf_provider_aws.sqs_queue import SqsQueues\n\nself.orders = SqsQueues(self, "orders", delay="5")',
            "ideal": 'from cdktf_cdktf_provider_aws.sqs_queue import SqsQueue\n\nself.orders = SqsQueue(self, "orders", delay_seconds=5)',
        }
    ]
    identifiers = first["identifiers"]
    assert isinstance(identifiers, list)
    assert identifiers[0] == "SqsQueues" and {"SqsQueue", "delay_seconds"} <= set(identifiers)
    assert first["messages"] == ["ImportError: cannot import name 'SqsQueues' from 'cdktf_cdktf_provider_aws.sqs_queue'"]
    assert second["severity"] == "medium", "what a claim says of itself goes before its section"
    assert second["identifiers"] == ["redrive_policy"]
    assert "snippets" not in second and "file" not in second


def test_claims_can_be_kept_in_yaml() -> None:
    claims = parse_claims(FULL)
    assert yaml.safe_load(yaml.safe_dump(claims)) == claims


@pytest.mark.parametrize(
    ("heading", "title"),
    [
        ("### 3. Missing alias", "Missing alias"),
        ("### 3. **Missing alias**", "Missing alias"),
        ("## Issue 3: Missing alias", "Missing alias"),
        ("## Failure #3: Missing alias", "Missing alias"),
        ("## Critical Failure #3: Missing alias", "Missing alias"),
        ("## Bug #3: Missing alias", "Missing alias"),
        ("### Error 3: Missing alias (lib/dns.py)", "Missing alias (lib/dns.py)"),
        ("### B3: Missing alias", "Missing alias"),
        ("## Deployment Failure: Missing alias", "Missing alias"),
        ("### 3) Missing `alias` (HIGH PRIORITY)", "Missing alias"),
        ("### 3. Missing alias (Line 12)", "Missing alias"),
    ],
)
def test_every_form_of_heading_opens_a_claim(heading: str, title: str) -> None:
    assert titles(f"# Failures\n\n{heading}\n\nSome text.\n") == [title]


@pytest.mark.parametrize(
    ("text", "severity"),
    [
        ("### 1. X is wrong (CRITICAL)\n", "critical"),
        ("### 1. X is wrong (SEVERITY: HIGH)\n", "high"),
        ("### 1. X is wrong\n\n**Severity**: HIGH\n", "high"),
        ("### 1. X is wrong\n\n- **Severity:** Moderate\n", "medium"),
        ("### 1. X is wrong\n\n**Impact Level**: Critical (Deployment Blocker)\n", "critical"),
        ("### 1. X is wrong\n\n**Impact**: Low - cosmetic\n", "low"),
        ("## Minor Issues\n\n### 1. X is wrong\n", "low"),
        ("## Category A (Critical)\n\n### 1. X is wrong\n", "critical"),
        ("### 1. X is wrong\n\nHigh hopes, but no severity.\n", None),
        ("### 1. The highway is wrong\n", None),
    ],
)
def test_severity_comes_from_label_heading_or_section(text: str, severity: str | None) -> None:
    assert severities(f"# Failures\n\n{text}") == [severity]


def test_lists_count_where_no_headings_do() -> None:
    assert titles("## Critical Errors\n\n1. **Wrong subnet**: it overlaps\n2. **Wrong zone**: there is none\n") == ["Wrong subnet", "Wrong zone"]
    assert titles("It failed.\n\n1. Static names\n   They collide.\n\n2. No backups\n   None at all.\n") == ["Static names", "No backups"]


def test_sections_that_sum_up_or_teach_are_no_claims() -> None:
    document = "# F\n\n### 1. Real claim\n\nText.\n"
    for heading in ("Summary", "Key Learnings", "Training Quality Score", "Strengths of MODEL_RESPONSE", "Best Practices", "Validation Checklist"):
        document += f"\n## {heading}\n\n### 1. Not a claim\n\n1. Nor this\n"
    assert titles(document) == ["Real claim"]


def test_what_lies_inside_a_claim_opens_no_other() -> None:
    assert titles("## Issue 1: Outer\n\n### Root Cause\n\n1. First\n\n### Prevention\n\n#### 1. Inner step\n") == ["Outer"]
    assert titles("### 1. Outer\n\n```markdown\n### 2. Inside a block\n```\n") == ["Outer"]


@pytest.mark.parametrize(
    "block",
    [
        "```python\n# Before:\nttl=60\n\n# After:\nttl=300\n```",
        "```python\n# MODEL_RESPONSE (WRONG)\nttl=60\n```\n\n```python\n# IDEAL_RESPONSE (CORRECT)\nttl=300\n```",
        "**Original Code**:\n```python\nttl=60\n```\n**Fixed Code**:\n```python\nttl=300\n```",
        "### Problem\n```python\nttl=60\n```\n### Solution\n```python\nttl=300\n```",
        "**Wrong**:\n~~~python\nttl=60\n~~~\n**Correct**:\n~~~python\nttl=300\n~~~",
    ],
)
def test_both_sides_of_a_snippet_are_found(block: str) -> None:
    (claim,) = parse_claims(f"## Issue 1: Lifetime too short\n\n{block}\n")
    assert claim["snippets"] == [{"response": "ttl=60", "ideal": "ttl=300"}]


def test_shell_and_output_are_no_snippets() -> None:
    (claim,) = parse_claims("### 1. X\n\n**Verification**:\n```bash\nls -l\n```\n\n**Error**:\n```\nError: no such thing as aws_x\n```\n")
    assert "snippets" not in claim
    assert claim["messages"] == ["Error: no such thing as aws_x"]


def test_identifiers_hold_no_noise() -> None:
    (claim,) = parse_claims(
        "### 1. CloudWatch and DynamoDB with `kms_key_id`\n\nThe MODEL_RESPONSE used `self` and VPCs in lib/my_stack.py, see `TapStack`, LogGroup.\n"
    )
    assert claim["identifiers"] == ["kms_key_id", "LogGroup", "TapStack"]
    assert not NOISE & set(claim["identifiers"])


@pytest.mark.parametrize(
    ("title", "category"),
    [
        ("Unit Tests Call the Old Signature", "testing"),
        ("Pylint Complaints", "code-quality"),
        ("Wrong Class Names", "cdktf-api"),
        ("Reserved Environment Variable", "aws-constraint"),
        ("Password in Plain Text", "security"),
        ("Something Odd", None),
    ],
)
def test_category_comes_from_explicit_words_only(title: str, category: str | None) -> None:
    (claim,) = parse_claims(f"### 1. {title}\n\nIt also mentions a test and a password.\n")
    assert claim.get("category") == category


@pytest.mark.parametrize("document", ["", "# Title only\n", "No structure at all, just prose.\n", "```\nnever closed\n", "## Summary\n\n- nothing\n"])
def test_a_document_without_claims_has_none(document: str) -> None:
    assert parse_claims(document) == []


def test_long_text_is_cut() -> None:
    (claim,) = parse_claims("### 1. X\n\n" + "word " * 2000)
    assert len(str(claim["text"])) <= 1500
