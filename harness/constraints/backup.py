"""Rules on AWS Backup: lifecycles, windows and schedules that CreateBackupPlan refuses."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from functools import partial
from typing import Any

from harness.constraints.base import Rule
from harness.constraints.findings import Complaint, judged
from harness.constraints.graph import Node, ResourceGraph
from harness.constraints.schedules import cron_mistake
from harness.constraints.values import blocks, number, text, truth
from harness.failures import Category, Severity

PLAN, LOCK = "aws_backup_plan", "aws_backup_vault_lock_configuration"
COLD_DAYS = 90
CONTINUOUS_DAYS = 35
START_MINUTES = 60
_CRON = re.compile(r"cron\((.*)\)")


def _named(rule: Mapping[str, Any]) -> str:
    return f"its rule {rule.get('rule_name')!r}"


def _lifecycle(graph: ResourceGraph, plan: Node) -> Iterator[Complaint]:
    """What goes to cold storage stays there for 90 days."""
    for rule in blocks(plan.arguments, "rule"):
        for holder in (rule, *blocks(rule, "copy_action")):
            for lifecycle in blocks(holder, "lifecycle"):
                cold, deleted = (number(graph, lifecycle.get(name)) for name in ("cold_storage_after", "delete_after"))
                # Zero and less are the provider's ways to say never.
                if cold is not None and deleted is not None and cold > 0 and 0 < deleted < cold + COLD_DAYS:
                    sentence = f"{_named(rule)} deletes after {deleted:g} days, before the {COLD_DAYS} days in cold storage (from day {cold:g}) are over"
                    yield Complaint(sentence, ("delete_after", "cold_storage_after"))


def _continuous(graph: ResourceGraph, plan: Node) -> Iterator[Complaint]:
    """Continuous backups are kept for 35 days at most, and never in cold storage."""
    for rule in blocks(plan.arguments, "rule"):
        if not truth(graph, rule.get("enable_continuous_backup")):
            continue
        for lifecycle in blocks(rule, "lifecycle"):
            cold, deleted = (number(graph, lifecycle.get(name)) for name in ("cold_storage_after", "delete_after"))
            if cold is not None and cold > 0:
                yield Complaint(f"{_named(rule)} is continuous and goes to cold storage", ("cold_storage_after", "enable_continuous_backup"))
            elif deleted is not None and deleted > CONTINUOUS_DAYS:
                sentence = f"{_named(rule)} is continuous and keeps for {deleted:g} days, more than {CONTINUOUS_DAYS}"
                yield Complaint(sentence, ("delete_after", "enable_continuous_backup"))


def _window(graph: ResourceGraph, plan: Node) -> Iterator[Complaint]:
    """A start window is an hour at least."""
    for rule in blocks(plan.arguments, "rule"):
        start = number(graph, rule.get("start_window"))
        if start is not None and 0 < start < START_MINUTES:
            yield Complaint(f"{_named(rule)} has a start_window of {start:g} minutes, below {START_MINUTES}", ("start_window", f"{start:g}"))


def _schedule(graph: ResourceGraph, plan: Node) -> Iterator[Complaint]:
    """A schedule is cron with six fields, as EventBridge writes it."""
    for rule in blocks(plan.arguments, "rule"):
        schedule = text(graph, rule.get("schedule"))
        found = _CRON.fullmatch(schedule.strip()) if schedule else None
        # Only bare cron is certainly wrong of what is not cron(...).
        mistake = cron_mistake(found[1], strict=False) if found else "it is not cron(...)" if schedule and re.match(r"[\d*]", schedule) else None
        if mistake:
            yield Complaint(f"{_named(rule)} has the schedule {schedule!r}: {mistake}", ("schedule", str(schedule)))


def _lock(graph: ResourceGraph, lock: Node) -> Iterator[Complaint]:
    """The least retention is not above the most."""
    least, most = (number(graph, lock.arguments.get(name)) for name in ("min_retention_days", "max_retention_days"))
    if least is not None and most is not None and least > most:
        yield Complaint(f"min_retention_days {least:g} is above max_retention_days {most:g}", ("min_retention_days", "max_retention_days"))


def _plan(**rule: Any) -> dict[str, Any]:
    return {"resource": {PLAN: {"main": {"name": "main", "rule": [{"rule_name": "daily", "target_vault_name": "main", **rule}]}}}}


def _kept(cold: object, deleted: object) -> dict[str, Any]:
    return {"cold_storage_after": cold, "delete_after": deleted}


def _locked(least: object, most: object) -> dict[str, Any]:
    return {"resource": {LOCK: {"main": {"backup_vault_name": "main", "min_retention_days": least, "max_retention_days": most}}}}


_PAGE = "https://docs.aws.amazon.com/aws-backup/latest/devguide/creating-a-backup-plan.html"
_rule = partial(Rule, severity=Severity.HIGH, category=Category.AWS_CONSTRAINT)

RULES = (
    _rule(
        id="backup-cold-storage",
        title="Backups deleted before 90 days in cold storage",
        documentation="https://docs.aws.amazon.com/aws-backup/latest/devguide/API_Lifecycle.html",
        check=partial(judged, (PLAN,), _lifecycle),
        bad=(_plan(lifecycle=_kept(30, 90)), _plan(copy_action=[{"lifecycle": _kept(30, 119)}])),
        good=(_plan(lifecycle=_kept(30, 120)), _plan(lifecycle={"delete_after": 30}), _plan(lifecycle=_kept(0, 30)), _plan(lifecycle=_kept(30, "${var.days}"))),
    ),
    _rule(
        id="backup-continuous",
        title="Continuous backup kept too long, or in cold storage",
        documentation="https://docs.aws.amazon.com/aws-backup/latest/devguide/point-in-time-recovery.html",
        check=partial(judged, (PLAN,), _continuous),
        bad=(_plan(enable_continuous_backup=True, lifecycle={"delete_after": 90}), _plan(enable_continuous_backup=True, lifecycle=_kept(30, 150))),
        good=(_plan(enable_continuous_backup=True, lifecycle={"delete_after": 35}), _plan(enable_continuous_backup=False, lifecycle={"delete_after": 90})),
    ),
    _rule(
        id="backup-start-window",
        title="Start window below an hour",
        documentation="https://docs.aws.amazon.com/aws-backup/latest/devguide/API_BackupRuleInput.html",
        check=partial(judged, (PLAN,), _window),
        bad=(_plan(start_window=30),),
        good=(_plan(start_window=60), _plan(), _plan(start_window="${var.window}")),
    ),
    _rule(
        id="backup-schedule",
        title="Backup schedule that is not cron with six fields",
        documentation=_PAGE,
        check=partial(judged, (PLAN,), _schedule),
        bad=(_plan(schedule="cron(0 5 * * *)"), _plan(schedule="0 5 * * ? *"), _plan(schedule="cron(0 25 * * ? *)")),
        good=(_plan(schedule="cron(0 5 ? * * *)"), _plan(schedule="cron(0 5 ? * SUN *)"), _plan(schedule="${var.schedule}"), _plan()),
    ),
    _rule(
        id="backup-vault-lock",
        title="Vault lock whose least retention is above its most",
        documentation="https://docs.aws.amazon.com/aws-backup/latest/devguide/vault-lock.html",
        check=partial(judged, (LOCK,), _lock),
        bad=(_locked(30, 7),),
        good=(_locked(7, 7), _locked(7, 30), _locked("${var.least}", 7)),
    ),
)
