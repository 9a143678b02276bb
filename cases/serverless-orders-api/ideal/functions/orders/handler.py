"""Stores and reads orders; called by API Gateway."""

import json
import os
import uuid
from datetime import datetime, timezone


def handle(event, context):
    """Answer one request of the proxy integration."""
    import boto3

    table = boto3.resource("dynamodb").Table(os.environ["ORDERS_TABLE"])
    if event["httpMethod"] == "POST":
        return create(table, json.loads(event.get("body") or "{}"))
    return read(table, event["pathParameters"]["order_id"])


def create(table, order):
    """Store a new order under a fresh id."""
    if not order.get("customer_id"):
        return answer(400, {"error": "customer_id is missing"})
    item = {
        **order,
        "order_id": str(uuid.uuid4()),
        "created_at": datetime.now(timezone.utc).isoformat(),
    }
    table.put_item(Item=item)
    return answer(201, item)


def read(table, order_id):
    """Look an order up."""
    item = table.get_item(Key={"order_id": order_id}).get("Item")
    return answer(200, item) if item else answer(404, {"error": "no such order"})


def answer(status, body):
    """A response as the proxy integration wants it."""
    return {"statusCode": status, "headers": {"Content-Type": "application/json"}, "body": json.dumps(body)}
