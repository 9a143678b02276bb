"""Entry point of the data lake."""

import os

from cdktf import App

from lib.data_lake_stack import DataLakeStack

environment_suffix = os.getenv("ENVIRONMENT_SUFFIX", "dev")

app = App()
DataLakeStack(app, f"data-lake-{environment_suffix}", environment_suffix=environment_suffix)
app.synth()
