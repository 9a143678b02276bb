"""The three steps of an order. Each takes the order and returns it with what the step found out."""

import time
import uuid


def validate(order, context):
    """An order needs at least one item, and every item a positive quantity."""
    items = order.get("items") or []
    if not items or any(item.get("quantity", 0) <= 0 for item in items):
        raise ValueError(f"order {order.get('id')} has no valid items")
    return {**order, "total": sum(item["quantity"] * item["price"] for item in items)}


def charge(order, context):
    """Charge the total; the reference is what the payment provider is asked about later."""
    return {**order, "payment": {"reference": str(uuid.uuid4()), "amount": order["total"]}}


def ship(order, context):
    """Hand the order to the warehouse."""
    return {**order, "shipped_at": int(time.time())}
