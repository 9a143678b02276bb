"""The fast synthesizer gives what a plain `python tap.py` gives, byte for byte, and in the same words when it fails."""

from __future__ import annotations

import json

import pytest

from harness.sandbox import Command, Limits, Mount, Sandbox
from harness.synth.kernel import CASE_ROOT
from harness.synth.launcher import prime, python_mounts, run_program
from harness.toolchain import Toolchain
from harness.tree import Tree

pytestmark = pytest.mark.slow


def plain(tree: Tree, toolchain: Toolchain, sandbox: Sandbox) -> tuple[int, str, dict[str, str]]:
    """`python tap.py` with nothing of ours; exit code, standard error, stacks by name."""
    with sandbox.scratch() as folder:
        tree.write(folder)
        command = Command(
            argv=(str(toolchain.python), "tap.py"),
            cwd=CASE_ROOT,
            env={"PATH": "/usr/bin:/bin", "HOME": "/tmp", "JSII_NODE": str(toolchain.node), "PYTHONDONTWRITEBYTECODE": "1"},
            mounts=(*python_mounts(toolchain), Mount(folder, CASE_ROOT, writable=True)),
            limits=Limits(wall=300, memory=4 * 1024**3, file_size=1024**3),
        )
        done = sandbox.run(command)
        stacks = {path.parent.name: path.read_text() for path in folder.glob("cdktf.out/stacks/*/cdk.tf.json")}
    return done.exit_code, done.stderr.decode(), stacks


def test_the_bundled_ideal_is_synthesized_exactly(seed, toolchain, sandbox) -> None:
    code, errors, expected = plain(seed.ideal, toolchain, sandbox)
    assert code == 0, errors
    prime(toolchain, sandbox)
    fast = run_program(seed.ideal, ("run", "tap.py"), {}, toolchain, sandbox, Limits())
    assert dict(fast.stacks) == expected
    assert len(json.loads(expected["TapStackdev"])["resource"]) > 20


BROKEN = {
    "a class that does not exist": "from cdktf_cdktf_provider_aws.s3_bucket_versioning import S3BucketVersioning",
    "a submodule that does not exist": "from cdktf_cdktf_provider_aws.s3_buckets import S3Bucket",
    "a class in the package's root": "from cdktf_cdktf_provider_aws import S3Bucket",
    "an attribute of the package": "import cdktf_cdktf_provider_aws as aws\naws.s3_buckets.S3Bucket",
    "an unknown argument": "from cdktf import App, TerraformStack\nfrom cdktf_cdktf_provider_aws.vpc import Vpc\n"
    "Vpc(TerraformStack(App(), 's'), 'v', cidr='10.0.0.0/16')",
    "a wrong type": "from cdktf import App, TerraformStack\nfrom cdktf_cdktf_provider_aws.vpc import Vpc\nVpc(TerraformStack(App(), 's'), 'v', cidr_block=3)",
    "a block of the wrong shape": "from cdktf import App, TerraformStack\nfrom cdktf_cdktf_provider_aws.provider import AwsProvider\n"
    "AwsProvider(TerraformStack(App(), 's'), 'aws', default_tags={'a': 'b'})",
}


@pytest.mark.parametrize("source", BROKEN.values(), ids=BROKEN.keys())
def test_errors_read_as_in_a_plain_run(source: str, toolchain, sandbox) -> None:
    tree = Tree({"tap.py": (source + "\n").encode()})
    code, errors, stacks = plain(tree, toolchain, sandbox)
    fast = run_program(tree, ("run", "tap.py"), {}, toolchain, sandbox, Limits())
    assert (code, stacks) == (1, {})
    assert fast.completed.exit_code == 1
    assert fast.report is not None
    exception = fast.report["exception"]
    said = errors.replace(str(toolchain.site_packages) + "/", "")
    assert exception["type"] in said
    assert exception["message"] in said


def test_the_nearest_real_names_are_offered(toolchain, sandbox) -> None:
    tree = Tree({"tap.py": BROKEN["a class that does not exist"].encode()})
    report = run_program(tree, ("run", "tap.py"), {}, toolchain, sandbox, Limits()).report
    assert report is not None
    assert report["exception"]["nearest"][0] == "S3BucketVersioningA"
    assert report["exception"]["symbols"][0] == "S3BucketVersioning"


def test_every_construct_is_traced_to_its_line(seed, toolchain, sandbox) -> None:
    fast = run_program(seed.ideal, ("run", "tap.py"), {}, toolchain, sandbox, Limits())
    assert fast.report is not None
    stack = json.loads(fast.stacks["TapStackdev"])
    for instances in stack["resource"].values():
        for arguments in instances.values():
            file, line = fast.report["lines"][arguments["//"]["metadata"]["path"]]
            assert "(" in seed.ideal.text(file).splitlines()[line - 1]
    file, line = fast.report["lines"]["TapStackdev/storage/audit_bucket"]
    assert (file, "S3Bucket(" in seed.ideal.text(file).splitlines()[line - 1]) == ("lib/storage.py", True)


def test_a_stack_larger_than_a_pipe_is_synthesized(toolchain, sandbox) -> None:
    program = (
        "from cdktf import App, TerraformOutput, TerraformStack\n"
        "app = App()\nstack = TerraformStack(app, 'large')\n"
        "for number in range(40):\n    TerraformOutput(stack, f'o{number}', value='x' * 5000)\napp.synth()\n"
    )
    done = run_program(Tree({"main.py": program.encode()}), ("run", "main.py"), {}, toolchain, sandbox, Limits(wall=30))
    assert not done.completed.stopped
    assert len(done.stacks["large"]) > 200_000
