"""Where orders are kept."""

from cdktf_cdktf_provider_aws.dynamodb_table import (
    DynamodbTable,
    DynamodbTableAttribute,
    DynamodbTableGlobalSecondaryIndex,
    DynamodbTablePointInTimeRecovery,
    DynamodbTableServerSideEncryption,
)
from constructs import Construct

CUSTOMER_INDEX = "by-customer"


class OrdersTable(Construct):
    """Orders by id, and by customer in the order of their creation."""

    def __init__(self, scope: Construct, id: str, environment_suffix: str):
        super().__init__(scope, id)

        self.orders_table = DynamodbTable(
            self,
            "orders_table",
            name=f"orders-{environment_suffix}",
            billing_mode="PAY_PER_REQUEST",
            hash_key="order_id",
            attribute=[
                DynamodbTableAttribute(name="order_id", type="S"),
                DynamodbTableAttribute(name="customer_id", type="S"),
                DynamodbTableAttribute(name="created_at", type="S"),
            ],
            global_secondary_index=[
                DynamodbTableGlobalSecondaryIndex(
                    name=CUSTOMER_INDEX,
                    hash_key="customer_id",
                    range_key="created_at",
                    projection_type="INCLUDE",
                    non_key_attributes=["status", "total"],
                )
            ],
            point_in_time_recovery=DynamodbTablePointInTimeRecovery(enabled=True),
            server_side_encryption=DynamodbTableServerSideEncryption(enabled=True),
        )
