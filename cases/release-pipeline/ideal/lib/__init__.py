"""Constructs of the release pipeline."""
