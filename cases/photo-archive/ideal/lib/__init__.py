"""Constructs of the photo archive."""
