"""Constructs of the session cache."""
