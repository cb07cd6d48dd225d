"""Zarr stores behind an address: ``s3://``, ``gs://``, ``az://``, ``https://``; the extra ``remote``."""

from __future__ import annotations

from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from ..errors import InputError

if TYPE_CHECKING:
    import zarr

SCHEMES = ("s3", "gs", "az", "https", "http")
RETRIES = 3


def is_address(source: str | Path) -> bool:
    """Whether it is an address rather than a path."""
    return isinstance(source, str) and "://" in source


def place_of(address: str) -> PurePosixPath:
    """What is shown of an address, without its scheme."""
    return PurePosixPath(address.partition("://")[2])


def open_address(address: str) -> zarr.Array[Any] | zarr.Group:
    """The array or group at an address, for reading.

    Credentials, region and endpoint come from the environment, as for the provider's own tools (``AWS_ACCESS_KEY_ID``,
    ``AWS_ENDPOINT_URL``, ``GOOGLE_APPLICATION_CREDENTIALS`` …). An address that carries any is refused: it would be written
    wherever a source is named.

    Raises
    ------
    InputError
        If the scheme is not known, the library is missing, or nothing that can be read is there.
    """
    parts = urlsplit(address)
    if parts.scheme not in SCHEMES:
        raise InputError(f"The address begins with {parts.scheme}://; there are {', '.join(SCHEMES)}.")
    if "@" in parts.netloc or parts.query:
        raise InputError(
            "The address holds credentials or a query; leave them out: credentials are read from the environment, such as "
            "AWS_ACCESS_KEY_ID."
        )
    import zarr
    from zarr.storage import ObjectStore

    try:
        import obstore.exceptions
        import obstore.store
    except ImportError as error:
        raise InputError(
            f'{address} is read by obstore, which is not installed: pip install "napari-xct-crack[remote]".'
        ) from error
    try:
        store: Any = obstore.store.from_url(address.rstrip("/"), retry_config={"max_retries": RETRIES})
        return zarr.open(ObjectStore(store, read_only=True), mode="r")
    except obstore.exceptions.BaseError as error:
        reason = str(error).partition("Debug source")[0].partition("  - ")[0]
        raise InputError(f"{address} cannot be read: {' '.join(reason.split())[:200].rstrip('.')}.") from error
    except (FileNotFoundError, ValueError, KeyError, TypeError) as error:
        raise InputError(f"There is no Zarr that can be read at {address} ({type(error).__name__}).") from error
