"""Audit trail: every change of a table ends in an archive."""
