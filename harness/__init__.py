"""Runs pairs of infrastructure code and finds what is wrong with the response; knows nothing about scores."""
