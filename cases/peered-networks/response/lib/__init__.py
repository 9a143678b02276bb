"""Constructs of the peered networks."""
