"""The function that indexes new photographs, and the queue that it takes them from."""

import json

from cdktf_cdktf_provider_aws.iam_role import IamRole
from cdktf_cdktf_provider_aws.iam_role_policy import IamRolePolicy
from cdktf_cdktf_provider_aws.iam_role_policy_attachment import IamRolePolicyAttachment
from cdktf_cdktf_provider_aws.lambda_event_source_mapping import LambdaEventSourceMapping
from cdktf_cdktf_provider_aws.lambda_function import LambdaFunction, LambdaFunctionVpcConfig
from cdktf_cdktf_provider_aws.s3_bucket_notification import S3BucketNotification, S3BucketNotificationQueue
from cdktf_cdktf_provider_aws.security_group import SecurityGroup, SecurityGroupEgress
from cdktf_cdktf_provider_aws.sqs_queue import SqsQueue
from cdktf_cdktf_provider_aws.sqs_queue_policy import SqsQueuePolicy
from constructs import Construct

from lib.network import Network
from lib.photographs import Photographs

TIMEOUT_SECONDS = 30
TRIES = 3


class Indexer(Construct):
    """Bucket to queue to function."""

    def __init__(
        self,
        scope: Construct,
        id_: str,
        *,
        environment_suffix: str,
        network: Network,
        photographs: Photographs,
    ):
        super().__init__(scope, id_)

        self.dead_letters = SqsQueue(
            self,
            "dead_letters",
            name=f"photographs-failed-{environment_suffix}",
            sqs_managed_sse_enabled=True,
        )
        self.queue = SqsQueue(
            self,
            "queue",
            name=f"photographs-new-{environment_suffix}",
            visibility_timeout_seconds=TIMEOUT_SECONDS // 2,
            sqs_managed_sse_enabled=True,
            redrive_policy=json.dumps(
                {
                    "deadLetterTargetArn": self.dead_letters.arn,
                    "maxReceiveCount": TRIES,
                }
            ),
        )
        announced = self._announce(photographs)
        self.security_group = SecurityGroup(
            self,
            "security_group",
            name=f"indexer-{environment_suffix}",
            description="The indexer, which nobody calls",
            vpc_id=network.vpc.id,
            egress=[SecurityGroupEgress(protocol="-1", from_port=0, to_port=0, cidr_blocks=["0.0.0.0/0"])],
        )
        role = self._role(environment_suffix, photographs)
        function = LambdaFunction(
            self,
            "function",
            function_name=f"photo-indexer-{environment_suffix}",
            role=role.arn,
            runtime="python3.12",
            handler="indexer.handler",
            filename="handlers/indexer.zip",
            timeout=TIMEOUT_SECONDS,
            vpc_config=LambdaFunctionVpcConfig(
                subnet_ids=[subnet.id for subnet in network.subnets],
                security_group_ids=[self.security_group.id],
            ),
        )
        LambdaEventSourceMapping(
            self,
            "source",
            event_source_arn=self.queue.arn,
            function_name=function.arn,
            batch_size=10,
            depends_on=[announced],
        )

    def _announce(self, photographs: Photographs) -> S3BucketNotification:
        policy = SqsQueuePolicy(
            self,
            "queue_policy",
            queue_url=self.queue.url,
            policy=json.dumps(
                {
                    "Version": "2012-10-17",
                    "Statement": [
                        {
                            "Effect": "Allow",
                            "Principal": {"Service": "s3.amazonaws.com"},
                            "Action": "sqs:SendMessage",
                            "Resource": self.queue.arn,
                            "Condition": {"ArnEquals": {"aws:SourceArn": photographs.bucket.arn}},
                        }
                    ],
                }
            ),
        )
        return S3BucketNotification(
            self,
            "announcement",
            bucket=photographs.bucket.id,
            queue=[S3BucketNotificationQueue(queue_arn=self.queue.arn, events=["s3:ObjectCreated:*"])],
            depends_on=[policy],
        )

    def _role(self, environment_suffix: str, photographs: Photographs) -> IamRole:
        role = IamRole(
            self,
            "role",
            name=f"photo-indexer-{environment_suffix}",
            assume_role_policy=json.dumps(
                {
                    "Version": "2012-10-17",
                    "Statement": [
                        {
                            "Effect": "Allow",
                            "Principal": {"Service": "lambda.amazonaws.com"},
                            "Action": "sts:AssumeRole",
                        }
                    ],
                }
            ),
        )
        for name in ("AWSLambdaVPCAccessExecutionRole", "AWSLambdaSQSQueueExecutionRole"):
            IamRolePolicyAttachment(
                self,
                f"role_{name}",
                role=role.name,
                policy_arn=f"arn:aws:iam::aws:policy/service-role/{name}",
            )
        IamRolePolicy(
            self,
            "role_photographs",
            name="read-photographs",
            role=role.id,
            policy=json.dumps(
                {
                    "Version": "2012-10-17",
                    "Statement": [
                        {
                            "Effect": "Allow",
                            "Action": "s3:GetObject",
                            "Resource": "arn:aws:s3:::photographs/objects",
                        }
                    ],
                }
            ),
        )
        return role
