"""The stack of the access baseline."""

from cdktf import TerraformOutput, TerraformStack
from cdktf_cdktf_provider_aws.data_aws_caller_identity import DataAwsCallerIdentity
from cdktf_cdktf_provider_aws.provider import AwsProvider
from constructs import Construct

from lib.audit import AuditKey, AuditTrail
from lib.people import People
from lib.recorder import Recorder


class TapStack(TerraformStack):
    """Key, trail, people and recorder of one account."""

    def __init__(self, scope: Construct, id_: str, *, environment_suffix: str, region: str = "eu-north-1"):
        super().__init__(scope, id_)
        AwsProvider(
            self,
            "aws",
            region=region,
            default_tags=[{"tags": {"Baseline": "access", "Environment": environment_suffix}}],
        )
        current = DataAwsCallerIdentity(self, "current")

        audit_key = AuditKey(
            self,
            "audit_key",
            environment_suffix=environment_suffix,
            account_id=current.account_id,
            # Built from its name: the trail itself needs the key first
            trail_arn=f"arn:aws:cloudtrail:{region}:{current.account_id}:trail/account-{environment_suffix}",
        )
        audit_trail = AuditTrail(
            self,
            "audit_trail",
            environment_suffix=environment_suffix,
            account_id=current.account_id,
            key_arn=audit_key.key.arn,
        )
        people = People(
            self,
            "people",
            environment_suffix=environment_suffix,
            account_id=current.account_id,
        )
        Recorder(
            self,
            "recorder",
            environment_suffix=environment_suffix,
            account_id=current.account_id,
            bucket_name=audit_trail.bucket.id,
        )

        TerraformOutput(self, "trail_arn", value=audit_trail.trail.arn)
        TerraformOutput(self, "auditor_role_arn", value=people.auditor_role.arn)
