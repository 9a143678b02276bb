"""The responses of a case: the one in `response/`, and those of many models and samples in `responses/<model>/<sample>/`."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path

from harness.errors import CaseError

RESPONSE_FOLDER = "response"
RESPONSES_FOLDER = "responses"


@dataclass(frozen=True, slots=True)
class ResponsePlace:
    """Where one response lies: `folder` below the case's, None of `model` where the case itself names the model."""

    folder: str
    model: str | None = None
    sample: str = "1"


def find_responses(root: Path, models: Collection[str] = ()) -> list[ResponsePlace]:
    """The responses of the case in `root`: all, or those of `models`.

    `response/` counts as a response of the one model that is asked for, where the case has no `responses/` of its own: it
    is then only called so. Where there is nothing at all, `response/` is named all the same, so that reading the case says
    what is missing. Raises `CaseError` for a name that is no folder's.
    """
    collected = root / RESPONSES_FOLDER
    found = []
    if collected.is_dir():
        for model in sorted(one for one in collected.iterdir() if one.is_dir()):
            if models and model.name not in models:
                continue
            samples = sorted(
                (one for one in model.iterdir() if one.is_dir()), key=lambda one: (not one.name.isdigit(), int(one.name) if one.name.isdigit() else 0, one.name)
            )
            if not samples:
                raise CaseError(f"{model}: the folder is empty", f"a response is a full tree in {RESPONSES_FOLDER}/MODEL/SAMPLE/")
            found += [ResponsePlace(f"{RESPONSES_FOLDER}/{model.name}/{one.name}", model.name, one.name) for one in samples]
    single = (root / RESPONSE_FOLDER).is_dir()
    if len(models) == 1 and single and not collected.is_dir():
        return [ResponsePlace(RESPONSE_FOLDER, next(iter(models)))]
    if not models and (single or not found):
        found.insert(0, ResponsePlace(RESPONSE_FOLDER))
    return found


def same_folder(place: ResponsePlace) -> bool:
    """Whether it is the response that the case's own expectations speak of."""
    return place.folder == RESPONSE_FOLDER
