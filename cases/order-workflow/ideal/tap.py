"""Entry point of the order workflow."""

import os

from cdktf import App

from lib.order_stack import OrderWorkflowStack

environment_suffix = os.getenv("ENVIRONMENT_SUFFIX", "dev")

app = App()
OrderWorkflowStack(app, f"order-workflow-{environment_suffix}", environment_suffix=environment_suffix)
app.synth()
