"""Zarr stores behind an address: ``s3://``, ``gs://``, ``az://``, ``https://``; the extra ``remote``."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from ..errors import InputError

if TYPE_CHECKING:
    import zarr
    from zarr.storage import ObjectStore

SCHEMES = ("s3", "gs", "az", "https", "http")
RETRIES = 3
CACHE_BYTES = 256 * 2**20
"""Most that is kept of a store, as it stands there: boxes with their surroundings ask for most chunks several times."""


def is_address(source: str | Path) -> bool:
    """Whether it is an address rather than a path."""
    return isinstance(source, str) and "://" in source


def place_of(address: str) -> PurePosixPath:
    """What is shown of an address, without its scheme."""
    return PurePosixPath(address.partition("://")[2])


def open_address(address: str) -> zarr.Array[Any] | zarr.Group:
    """The array or group at an address, for reading through a bounded cache; errors as in :func:`store_at`.

    Raises
    ------
    InputError
        If nothing that can be read is there.
    """
    import zarr
    from zarr.experimental.cache_store import CacheStore
    from zarr.storage import MemoryStore

    store = CacheStore(store_at(address, read_only=True), cache_store=MemoryStore(), max_size=CACHE_BYTES)
    try:
        with reaching(address):
            return zarr.open(store, mode="r")
    except (FileNotFoundError, ValueError, KeyError, TypeError) as error:
        raise InputError(f"There is no Zarr that can be read at {address} ({type(error).__name__}).") from error


def store_at(address: str, *, read_only: bool = False) -> ObjectStore[Any]:
    """What stands at an address, as zarr takes it.

    Credentials, region and endpoint come from the environment, as for the provider's own tools (``AWS_ACCESS_KEY_ID``,
    ``AWS_ENDPOINT_URL``, ``GOOGLE_APPLICATION_CREDENTIALS`` …). An address that carries any is refused: it would be written
    wherever a source is named.

    Raises
    ------
    InputError
        If the scheme is not known, or the library is missing.
    """
    parts = urlsplit(address)
    if parts.scheme not in SCHEMES:
        raise InputError(f"The address begins with {parts.scheme}://; there are {', '.join(SCHEMES)}.")
    if "@" in parts.netloc or parts.query:
        raise InputError(
            "The address holds credentials or a query; leave them out: credentials are read from the environment, such as "
            "AWS_ACCESS_KEY_ID."
        )
    from zarr.storage import ObjectStore

    try:
        import obstore.store
    except ImportError as error:
        raise InputError(
            f'{address} is reached by obstore, which is not installed: pip install "napari-xct-crack[remote]".'
        ) from error
    with reaching(address):
        store: Any = obstore.store.from_url(address.rstrip("/"), retry_config={"max_retries": RETRIES})
        return ObjectStore(store, read_only=read_only)


@contextmanager
def reaching(address: str) -> Iterator[None]:
    """Say in a sentence, without what a server adds, why an address cannot be reached.

    Raises
    ------
    InputError
        For errors of the library that reaches it.
    """
    try:
        import obstore.exceptions
    except ImportError:
        yield
        return
    try:
        yield
    except obstore.exceptions.BaseError as error:
        reason = str(error).partition("Debug source")[0].partition("  - ")[0]
        raise InputError(f"{address} cannot be reached: {' '.join(reason.split())[:200].rstrip('.')}.") from error
