"""Where the links of an HDF5 file lead, followed by hand: never into a file outside its folder.

The library by itself would open whatever file a link, a virtual dataset or a list of external files names.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from ..errors import InputError
from ._header import beside

_DEEPEST = 32


class Links:
    """The tree of an open file, and of those beside it that it links to.

    Parameters
    ----------
    h5py
        The library.
    path
        The file.
    """

    def __init__(self, h5py: Any, path: Path) -> None:
        self._h5py = h5py
        self.path = path
        self._open: dict[Path, Any] = {}

    def file(self, path: Path) -> Any:
        """An open file, kept open as long as this object lives.

        Raises
        ------
        InputError
            If it is truncated or damaged.
        """
        if path not in self._open:
            try:
                self._open[path] = self._h5py.File(path, "r")
            except (OSError, RuntimeError, ValueError) as error:
                truncated = "truncated" in str(error)
                why = "truncated; copy it again from its source" if truncated else "damaged, or being written"
                raise InputError(f"{path.name} cannot be opened as HDF5: it is {why}.") from error
        return self._open[path]

    def close(self) -> None:
        for file in self._open.values():
            file.close()

    def find(self, place: str) -> Any:
        """The object of the file at a place, or none where there is none.

        Raises
        ------
        InputError
            If the way leads through a file outside the folder, or in a circle.
        """
        return self._at(self.path, self.file(self.path), place, 0)

    def datasets(self) -> Iterator[tuple[str, Any]]:
        """Place and dataset of all that are reached without leaving the folder, each once."""
        seen: set[Any] = set()
        todo = [("", self.path, self.file(self.path))]
        while todo:
            place, path, group = todo.pop(0)
            for name in group:
                try:
                    found = self._step(path, group, name, 0)
                except InputError:
                    continue  # leads elsewhere; only what can be read counts
                if found is None or (key := self._identity(found)) in seen:
                    continue
                seen.add(key)
                if isinstance(found, self._h5py.Dataset):
                    yield f"{place}/{name}", found
                elif isinstance(found, self._h5py.Group):
                    todo.append((f"{place}/{name}", Path(found.file.filename), found))

    def leaving(self) -> str | None:
        """The first link that leads nowhere or out of the folder, for the user."""
        todo = [("", self.file(self.path))]
        seen: set[Any] = set()
        while todo:
            place, group = todo.pop(0)
            for name in group:
                link = group.get(name, getlink=True)
                if isinstance(link, self._h5py.ExternalLink):
                    return f"{place}/{name} → {link.filename}"
                found = group[name] if isinstance(link, self._h5py.HardLink) else None
                if isinstance(found, self._h5py.Group) and (key := self._identity(found)) not in seen:
                    seen.add(key)
                    todo.append((f"{place}/{name}", found))
        return None

    def check(self, dataset: Any, depth: int = 0) -> None:
        """Look at where a dataset keeps its voxels.

        Raises
        ------
        InputError
            If that is in files outside the folder, or in files without a header.
        """
        name = f"{Path(dataset.file.filename).name}::{dataset.name}"
        if depth > _DEEPEST:
            raise InputError(f"{name} is made of others in a circle.")
        if dataset.external:
            raise InputError(f"{name} keeps its voxels in other files without a header, which are not opened.")
        for source in dataset.virtual_sources() if dataset.is_virtual else ():
            own = Path(dataset.file.filename)
            if "%" in source.file_name or "%" in source.dset_name:
                raise InputError(f"{name} names its sources by a pattern, which is not read.")
            path = own if source.file_name == "." else beside(own, source.file_name)
            found = self._at(path, self.file(path), source.dset_name, 0)
            if not isinstance(found, self._h5py.Dataset):
                raise InputError(f"{name} is made of {path.name}::{source.dset_name}, which is not there.")
            self.check(found, depth + 1)

    def _at(self, path: Path, group: Any, place: str, depth: int) -> Any:
        """Walk from a group to a place, link by link."""
        here = group.file if place.startswith("/") else group
        for name in (part for part in place.split("/") if part not in ("", ".")):
            if not isinstance(here, self._h5py.Group):
                return None
            here = self._step(path, here, name, depth)
            if here is None:
                return None
            path = Path(here.file.filename)
        return here

    def _step(self, path: Path, group: Any, name: str, depth: int) -> Any:
        """What one name of a group leads to."""
        if depth > _DEEPEST:
            raise InputError(f"{path.name} has links that lead in a circle.")
        link = group.get(name, getlink=True)
        if isinstance(link, self._h5py.SoftLink):
            return self._at(path, group, link.path, depth + 1)
        if isinstance(link, self._h5py.ExternalLink):
            other = beside(path, link.filename)
            return self._at(other, self.file(other), "/" + link.path, depth + 1)
        return group[name] if isinstance(link, self._h5py.HardLink) else None

    def _identity(self, found: Any) -> Any:
        info = self._h5py.h5o.get_info(found.id)
        return info.fileno, info.addr
