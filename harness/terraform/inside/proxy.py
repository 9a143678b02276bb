"""Stands between terraform and the provider: answers for the schema itself, hands everything else on.

A provider keeps the region and the credentials that it was configured with last, so every configuration
gets a provider process of its own; those that are the same, byte for byte, share one (terraform configures
anew for the plan and for the apply of one command). Terraform opens one connection for each provider block,
so the connection tells which process is meant; what was not configured goes to the first.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import grpc
from provider import CHANNEL_OPTIONS, Provider
from schema import ProviderSchema

_THREADS = 128
_SCHEMA = ("GetSchema", "GetProviderSchema")
_CONFIGURE = ("Configure", "ConfigureProvider")


class ProviderProxy(grpc.GenericRpcHandler):
    """A gRPC server on a free loopback port. `start_provider` is called when one more process is needed."""

    def __init__(self, start_provider: Callable[[], Provider]) -> None:
        self._start_provider = start_provider
        self.providers = [start_provider()]
        self._schema: ProviderSchema | None = None
        self._answer: Callable[[], bytes] = self._known_schema().whole
        self._configured: dict[str, Provider] = {}
        self._assigned: dict[bytes, Provider] = {}
        self._lock = threading.Lock()
        self._server = grpc.server(ThreadPoolExecutor(_THREADS), options=CHANNEL_OPTIONS)
        self._server.add_generic_rpc_handlers((self,))
        self.port = self._server.add_insecure_port("127.0.0.1:0")
        self._server.start()

    @property
    def protocol(self) -> int:
        """The version of the plugin protocol that the provider speaks."""
        return self.providers[0].protocol

    def expect(self, types: dict[str, list[str]] | None) -> None:
        """Prepare for a terraform command that uses these `resource` and `data` types; None: any."""
        with self._lock:
            self._configured.clear()
            self._assigned.clear()
        schema = self._known_schema()
        answer = schema.whole() if types is None else schema.reduced(frozenset(types["resource"]), frozenset(types["data"]))
        self._answer = lambda: answer

    def service(self, handler_call_details: Any) -> grpc.RpcMethodHandler | None:
        """The handler of one method. go-plugin's own services are optional, and not offered."""
        method = handler_call_details.method
        service, _, name = method.strip("/").partition("/")
        if not service.endswith(".Provider"):
            return None
        if name in _SCHEMA:
            return grpc.unary_unary_rpc_method_handler(lambda request, context: self._answer())
        configure = name in _CONFIGURE
        return grpc.unary_unary_rpc_method_handler(lambda request, context: self._pass_on(method, configure, request, context))

    def _pass_on(self, method: str, configure: bool, request: bytes, context: grpc.ServicerContext) -> bytes:
        provider = self._provider_of(context.peer(), request if configure else None)
        pending = provider.channel.unary_unary(method).future(request)
        context.add_callback(pending.cancel)
        try:
            return pending.result()
        except grpc.FutureCancelledError:
            context.abort(grpc.StatusCode.CANCELLED, "terraform has gone")
        except grpc.RpcError:
            context.abort(pending.code(), pending.details())
        raise AssertionError("abort raises")

    def _provider_of(self, connection: str, configuration: bytes | None) -> Provider:
        with self._lock:
            if configuration is not None:
                if configuration not in self._assigned:
                    if len(self._assigned) == len(self.providers):
                        self.providers.append(self._start_provider())
                    self._assigned[configuration] = self.providers[len(self._assigned)]
                self._configured[connection] = self._assigned[configuration]
            return self._configured.get(connection, self.providers[0])

    def _known_schema(self) -> ProviderSchema:
        if self._schema is None:
            self._schema = self.providers[0].read_schema()
        return self._schema
