"""Judges what the harness found; runs no code."""
