"""The pipeline, its artifacts, and who hears of its runs."""

import json

from cdktf_cdktf_provider_aws.codebuild_project import CodebuildProject
from cdktf_cdktf_provider_aws.codepipeline import (
    Codepipeline,
    CodepipelineArtifactStore,
    CodepipelineStage,
    CodepipelineStageAction,
)
from cdktf_cdktf_provider_aws.codestarconnections_connection import CodestarconnectionsConnection
from cdktf_cdktf_provider_aws.codestarnotifications_notification_rule import (
    CodestarnotificationsNotificationRule,
    CodestarnotificationsNotificationRuleTarget,
)
from cdktf_cdktf_provider_aws.iam_role import IamRole
from cdktf_cdktf_provider_aws.iam_role_policy import IamRolePolicy
from cdktf_cdktf_provider_aws.s3_bucket import S3Bucket
from cdktf_cdktf_provider_aws.s3_bucket_public_access_block import S3BucketPublicAccessBlock
from cdktf_cdktf_provider_aws.sns_topic import SnsTopic
from cdktf_cdktf_provider_aws.sns_topic_policy import SnsTopicPolicy
from constructs import Construct


class Pipeline(Construct):
    """Fetches the source and builds it."""

    def __init__(
        self,
        scope: Construct,
        id_: str,
        *,
        environment_suffix: str,
        artifact_bucket: str,
        project: CodebuildProject,
    ):
        super().__init__(scope, id_)
        name = f"shop-release-{environment_suffix}"

        self.artifacts = S3Bucket(self, "artifacts", bucket=artifact_bucket)
        S3BucketPublicAccessBlock(
            self,
            "artifacts_access",
            bucket=self.artifacts.id,
            block_public_acls=True,
            block_public_policy=True,
            ignore_public_acls=True,
            restrict_public_buckets=True,
        )
        connection = CodestarconnectionsConnection(
            self,
            "connection",
            name=f"shop-{environment_suffix}",
            provider_type="GitHub",
        )
        role = self._role(name, connection, project)

        self.source_stage = self._stage(
            "Source",
            owner="AWS",
            category="Source",
            provider="CodeStarSourceConnection",
            configuration={
                "ConnectionArn": connection.arn,
                "FullRepositoryId": "example/shop",
                "BranchName": "main",
            },
            output_artifacts=["source"],
        )
        self.build_stage = self._stage(
            "Build",
            owner="AWS",
            category="Build",
            provider="CodeBuild",
            configuration={"ProjectName": project.name},
            input_artifacts=["source"],
        )
        self.pipeline = Codepipeline(
            self,
            "pipeline",
            name=name,
            role_arn=role.arn,
            pipeline_type="V2",
            artifact_store=[CodepipelineArtifactStore(type="S3", location=self.artifacts.bucket)],
            stage=[self.source_stage],
        )

        self.topic = SnsTopic(self, "topic", name=name)
        SnsTopicPolicy(
            self,
            "topic_policy",
            arn=self.topic.arn,
            policy=json.dumps(
                {
                    "Version": "2012-10-17",
                    "Statement": [
                        {
                            "Effect": "Allow",
                            "Principal": {"Service": "codestar-notifications.amazonaws.com"},
                            "Action": "sns:Publish",
                            "Resource": self.topic.arn,
                        }
                    ],
                }
            ),
        )
        CodestarnotificationsNotificationRule(
            self,
            "notification",
            name=name,
            resource=self.pipeline.arn,
            detail_type="BASIC",
            event_type_ids=[
                "codepipeline-pipeline-pipeline-execution-failed",
                "codepipeline-pipeline-pipeline-execution-succeeded",
            ],
            target=[CodestarnotificationsNotificationRuleTarget(address=self.topic.arn)],
        )

    def _stage(self, name: str, **action) -> CodepipelineStage:
        return CodepipelineStage(name=name, action=[CodepipelineStageAction(name=name, version="1", **action)])

    def _role(self, name: str, connection: CodestarconnectionsConnection, project: CodebuildProject) -> IamRole:
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
                            "Principal": {"Service": "codepipeline.amazonaws.com"},
                            "Action": "sts:AssumeRole",
                        }
                    ],
                }
            ),
        )
        allowed = {
            f"{self.artifacts.arn}/*": ["s3:GetObject", "s3:PutObject"],
            connection.arn: ["codestar-connections:UseConnection"],
            project.arn: ["codebuild:StartBuild", "codebuild:BatchGetBuilds"],
        }
        IamRolePolicy(
            self,
            "role_policy",
            name="run-stages",
            role=role.id,
            policy=json.dumps(
                {
                    "Version": "2012-10-17",
                    "Statement": [
                        {"Effect": "Allow", "Action": actions, "Resource": resource}
                        for resource, actions in allowed.items()
                    ],
                }
            ),
        )
        return role
