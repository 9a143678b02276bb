#!/usr/bin/env python
"""Entry point of the orders API."""

import os

from cdktf import App

from lib.orders_stack import OrdersStack

environment_suffix = os.getenv("ENVIRONMENT_SUFFIX", "dev")

app = App()
OrdersStack(app, f"orders-{environment_suffix}", environment_suffix=environment_suffix)
app.synth()
