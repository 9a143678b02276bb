"""Entry point of the portal's sign-in."""

import os

from cdktf import App

from lib.sign_in_stack import SignInStack

environment_suffix = os.getenv("ENVIRONMENT_SUFFIX", "dev")
region = os.getenv("AWS_REGION", "eu-central-1")

app = App()
SignInStack(app, f"sign-in-{environment_suffix}", environment_suffix=environment_suffix, region=region)
app.synth()
