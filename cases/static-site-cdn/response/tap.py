#!/usr/bin/env python
"""Entry point of the documentation site."""

import os

from cdktf import App

from lib.site_stack import SiteStack

environment_suffix = os.getenv("ENVIRONMENT_SUFFIX", "dev")

app = App()
SiteStack(app, f"site-{environment_suffix}", environment_suffix=environment_suffix)
app.synth()
