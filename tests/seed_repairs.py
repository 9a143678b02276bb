"""The bundled response with one of its ten defects mended by hand, as a person would; nothing of Assay's own differ."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from harness.tree import Tree

_IMPORT = "from cdktf_cdktf_provider_aws.data_aws_caller_identity import DataAwsCallerIdentity\n"
_LOOK_UP = """        current = DataAwsCallerIdentity(self, "current")
        self.account_id = current.account_id
"""
_LOOK_UP_ONCE = [
    ("from cdktf_cdktf_provider_aws.provider", _IMPORT + "from cdktf_cdktf_provider_aws.provider"),
    (
        "        networking = NetworkingStack(",
        """        current_account = DataAwsCallerIdentity(self, "current")

        networking = NetworkingStack(""",
    ),
]
_SUBNETS = "            subnet_ids=[s.id for s in networking.private_subnets],\n"
_HANDED_DOWN = "            account_id=current_account.account_id,\n"
_LOGS_POLICY = """            enable_key_rotation=True,
            policy=json.dumps(
                {
                    "Version": "2012-10-17",
                    "Statement": [
                        {"Effect": "Allow", "Principal": {"AWS": "*"}, "Action": "kms:*", "Resource": "*"},
                        {
                            "Effect": "Allow",
                            "Principal": {"Service": f"logs.{self.aws_region}.amazonaws.com"},
                            "Action": "kms:*",
                            "Resource": "*",
                        },
                    ],
                }
            ),
"""
_PARAMETERS = """    def __init__(
        self,
        scope: Construct,
        id: str,
        environment_suffix: str,
        state_bucket: str = None,
        state_bucket_region: str = None,
        aws_region: str = "us-east-1",
    ):
"""
_TAGS = """            default_tags={
                "Environment": f"payment-{environment_suffix}",
                "ManagedBy": "cdktf"
            }
"""
_TAGS_LISTED = """            default_tags=[
                {"tags": {"Environment": f"payment-{environment_suffix}", "ManagedBy": "cdktf"}}
            ],
"""


def _takes_account(path: str, last: str, old_import: bool) -> dict[str, list[tuple[str, str]]]:
    pairs = [(f"        {last},\n    ):", f"        {last},\n        account_id: str,\n    ):")]
    if old_import:
        pairs += [(_IMPORT, ""), (_LOOK_UP, "        self.account_id = account_id\n")]
    return {path: pairs}


REPAIRS: dict[str, dict[str, list[tuple[str, str]]]] = {
    "stack-constructor-signature": {"lib/tap_stack.py": [("    def __init__(self, scope: Construct, id: str, **kwargs):\n", _PARAMETERS)]},
    "provider-default-tags": {"lib/tap_stack.py": [(_TAGS, _TAGS_LISTED)]},
    "missing-a-suffix": {
        "lib/storage.py": [
            ("    S3BucketVersioning,\n    S3BucketVersioningConfiguration,\n", "    S3BucketVersioningA,\n    S3BucketVersioningVersioningConfiguration,\n"),
            ("S3BucketVersioning(\n", "S3BucketVersioningA(\n"),
            ("=S3BucketVersioningConfiguration(", "=S3BucketVersioningVersioningConfiguration("),
            ("    S3BucketServerSideEncryptionConfiguration,\n", "    S3BucketServerSideEncryptionConfigurationA,\n"),
            ("    S3BucketServerSideEncryptionConfiguration(\n", "    S3BucketServerSideEncryptionConfigurationA(\n"),
            ("    S3BucketObjectLockConfiguration,\n", "    S3BucketObjectLockConfigurationA,\n"),
            ("    S3BucketObjectLockConfiguration(\n", "    S3BucketObjectLockConfigurationA(\n"),
        ]
    },
    "token-in-string": {
        "lib/networking.py": [
            ('f"${{element({self.azs.names}, {i})}}"', "Fn.element(self.azs.names, i)"),
            ("import os\n", "import os\n\nfrom cdktf import Fn\n"),
        ]
    },
    "account-id-hardcoded": {
        "lib/security.py": [
            ('"arn:aws:iam::123456789012:root"', 'f"arn:aws:iam::{self.account_id}:root"'),
            ("        self.aws_region = aws_region\n", "        self.aws_region = aws_region\n        self.account_id = account_id\n"),
            ("        subnet_ids: list,\n    ):", "        subnet_ids: list,\n        account_id: str,\n    ):"),
        ],
        "lib/tap_stack.py": [*_LOOK_UP_ONCE, (_SUBNETS + "        )\n", _SUBNETS + _HANDED_DOWN + "        )\n")],
    },
    "kms-logs-policy": {"lib/security.py": [("            enable_key_rotation=True\n", _LOGS_POLICY)]},
    "log-retention": {"lib/monitoring.py": [("retention_in_days=2555", "retention_in_days=2557")]},
    "data-source-repeated": {
        "lib/tap_stack.py": [
            *_LOOK_UP_ONCE,
            (
                "            alerts_kms_key_arn=security.alerts_kms_key.arn,\n",
                "            alerts_kms_key_arn=security.alerts_kms_key.arn,\n" + _HANDED_DOWN,
            ),
            ("            audit_bucket_arn=storage.audit_bucket.arn,\n", "            audit_bucket_arn=storage.audit_bucket.arn,\n" + _HANDED_DOWN),
        ],
        **_takes_account("lib/monitoring.py", "alerts_kms_key_arn: str", old_import=True),
        **_takes_account("lib/compliance.py", "audit_bucket_arn: str", old_import=True),
    },
    "test-constructor-call": {"tests/unit/test_tap_stack.py": [('TapStack(app, "TestStack")', 'TapStack(app, "TestStack", environment_suffix="test")')]},
}


def without_defect(response: Tree, rule: str) -> Tree:
    """The response without the defect that `rule` finds."""
    if rule == "code-quality":
        return _tidied(response)
    files = dict(response.files)
    for path, pairs in REPAIRS[rule].items():
        text = files[path].decode()
        for old, new in pairs:
            assert old in text, (path, old)
            text = text.replace(old, new)
        files[path] = text.encode()
    return Tree(files)


def _tidied(response: Tree) -> Tree:
    """What ruff makes of the response: formatted, and without unused imports."""
    ruff = Path(sys.executable).parent / "ruff"
    unused = ["check", "--isolated", "--select", "F401", "--fix-only", "--quiet", "-"]
    layout = ["format", "--isolated", "--line-length", "120", "-"]
    files = {}
    for path, content in response.files.items():
        if path.endswith(".py"):
            for argv in (unused, layout):
                content = subprocess.run([ruff, *argv], input=content, capture_output=True, check=True).stdout
        files[path] = content
    return Tree(files)
