"""What can be asked of the terraform server, and what it answers."""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from harness.errors import HarnessFault

Types = Mapping[str, tuple[str, ...]]


@dataclass(frozen=True, slots=True)
class TerraformStep:
    """One terraform command, started in `folder` (relative to the place that a tree has during synth).

    `types` are the names under `resource` and `data` that the configuration uses (the provider then
    answers with these types only; None for all). `timeout` is in seconds; so is `patience`: where one
    resource or data source takes longer (terraform reports that in `-json` output only), terraform is
    interrupted and says what it knows. `when` names an earlier round, counted from 0, and an exit code: the
    step is left out unless the folder's command of that round ended with it. `returns` are files of the folder to hand back.
    """

    arguments: tuple[str, ...]
    folder: str
    types: Types | None = None
    timeout: float = 60.0
    patience: float | None = None
    when: tuple[int, int] | None = None
    returns: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class TerraformSeries:
    """Rounds of commands over one set of `files`, in one account that is empty at the start.

    The commands of a round run at the same time, the rounds one after the other. `emulator` says whether
    AWS is needed at all.
    """

    rounds: tuple[tuple[TerraformStep, ...], ...]
    files: Mapping[str, bytes]
    emulator: bool = False

    def request(self) -> str:
        """The line that the agent reads; two series with the same line have the same answer."""
        files = {path: base64.b64encode(content).decode() for path, content in sorted(self.files.items())}
        return json.dumps({"rounds": [[asdict(step) for step in steps] for steps in self.rounds], "files": files, "emulator": self.emulator}, sort_keys=True)

    @property
    def seconds(self) -> float:
        """How long all of it may take."""
        return sum(max((step.timeout for step in steps), default=0.0) for steps in self.rounds)


@dataclass(frozen=True, slots=True)
class TerraformCall:
    """A single command with its files: a series of one step. See `TerraformStep` for the fields."""

    arguments: tuple[str, ...]
    files: Mapping[str, bytes]
    folder: str
    types: Types | None = None
    emulator: bool = False
    timeout: float = 60.0
    patience: float | None = None

    def series(self) -> TerraformSeries:
        """The same as a series."""
        step = TerraformStep(self.arguments, self.folder, self.types, self.timeout, self.patience)
        return TerraformSeries(((step,),), self.files, self.emulator)


@dataclass(frozen=True, slots=True)
class StepAnswer:
    """How one command ended. `wall` and `cpu` (terraform's own) are seconds, `peak_memory` bytes; `files` what the step hands back."""

    exit_code: int
    stdout: str
    stderr: str
    timed_out: bool
    wall: float = 0.0
    cpu: float = 0.0
    peak_memory: int = 0
    files: Mapping[str, bytes] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class SeriesAnswer:
    """The answers, round by round: None for a step that was left out, and no further round after one that ran out of time.

    `lacking` names, for each round, the AWS operations that the emulator does not know. `wall` and `cpu`
    are seconds, `cpu` with what provider, proxy and emulator did; `resident` is the peak of each process that stays, in bytes.
    """

    rounds: tuple[tuple[StepAnswer | None, ...], ...]
    lacking: tuple[tuple[str, ...], ...]
    wall: float
    cpu: float
    resident: Mapping[str, int]

    @property
    def timed_out(self) -> bool:
        """Whether a command was killed; nothing is known of what the provider still does."""
        return any(answer is not None and answer.timed_out for answers in self.rounds for answer in answers)


@dataclass(frozen=True, slots=True)
class TerraformAnswer:
    """How a single command ended; fields as in `StepAnswer` and `SeriesAnswer`."""

    exit_code: int
    stdout: str
    stderr: str
    timed_out: bool
    lacking: tuple[str, ...]
    wall: float
    cpu: float
    peak_memory: int
    resident: Mapping[str, int]


def single_answer(answer: SeriesAnswer) -> TerraformAnswer:
    """The answer to a `TerraformCall`. Raises `HarnessFault` where there is none."""
    step = answer.rounds[0][0] if answer.rounds and answer.rounds[0] else None
    if step is None:
        raise HarnessFault("the terraform server left a command out", "report this as a bug")
    lacking = answer.lacking[0] if answer.lacking else ()
    return TerraformAnswer(step.exit_code, step.stdout, step.stderr, step.timed_out, lacking, answer.wall, answer.cpu, step.peak_memory, answer.resident)


def read_answer(fields: Mapping[str, Any]) -> SeriesAnswer:
    """What the agent wrote."""
    return SeriesAnswer(
        rounds=tuple(tuple(answer and _step_answer(answer) for answer in done["answers"]) for done in fields["rounds"]),
        lacking=tuple(tuple(done["lacking"]) for done in fields["rounds"]),
        wall=fields["wall"],
        cpu=fields["cpu"],
        resident=fields["resident"],
    )


def _step_answer(fields: Mapping[str, Any]) -> StepAnswer:
    files = {name: base64.b64decode(content) for name, content in fields["files"].items()}
    return StepAnswer(**{**fields, "files": files})
