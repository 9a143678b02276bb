"""The seed's ten hand-written claims, compared with what running its case shows."""

from __future__ import annotations

import pytest

from harness.case import Case
from harness.evaluate import evaluate
from scoring.audit import Audit, ClaimStatus, load_audit

pytestmark = [pytest.mark.slow, pytest.mark.terraform]


@pytest.fixture(scope="module")
def audit(seed: Case, session, shared_cache) -> Audit:
    result = evaluate(seed, session, cache=shared_cache)
    assert result.audit is not None
    return load_audit(result.audit)


def test_every_claim_of_the_seed_is_confirmed_or_explained(audit: Audit, seed: Case) -> None:
    assert [one.claim.title for one in audit.claims] == [claim["title"] for claim in seed.expectations]
    for one in audit.claims:
        assert one.reason and not one.undecided, one
        assert one.status is ClaimStatus.CONFIRMED or one.reason, one


def test_each_of_the_seed_s_claims_has_a_failure_of_its_own(audit: Audit) -> None:
    assert [one.status for one in audit.claims] == [ClaimStatus.CONFIRMED] * 10
    assert len({one.failures for one in audit.claims}) == 10
    assert audit.unclaimed == ()
