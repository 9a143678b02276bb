#!/usr/bin/env python
"""Entry point of the reporting database."""

import os

from cdktf import App

from lib.reporting_stack import ReportingStack

environment_suffix = os.getenv("ENVIRONMENT_SUFFIX", "dev")
aws_region = os.getenv("AWS_REGION", "us-east-1")

app = App()
ReportingStack(
    app,
    f"reporting-{environment_suffix}",
    environment_suffix=environment_suffix,
    aws_region=aws_region,
)
app.synth()
