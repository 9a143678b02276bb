"""What `make setup` does beyond pip: terraform by checksum, the provider into the cache, the kernel unpacked.

None of it is required: what cannot be had is said, with the gates that stay holes, and the set-up goes on.
"""

from __future__ import annotations

import hashlib
import io
import platform
import sys
import urllib.error
import urllib.request
import zipfile
from pathlib import Path

from harness.errors import AssayError, HarnessFault
from harness.toolchain import DEFAULT, TERRAFORM_GATES, find_terraform, find_toolchain, gates_in_words, pin_file, pins

TOOLS = Path(__file__).resolve().parent.parent / ".tools"
_RELEASES = "https://releases.hashicorp.com/terraform/{version}/terraform_{version}_{platform}.zip"
_ARCHITECTURES = {"x86_64": "amd64", "AMD64": "amd64", "aarch64": "arm64", "arm64": "arm64"}
_SECONDS = 120
HOLES = f"the gates {gates_in_words(TERRAFORM_GATES)} will be holes"


def fetch_terraform(folder: Path = TOOLS) -> Path:
    """Download the pinned terraform into `folder` and check it. Raises `HarnessFault` where that is impossible."""
    version = pins(DEFAULT)["terraform"]
    machine = f"{platform.system().lower()}_{_ARCHITECTURES.get(platform.machine(), platform.machine())}"
    remedy = "install terraform or OpenTofu yourself and put it on PATH"
    expected = pin_file()["releases"]["terraform"][version].get(machine)
    if expected is None:
        raise HarnessFault(f"no checksum is known for terraform {version} on {machine}", remedy)
    url = _RELEASES.format(version=version, platform=machine)
    try:
        with urllib.request.urlopen(url, timeout=_SECONDS) as answer:
            archive = answer.read()
    except (OSError, urllib.error.URLError) as error:
        raise HarnessFault(f"terraform {version} cannot be fetched: {error}", remedy) from error
    return install_terraform(archive, expected, folder)


def install_terraform(archive: bytes, expected: str, folder: Path) -> Path:
    """Unpack the release archive when its SHA-256 is `expected`. Raises `HarnessFault` where it is not."""
    actual = hashlib.sha256(archive).hexdigest()
    if actual != expected:
        raise HarnessFault(f"the terraform archive has the checksum {actual} instead of {expected}", "do not use it; try again, or install terraform yourself")
    folder.mkdir(parents=True, exist_ok=True)
    binary = folder / "terraform"
    # A set-up that is stopped halfway must not leave half a terraform behind under this name.
    partial = folder / "terraform.partial"
    with zipfile.ZipFile(io.BytesIO(archive)) as release:
        partial.write_bytes(release.read("terraform"))
    partial.chmod(0o755)
    return partial.replace(binary)


def main() -> int:
    """Fetch what is missing, and say what was found. Always 0: a hole is no reason to stop."""
    from harness.providers import fetch_provider
    from harness.sandbox import open_sandbox
    from harness.synth.launcher import prime

    try:
        terraform = find_terraform() or fetch_terraform()
        print(f"terraform: {terraform}")
        if find_toolchain().provider is None:
            print("fetching the provider, once; this can take some minutes")
            fetch_provider(terraform, pins(DEFAULT)["provider"])
        print(f"provider: {find_toolchain().provider}")
    except AssayError as error:
        print(f"warning: {error.message}; {HOLES}; {error.remedy}")
    try:
        toolchain = find_toolchain()
        prime(toolchain, open_sandbox(toolchain.bwrap))
        print("synthesizer: ready")
    except AssayError as error:
        print(f"warning: {error}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
