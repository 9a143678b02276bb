"""What is backed up when, and for how long it is kept."""

import json

from cdktf_cdktf_provider_aws.backup_plan import BackupPlan, BackupPlanRule, BackupPlanRuleLifecycle
from cdktf_cdktf_provider_aws.backup_selection import BackupSelection, BackupSelectionSelectionTag
from cdktf_cdktf_provider_aws.iam_role import IamRole
from cdktf_cdktf_provider_aws.iam_role_policy_attachment import IamRolePolicyAttachment
from constructs import Construct

MANAGED_POLICIES = {
    "backup": "arn:aws:iam::aws:policy/service-role/AWSBackupServiceRolePolicyForBackup",
    "restore": "arn:aws:iam::aws:policy/service-role/AWSBackupServiceRolePolicyForRestores",
}


class Schedule(Construct):
    """A nightly and a monthly backup of everything that carries the tag."""

    def __init__(self, scope: Construct, id_: str, *, environment_suffix: str, vault_name: str):
        super().__init__(scope, id_)

        self.plan = BackupPlan(
            self,
            "plan",
            name=f"nightly-{environment_suffix}",
            rule=[
                BackupPlanRule(
                    rule_name="night",
                    target_vault_name=vault_name,
                    schedule="cron(30 1 * * ? *)",
                    lifecycle=BackupPlanRuleLifecycle(delete_after=35),
                ),
                BackupPlanRule(
                    rule_name="month",
                    target_vault_name=vault_name,
                    schedule="cron(30 3 1 * ? *)",
                    lifecycle=BackupPlanRuleLifecycle(cold_storage_after=14, delete_after=120),
                ),
            ],
        )

        role = IamRole(
            self,
            "role",
            name=f"nightly-backup-{environment_suffix}",
            assume_role_policy=json.dumps(
                {
                    "Version": "2012-10-17",
                    "Statement": [
                        {
                            "Effect": "Allow",
                            "Principal": {"Service": "backup.amazonaws.com"},
                            "Action": "sts:AssumeRole",
                        }
                    ],
                }
            ),
        )
        for task, policy_arn in MANAGED_POLICIES.items():
            IamRolePolicyAttachment(self, f"may_{task}", role=role.name, policy_arn=policy_arn)

        BackupSelection(
            self,
            "selection",
            name=f"nightly-{environment_suffix}",
            plan_id=self.plan.id,
            iam_role_arn=role.arn,
            selection_tag=[BackupSelectionSelectionTag(type="STRINGEQUALS", key="Backup", value="nightly")],
        )
