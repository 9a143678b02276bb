"""Entry point of the nightly backups."""

import os

from cdktf import App

from lib.backup_stack import BackupStack

environment_suffix = os.getenv("ENVIRONMENT_SUFFIX", "dev")

app = App()
BackupStack(app, f"backups-{environment_suffix}", environment_suffix=environment_suffix)
app.synth()
