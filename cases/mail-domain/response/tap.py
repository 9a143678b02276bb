"""Entry point of the shop's mail."""

import os

from cdktf import App

from lib.domain_stack import DomainStack
from lib.mail_stack import MailStack

environment_suffix = os.getenv("ENVIRONMENT_SUFFIX", "dev")
domain_name = "shop.assay-iac.com" if environment_suffix == "prod" else f"{environment_suffix}.shop.assay-iac.com"

app = App()
domain = DomainStack(app, f"mail-domain-{environment_suffix}", domain_name=domain_name)
mail = MailStack(app, f"mail-{environment_suffix}", domain_name=domain_name, environment_suffix=environment_suffix)
mail.add_dependency(domain)
domain.add_dependency(mail)
app.synth()
