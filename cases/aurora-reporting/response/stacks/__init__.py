"""Network of the reporting database."""
