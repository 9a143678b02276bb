"""Keys for the data and for the logs."""

import json

from cdktf_cdktf_provider_aws.kms_alias import KmsAlias
from cdktf_cdktf_provider_aws.kms_key import KmsKey
from constructs import Construct


class Encryption(Construct):
    """One key for the cluster and its secrets, one for its log group."""

    def __init__(self, scope: Construct, id: str, environment_suffix: str, aws_region: str):
        super().__init__(scope, id)

        administration = {
            "Sid": "Administration",
            "Effect": "Allow",
            "Principal": {"AWS": "arn:aws:iam::123456789012:root"},
            "Action": "kms:*",
            "Resource": "*",
        }

        self.data_key = KmsKey(
            self,
            "data_key",
            description=f"Reporting data and secrets ({environment_suffix})",
            enable_key_rotation=True,
            deletion_window_in_days=14,
            policy=json.dumps({"Version": "2012-10-17", "Statement": [administration]}),
        )

        rds_use = {
            "Sid": "RDS",
            "Effect": "Allow",
            "Principal": {"Service": "rds.amazonaws.com"},
            "Action": ["kms:Decrypt", "kms:GenerateDataKey*", "kms:CreateGrant", "kms:DescribeKey"],
            "Resource": "*",
            "Condition": {"StringEquals": {"kms:ViaService": f"rds.{aws_region}.amazonaws.com"}},
        }

        self.logs_key = KmsKey(
            self,
            "logs_key",
            description=f"Reporting logs ({environment_suffix})",
            enable_key_rotation=True,
            deletion_window_in_days=14,
            policy=json.dumps({"Version": "2012-10-17", "Statement": [administration, rds_use]}),
        )

        KmsAlias(
            self,
            "data_key_alias",
            name=f"alias/reporting-data-{environment_suffix}",
            target_key_id=self.data_key.key_id,
        )
        KmsAlias(
            self,
            "logs_key_alias",
            name=f"alias/reporting-logs-{environment_suffix}",
            target_key_id=self.logs_key.key_id,
        )
