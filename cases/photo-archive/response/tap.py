"""Entry point of the photo archive."""

import os

from cdktf import App

from lib.photo_archive_stack import PhotoArchiveStack

environment_suffix = os.getenv("ENVIRONMENT_SUFFIX", "dev")

app = App()
PhotoArchiveStack(app, f"photo-archive-{environment_suffix}", environment_suffix=environment_suffix)
app.synth()
