"""Constructs of the clickstream ingest."""
