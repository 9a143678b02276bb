"""Entry point of the web entry network."""

import os

from cdktf import App

from lib.entry_stack import EntryStack

environment_suffix = os.getenv("ENVIRONMENT_SUFFIX", "dev")

app = App()
EntryStack(app, f"web-entry-{environment_suffix}", environment_suffix=environment_suffix)
app.synth()
