"""Entry point of the access baseline."""

import os

from cdktf import App

from lib.tap_stack import TapStack

environment_suffix = os.getenv("ENVIRONMENT_SUFFIX", "dev")

app = App()
TapStack(app, f"access-baseline-{environment_suffix}", environment_suffix=environment_suffix)
app.synth()
