"""Constructs of the web entry network."""
