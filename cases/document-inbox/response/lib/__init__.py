"""Constructs of the document inbox."""
