"""Constructs of the data lake."""
