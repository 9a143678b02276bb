"""Cluster platform: EKS and the registries of the teams."""
