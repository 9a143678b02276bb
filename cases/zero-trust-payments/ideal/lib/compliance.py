"""Roles with least privilege, and configuration as encrypted parameters."""

import json

from cdktf_cdktf_provider_aws.iam_role import IamRole
from cdktf_cdktf_provider_aws.iam_role_policy import IamRolePolicy
from cdktf_cdktf_provider_aws.ssm_parameter import SsmParameter
from constructs import Construct


class ComplianceStack(Construct):
    """The payment processor's role, the auditors' role, and the parameters they read."""

    def __init__(
        self,
        scope: Construct,
        id: str,
        environment_suffix: str,
        aws_region: str,
        kms_key_arn: str,
        audit_bucket_arn: str,
        account_id: str,
    ):
        super().__init__(scope, id)
        self.environment_suffix = environment_suffix
        self.aws_region = aws_region
        self.account_id = account_id

        self._create_parameters(kms_key_arn)
        self._create_processor_role(kms_key_arn, audit_bucket_arn)
        self._create_auditor_role(audit_bucket_arn)

    def _create_parameters(self, kms_key_arn: str):
        parameters = {
            "encryption_algorithm": "AES-256-GCM",
            "session_timeout_seconds": "900",
            "log_retention_days": "2557",
        }
        for name, value in parameters.items():
            SsmParameter(
                self,
                f"{name}_parameter",
                name=f"/payment/{self.environment_suffix}/{name}",
                type="SecureString",
                value=value,
                key_id=kms_key_arn,
            )

    def _create_processor_role(self, kms_key_arn: str, audit_bucket_arn: str):
        self.processor_role = IamRole(
            self,
            "processor_role",
            name=f"payment-processor-{self.environment_suffix}",
            max_session_duration=3600,
            assume_role_policy=json.dumps(
                {
                    "Version": "2012-10-17",
                    "Statement": [
                        {
                            "Effect": "Allow",
                            "Principal": {"Service": "lambda.amazonaws.com"},
                            "Action": "sts:AssumeRole",
                            "Condition": {"StringEquals": {"aws:SourceAccount": self.account_id}},
                        }
                    ],
                }
            ),
        )

        parameter_arn = f"arn:aws:ssm:{self.aws_region}:{self.account_id}:parameter/payment/{self.environment_suffix}/*"

        IamRolePolicy(
            self,
            "processor_role_policy",
            name="process-payments",
            role=self.processor_role.id,
            policy=json.dumps(
                {
                    "Version": "2012-10-17",
                    "Statement": [
                        {
                            "Sid": "ReadParameters",
                            "Effect": "Allow",
                            "Action": ["ssm:GetParameter", "ssm:GetParameters"],
                            "Resource": parameter_arn,
                        },
                        {
                            "Sid": "DecryptParameters",
                            "Effect": "Allow",
                            "Action": "kms:Decrypt",
                            "Resource": kms_key_arn,
                        },
                        {
                            "Sid": "WriteAuditRecords",
                            "Effect": "Allow",
                            "Action": "s3:PutObject",
                            "Resource": f"{audit_bucket_arn}/*",
                        },
                    ],
                }
            ),
        )

    def _create_auditor_role(self, audit_bucket_arn: str):
        self.auditor_role = IamRole(
            self,
            "auditor_role",
            name=f"payment-auditor-{self.environment_suffix}",
            max_session_duration=3600,
            assume_role_policy=json.dumps(
                {
                    "Version": "2012-10-17",
                    "Statement": [
                        {
                            "Effect": "Allow",
                            "Principal": {"AWS": f"arn:aws:iam::{self.account_id}:root"},
                            "Action": "sts:AssumeRole",
                            "Condition": {"Bool": {"aws:MultiFactorAuthPresent": "true"}},
                        }
                    ],
                }
            ),
        )

        IamRolePolicy(
            self,
            "auditor_role_policy",
            name="read-audit-records",
            role=self.auditor_role.id,
            policy=json.dumps(
                {
                    "Version": "2012-10-17",
                    "Statement": [
                        {
                            "Sid": "ReadAuditRecords",
                            "Effect": "Allow",
                            "Action": ["s3:GetObject", "s3:GetObjectVersion", "s3:ListBucket"],
                            "Resource": [audit_bucket_arn, f"{audit_bucket_arn}/*"],
                        }
                    ],
                }
            ),
        )
