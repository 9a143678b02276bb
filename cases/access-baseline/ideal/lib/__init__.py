"""Constructs of the access baseline."""
