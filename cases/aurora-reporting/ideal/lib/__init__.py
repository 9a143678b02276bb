"""Reporting database: Aurora PostgreSQL in a closed network."""
