"""Writes batches of change records to the archive."""

import json
import os


def handle(event, context):
    """Store one batch; an error makes the event source mapping try again."""
    import boto3

    records = event["Records"]
    boto3.client("s3").put_object(
        Bucket=os.environ["ARCHIVE_BUCKET"],
        Key=key_of(records),
        Body="\n".join(json.dumps(entry_of(record)) for record in records).encode(),
        ContentType="application/x-ndjson",
    )
    return {"archived": len(records)}


def key_of(records):
    """The object of a batch is named after its first record, so that a repetition overwrites itself."""
    first = records[0]
    return f"changes/{first['eventID']}-{len(records)}.ndjson"


def entry_of(record):
    """What auditors need of a record."""
    change = record["dynamodb"]
    return {
        "event": record["eventName"],
        "at": change.get("ApproximateCreationDateTime"),
        "keys": change["Keys"],
        "old": change.get("OldImage"),
        "new": change.get("NewImage"),
    }
