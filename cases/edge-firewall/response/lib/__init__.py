"""Constructs of the edge."""
