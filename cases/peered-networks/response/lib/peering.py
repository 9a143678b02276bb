"""The connection between two networks."""

from cdktf import TerraformIterator, Token
from cdktf_cdktf_provider_aws.route import Route
from cdktf_cdktf_provider_aws.vpc_peering_connection import VpcPeeringConnection
from cdktf_cdktf_provider_aws.vpc_peering_connection_accepter import VpcPeeringConnectionAccepter
from cdktf_cdktf_provider_aws.vpc_peering_connection_options import (
    VpcPeeringConnectionOptions,
    VpcPeeringConnectionOptionsAccepter,
    VpcPeeringConnectionOptionsRequester,
)
from cdktf_cdktf_provider_aws.vpc_security_group_egress_rule import VpcSecurityGroupEgressRule
from cdktf_cdktf_provider_aws.vpc_security_group_ingress_rule import VpcSecurityGroupIngressRule
from constructs import Construct

from lib.network import Network

POSTGRESQL = 5432


class Peering(Construct):
    """Connects `services` to `data`, and lets PostgreSQL through in that direction."""

    def __init__(self, scope: Construct, id_: str, *, services: Network, data: Network, environment_suffix: str):
        super().__init__(scope, id_)

        self.connection = VpcPeeringConnection(
            self,
            "connection",
            vpc_id=services.vpc.id,
            peer_vpc_id=data.vpc.id,
            tags={"Name": f"services-data-{environment_suffix}"},
        )
        accepted = VpcPeeringConnectionAccepter(
            self,
            "accepter",
            vpc_peering_connection_id=self.connection.id,
            auto_accept=True,
            tags={"Name": f"services-data-{environment_suffix}"},
        )
        VpcPeeringConnectionOptions(
            self,
            "options",
            vpc_peering_connection_id=accepted.id,
            requester=VpcPeeringConnectionOptionsRequester(allow_remote_vpc_dns_resolution=True),
            accepter=VpcPeeringConnectionOptionsAccepter(allow_remote_vpc_dns_resolution=True),
        )

        self._add_routes("to_data", services, data)
        self._add_routes("to_services", data, services)
        self._allow_postgresql(services, data)

    def _add_routes(self, name: str, origin: Network, destination: Network):
        route_tables = TerraformIterator.from_list([table.id for table in origin.route_tables])
        Route(
            self,
            name,
            for_each=route_tables,
            route_table_id=Token.as_string(route_tables.value),
            destination_cidr_block=destination.cidr,
            vpc_peering_connection_id=self.connection.id,
        )

    def _allow_postgresql(self, services: Network, data: Network):
        VpcSecurityGroupEgressRule(
            self,
            "postgresql_out",
            security_group_id=services.security_group.id,
            description="PostgreSQL to the data stores",
            cidr_block=data.cidr,
            ip_protocol="tcp",
            from_port=POSTGRESQL,
            to_port=POSTGRESQL,
        )
        VpcSecurityGroupIngressRule(
            self,
            "postgresql_in",
            security_group_id=data.security_group.id,
            description="PostgreSQL from the services",
            cidr_block=services.cidr,
            ip_protocol="tcp",
            from_port=POSTGRESQL,
            to_port=POSTGRESQL,
        )
