"""Entry point of the product search."""

import os

from cdktf import App

from lib.search_stack import SearchStack

environment_suffix = os.getenv("ENVIRONMENT_SUFFIX", "dev")

app = App()
SearchStack(app, f"search-{environment_suffix}", environment_suffix=environment_suffix)
app.synth()
