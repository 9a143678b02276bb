"""The connection to a Dask scheduler: made, checked, given up, each with an error that a person can act on."""

from __future__ import annotations

import asyncio
import logging
import warnings
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from typing import Any

from distributed import Client, Security
from distributed.comm import connect

from harness.cluster_members import ClusterError, Facts
from harness.cluster_worker import AssayPlugin, abandoned, facts_of
from harness.work import Workplace

CONNECT_SECONDS = 8.0
WORKER_SECONDS = 10.0
"""How long a cluster without any worker is waited for."""

_PREFIX = "assay "
_SAME = ("dask", "distributed")
"""Packages that have to be the same everywhere: their protocol is one between equal versions only."""


@contextmanager
def connected(address: str) -> Iterator[Client]:
    """A client of the scheduler at `address`. Raises `ClusterError` where there is none, it has no worker, or Dask's versions differ."""
    with _quiet():
        try:
            with ThreadPoolExecutor(1) as thread:  # whoever calls may have an event loop of their own
                thread.submit(asyncio.run, _knock(address)).result()
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # versions are compared below
                client = Client(address, timeout=CONNECT_SECONDS, set_as_default=False, name="assay")
        except Exception as error:  # an address that makes no sense, nobody there, or somebody who is no scheduler: any kind of error
            what = next((line for line in str(error).splitlines() if line.strip()), f"nobody spoke as one within {CONNECT_SECONDS:.0f} s")
            remedy = "start one with `dask scheduler`, or check the address: tcp://HOST:8786, or tls://HOST:8786 (docs/scaling.md)"
            raise ClusterError(f"no Dask scheduler answers at {address}: {what}", remedy) from error
        try:
            _wait_for_a_worker(client, address)
            _check_versions(client)
            yield client
        finally:
            client.close(timeout=2)


@contextmanager
def opened_tools(client: Client, workplace: Workplace) -> Iterator[tuple[str, list[Facts]]]:
    """Opens Assay's tools on all workers, and on those that join later, and closes them at the end: the plugin's name, and what each worker has.

    Raises `ClusterError` where a worker cannot load Assay.
    """
    for left in client.run_on_scheduler(abandoned, _PREFIX):
        client.unregister_worker_plugin(left)
    name = _PREFIX + client.id
    try:
        try:
            client.register_plugin(AssayPlugin(name, workplace))
        except OSError:
            raise
        except Exception as error:  # what a worker without Assay, or with another version of it, says
            remedy = "install assay-iac[cluster] in the same version on every worker and on the scheduler"
            raise ClusterError(f"a worker cannot load Assay: {error}", remedy) from error
        answers = client.run(facts_of, name, on_error="ignore")
        yield name, [Facts(**answer) for answer in answers.values() if answer]
    finally:
        if client.status == "running":
            with suppress(Exception):  # the results are kept; a cluster that breaks now takes nothing of them away
                client.unregister_worker_plugin(name)


async def _knock(address: str) -> None:
    """Connect once. `Client` itself waits for ever for one that takes the connection and says nothing, as any other server may."""
    arguments = Security().get_connection_args("client")
    comm = await asyncio.wait_for(connect(address, timeout=CONNECT_SECONDS, **arguments), CONNECT_SECONDS)
    await comm.close()


def _wait_for_a_worker(client: Client, address: str) -> None:
    try:
        client.wait_for_workers(1, timeout=WORKER_SECONDS)
    except TimeoutError as error:
        raise ClusterError(f"the cluster at {address} has no worker", f"start some: dask worker {address} --nthreads 1 --nworkers 2") from error


def _check_versions(client: Client) -> None:
    versions: dict[str, Any] = client.get_versions()
    here = versions["client"]["packages"]
    nodes = {"the scheduler": versions["scheduler"], **{f"the worker {name}": node for name, node in versions["workers"].items()}}
    different = [
        f"{node} has {package} {found}, this machine {here[package]}"
        for node, told in nodes.items()
        for package in _SAME
        if (found := told["packages"].get(package)) != here[package]
    ]
    if different:
        raise ClusterError("; ".join(different[:5]), "install the same version everywhere: pip install 'assay-iac[cluster]'")


@contextmanager
def _quiet() -> Iterator[None]:
    """Dask's own messages about a lost connection say less than ours, with a traceback."""
    loggers = [logging.getLogger(name) for name in ("distributed", "distributed.client")]
    before = [one.level for one in loggers]
    for one in loggers:
        one.setLevel(logging.CRITICAL)
    try:
        yield
    finally:
        for one, level in zip(loggers, before, strict=True):
            one.setLevel(level)
