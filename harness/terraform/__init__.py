"""Terraform, its provider and the emulated AWS, kept running in one sandbox for many small judgements."""
