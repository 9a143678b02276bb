"""Keys for the data and for the logs."""

import json

from cdktf_cdktf_provider_aws.kms_alias import KmsAlias
from cdktf_cdktf_provider_aws.kms_key import KmsKey
from constructs import Construct


class Encryption(Construct):
    """One key for the cluster and its secrets, one for its log group."""

    def __init__(self, scope: Construct, id: str, environment_suffix: str, aws_region: str, account_id: str):
        super().__init__(scope, id)

        administration = {
            "Sid": "Administration",
            "Effect": "Allow",
            "Principal": {"AWS": f"arn:aws:iam::{account_id}:root"},
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

        logs_use = {
            "Sid": "CloudWatchLogs",
            "Effect": "Allow",
            "Principal": {"Service": f"logs.{aws_region}.amazonaws.com"},
            "Action": ["kms:Encrypt*", "kms:Decrypt*", "kms:ReEncrypt*", "kms:GenerateDataKey*", "kms:Describe*"],
            "Resource": "*",
            "Condition": {
                "ArnLike": {
                    "kms:EncryptionContext:aws:logs:arn": (
                        f"arn:aws:logs:{aws_region}:{account_id}:log-group:/aws/rds/cluster/*"
                    )
                }
            },
        }

        self.logs_key = KmsKey(
            self,
            "logs_key",
            description=f"Reporting logs ({environment_suffix})",
            enable_key_rotation=True,
            deletion_window_in_days=14,
            policy=json.dumps({"Version": "2012-10-17", "Statement": [administration, logs_use]}),
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
