"""Processes that do boxes: some of this machine, or a running dask.distributed cluster."""

from __future__ import annotations

import os
from collections.abc import Iterator
from concurrent.futures import CancelledError, Executor
from contextlib import contextmanager, nullcontext
from typing import Any
from urllib.parse import urlsplit

from ..errors import SettingsError
from ..heap import KEPT

CONNECT_SECONDS = 30
_HERE = ("127.0.0.1", "::1", "localhost")
_THREADS = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS", "NUMBA_NUM_THREADS")


@contextmanager
def cluster(workers: int = 0, scheduler: str | None = None) -> Iterator[Executor | None]:
    """An executor for :func:`napari_xct_crack.blocks.run`, shut down at the end.

    Parameters
    ----------
    workers
        So many processes of this machine, which share its cores. They listen on this machine only, encrypted and with a
        certificate of their own: whoever reaches a dask worker can make it run anything.
    scheduler
        Address of a running scheduler in place of them; for ``tls://`` the certificates of dask's configuration.
        With neither there is no executor: the work is done in this process.

    Raises
    ------
    SettingsError
        If dask.distributed is not installed, the address cannot be reached, or the cluster is lost on the way.
    """
    if not workers and scheduler is None:
        yield None
        return
    try:
        import distributed
        from distributed.comm.core import CommClosedError
    except ImportError as error:
        raise SettingsError(
            'Sharing work among processes needs dask.distributed: pip install "napari-xct-crack[cluster]".'
        ) from error
    with _local(distributed, workers) if scheduler is None else nullcontext(scheduler) as address:
        client = _client(distributed, address)
        try:
            yield client.get_executor(pure=False)
        except distributed.KilledWorker as error:
            raise SettingsError(
                "The work was given up: one box took several workers down, most likely for want of memory; use fewer "
                "workers or larger machines, then start again to go on."
            ) from error
        except (CancelledError, distributed.CancelledError, CommClosedError) as error:
            raise SettingsError(
                f"The cluster at {scheduler or 'this machine'} was lost; start again to go on with what is done."
            ) from error
        finally:
            client.close()


def exposed(scheduler: str | None) -> bool:
    """Whether an address is reached over a network without encryption."""
    return scheduler is not None and not scheduler.startswith("tls://") and urlsplit(scheduler).hostname not in _HERE


def _local(distributed: Any, workers: int) -> Any:
    import dask

    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    threads = dict.fromkeys(_THREADS, max(1, cores // workers))
    with dask.config.set({"distributed.nanny.pre-spawn-environ": threads | KEPT}):
        return distributed.LocalCluster(
            n_workers=workers,
            threads_per_worker=1,
            memory_limit=0,
            host="127.0.0.1",
            dashboard_address=None,
            security=True,
        )


def _client(distributed: Any, address: Any) -> Any:
    try:
        return distributed.Client(address, timeout=CONNECT_SECONDS, set_as_default=False)
    except (OSError, ValueError, TypeError, ImportError) as error:
        raise SettingsError(
            f"No dask scheduler answers at {address}: {' '.join(str(error).split())[:200]}. Give the address that it "
            "prints when it starts; for tls:// dask's configuration names the certificates."
        ) from error
