"""Entry point of the storefront's edge."""

import os

from cdktf import App

from lib.edge_stack import EdgeStack

environment_suffix = os.getenv("ENVIRONMENT_SUFFIX", "dev")
domain_name = os.getenv("DOMAIN_NAME", "shop.assay-iac.com")
zone_id = os.getenv("ZONE_ID", "Z0648215ASSAYIAC0EDGE")

app = App()
EdgeStack(
    app,
    f"edge-{environment_suffix}",
    environment_suffix=environment_suffix,
    domain_name=domain_name,
    zone_id=zone_id,
)
app.synth()
