"""The catalogue of the readings, and the crawler that keeps it."""

import json

from cdktf_cdktf_provider_aws.glue_catalog_database import GlueCatalogDatabase
from cdktf_cdktf_provider_aws.glue_crawler import GlueCrawler, GlueCrawlerS3Target, GlueCrawlerSchemaChangePolicy
from cdktf_cdktf_provider_aws.iam_role import IamRole
from cdktf_cdktf_provider_aws.iam_role_policy import IamRolePolicy
from cdktf_cdktf_provider_aws.iam_role_policy_attachment import IamRolePolicyAttachment
from constructs import Construct

from lib.storage import Storage

PREFIX = "readings"


class Catalog(Construct):
    """One database, whose tables a crawler finds."""

    def __init__(self, scope: Construct, id_: str, *, environment_suffix: str, storage: Storage, schedule: str):
        super().__init__(scope, id_)

        self.database = GlueCatalogDatabase(self, "database", name=f"sensor_data_{environment_suffix}")
        self.role = self._crawler_role(environment_suffix, storage)

        self.crawler = GlueCrawler(
            self,
            "crawler",
            name=f"sensor-readings-{environment_suffix}",
            database_name=self.database.name,
            role=self.role.arn,
            schedule=schedule,
            s3_target=[GlueCrawlerS3Target(path=f"s3://{storage.readings.bucket}/{PREFIX}/")],
            schema_change_policy=GlueCrawlerSchemaChangePolicy(
                update_behavior="UPDATE_IN_DATABASE",
                delete_behavior="LOG",
            ),
            configuration=str(
                {
                    "Version": 1.0,
                    "Grouping": {"TableGroupingPolicy": "CombineCompatibleSchemas"},
                }
            ),
        )

    def _crawler_role(self, environment_suffix: str, storage: Storage) -> IamRole:
        role = IamRole(
            self,
            "crawler_role",
            name=f"sensor-crawler-{environment_suffix}",
            assume_role_policy=json.dumps(
                {
                    "Version": "2012-10-17",
                    "Statement": [
                        {
                            "Effect": "Allow",
                            "Principal": {"Service": "glue.amazonaws.com"},
                            "Action": "sts:AssumeRole",
                        }
                    ],
                }
            ),
        )
        IamRolePolicyAttachment(
            self,
            "crawler_service_policy",
            role=role.name,
            policy_arn="arn:aws:iam::aws:policy/service-role/AWSGlueServiceRole",
        )
        IamRolePolicy(
            self,
            "crawler_policy",
            name="read-readings",
            role=role.id,
            policy=json.dumps(
                {
                    "Version": "2012-10-17",
                    "Statement": [
                        {
                            "Effect": "Allow",
                            "Action": "s3:GetObject",
                            "Resource": f"{storage.readings.arn}/{PREFIX}/*",
                        },
                        {
                            "Effect": "Allow",
                            "Action": "kms:Decrypt",
                            "Resource": storage.key.arn,
                        },
                    ],
                }
            ),
        )
        return role
