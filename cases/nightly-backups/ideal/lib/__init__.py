"""Constructs of the nightly backups."""
