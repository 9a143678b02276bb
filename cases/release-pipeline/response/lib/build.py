"""The build project, its log and its role."""

import json

from cdktf_cdktf_provider_aws.cloudwatch_log_group import CloudwatchLogGroup
from cdktf_cdktf_provider_aws.codebuild_project import (
    CodebuildProject,
    CodebuildProjectArtifacts,
    CodebuildProjectEnvironment,
    CodebuildProjectEnvironmentEnvironmentVariable,
    CodebuildProjectLogsConfig,
    CodebuildProjectLogsConfigCloudwatchLogs,
    CodebuildProjectSource,
)
from cdktf_cdktf_provider_aws.data_aws_iam_policy_document import (
    DataAwsIamPolicyDocument,
    DataAwsIamPolicyDocumentStatement,
)
from cdktf_cdktf_provider_aws.dynamodb_table import DynamodbTable
from cdktf_cdktf_provider_aws.iam_role import IamRole
from cdktf_cdktf_provider_aws.iam_role_policy import IamRolePolicy
from constructs import Construct


class Build(Construct):
    """Builds a commit, and enters the release in the register."""

    def __init__(
        self,
        scope: Construct,
        id_: str,
        *,
        environment_suffix: str,
        artifact_bucket: str,
        table: DynamodbTable,
    ):
        super().__init__(scope, id_)
        name = f"shop-build-{environment_suffix}"

        log_group = CloudwatchLogGroup(self, "log", name=f"/aws/codebuild/{name}", retention_in_days=60)
        role = IamRole(
            self,
            "role",
            name=name,
            assume_role_policy=json.dumps(
                {
                    "Version": "2012-10-17",
                    "Statement": [
                        {
                            "Effect": "Allow",
                            "Principal": {"Service": "codebuild.amazonaws.com"},
                            "Action": "sts:AssumeRole",
                        }
                    ],
                }
            ),
        )
        permissions = DataAwsIamPolicyDocument(
            self,
            "permissions",
            statement=[
                DataAwsIamPolicyDocumentStatement(
                    sid="WriteLog",
                    actions=["logs:CreateLogStream", "logs:PutLogEvents"],
                    resources=[f"arn:aws:logs:*:*:log-group:/aws/codebuild/{name}:*"],
                ),
                DataAwsIamPolicyDocumentStatement(
                    sid="WriteLog",
                    actions=["s3:GetObject", "s3:PutObject"],
                    resources=[f"arn:aws:s3:::{artifact_bucket}/*"],
                ),
                DataAwsIamPolicyDocumentStatement(
                    sid="EnterRelease",
                    actions=["dynamodb:PutItem"],
                    resources=[f"arn:aws:dynamodb:*:*:table/shop-releases-{environment_suffix}"],
                ),
            ],
        )
        IamRolePolicy(self, "role_policy", name="build", role=role.id, policy=permissions.json)

        self.project = CodebuildProject(
            self,
            "project",
            name=name,
            service_role=role.name,
            build_timeout=20,
            source=CodebuildProjectSource(type="CODEPIPELINE", buildspec="buildspec.yml"),
            artifacts=CodebuildProjectArtifacts(type="CODEPIPELINE"),
            environment=CodebuildProjectEnvironment(
                type="ARM_CONTAINER",
                compute_type="BUILD_GENERAL1_SMALL",
                image="aws/codebuild/amazonlinux2-aarch64-standard:3.0",
                environment_variable=[
                    CodebuildProjectEnvironmentEnvironmentVariable(name="RELEASES_TABLE", value=table.name)
                ],
            ),
            logs_config=CodebuildProjectLogsConfig(
                cloudwatch_logs=CodebuildProjectLogsConfigCloudwatchLogs(group_name=log_group.name),
            ),
        )
