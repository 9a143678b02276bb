#!/usr/bin/env python
"""Entry point of the cluster platform."""

import os

from cdktf import App

from lib.platform_stack import PlatformStack
from lib.registry_stack import RegistryStack

environment_suffix = os.getenv("ENVIRONMENT_SUFFIX", "dev")

app = App()
PlatformStack(app, f"platform-{environment_suffix}", environment_suffix=environment_suffix)
RegistryStack(app, f"registry-{environment_suffix}", environment_suffix=environment_suffix)
app.synth()
