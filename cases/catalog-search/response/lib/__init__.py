"""Constructs of the product search."""
