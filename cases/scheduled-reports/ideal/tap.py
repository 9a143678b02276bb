"""Entry point of the scheduled reports."""

import os

from cdktf import App

from lib.reports_stack import ReportsStack

environment_suffix = os.getenv("ENVIRONMENT_SUFFIX", "dev")

app = App()
ReportsStack(app, f"reports-{environment_suffix}", environment_suffix=environment_suffix)
app.synth()
