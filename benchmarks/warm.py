"""Measures what a run costs that has nothing new to judge: `python benchmarks/warm.py [--cases N] [--gates NAMES] [--small]`.

Makes N cases that all differ, evaluates them by `assay run` with an empty cache, then again, each time as a process of its own,
and prints the wall and CPU seconds of both and their ratio. The cases are the bundled ones, again and again with a comment of
their own in every tree; with `--small` they are programs of a dozen lines with one planted mistake each, so that the first
run ends soon with all gates, too.
"""

from __future__ import annotations

import argparse
import os
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

from harness.toolchain import find_toolchain

ROOT = Path(__file__).resolve().parent.parent
BAR_SECONDS = 5.0
WARM_RUNS = 3
PROGRAM = """import os

from cdktf import App, TerraformStack
from cdktf_cdktf_provider_aws.cloudwatch_log_group import CloudwatchLogGroup
from cdktf_cdktf_provider_aws.provider import AwsProvider
from cdktf_cdktf_provider_aws.s3_bucket import S3Bucket


class ReportStack(TerraformStack):
    def __init__(self, scope, id):
        super().__init__(scope, id)
        AwsProvider(self, "aws", region="us-east-1")
        S3Bucket(self, "reports", bucket_prefix="reports-NUMBER-", MISTAKE=True)
        CloudwatchLogGroup(self, "logs", name="/reports/NUMBER", retention_in_days=14)


app = App()
ReportStack(app, "reports-" + os.environ.get("STAGE", "dev"))
app.synth()
"""


@dataclass(frozen=True, slots=True)
class Cost:
    """Seconds of one process and all that it waited for."""

    wall: float
    cpu: float

    def __str__(self) -> str:
        return f"{self.wall:.2f} s wall, {self.cpu:.2f} s CPU"


def make_small(folder: Path, number: int) -> None:
    """A case with one argument of the wrong name."""
    for side, argument in (("response", "force_delete"), ("ideal", "force_destroy")):
        (folder / side).mkdir(parents=True)
        (folder / side / "tap.py").write_text(PROGRAM.replace("NUMBER", str(number)).replace("MISTAKE", argument), encoding="utf-8")
    (folder / "PROMPT.md").write_text(f"Build bucket and log group number {number}.\n", encoding="utf-8")
    fields = {"title": f"Reports {number}", "platform": "cdktf", "language": "python", "model": "none", "entry": "python tap.py"}
    (folder / "case.yaml").write_text("".join(f"{name}: {value}\n" for name, value in fields.items()), encoding="utf-8")


def make_bundled(folder: Path, number: int) -> None:
    """A bundled case with trees that no other has."""
    bundled = sorted(path.parent for path in (ROOT / "cases").glob("*/case.yaml"))
    shutil.copytree(bundled[number % len(bundled)], folder)
    for side in ("response", "ideal"):
        source = next(path for kind in ("py", "tf", "md") for path in sorted((folder / side).rglob(f"*.{kind}")))
        source.write_text(source.read_text(encoding="utf-8") + f"# variation {number}\n", encoding="utf-8")


def timed_run(cases: Path, folder: Path, gates: str | None) -> Cost:
    """One `assay run` of all cases, with store and cache in `folder`."""
    argv = [sys.executable, "-m", "harness.cli", "run", str(cases), *(["--gates", gates] if gates else [])]
    environment = {**os.environ, "ASSAY_DATA": str(folder / "data"), "ASSAY_CACHE": str(folder / "cache")}
    before, started = resource.getrusage(resource.RUSAGE_CHILDREN), time.monotonic()
    done = subprocess.run(argv, env=environment, capture_output=True, text=True, cwd=ROOT)
    wall, after = time.monotonic() - started, resource.getrusage(resource.RUSAGE_CHILDREN)
    if done.returncode != 0:
        raise SystemExit(f"assay run ended with {done.returncode}: {done.stderr[-1000:]}")
    return Cost(wall, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime)


def prepare(folder: Path) -> None:
    """Put what every machine makes but once into the cache, so that the first run is not charged with it."""
    from harness.sandbox import open_sandbox
    from harness.synth.launcher import prime

    os.environ["ASSAY_CACHE"] = str(folder / "cache")
    toolchain = find_toolchain()
    prime(toolchain, open_sandbox(toolchain.bwrap))


def main() -> int:
    """Make the cases, run them cold and warm, print; 1 where the warm run takes longer than it may."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--cases", type=int, default=100, help="how many (default: 100)")
    parser.add_argument("--gates", help="gates with commas between them (default: all that are not optional)")
    parser.add_argument("--small", action="store_true", help="small cases instead of variations of the bundled ones")
    parser.add_argument("--keep", type=Path, help="a folder for cases, store and cache; what is in its cache already is not measured cold again")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = options.keep or Path(name)
        for number in range(options.cases):
            case = folder / "cases" / f"case-{number:03}"
            if not case.exists():
                (make_small if options.small else make_bundled)(case, number)
        prepare(folder)
        cold = timed_run(folder / "cases", folder, options.gates)
        print(f"{options.cases} cases, first run: {cold}", flush=True)
        warm = [timed_run(folder / "cases", folder, options.gates) for _ in range(WARM_RUNS)]
    for one in warm:
        print(f"{options.cases} cases, again: {one}")
    best = min(warm, key=lambda one: one.wall)
    print(f"the first took {cold.wall / best.wall:.0f} times as long (CPU: {cold.cpu / best.cpu:.0f} times); load of the machine: {os.getloadavg()[0]:.1f}")
    return int(best.wall > BAR_SECONDS)


if __name__ == "__main__":
    sys.exit(main())
