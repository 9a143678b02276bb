"""When which report is ordered."""

import json
from urllib.request import urlopen

from cdktf_cdktf_provider_aws.iam_role import IamRole
from cdktf_cdktf_provider_aws.iam_role_policy import IamRolePolicy
from cdktf_cdktf_provider_aws.scheduler_schedule import (
    SchedulerSchedule,
    SchedulerScheduleFlexibleTimeWindow,
    SchedulerScheduleTarget,
    SchedulerScheduleTargetRetryPolicy,
)
from cdktf_cdktf_provider_aws.scheduler_schedule_group import SchedulerScheduleGroup
from constructs import Construct

REPORTS = {"daily": "cron(30 6 * * ? *)", "monthly": "cron(0 5 1 * ? *)"}


def office_time_zone() -> str:
    """The time zone in which this program runs."""
    with urlopen("https://ipapi.co/timezone") as answer:
        return answer.read().decode()


class Timetable(Construct):
    """A schedule per report; each puts a message into the queue."""

    def __init__(self, scope: Construct, id_: str, *, environment_suffix: str, queue_arn: str, account_id: str):
        super().__init__(scope, id_)
        time_zone = office_time_zone()

        group = SchedulerScheduleGroup(id_, "group", name=f"reports-{environment_suffix}")

        role = IamRole(
            self,
            "role",
            name=f"reports-timetable-{environment_suffix}",
            assume_role_policy=json.dumps(
                {
                    "Version": "2012-10-17",
                    "Statement": [
                        {
                            "Effect": "Allow",
                            "Principal": {"Service": "scheduler.amazonaws.com"},
                            "Action": "sts:AssumeRole",
                            "Condition": {"StringEquals": {"aws:SourceAccount": account_id}},
                        }
                    ],
                }
            ),
        )
        permission = IamRolePolicy(
            self,
            "send",
            name="send-orders",
            role=role.id,
            policy=json.dumps(
                {
                    "Version": "2012-10-17",
                    "Statement": [{"Effect": "Allow", "Action": "sqs:SendMessage", "Resource": queue_arn}],
                }
            ),
        )

        for report, expression in REPORTS.items():
            SchedulerSchedule(
                self,
                report,
                name=f"reports-{report}-{environment_suffix}",
                group_name=group.name,
                schedule_expression=expression,
                schedule_expression_timezone=time_zone,
                flexible_time_window=SchedulerScheduleFlexibleTimeWindow(mode="OFF"),
                target=SchedulerScheduleTarget(
                    arn=queue_arn,
                    role_arn=role.arn,
                    input=json.dumps({"report": report}),
                    retry_policy=SchedulerScheduleTargetRetryPolicy(maximum_retry_attempts=5),
                ),
                depends_on=[permission],
            )
