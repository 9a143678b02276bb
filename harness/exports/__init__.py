"""Runs in formats that other tools read, one module a format: `write` takes a `Source` and needs no store."""
