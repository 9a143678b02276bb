"""Entry point of the shared file system."""

import os

from cdktf import App

from lib.file_share_stack import FileShareStack

environment_suffix = os.getenv("ENVIRONMENT_SUFFIX", "dev")

app = App()
FileShareStack(app, f"file-share-{environment_suffix}", environment_suffix=environment_suffix)
app.synth()
