#!/usr/bin/env python
"""Entry point of the web service."""

import os

from cdktf import App

from lib.web_service_stack import ServiceConfig, WebServiceStack

environment_suffix = os.getenv("ENVIRONMENT_SUFFIX", "dev")

app = App()
WebServiceStack(
    app,
    f"web-{environment_suffix}",
    environment_suffix=environment_suffix,
    config=ServiceConfig(image_tag=os.getenv("IMAGE_TAG", "1.0.0")),
)
app.synth()
