"""Where recovery points lie, and who hears of those that failed."""

import json

from cdktf_cdktf_provider_aws.backup_vault import BackupVault
from cdktf_cdktf_provider_aws.backup_vault_lock_configuration import BackupVaultLockConfiguration
from cdktf_cdktf_provider_aws.backup_vault_notifications import BackupVaultNotifications
from cdktf_cdktf_provider_aws.kms_key import KmsKey
from cdktf_cdktf_provider_aws.sns_topic import SnsTopic
from cdktf_cdktf_provider_aws.sns_topic_policy import SnsTopicPolicy
from constructs import Construct


class Vault(Construct):
    """An encrypted vault with limits for the age of what is in it."""

    def __init__(self, scope: Construct, id_: str, *, environment_suffix: str):
        super().__init__(scope, id_)

        key = KmsKey(
            self,
            "key",
            description=f"Recovery points of {environment_suffix}",
            enable_key_rotation=True,
            deletion_window_in_days=30,
        )
        self.vault = BackupVault(self, "vault", name=f"nightly-{environment_suffix}", kms_key_arn=key.arn)
        BackupVaultLockConfiguration(
            self,
            "lock",
            backup_vault_name=self.vault.name,
            min_retention_days=7,
            max_retention_days=120,
        )

        topic = SnsTopic(self, "topic", name=f"backup-failures-{environment_suffix}")
        policy = SnsTopicPolicy(
            self,
            "topic_policy",
            arn=topic.arn,
            policy=json.dumps(
                {
                    "Version": "2012-10-17",
                    "Statement": [
                        {
                            "Effect": "Allow",
                            "Principal": {"Service": "backup.amazonaws.com"},
                            "Action": "sns:Publish",
                            "Resource": topic.arn,
                        }
                    ],
                }
            ),
        )
        BackupVaultNotifications(
            self,
            "notifications",
            backup_vault_name=self.vault.name,
            sns_topic_arn=topic.arn,
            backup_vault_events=["BACKUP_JOB_FAILED", "COPY_JOB_FAILED"],
            depends_on=[policy],
        )
