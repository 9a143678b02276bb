"""Adds the group of a user to the tokens."""

import os


def handler(event, context):
    """Answer Cognito's trigger before it issues the tokens."""
    groups = event["request"].get("groupConfiguration", {}).get("groupsToOverride") or [os.environ["DEFAULT_GROUP"]]
    event["response"]["claimsOverrideDetails"] = {"claimsToAddOrOverride": {"portal_group": groups[0]}}
    return event
