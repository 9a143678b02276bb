"""What several tests share: the real toolchain, one sandbox, one session."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from harness.cache import GateCache
from harness.case import Case, load_case
from harness.sandbox import Sandbox, open_sandbox
from harness.session import Session
from harness.toolchain import Toolchain, find_toolchain

ROOT = Path(__file__).resolve().parent.parent
SEED = ROOT / "cases" / "zero-trust-payments"


@pytest.fixture(scope="session")
def toolchain() -> Toolchain:
    return find_toolchain()


@pytest.fixture(scope="session")
def sandbox(toolchain: Toolchain) -> Sandbox:
    return open_sandbox(toolchain.bwrap)


@pytest.fixture(scope="session")
def session(toolchain: Toolchain, sandbox: Sandbox) -> Iterator[Session]:
    with Session(toolchain, sandbox) as opened:
        yield opened


@pytest.fixture(scope="session")
def seed() -> Case:
    return load_case(SEED)


@pytest.fixture(scope="session")
def shared_cache(tmp_path_factory: pytest.TempPathFactory) -> Iterator[GateCache]:
    """One cache for the tests that evaluate variations of the seed: most of their variants are the same trees."""
    cache = GateCache(tmp_path_factory.mktemp("gates"))
    yield cache
    cache.close()


@pytest.fixture
def make_case(tmp_path: Path) -> Callable[..., Path]:
    """Writes a case folder: `make_case({"tap.py": "..."}, {"tap.py": "..."}, title="...")`; a bytes value is written as it is."""

    def make(response: dict[str, str | bytes], ideal: dict[str, str | bytes], name: str = "small", **fields: str) -> Path:
        root = tmp_path / name
        for side, files in (("response", response), ("ideal", ideal)):
            (root / side).mkdir(parents=True)
            for path, text in files.items():
                target = root / side / path
                target.parent.mkdir(parents=True, exist_ok=True)
                target.write_bytes(text if isinstance(text, bytes) else text.encode())
        (root / "PROMPT.md").write_text("Build something small.\n")
        wanted = {"title": "Small", "platform": "cdktf", "language": "python", "model": "m"} | fields
        wanted |= {"entry": fields.get("entry", "python tap.py")} if wanted["platform"] != "terraform" else {}
        (root / "case.yaml").write_text("".join(f"{key}: {value}\n" for key, value in wanted.items()))
        return root

    return make
