#!/usr/bin/env python
"""Entry point of the audit trail."""

import os

from cdktf import App

from lib.audit_stack import AuditStack

environment_suffix = os.getenv("ENVIRONMENT_SUFFIX", "dev")

app = App()
AuditStack(app, f"audit-{environment_suffix}", environment_suffix=environment_suffix)
app.synth()
