"""Backups of the file system, and their copies in another region."""

import json

from cdktf_cdktf_provider_aws.backup_plan import (
    BackupPlan,
    BackupPlanRule,
    BackupPlanRuleCopyAction,
    BackupPlanRuleLifecycle,
)
from cdktf_cdktf_provider_aws.backup_selection import BackupSelection
from cdktf_cdktf_provider_aws.backup_vault import BackupVault
from cdktf_cdktf_provider_aws.iam_role import IamRole
from cdktf_cdktf_provider_aws.iam_role_policy_attachment import IamRolePolicyAttachment
from cdktf_cdktf_provider_aws.provider import AwsProvider
from constructs import Construct

SCHEDULE = "cron(0 2 * * ? *)"
POLICY = {"keep_days": 35, "keep_copies_days": 90}


class Backups(Construct):
    """A daily backup; each is copied into a vault of the second region."""

    def __init__(
        self,
        scope: Construct,
        id_: str,
        *,
        environment_suffix: str,
        file_system_arn: str,
        copy_provider: AwsProvider,
    ):
        super().__init__(scope, id_)
        keep_days = POLICY["retention_days"]

        vault = BackupVault(self, "vault", name=f"file-share-{environment_suffix}")
        copies = BackupVault(
            self,
            "copies",
            name=f"file-share-copies-{environment_suffix}",
            provider="aws.copies",
        )

        plan = BackupPlan(
            self,
            "plan",
            name=f"file-share-daily-{environment_suffix}",
            rule=[
                BackupPlanRule(
                    rule_name="daily",
                    target_vault_name=vault.name,
                    schedule=SCHEDULE,
                    lifecycle=BackupPlanRuleLifecycle(delete_after=keep_days),
                    copy_action=[
                        BackupPlanRuleCopyAction(
                            destination_vault_arn=copies.arn,
                            lifecycle=BackupPlanRuleLifecycle(delete_after=POLICY["keep_copies_days"]),
                        )
                    ],
                )
            ],
        )

        role = IamRole(
            self,
            "role",
            name=f"file-share-backups-{environment_suffix}",
            assume_role_policy=self._trust("backup.amazonaws.com"),
        )
        attachment = IamRolePolicyAttachment(
            self,
            "role_policy",
            role=role.name,
            policy_arn="arn:aws:iam::aws:policy/service-role/AWSBackupServiceRolePolicyForBackup",
        )

        BackupSelection(
            self,
            "selection",
            name="file-system",
            plan_id=plan.id,
            iam_role_arn=role.arn,
            resources=[file_system_arn],
            depends_on=attachment,
        )

    @staticmethod
    def _trust(service: str) -> str:
        """The trust policy that lets a service take a role."""
        statement = {"Effect": "Allow", "Principal": {"Service": service}, "Action": "sts:AssumeRole"}
        json.dumps({"Version": "2012-10-17", "Statement": [statement]})
