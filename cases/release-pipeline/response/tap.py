"""Entry point of the release pipeline."""

import os

from cdktf import App

from lib.release_stack import ReleaseStack

environment_suffix = os.getenv("ENVIRONMENT_SUFFIX", "dev")

app = App()
ReleaseStack(app, f"release-{environment_suffix}", environment_suffix=environment_suffix)
app.synth()
