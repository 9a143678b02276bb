"""Writes the reports that were ordered."""

import json


def handler(event, context):
    """Work on each message; name those that failed."""
    failed = []
    for record in event["Records"]:
        try:
            print(json.dumps({"report": json.loads(record["body"])["report"]}))
        except (KeyError, ValueError):
            failed.append({"itemIdentifier": record["messageId"]})
    return {"batchItemFailures": failed}
