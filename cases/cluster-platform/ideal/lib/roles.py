"""Roles of the cluster and of its nodes."""

import json

from cdktf_cdktf_provider_aws.iam_role import IamRole
from cdktf_cdktf_provider_aws.iam_role_policy_attachment import IamRolePolicyAttachment
from constructs import Construct


def service_role(scope: Construct, id: str, name: str, service: str, policies: tuple[str, ...]) -> IamRole:
    """A role that an AWS service assumes, with managed policies of AWS."""
    role = IamRole(
        scope,
        id,
        name=name,
        assume_role_policy=json.dumps(
            {
                "Version": "2012-10-17",
                "Statement": [
                    {
                        "Effect": "Allow",
                        "Principal": {"Service": f"{service}.amazonaws.com"},
                        "Action": "sts:AssumeRole",
                    }
                ],
            }
        ),
    )
    for policy in policies:
        IamRolePolicyAttachment(
            scope,
            f"{id}_{policy}",
            role=role.name,
            policy_arn=f"arn:aws:iam::aws:policy/{policy}",
        )
    return role
