"""The register of what was released, and when."""

from cdktf_cdktf_provider_aws.dynamodb_table import (
    DynamodbTable,
    DynamodbTableAttribute,
    DynamodbTableGlobalSecondaryIndex,
    DynamodbTablePointInTimeRecovery,
)
from constructs import Construct


class Register(Construct):
    """A table with one item a release."""

    def __init__(self, scope: Construct, id_: str, *, environment_suffix: str):
        super().__init__(scope, id_)

        self.table = DynamodbTable(
            self,
            "table",
            name=f"shop-releases-{environment_suffix}",
            billing_mode="PAY_PER_REQUEST",
            hash_key="service",
            range_key="version",
            attribute=[
                DynamodbTableAttribute(name="service", type="S"),
                DynamodbTableAttribute(name="version", type="S"),
                DynamodbTableAttribute(name="released_at", type="S"),
                DynamodbTableAttribute(name="commit", type="S"),
            ],
            global_secondary_index=[
                DynamodbTableGlobalSecondaryIndex(
                    name="by-time",
                    hash_key="service",
                    range_key="released_at",
                    projection_type="ALL",
                )
            ],
            point_in_time_recovery=DynamodbTablePointInTimeRecovery(enabled=True),
        )
        self.table.add_override("lifecycle.prevent_destroy", "enabled")
