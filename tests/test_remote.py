"""Stores behind an address, from an S3 server on loopback that wants signed requests."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

import numpy as np
import pytest

from napari_xct_crack.clean import clean_array
from napari_xct_crack.cli import main
from napari_xct_crack.commands._history import read as history
from napari_xct_crack.copies import copy
from napari_xct_crack.errors import InputError
from napari_xct_crack.io import _remote, read
from napari_xct_crack.io.ome_zarr import create, open_zarr, write
from napari_xct_crack.volume import Box

DATA = np.random.default_rng(0).integers(0, 255, (40, 150, 90)).astype(np.uint8)
SECRET = "Geheimnis-17"


class S3(BaseHTTPRequestHandler):
    """Whole objects and ranges of them, for who signs with the right key."""

    protocol_version = "HTTP/1.1"
    root: Path
    asked: list[tuple[str, int]]
    put: list[str]
    full: bool
    """Whether nothing more may be written."""

    def do_GET(self) -> None:
        path = self.root / unquote(urlsplit(self.path).path).lstrip("/")
        if "Credential=scientist/" not in self.headers.get("Authorization", ""):
            self._answer(403, b"<Error><Code>AccessDenied</Code></Error>")
        elif not path.is_file():
            self._answer(404, b"<Error><Code>NoSuchKey</Code></Error>")
        else:
            data, wanted = path.read_bytes(), self.headers.get("Range")
            span = range(len(data))
            if wanted:
                first, _, last = wanted.removeprefix("bytes=").partition("-")
                span = range(len(data))[int(first) : int(last) + 1] if first else range(len(data))[-int(last) :]
            self.asked.append((path.name, len(span)))
            part = data[span.start : span.stop]
            self._answer(206 if wanted else 200, part, f"bytes {span.start}-{span.stop - 1}/{len(data)}")

    do_HEAD = do_GET

    def do_PUT(self) -> None:
        """An object, or a part of one."""
        path, asked, data = self._place()
        if "Credential=scientist/" not in self.headers.get("Authorization", "") or self.full:
            self._answer(403, b"<Error><Code>AccessDenied</Code></Error>")
            return
        if self.headers.get("If-None-Match") == "*" and path.exists():
            self._answer(412, b"<Error><Code>PreconditionFailed</Code></Error>")
            return
        if "partNumber" in asked:
            path = path.with_name(f"{path.name}.part-{asked['partNumber'][0]}")
        else:
            self.put.append(path.name)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
        self._answer(200, b"")

    def do_POST(self) -> None:
        """Begin or end an object in parts."""
        path, asked, _ = self._place()
        if "uploads" in asked:
            self._answer(200, b"<InitiateMultipartUploadResult><UploadId>1</UploadId></InitiateMultipartUploadResult>")
            return
        parts = sorted(path.parent.glob(f"{path.name}.part-*"), key=lambda part: int(part.suffix.partition("-")[2]))
        path.write_bytes(b"".join(part.read_bytes() for part in parts))
        for part in parts:
            part.unlink()
        self.put.append(path.name)
        self._answer(200, b'<CompleteMultipartUploadResult><ETag>"1"</ETag></CompleteMultipartUploadResult>')

    def _place(self) -> tuple[Path, dict[str, list[str]], bytes]:
        address = urlsplit(self.path)
        data = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        return self.root / unquote(address.path).lstrip("/"), parse_qs(address.query, keep_blank_values=True), data

    def _answer(self, code: int, body: bytes, content_range: str = "") -> None:
        self.send_response(code)
        self.send_header("Content-Length", str(len(body)))
        self.send_header("Last-Modified", "Mon, 02 Mar 2026 10:00:00 GMT")
        self.send_header("ETag", '"1"')
        if code == 206:
            self.send_header("Content-Range", content_range)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def log_message(self, *words: Any) -> None:
        pass


@pytest.fixture
def bucket(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """The folder behind ``s3://bucket``."""
    S3.root, S3.asked, S3.put, S3.full = tmp_path / "served", [], [], False
    server = ThreadingHTTPServer(("127.0.0.1", 0), S3)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    for name, value in {
        "AWS_ENDPOINT_URL": f"http://127.0.0.1:{server.server_port}",
        "AWS_ALLOW_HTTP": "true",
        "AWS_REGION": "us-east-1",
        "AWS_ACCESS_KEY_ID": "scientist",
        "AWS_SECRET_ACCESS_KEY": SECRET,
    }.items():
        monkeypatch.setenv(name, value)
    folder = S3.root / "bucket"
    folder.mkdir(parents=True)
    yield folder
    server.shutdown()
    server.server_close()


def test_a_store_is_read_lazily(bucket: Path) -> None:
    write(bucket / "lab" / "scan.ome.zarr", DATA, role="probability", voxel_size=(2.0, 1.0, 1.0), offset=(3, 0, 0))
    volume = read("s3://bucket/lab/scan.ome.zarr")
    assert (volume.name, volume.role, volume.voxel_size, volume.offset) == ("scan", "probability", (2, 1, 1), (3, 0, 0))
    assert volume.source == "s3://bucket/lab/scan.ome.zarr"
    assert not any("c" in name or size > 10**5 for name, size in S3.asked if not name.endswith("json"))
    box = Box((1, 2, 3), (9, 80, 70))
    np.testing.assert_array_equal(volume.read(box), DATA[box.slices])
    np.testing.assert_array_equal(volume.read(), DATA)


@pytest.mark.parametrize("most", [2**28, 2**18])
def test_what_was_read_is_kept_up_to_a_bound(bucket: Path, monkeypatch: pytest.MonkeyPatch, most: int) -> None:
    monkeypatch.setattr(_remote, "CACHE_BYTES", most)
    data = np.random.default_rng(1).integers(0, 255, (64, 192, 192)).astype(np.uint8)
    store = create(
        bucket / "a.ome.zarr",
        data.shape,
        np.uint8,
        role="image",
        voxel_size=None,
        chunk=(32, 64, 64),
        shard=(64, 192, 192),
    )
    store.fill(Box.of(data.shape), data, 1)
    volume = read("s3://bucket/a.ome.zarr")
    S3.asked.clear()
    for z in range(64):  # as a viewer goes through the slices
        np.testing.assert_array_equal(volume.read(Box((z, 0, 0), (z + 1, 192, 192))), data[z : z + 1])
    fetched = sum(size for _, size in S3.asked)
    assert volume.levels[0].store.cache_info()["current_size"] <= most
    if most > data.nbytes:
        assert fetched < 1.1 * data.nbytes
    else:
        assert fetched > 3 * data.nbytes


def test_commands_read_an_address_and_no_secret_is_written(
    bucket: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write(bucket / "p.ome.zarr", DATA, role="probability")
    project = tmp_path / "p.ome.zarr.xct-crack"
    project.mkdir()
    assert main(["clean", "s3://bucket/p.ome.zarr", str(project / "mask.ome.zarr")]) == 0
    assert main(["measure", str(project / "mask.ome.zarr"), str(project / "measured")]) == 0
    np.testing.assert_array_equal(open_zarr(project / "mask.ome.zarr").read(), clean_array(DATA))
    assert [entry["command"][1] for entry in history(project) if "command" in entry] == ["clean", "measure"]
    told = capsys.readouterr()
    written = [path.read_bytes() for path in project.rglob("*") if path.is_file()]
    assert not any(SECRET.encode() in text for text in (*written, told.out.encode(), told.err.encode()))


def test_a_store_is_sent_and_goes_on_where_it_was_stopped(
    bucket: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    big = np.tile(DATA, (1, 5, 3))
    written = write(tmp_path / "p.ome.zarr", big, role="probability", voxel_size=(2.0, 1.0, 1.0), offset=(3, 0, 0))
    words = ["copy", str(tmp_path / "p.ome.zarr"), "s3://bucket/lab/p.ome.zarr"]
    work = copy(written, words[2])
    while not any(name.isdigit() for name in S3.put):  # a first shard
        next(work)
    work.close()
    shards = [name for name in S3.put if name.isdigit()]
    assert read(words[2]).notes == ("p.ome.zarr is not finished: voxels that were not yet computed are 0.",)
    assert main(words) == 0
    assert main(words) == 0
    assert "already complete" in capsys.readouterr().err
    kept = {path.relative_to(tmp_path / "p.ome.zarr") for path in (tmp_path / "p.ome.zarr").rglob("c/*/*/*")}
    assert len([name for name in S3.put if name.isdigit()]) == len(kept)
    assert shards
    volume = read(words[2])
    assert (volume.role, volume.voxel_size, volume.offset, volume.notes) == ("probability", (2, 1, 1), (3, 0, 0), ())
    np.testing.assert_array_equal(volume.read(), big)
    for level, other in zip(volume.levels, written.levels, strict=True):
        np.testing.assert_array_equal(level[:, :, :], other[:, :, :])
    stored = [path.read_bytes() for path in bucket.rglob("*") if path.is_file()]
    assert not any(SECRET.encode() in content for content in stored)


def test_who_may_not_write_is_told(bucket: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write(tmp_path / "p.ome.zarr", DATA, role="probability")
    S3.full = True
    assert main(["copy", str(tmp_path / "p.ome.zarr"), "s3://bucket/p.ome.zarr"]) == 2
    told = capsys.readouterr().err
    assert "s3://bucket/p.ome.zarr cannot be reached" in told
    assert SECRET not in told


def test_what_cannot_be_read_is_said_without_secrets(bucket: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(InputError, match="There is no Zarr that can be read at s3://bucket/nothing"):
        read("s3://bucket/nothing.ome.zarr")
    for address in (f"s3://me:{SECRET}@bucket/a.zarr", f"https://host/a.zarr?token={SECRET}"):
        with pytest.raises(InputError, match="read from the environment") as raised:
            read(address)
        assert SECRET not in str(raised.value)
    with pytest.raises(InputError, match="begins with ftp"):
        read("ftp://host/a.zarr")
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "stranger")
    with pytest.raises(InputError, match="cannot be reached") as raised:
        read("s3://bucket/nothing.ome.zarr")
    assert SECRET not in str(raised.value)
    monkeypatch.setitem(__import__("sys").modules, "obstore.store", None)
    with pytest.raises(InputError, match=r"napari-xct-crack\[remote\]"):
        read("s3://bucket/nothing.ome.zarr")
