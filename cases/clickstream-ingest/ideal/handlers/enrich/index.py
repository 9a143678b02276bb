"""Adds the day and the class of device to each click."""

import base64
import json
import os
from datetime import UTC, datetime

import boto3


def handler(event, context):
    """Firehose hands over a batch of records, and wants each of them back with a verdict."""
    records = [enrich(record) for record in event["records"]]
    rejected = [record for record in records if record["result"] == "ProcessingFailed"]
    if rejected:
        boto3.client("kinesis").put_records(
            StreamARN=os.environ["REJECTED_STREAM_ARN"],
            Records=[
                {"Data": base64.b64decode(record["data"]), "PartitionKey": record["recordId"]} for record in rejected
            ],
        )
    return {"records": records}


def enrich(record):
    """One click, enriched; what is no JSON is handed back as failed."""
    try:
        click = json.loads(base64.b64decode(record["data"]))
    except ValueError:
        return {"recordId": record["recordId"], "result": "ProcessingFailed", "data": record["data"]}
    click["day"] = datetime.fromtimestamp(click.get("timestamp", 0), UTC).date().isoformat()
    click["device"] = "mobile" if "Mobile" in click.get("user_agent", "") else "desktop"
    data = base64.b64encode((json.dumps(click) + "\n").encode()).decode()
    return {"recordId": record["recordId"], "result": "Ok", "data": data}
