"""Entry point of the clickstream ingest."""

import os

from cdktf import App

from lib.clickstream_stack import ClickstreamStack

environment_suffix = os.getenv("ENVIRONMENT_SUFFIX", "dev")
data_owner = os.getenv("DATA_OWNER", "analytics")

app = App()
ClickstreamStack(
    app,
    f"clickstream-{environment_suffix}",
    environment_suffix=environment_suffix,
    data_owner=data_owner,
)
app.synth()
