"""Which samples a run evaluates."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import yaml

from harness.case import CASE_FILE
from harness.errors import CaseError, UsageError
from harness.responses import RESPONSE_FOLDER, ResponsePlace, find_responses
from harness.store.plan import PlannedSample


def find_cases(paths: Sequence[Path]) -> list[Path]:
    """The case folders that `paths` name: each itself, or, for a folder of cases, every case in it. Raises `UsageError`."""
    found: list[Path] = []
    for path in paths:
        if (path / CASE_FILE).exists() or not path.is_dir():
            found.append(path)
            continue
        inside = sorted(file.parent for file in path.glob(f"*/{CASE_FILE}"))
        found += inside or [path]
    seen: set[str] = set()
    for name in (path.resolve().name for path in found):
        if name in seen:
            raise UsageError(f"the case {name} is named twice", "name each case once")
        seen.add(name)
    return found


def plan_samples(folders: Sequence[Path], models: Sequence[str] = (), repeat: int = 1) -> tuple[tuple[PlannedSample, ...], list[str]]:
    """The samples of the cases in `folders`, in order, and the names of cases that have no response of `models`.

    A case that cannot be read is planned with what is known of it, so that the run records why.
    """
    planned: list[PlannedSample] = []
    skipped: list[str] = []
    for folder in folders:
        root = folder.resolve()
        own = _model_of(root)
        try:
            places = find_responses(root, models)
            if own in models and (root / RESPONSE_FOLDER).is_dir():
                places = [ResponsePlace(RESPONSE_FOLDER), *places]
            # Where `response/` is one of those in `responses/`, too, the latter says so more exactly.
            responses = list(dict.fromkeys((place.model or own, place.sample) for place in places))
        except (CaseError, OSError):
            responses = [(own, "1")]
        if not responses:
            skipped.append(root.name)
        planned += [
            PlannedSample(len(planned) + offset, str(root), root.name, *response, attempt)
            for offset, (response, attempt) in enumerate((response, attempt) for response in responses for attempt in range(1, repeat + 1))
        ]
    return tuple(planned), skipped


def _model_of(root: Path) -> str:
    """The model that `case.yaml` names, empty where it cannot be read."""
    try:
        fields = yaml.load((root / CASE_FILE).read_bytes(), Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader))
    except (OSError, ValueError, yaml.YAMLError):
        return ""
    model = fields.get("model") if isinstance(fields, dict) else None
    return model if isinstance(model, str) else ""
