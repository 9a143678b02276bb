"""Entry point of the session cache."""

import os

from cdktf import App

from lib.session_stack import SessionCacheStack

environment_suffix = os.getenv("ENVIRONMENT_SUFFIX", "dev")

app = App()
SessionCacheStack(app, f"session-cache-{environment_suffix}", environment_suffix=environment_suffix)
app.synth()
