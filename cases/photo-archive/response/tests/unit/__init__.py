"""Tests of the photo archive."""
