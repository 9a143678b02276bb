"""Entry point of the two peered networks."""

import os

from cdktf import App

from lib.peering_stack import PeeringStack

environment_suffix = os.getenv("ENVIRONMENT_SUFFIX", "dev")

app = App()
PeeringStack(app, f"peered-networks-{environment_suffix}", environment_suffix=environment_suffix)
app.synth()
