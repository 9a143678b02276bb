"""Constructs of the order workflow."""
