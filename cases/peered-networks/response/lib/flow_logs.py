"""Flow logs of several networks, written with one role."""

import json

from cdktf_cdktf_provider_aws.cloudwatch_log_group import CloudwatchLogGroup
from cdktf_cdktf_provider_aws.flow_log import FlowLog
from cdktf_cdktf_provider_aws.iam_role import IamRole
from cdktf_cdktf_provider_aws.iam_role_policy import IamRolePolicy
from constructs import Construct

from lib.network import Network


class FlowLogs(Construct):
    """A log group for each network, and a role that may write to all of them."""

    def __init__(self, scope: Construct, id_: str, *, networks: list[Network], environment_suffix: str):
        super().__init__(scope, id_)

        self.role = IamRole(
            self,
            "role",
            name=f"flow-logs-{environment_suffix}",
            assume_role_policy=json.dumps(
                {
                    "Version": "2012-10-17",
                    "Statement": [
                        {
                            "Effect": "Allow",
                            "Principal": {"Service": "vpc-flow-logs.amazonaws.com"},
                            "Action": "sts:AssumeRole",
                        }
                    ],
                }
            ),
        )

        groups = []
        for network in networks:
            group = CloudwatchLogGroup(
                self,
                f"{network.node.id}_group",
                name=f"/vpc/flow-logs/{network.name}",
                retention_in_days=60,
            )
            FlowLog(
                self,
                f"{network.node.id}_flow",
                vpc_id=network.vpc.id,
                traffic_type="ALL",
                max_aggregation_interval=60,
                log_destination_type="cloud-watch-logs",
                log_destination=group.arn,
                iam_role_arn=self.role.arn,
            )
            groups.append(group)

        IamRolePolicy(
            self,
            "role_policy",
            name="flow-logs",
            role=self.role.id,
            policy=json.dumps(
                {
                    "Version": "2012-10-17",
                    "Statement": [
                        {
                            "Effect": "Allow",
                            "Action": [
                                "logs:CreateLogStream",
                                "logs:PutLogEvents",
                                "logs:DescribeLogGroups",
                                "logs:DescribeLogStreams",
                            ],
                            "Resource": [f"{group.arn}:*" for group in groups],
                        }
                    ],
                }
            ),
        )
