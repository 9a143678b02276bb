"""The table whose changes are kept."""

from cdktf_cdktf_provider_aws.dynamodb_table import (
    DynamodbTable,
    DynamodbTableAttribute,
    DynamodbTablePointInTimeRecovery,
    DynamodbTableServerSideEncryption,
)
from constructs import Construct


class AccountsTable(Construct):
    """Accounts in all their versions, with a stream of their changes."""

    def __init__(self, scope: Construct, id: str, environment_suffix: str):
        super().__init__(scope, id)

        self.table = DynamodbTable(
            self,
            "table",
            name=f"accounts-{environment_suffix}",
            billing_mode="PAY_PER_REQUEST",
            hash_key="account_id",
            range_key="version",
            attribute=[
                DynamodbTableAttribute(name="account_id", type="S"),
                DynamodbTableAttribute(name="version", type="N"),
            ],
            stream_enabled=True,
            stream_view_type="NEW_AND_OLD_IMAGES",
            point_in_time_recovery=DynamodbTablePointInTimeRecovery(enabled=True),
            server_side_encryption=DynamodbTableServerSideEncryption(enabled=True),
            deletion_protection_enabled=True,
        )
