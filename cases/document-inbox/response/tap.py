"""Entry point of the document inbox."""

import os

from cdktf import App

from lib.inbox_stack import InboxStack

environment_suffix = os.getenv("ENVIRONMENT_SUFFIX", "dev")

app = App()
InboxStack(app, f"document-inbox-{environment_suffix}", environment_suffix=environment_suffix)
app.synth()
