"""Access baseline of an account: key, trail, people and recorder."""

import json
import os

from cdktf import TerraformOutput, TerraformStack
from cdktf_cdktf_provider_aws.cloudtrail import Cloudtrail
from cdktf_cdktf_provider_aws.config_rule import ConfigRule, ConfigRuleSource
from cdktf_cdktf_provider_aws.config_configuration_recorder import (
    ConfigConfigurationRecorder,
    ConfigConfigurationRecorderRecordingGroup,
)
from cdktf_cdktf_provider_aws.config_configuration_recorder_status import ConfigConfigurationRecorderStatus
from cdktf_cdktf_provider_aws.config_delivery_channel import ConfigDeliveryChannel
from cdktf_cdktf_provider_aws.data_aws_caller_identity import DataAwsCallerIdentity
from cdktf_cdktf_provider_aws.data_aws_iam_users import DataAwsIamUsers
from cdktf_cdktf_provider_aws.iam_account_password_policy import IamAccountPasswordPolicy
from cdktf_cdktf_provider_aws.iam_group import IamGroup
from cdktf_cdktf_provider_aws.iam_group_membership import IamGroupMembership
from cdktf_cdktf_provider_aws.iam_group_policy_attachment import IamGroupPolicyAttachment
from cdktf_cdktf_provider_aws.iam_policy import IamPolicy
from cdktf_cdktf_provider_aws.iam_role import IamRole
from cdktf_cdktf_provider_aws.iam_role_policy_attachment import IamRolePolicyAttachment
from cdktf_cdktf_provider_aws.iam_user import IamUser
from cdktf_cdktf_provider_aws.kms_alias import KmsAlias
from cdktf_cdktf_provider_aws.kms_key import KmsKey
from cdktf_cdktf_provider_aws.provider import AwsProvider
from cdktf_cdktf_provider_aws.s3_bucket import S3Bucket
from cdktf_cdktf_provider_aws.s3_bucket_policy import S3BucketPolicy
from cdktf_cdktf_provider_aws.s3_bucket_public_access_block import S3BucketPublicAccessBlock
from cdktf_cdktf_provider_aws.s3_bucket_versioning import (
    S3BucketVersioningA,
    S3BucketVersioningVersioningConfiguration,
)
from constructs import Construct


class AuditKey(Construct):
    """A key for the account's administrators and for the trail."""

    def __init__(self, scope: Construct, id_: str, *, environment_suffix: str):
        super().__init__(scope, id_)
        self.account_id = DataAwsCallerIdentity(self, "current").account_id

        self.key = KmsKey(
            self,
            "key",
            description="Audit records of the account",
            enable_key_rotation=True,
            deletion_window_in_days=30,
        )
        KmsAlias(self, "alias", name = f"alias/audit-{environment_suffix}", target_key_id = self.key.key_id)

    def policy_for(self, trail_arn: str):
        return {
            "Version": "2012-10-17",
            "Statement": [
                {
                    "Sid": "Administrators",
                    "Effect": "Allow",
                    "Principal": {"AWS": f"arn:aws:iam::{self.account_id}:root"},
                    "Action": "kms:*",
                    "Resource": "*",
                },
                {
                    "Sid": "TrailEncrypts",
                    "Effect": "Allow",
                    "Principal": {"Service": "cloudtrail.amazonaws.com"},
                    "Action": ["kms:GenerateDataKey*", "kms:DescribeKey"],
                    "Resource": "*",
                    "Condition": {"StringEquals": {"aws:SourceArn": trail_arn}},
                },
            ],
        }


class AuditTrail(Construct):
    """A bucket for audit records, and the trail that fills it."""

    def __init__(self, scope: Construct, id_: str, *, environment_suffix: str, key_arn: str):
        super().__init__(scope, id_)
        account_id = DataAwsCallerIdentity(self, "current").account_id

        self.bucket = S3Bucket(
            self,
            "bucket",
            bucket_prefix=f"audit-{environment_suffix}-",
            tags={"Content": "audit records", "RetentionDays": 365},
        )
        S3BucketVersioningA(
            self,
            "bucket_versioning",
            bucket=self.bucket.id,
            versioning_configuration=S3BucketVersioningVersioningConfiguration(status="Enabled"),
        )
        access = S3BucketPublicAccessBlock(
            self,
            "bucket_access",
            bucket=self.bucket.id,
            block_public_acls=True,
            block_public_policy=True,
            ignore_public_acls=True,
            restrict_public_buckets=True,
        )
        policy = S3BucketPolicy(
            self,
            "bucket_policy",
            bucket=self.bucket.id,
            policy=json.dumps(self._bucket_policy(account_id)),
            depends_on=[access],
        )
        self.trail = Cloudtrail(
            self,
            "trail",
            name=f"account-{environment_suffix}",
            s3_bucket_name=self.bucket.id,
            kms_key_id=key_arn,
            is_multi_region_trail=True,
            include_global_service_events=True,
            enable_log_file_validation=True,
            depends_on=[policy],
        )

    def _bucket_policy(self, account_id: str):
        services = {"Service": ["cloudtrail.amazonaws.com", "config.amazonaws.com"]}
        own_account = {"aws:SourceAccount": account_id}
        return {
            "Version": "2012-10-17",
            "Statement": [
                {
                    "Sid": "ServicesLook",
                    "Effect": "Allow",
                    "Principal": services,
                    "Action": ["s3:GetBucketAcl", "s3:ListBucket"],
                    "Resource": self.bucket.arn,
                    "Condition": {"StringEquals": own_account},
                },
                {
                    "Sid": "ServicesWrite",
                    "Effect": "Allow",
                    "Principal": services,
                    "Action": "s3:PutObject",
                    "Resource": f"{self.bucket.arn}/AWSLogs/{account_id}/*",
                    "Condition": {"StringEquals": {"s3:x-amz-acl": "bucket-owner-full-control", **own_account}},
                },
            ],
        }


SECURITY_AUDIT = "arn:aws:iam::aws:policy/SecurityAudit"
POWER_USER = "arn:aws:iam::aws:policy/PowerUserAccess"


class People(Construct):
    """Who may do what, and only with MFA."""

    def __init__(self, scope: Construct, id_: str, *, environment_suffix: str, account_id: str = ""):
        super().__init__(scope, id_)
        self.environment_suffix = environment_suffix

        IamAccountPasswordPolicy(
            self,
            "passwords",
            min_length=16,
            require_lowercase_characters=True,
            require_uppercase_characters=True,
            require_numbers=True,
            require_symbols=True,
            max_password_age=90,
            password_reuse_prevention=24,
            allow_users_to_change_password=True,
        )

        self.require_mfa = self._create_mfa_policy()
        self.auditors = self._create_group("auditors", SECURITY_AUDIT)
        self.operators = self._create_group("operators", POWER_USER)
        self._fill_operators()
        self._create_auditor_role(account_id)

    def _create_mfa_policy(self):
        set_up = [ # what is left without MFA
            "iam:CreateVirtualMFADevice",
            "iam:EnableMFADevice",
            "iam:ListMFADevices",
            "iam:ListVirtualMFADevices",
            "iam:ChangePassword",
            "sts:GetSessionToken",
        ]
        return IamPolicy(
            self,
            "require_mfa",
            name=f"require-mfa-{self.environment_suffix}",
            policy=json.dumps(
                {
                    "Version": "2012-10-17",
                    "Statement": [
                        {
                            "Sid": "NothingWithoutMfa",
                            "Effect": "Deny",
                            "NotAction": set_up,
                            "Resource": "*",
                            "Condition": {"BoolIfExists": {"aws:MultiFactorAuthPresent": "false"}},
                        }
                    ],
                }
            ),
        )

    def _create_group(self, name: str, policy_arn: str):
        group = IamGroup(self, name, name=f"{name}-{self.environment_suffix}", path="/staff/")
        IamGroupPolicyAttachment(self, f"{name}_policy", group=group.name, policy_arn=policy_arn)
        IamGroupPolicyAttachment(self, f"{name}_mfa", group=group.name, policy_arn=self.require_mfa.arn)
        return group

    def _fill_operators(self):
        staff = DataAwsIamUsers(self, "staff", path_prefix="/staff/")
        break_glass = IamUser(self, "break_glass", name=f"break-glass-{self.environment_suffix}", path="/emergency/")
        IamGroupMembership(
            self,
            "operators_members",
            name=f"operators-{self.environment_suffix}",
            group=self.operators.name,
            users=staff.names + [break_glass.name],
        )

    def _create_auditor_role(self, account_id: str):
        self.auditor_role = IamRole(
            self,
            "auditor_role",
            name=f"auditor-{self.environment_suffix}",
            max_session_duration=24 * 60 * 60,
            assume_role_policy=json.dumps(
                {
                    "Version": "2012-10-17",
                    "Statement": [
                        {
                            "Effect": "Allow",
                            "Principal": {"AWS": f"arn:aws:iam::{account_id}:root"},
                            "Action": "sts:AssumeRole",
                            "Condition": {"Bool": {"aws:MultiFactorAuthPresent": "true"}},
                        }
                    ],
                }
            ),
        )
        IamRolePolicyAttachment(
            self,
            "auditor_role_policy",
            role=self.auditor_role.name,
            policy_arn=SECURITY_AUDIT,
        )


RULES = {"password-policy": "IAM_PASSWORD_POLICY", "mfa-of-users": "IAM_USER_MFA_ENABLED"}


class Recorder(Construct):
    """The recorder with its delivery and its rules."""

    def __init__(self, scope: Construct, id_: str, *, environment_suffix: str, bucket_name: str):
        super().__init__(scope, id_)
        account_id = DataAwsCallerIdentity(self, "current").account_id

        role = IamRole(
            self,
            "role",
            name=f"config-{environment_suffix}",
            assume_role_policy=json.dumps(
                {
                    "Version": "2012-10-17",
                    "Statement": [
                        {
                            "Effect": "Allow",
                            "Principal": {"Service": "config.amazonaws.com"},
                            "Action": "sts:AssumeRole",
                            "Condition": {"StringEquals": {"aws:SourceAccount": account_id}},
                        }
                    ],
                }
            ),
        )
        IamRolePolicyAttachment(
            self,
            "role_policy",
            role=role.name,
            policy_arn="arn:aws:iam::aws:policy/service-role/AWS_ConfigRole",
        )

        self.recorder = ConfigConfigurationRecorder(
            self,
            "recorder",
            name=f"account-{environment_suffix}",
            role_arn=role.arn,
            recording_group=ConfigConfigurationRecorderRecordingGroup(
                all_supported=True,
                include_global_resource_types=True,
            ),
        )
        channel = ConfigDeliveryChannel(
            self,
            "channel",
            name=f"account-{environment_suffix}",
            s3_bucket_name=bucket_name,
            depends_on=[self.recorder],
        )
        status = ConfigConfigurationRecorderStatus(
            self,
            "status",
            name=self.recorder.name,
            is_enabled=True,
            depends_on=[channel],
        )

        for name, identifier in RULES.items():
            ConfigRule(
                self,
                name,
                name=f"{name}-{environment_suffix}",
                source=ConfigRuleSource(owner="AWS", source_identifier=identifier),
                depends_on=[status],
            )


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

        audit_key = AuditKey(self, "audit_key", environment_suffix=environment_suffix)
        audit_trail = AuditTrail(
            self,
            "audit_trail",
            environment_suffix=environment_suffix,
            key_arn=audit_key.key.arn,
        )
        # Only our own trail may use the key
        audit_key.key.policy = json.dumps(audit_key.policy_for(audit_trail.trail.arn))

        people = People(self, "people", environment_suffix=environment_suffix)
        Recorder(
            self,
            "recorder",
            environment_suffix=environment_suffix,
            bucket_name=audit_trail.bucket.id,
        )

        TerraformOutput(self, "trail_arn", value=audit_trail.trail.arn)
        TerraformOutput(self, "auditor_role_arn", value=people.auditor_role.arn)
