"""The domain: its zone, and what proves to others that mail from it is ours."""

from cdktf import Fn, TerraformOutput, TerraformStack
from cdktf_cdktf_provider_aws.provider import AwsProvider
from cdktf_cdktf_provider_aws.route53_record import Route53Record
from cdktf_cdktf_provider_aws.route53_zone import Route53Zone
from cdktf_cdktf_provider_aws.sesv2_email_identity import Sesv2EmailIdentity
from constructs import Construct

DKIM_RECORDS = 3


class DomainStack(TerraformStack):
    """A zone with the records that SES asks for."""

    def __init__(self, scope: Construct, id_: str, *, domain_name: str, region: str = "eu-west-1"):
        super().__init__(scope, id_)
        AwsProvider(self, "aws", region=region)

        zone = Route53Zone(self, "zone", name=domain_name, comment="Mail of the shop")
        identity = Sesv2EmailIdentity(self, "identity", email_identity=domain_name)

        for index in range(DKIM_RECORDS):
            token = Fn.element(identity.dkim_signing_attributes.tokens, index)
            Route53Record(
                self,
                f"dkim_{index}",
                zone_id=zone.zone_id,
                name=f"{token}._domainkey.{domain_name}",
                type="CNAME",
                ttl=3600,
                records=[f"{token}.dkim.amazonses.com"],
            )

        Route53Record(
            self,
            "mx",
            zone_id=zone.zone_id,
            name=domain_name,
            type="MX",
            ttl=3600,
            records=[f"10 inbound-smtp.{region}.amazonaws.com"],
        )

        Route53Record(
            self,
            "dmarc",
            zone_id=zone.zone_id,
            name=Fn.join(".", ["_dmarc", zone.name]),
            type="TXT",
            ttl=3600,
            records=["v=DMARC1; p=reject; adkim=s"],
        )

        TerraformOutput(self, "name_servers", value=zone.name_servers)
