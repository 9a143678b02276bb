"""Where orders are kept."""

from imports.aws.dynamodb_table import (
    DynamodbTable,
    DynamodbTableAttribute,
    DynamodbTablePointInTimeRecovery,
    DynamodbTableServerSideEncryption,
)
from constructs import Construct

CUSTOMER_INDEX = "by-customer"


class OrdersTable(Construct):
    """DynamoDB table with a GSI for the orders of a customer."""

    def __init__(self, scope: Construct, id: str, environment_suffix: str):
        super().__init__(scope, id)

        self.table = DynamodbTable(
            self,
            "table",
            name=f"orders-{environment_suffix}",
            billing_mode="PAY_PER_REQUEST",
            hash_key="order_id",
            attribute=[
                DynamodbTableAttribute(name="order_id", type="S"),
                DynamodbTableAttribute(name="customer_id", type="S"),
                DynamodbTableAttribute(name="created_at", type="S"),
            ],
            global_secondary_index=[
                {
                    "name": CUSTOMER_INDEX,
                    "hash_key": "customer_id",
                    "range_key": "created_at",
                    "projection_type": "ALL",
                }
            ],
            point_in_time_recovery=DynamodbTablePointInTimeRecovery(enabled=True),
            server_side_encryption=DynamodbTableServerSideEncryption(enabled=True),
        )
