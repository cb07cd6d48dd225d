"""Further formats: what is read equals the library's own reading, and what cannot be read is one sentence."""

from __future__ import annotations

import gzip
import struct
import sys
import zlib
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import h5py
import hdf5plugin
import numpy as np
import olefile
import pydicom
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from pydicom.dataset import FileDataset, FileMetaDataset
from pydicom.uid import CTImageStorage, ExplicitVRLittleEndian, RLELossless, generate_uid

from napari_xct_crack.commands import load
from napari_xct_crack.convert import convert
from napari_xct_crack.errors import InputError, SettingsError, XctCrackError
from napari_xct_crack.events import finish
from napari_xct_crack.io import RawLayout, _blob, parted, read, zeiss
from napari_xct_crack.volume import Box

SHAPE = (5, 21, 17)
TYPES = ["uint8", "int8", "uint16", "int16", "uint32", "int32", "uint64", "int64", "float32", "float64"]
META = dict(
    zip(
        TYPES,
        ["UCHAR", "CHAR", "USHORT", "SHORT", "UINT", "INT", "ULONG_LONG", "LONG_LONG", "FLOAT", "DOUBLE"],
        strict=True,
    )
)
NRRD = {**{name: name for name in TYPES}, "float32": "float", "float64": "double"}


def grey(dtype: Any = np.uint16, shape: tuple[int, ...] = SHAPE) -> NDArray[Any]:
    return np.random.default_rng(2).integers(0, 120, shape).astype(dtype)


def refused(source: Path | str, kind: type[XctCrackError] = InputError, **given: Any) -> str:
    """The sentence with which a source is refused."""
    with pytest.raises(kind) as caught:
        read(source, **given).read()
    text = str(caught.value)
    assert text.endswith(".")
    assert "\n" not in text
    assert "Traceback" not in text
    return text


def write_meta(path: Path, array: NDArray[Any], *, packed: bool = False, spare: int = 0, **fields: Any) -> Path:
    """A MetaImage: with its voxels behind the header (.mha) or in a file beside it (.mhd)."""
    local = path.suffix == ".mha"
    data = array.tobytes()
    data = zlib.compress(data) if packed else data
    entries = {
        "ObjectType": "Image",
        "NDims": array.ndim,
        "BinaryData": True,
        "BinaryDataByteOrderMSB": array.dtype.byteorder == ">",
        "CompressedData": packed,
        "DimSize": " ".join(str(side) for side in array.shape[::-1]),
        "ElementType": f"MET_{META[array.dtype.name]}",
        **fields,
        "ElementDataFile": fields.get("ElementDataFile", "LOCAL" if local else "voxels.raw"),
    }
    header = "".join(f"{name} = {value}\n" for name, value in entries.items()).encode()
    path.write_bytes(header + (data if local else b""))
    if not local:
        (path.parent / "voxels.raw").write_bytes(b"\0" * spare + data)
    return path


def write_nrrd(path: Path, array: NDArray[Any], *, encoding: str = "raw", lines: tuple[str, ...] = ()) -> Path:
    """A NRRD: with its voxels behind the header (.nrrd) or in a file beside it (.nhdr)."""
    attached = path.suffix == ".nrrd"
    data = gzip.compress(array.tobytes()) if encoding == "gzip" else array.tobytes()
    header = [
        "NRRD0004",
        "# a remark",
        f"type: {NRRD[array.dtype.name]}",
        f"dimension: {array.ndim}",
        "sizes: " + " ".join(str(side) for side in array.shape[::-1]),
        f"encoding: {encoding}",
        f"endian: {'big' if array.dtype.byteorder == '>' else 'little'}",
        *([] if attached else ["data file: ./voxels.bin"]),
        *lines,
    ]
    text = ("\n".join(header) + "\n\n").encode()
    path.write_bytes(text + (data if attached else b""))
    if not attached:
        (path.parent / "voxels.bin").write_bytes(data)
    return path


def write_hdf5(path: Path, array: NDArray[Any], **options: Any) -> Path:
    with h5py.File(path, "w") as file:
        file.create_dataset("entry/data", data=array, **options)
    return path


def write_dicom(folder: Path, array: NDArray[Any], **fields: Any) -> Path:
    """A series whose file names run against its positions."""
    folder.mkdir(exist_ok=True)
    series = generate_uid()
    for z, picture in enumerate(array):
        meta = FileMetaDataset()
        meta.TransferSyntaxUID = ExplicitVRLittleEndian
        meta.MediaStorageSOPClassUID = CTImageStorage
        meta.MediaStorageSOPInstanceUID = generate_uid()
        path = folder / f"{len(array) - z:04}.dcm"
        one = FileDataset(str(path), {}, file_meta=meta, preamble=b"\0" * 128)
        one.SeriesInstanceUID, one.InstanceNumber = series, z + 1
        one.SOPClassUID, one.SOPInstanceUID = CTImageStorage, meta.MediaStorageSOPInstanceUID
        one.Rows, one.Columns = picture.shape
        one.SamplesPerPixel, one.PhotometricInterpretation = 1, "MONOCHROME2"
        one.BitsAllocated = one.BitsStored = 8 * picture.dtype.itemsize
        one.HighBit, one.PixelRepresentation = one.BitsStored - 1, int(picture.dtype.kind == "i")
        one.ImageOrientationPatient, one.ImagePositionPatient = [1, 0, 0, 0, 1, 0], [0, 0, -3 + 0.5 * z]
        one.PixelSpacing, one.SliceThickness = [0.2, 0.1], 0.9
        for name, value in fields.items():
            setattr(one, name, value(z) if callable(value) else value)
        one.PixelData = picture.tobytes()
        one["PixelData"].VR = "OW"
        one.save_as(path, enforce_file_format=True)
    return folder


def to_raw(folder: Path, array: NDArray[Any]) -> Path:
    (folder / "scan.raw").write_bytes(array.tobytes())
    return folder / "scan.raw"


LAYOUT = RawLayout(shape=SHAPE, dtype="uint16")
FORMATS: dict[str, Callable[[Path, NDArray[Any]], Path]] = {
    "raw": to_raw,
    "mha": lambda folder, array: write_meta(folder / "scan.mha", array),
    "mha packed": lambda folder, array: write_meta(folder / "scan.mha", array, packed=True),
    "mhd": lambda folder, array: write_meta(folder / "scan.mhd", array),
    "mhd zraw": lambda folder, array: write_meta(folder / "scan.mhd", array, packed=True),
    "nrrd": lambda folder, array: write_nrrd(folder / "scan.nrrd", array),
    "nrrd gzip": lambda folder, array: write_nrrd(folder / "scan.nrrd", array, encoding="gzip"),
    "nhdr": lambda folder, array: write_nrrd(folder / "scan.nhdr", array),
    "hdf5": lambda folder, array: write_hdf5(folder / "scan.h5", array),
    "hdf5 gzip": lambda folder, array: write_hdf5(folder / "scan.h5", array, chunks=(2, 8, 8), compression="gzip"),
    "hdf5 blosc": lambda folder, array: write_hdf5(folder / "s.nxs", array, chunks=(2, 8, 8), **hdf5plugin.Blosc()),
    "dicom": lambda folder, array: write_dicom(folder / "series", array),
}
"""Every way in which the same array of 16 bits is stored."""


@pytest.mark.parametrize("name", FORMATS)
def test_any_box_equals_the_slice_of_what_was_written(name: str, tmp_path: Path) -> None:
    array = grey()
    volume = read(FORMATS[name](tmp_path, array), raw=LAYOUT if name == "raw" else None)
    assert volume.shape == SHAPE
    assert volume.dtype == np.uint16
    np.testing.assert_array_equal(volume.read(), array)

    @settings(max_examples=15, deadline=None)
    @given(st.tuples(*(st.tuples(st.integers(0, side - 1), st.integers(1, side)) for side in SHAPE)))
    def check(sides: tuple[tuple[int, int], ...]) -> None:
        start = tuple(at for at, _ in sides)
        stop = tuple(min(side, at + length) for side, (at, length) in zip(SHAPE, sides, strict=True))
        box = Box(start, stop)  # type: ignore[arg-type]
        np.testing.assert_array_equal(volume.read(box), array[box.slices])

    check()


@pytest.mark.parametrize("name", FORMATS)
def test_convert_gives_the_same_voxels_as_ome_zarr(name: str, tmp_path: Path) -> None:
    array = grey()
    source = read(FORMATS[name](tmp_path, array), raw=LAYOUT if name == "raw" else None, voxel_size=(3, 2, 1))
    finish(convert(source, tmp_path / "out.ome.zarr"))
    stored = read(tmp_path / "out.ome.zarr")
    np.testing.assert_array_equal(stored.read(), array)
    assert stored.voxel_size == (3, 2, 1)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    dtype=st.sampled_from(TYPES),
    order=st.sampled_from(["<", ">"]),
    offset=st.integers(0, 70),
    shape=st.tuples(*[st.integers(1, 6)] * 3),
    seed=st.integers(0, 99),
)
def test_types_byte_orders_and_offsets_come_back(
    dtype: str, order: str, offset: int, shape: tuple[int, int, int], seed: int, tmp_path: Path
) -> None:
    bits = np.random.default_rng(seed).integers(0, 256, np.prod(shape) * np.dtype(dtype).itemsize, np.uint8)
    array = bits.view(np.dtype(dtype).newbyteorder(order)).reshape(shape)
    if array.dtype.kind == "f":
        array = np.where(np.isfinite(array), array, 0).astype(array.dtype)  # others are read as 0 in every format
    (tmp_path / "a.raw").write_bytes(b"?" * offset + array.tobytes())
    layout = RawLayout(shape=shape, dtype=dtype, offset=offset, byte_order="big" if order == ">" else "little")
    write_meta(tmp_path / "a.mhd", array, spare=offset, HeaderSize=offset)
    write_nrrd(tmp_path / "a.nrrd", array)
    write_hdf5(tmp_path / "a.h5", array)
    for volume in (
        read(tmp_path / "a.raw", raw=layout),
        *(read(tmp_path / name) for name in ("a.mhd", "a.nrrd", "a.h5")),
    ):
        assert volume.dtype == np.dtype(dtype)
        assert volume.dtype.isnative
        np.testing.assert_array_equal(volume.read(), array)


@pytest.mark.parametrize("name", ["raw", "mhd", "nrrd", "hdf5"])
def test_opening_reads_no_voxel(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = FORMATS[name](tmp_path, grey())
    monkeypatch.setattr(np, "memmap", lambda *_, **__: pytest.fail("mapped"))
    monkeypatch.setattr(h5py.Dataset, "__getitem__", lambda *_: pytest.fail("read"))
    assert read(path, raw=LAYOUT if name == "raw" else None).shape == SHAPE


def test_packed_voxels_are_unpacked_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    calls: list[Path] = []
    whole = _blob._unpacked
    monkeypatch.setattr(_blob, "_unpacked", lambda blob: calls.append(blob.path) or whole(blob))
    volume = read(FORMATS["mhd zraw"](tmp_path, grey()))
    assert calls == []
    for z in range(3):
        volume.read(Box((z, 0, 0), (z + 1, 5, 5)))
    assert len(calls) == 1


def test_a_huge_file_is_opened_and_read_in_parts(tmp_path: Path) -> None:
    shape = (3000, 2624, 2624)
    with (tmp_path / "huge.raw").open("wb") as file:
        file.seek(2 * ((1234 * 2624 + 1000) * 2624 + 2000))
        file.write(b"\0\x4d")
        file.truncate(2 * int(np.prod(shape)))
    (tmp_path / "huge.mhd").write_text(
        "NDims = 3\nDimSize = 2624 2624 3000\nElementType = MET_USHORT\nElementByteOrderMSB = True\n"
        "ElementDataFile = huge.raw\n"
    )
    layout = RawLayout(shape=shape, dtype="uint16", byte_order="big")
    for volume in (read(tmp_path / "huge.raw", raw=layout), read(tmp_path / "huge.mhd")):
        assert volume.shape == shape
        assert volume.read(Box((1233, 999, 1999), (1236, 1002, 2002)))[1, 1, 1] == 77
        assert not volume.read(Box((2990, 0, 0), (3000, 30, 30))).any()


# --- headerless files


def test_a_raw_file_must_have_the_size_of_its_layout(tmp_path: Path) -> None:
    path = to_raw(tmp_path, grey())
    assert "--shape Z Y X and --dtype" in refused(path)
    assert "3570 bytes" in refused(path, raw=RawLayout(shape=(5, 21, 18), dtype="uint16"))
    assert "--offset 1785 would fit" in refused(path, raw=RawLayout(shape=SHAPE, dtype="uint8"))
    path.write_bytes(path.read_bytes()[:-1])
    assert "3569 bytes" in refused(path, raw=LAYOUT)
    assert "is a folder" in refused(tmp_path, raw=LAYOUT)
    write_meta(tmp_path / "scan.mhd", grey())
    assert "open scan.mhd" in refused(path)


@pytest.mark.parametrize(
    ("values", "complaint"),
    [
        ({"shape": SHAPE}, "--dtype"),
        ({"dtype": "uint8"}, "--shape"),
        ({"offset": 4}, "--shape"),
        ({"byte_order": "big"}, "--shape"),
        ({"shape": (0, 1, 1), "dtype": "uint8"}, "positive"),
        ({"shape": SHAPE, "dtype": "complex64"}, "dtype"),
        ({"shape": SHAPE, "dtype": "uint8", "offset": -1}, "offset"),
    ],
)
def test_a_layout_that_makes_no_sense_is_refused(values: dict[str, Any], complaint: str) -> None:
    with pytest.raises(SettingsError, match=complaint):
        RawLayout.checked(values)


def test_the_flags_of_a_layout_reach_the_file(tmp_path: Path) -> None:
    array = grey(">i2")
    (tmp_path / "scan.vol").write_bytes(b"header" + array.tobytes())
    given = {"shape": SHAPE, "dtype": "int16", "offset": 6, "byte_order": "big", "voxel_size_um": (2, 1, 1)}
    finish(load("convert").checked({"volume": str(tmp_path / "scan.vol"), "out": tmp_path / "o.zarr", **given}).run())
    stored = read(tmp_path / "o.zarr")
    np.testing.assert_array_equal(stored.read(), array)
    assert stored.voxel_size == (2, 1, 1)


# --- MetaImage and NRRD


def test_spacing_is_mm_and_one_says_nothing(tmp_path: Path) -> None:
    volume = read(write_meta(tmp_path / "a.mha", grey(), ElementSpacing="0.01 0.02 0.03"))
    assert volume.voxel_size == pytest.approx((30, 20, 10))
    assert any("as mm" in note for note in volume.notes)
    assert read(write_meta(tmp_path / "b.mha", grey(), ElementSpacing="1 1 1")).voxel_size is None
    directions = ("space: left-posterior-superior", "space directions: (0.01,0,0) (0,0.02,0) (0,0,0.03)")
    assert read(write_nrrd(tmp_path / "a.nrrd", grey(), lines=directions)).voxel_size == pytest.approx((30, 20, 10))
    units = ("spacings: 1 2 3", 'space units: "um" "um" "um"')
    assert read(write_nrrd(tmp_path / "b.nrrd", grey(), lines=units)).voxel_size == (3, 2, 1)


def test_rescale_of_a_metaimage(tmp_path: Path) -> None:
    slope = {"ElementToIntensityFunctionSlope": 2, "ElementToIntensityFunctionOffset": -1000}
    volume = read(write_meta(tmp_path / "a.mha", grey(np.int16), **slope))
    assert volume.dtype == np.int32
    np.testing.assert_array_equal(volume.read(), 2 * grey(np.int32) - 1000)
    half = read(write_meta(tmp_path / "b.mha", grey(np.int16), ElementToIntensityFunctionSlope=0.5))
    assert half.dtype == np.float32
    np.testing.assert_array_equal(half.read(), grey(np.float32) / 2)
    assert "slope of 0" in refused(write_meta(tmp_path / "c.mha", grey(), ElementToIntensityFunctionSlope=0))


def test_voxels_at_the_end_of_a_file_behind_a_header_of_unknown_length(tmp_path: Path) -> None:
    path = write_meta(tmp_path / "a.mhd", grey(), spare=123, HeaderSize=-1)
    np.testing.assert_array_equal(read(path).read(), grey())
    path = write_nrrd(tmp_path / "a.nhdr", grey(), lines=("byte skip: -1",))
    (tmp_path / "voxels.bin").write_bytes(b"x" * 77 + grey().tobytes())
    np.testing.assert_array_equal(read(path).read(), grey())


def test_channels_are_chosen(tmp_path: Path) -> None:
    array = grey(shape=(*SHAPE, 3))
    fields = {"NDims": 3, "DimSize": "17 21 5", "ElementNumberOfChannels": 3}
    path = write_meta(tmp_path / "a.mha", array, **fields)
    assert "--index c=N" in refused(path)
    np.testing.assert_array_equal(read(path, index={"c": 1}).read(), array[..., 1])
    path = write_nrrd(tmp_path / "a.nrrd", array, lines=("kinds: vector domain domain domain",))
    np.testing.assert_array_equal(read(path, index={"c": 2}).read(), array[..., 2])
    assert "does not name its axes" in refused(write_nrrd(tmp_path / "b.nrrd", array))


@pytest.mark.parametrize("suffix", [".mhd", ".nhdr"])
@pytest.mark.parametrize("name", ["../voxels.raw", "/etc/passwd", "link.raw"])
def test_detached_voxels_outside_the_folder_are_not_opened(suffix: str, name: str, tmp_path: Path) -> None:
    folder = tmp_path / "in"
    folder.mkdir()
    (tmp_path / "voxels.raw").write_bytes(grey().tobytes())
    (folder / "link.raw").symlink_to(tmp_path / "voxels.raw")
    path = folder / f"scan{suffix}"
    if suffix == ".mhd":
        write_meta(path, grey(), ElementDataFile=name)
    else:
        write_nrrd(path, grey(), lines=(f"data file: {name}",))
    assert "outside its folder" in refused(path)


@pytest.mark.parametrize(
    ("fields", "complaint"),
    [
        ({"ElementDataFile": "gone.raw"}, "not there"),
        ({"ElementDataFile": "LIST"}, "several files"),
        ({"ElementDataFile": "slice%03d.raw 1 9 1"}, "several files"),
        ({"ElementType": "MET_FOO"}, "type FOO"),
        ({"BinaryData": False}, "as text"),
        ({"DimSize": "17 21 6"}, "truncated"),
        ({"DimSize": "17 21 2.5"}, "whole numbers"),
        ({"DimSize": "17 21 -5"}, "no voxels"),
        ({"DimSize": "99999999 99999999 99999999"}, "truncated"),
        ({"NDims": 4, "DimSize": "1 17 21 5"}, "2 or 3"),
        ({"DimSize": ""}, "no DimSize"),
        ({"CompressedData": True}, "cannot be unpacked"),
        ({"CompressedData": True, "DimSize": "9999 9999 9999"}, "cannot unpack"),
    ],
)
def test_a_bad_metaimage_is_one_sentence(fields: dict[str, Any], complaint: str, tmp_path: Path) -> None:
    assert complaint in refused(write_meta(tmp_path / "a.mhd", grey(), **fields))


@pytest.mark.parametrize(
    ("lines", "complaint"),
    [
        (("type: block",), "type block"),
        (("encoding: bzip2",), "raw or gzip"),
        (("endian: middle",), "little or big"),
        (("sizes: 17 21 6",), "truncated"),
        (("sizes: 17 21",), "2 sizes"),
        (("sizes: 17 a 5",), "no number"),
        (("line skip: 2",), "line skip"),
        (("data file: LIST",), "several files"),
        (("data file: gone.raw",), "not there"),
        (("type:",), "no field type"),
    ],
)
def test_a_bad_nrrd_is_one_sentence(lines: tuple[str, ...], complaint: str, tmp_path: Path) -> None:
    assert complaint in refused(write_nrrd(tmp_path / "a.nhdr", grey(), lines=lines))


@pytest.mark.parametrize("name", ["mha packed", "nrrd gzip"])
def test_a_truncated_or_overlong_stream_is_refused(name: str, tmp_path: Path) -> None:
    path = FORMATS[name](tmp_path, grey())
    whole = path.read_bytes()
    path.write_bytes(whole[:-60])
    assert "truncated" in refused(path)
    path.write_bytes(whole.replace(b"17 21 5", b"17 21 4"))
    assert "more" in refused(path)


def test_a_disk_too_small_to_unpack_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    volume = read(FORMATS["nrrd gzip"](tmp_path, grey()))
    monkeypatch.setattr(_blob.shutil, "disk_usage", lambda _: type("usage", (), {"free": 10}))
    with pytest.raises(InputError, match="TMPDIR"):
        volume.read()


def test_several_gzip_members_are_one_stream(tmp_path: Path) -> None:
    path = write_nrrd(tmp_path / "a.nrrd", grey(), encoding="gzip")
    header = path.read_bytes().partition(b"\n\n")[0] + b"\n\n"
    half = grey().tobytes()
    path.write_bytes(header + gzip.compress(half[:999]) + gzip.compress(half[999:]))
    np.testing.assert_array_equal(read(path).read(), grey())


# --- HDF5


def test_the_largest_dataset_is_found_and_others_are_chosen(tmp_path: Path) -> None:
    path = tmp_path / "scan.h5"
    with h5py.File(path, "w") as file:
        file["a/small"] = grey(shape=(2, 5, 5))
        file["a/monitor"] = grey()
        file["b/flat"] = grey(shape=(300, 300))
        file["b/text"] = "no voxels"
        file["entry/data"] = grey() + 1
        file["entry"].attrs["NX_class"] = "NXdata"
        file["entry/data"].attrs["element_size_um"] = [3.0, 2.0, 1.0]
        file["round"] = h5py.SoftLink("/round")
        file["entry/up"] = file["/"]
    volume = read(path)
    np.testing.assert_array_equal(volume.read(), grey() + 1)
    assert volume.voxel_size == (3, 2, 1)
    assert any("/entry/data" in note for note in volume.notes)
    np.testing.assert_array_equal(read(f"{path}::/a/small").read(), grey(shape=(2, 5, 5)))
    assert read(path, dataset="b/flat").shape == (1, 300, 300)
    assert parted(f"{path}::/a/small") == (path, "/a/small")
    for missing in ("/c/none", "a", "/round/x", "/b/text"):
        assert path.name in refused(f"{path}::{missing}")
    assert "no HDF5 file" in refused(write_meta(tmp_path / "a.mha", grey()), dataset="a")


def test_labelled_dimensions_are_put_in_order(tmp_path: Path) -> None:
    array = grey(shape=(2, 6, 7, 8))
    with h5py.File(write_hdf5(tmp_path / "a.h5", array), "r+") as file:
        for dimension, label in zip(file["entry/data"].dims, "cxyz", strict=True):
            dimension.label = label
    volume = read(tmp_path / "a.h5", dataset="entry/data", index={"c": 1})
    np.testing.assert_array_equal(volume.read(), array[1].transpose(2, 1, 0))


@pytest.mark.parametrize("stated", [["x", "y", "z"], "x:y:z"])
@pytest.mark.parametrize("even", [True, False])
def test_axes_of_nexus_give_order_and_voxel_size(stated: Any, even: bool, tmp_path: Path) -> None:
    with h5py.File(write_hdf5(tmp_path / "a.nxs", grey()), "r+") as file:
        file["entry"].attrs["axes"] = stated
        for name, side, step, unit in (("x", 5, 0.002, "mm"), ("y", 21, 3, "um"), ("z", 17, -4000, "nm")):
            file[f"entry/{name}"] = 7 + step * np.arange(side)
            file[f"entry/{name}"].attrs["units"] = unit
        file["entry/x"][2] += 0 if even else 1
    volume = read(tmp_path / "a.nxs")
    np.testing.assert_array_equal(volume.read(), grey().transpose(2, 1, 0))
    assert volume.voxel_size == (pytest.approx((4, 3, 2)) if even else None)


def test_links_are_followed_inside_the_folder_only(tmp_path: Path) -> None:
    folder = tmp_path / "in"
    folder.mkdir()
    write_hdf5(folder / "near.h5", grey())
    write_hdf5(tmp_path / "far.h5", grey())
    for name, target in (("ok", "near.h5"), ("out", "../far.h5"), ("abs", str(tmp_path / "far.h5")), ("gone", "no.h5")):
        with h5py.File(folder / f"{name}.h5", "w") as file:
            file["link"] = h5py.ExternalLink(target, "/entry")
            file["soft"] = h5py.SoftLink("/link/data")
    np.testing.assert_array_equal(read(folder / "ok.h5").read(), grey())
    np.testing.assert_array_equal(read(folder / "ok.h5", dataset="/soft").read(), grey())
    for name, complaint in (("out", "outside"), ("abs", "outside"), ("gone", "not there")):
        assert "not beside it" in refused(folder / f"{name}.h5")
        for place in ("/soft", "/link/data"):
            assert complaint in refused(folder / f"{name}.h5", dataset=place)


def test_virtual_and_external_voxels_stay_inside_the_folder(tmp_path: Path) -> None:
    folder = tmp_path / "in"
    folder.mkdir()
    write_hdf5(folder / "near.h5", grey())
    write_hdf5(tmp_path / "far.h5", grey())
    with h5py.File(folder / "hop.h5", "w") as file:
        file["entry"] = h5py.ExternalLink("../far.h5", "/entry")
    for name, target in (("ok", "near.h5"), ("out", "../far.h5"), ("two", "hop.h5")):
        layout = h5py.VirtualLayout(SHAPE, np.uint16)
        layout[:] = h5py.VirtualSource(target, "entry/data", SHAPE)
        with h5py.File(folder / f"{name}.h5", "w") as file:
            file.create_virtual_dataset("data", layout)
    np.testing.assert_array_equal(read(folder / "ok.h5").read(), grey())
    assert "outside" in refused(folder / "out.h5")
    assert "outside" in refused(folder / "two.h5")
    with h5py.File(folder / "pattern.h5", "w") as file:
        made = h5py.h5p.create(h5py.h5p.DATASET_CREATE)
        space = h5py.h5s.create_simple((5, 21, 17), (h5py.h5s.UNLIMITED, 21, 17))
        space.select_hyperslab((0, 0, 0), (h5py.h5s.UNLIMITED, 1, 1), block=(1, 21, 17))
        made.set_virtual(space, b"near%b.h5", b"/data", h5py.h5s.create_simple((1, 21, 17)))
        whole = h5py.h5s.create_simple((5, 21, 17), (h5py.h5s.UNLIMITED, 21, 17))
        h5py.h5d.create(file.id, b"data", h5py.h5t.NATIVE_UINT16, whole, made)
    assert "pattern" in refused(folder / "pattern.h5", dataset="data")
    with h5py.File(folder / "raw.h5", "w") as file:
        external = [(str(tmp_path / "far.h5"), 0, h5py.h5f.UNLIMITED)]
        file.create_dataset("data", shape=SHAPE, dtype=np.uint8, external=external)
    assert "without a header" in refused(folder / "raw.h5")


def test_bad_hdf5_is_one_sentence(tmp_path: Path) -> None:
    path = write_hdf5(tmp_path / "a.h5", grey())
    path.write_bytes(path.read_bytes()[:-200])
    assert "truncated" in refused(path)
    assert "complex64" in refused(write_hdf5(tmp_path / "b.h5", grey(np.complex64)), dataset="entry/data")
    with h5py.File(tmp_path / "c.h5", "w") as file:
        file.create_dataset("d", (10**6, 10**6, 10**6), np.float32, chunks=(1, 100, 100))
        file.create_dataset("e", (0, 3, 3), np.uint8)
    assert "stores 0 bytes" in refused(tmp_path / "c.h5")
    assert "no voxels" in refused(tmp_path / "c.h5", dataset="e")
    (tmp_path / "d.h5").write_text("no HDF5")
    assert "named as HDF5" in refused(tmp_path / "d.h5")


@pytest.mark.parametrize(
    ("module", "name"), [("h5py", "hdf5"), ("hdf5plugin", "hdf5"), ("pydicom", "dicom"), ("olefile", None)]
)
def test_what_to_install_is_said(
    module: str, name: str | None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = FORMATS[name](tmp_path, grey()) if name else tmp_path / "a.txm"
    if name is None:
        path.write_bytes(olefile.MAGIC + bytes(2000))
    monkeypatch.setitem(sys.modules, module, None)
    assert f'needs {module}: pip install "napari-xct-crack[formats]"' in refused(path)


# --- DICOM


def test_a_series_is_sorted_by_position_and_has_its_spacing(tmp_path: Path) -> None:
    volume = read(write_dicom(tmp_path / "s", grey(np.int16)))
    np.testing.assert_array_equal(volume.read(), grey(np.int16))
    assert volume.voxel_size == pytest.approx((500, 200, 100))
    turned = write_dicom(tmp_path / "t", grey(), ImagePositionPatient=lambda z: [0, 0, -z])
    np.testing.assert_array_equal(read(turned).read(), grey()[::-1])


@pytest.mark.parametrize(
    ("slope", "intercept", "dtype"), [(1, -1024, np.int32), (2, 0, np.uint32), (0.5, 1, np.float32)]
)
def test_rescale_equals_the_lut_of_pydicom(slope: float, intercept: float, dtype: Any, tmp_path: Path) -> None:
    folder = write_dicom(tmp_path / "s", grey(), RescaleSlope=slope, RescaleIntercept=intercept)
    volume = read(folder)
    assert volume.dtype == dtype
    for z, path in enumerate(sorted(folder.iterdir(), reverse=True)):
        one = pydicom.dcmread(path)
        np.testing.assert_array_equal(volume.read()[z], pydicom.pixels.apply_modality_lut(one.pixel_array, one))


def test_slices_may_differ_in_their_rescale(tmp_path: Path) -> None:
    folder = write_dicom(tmp_path / "s", grey(), RescaleSlope=lambda z: 1 + z / 4, RescaleIntercept=0)
    expected = grey(np.float32) * (1 + np.arange(5, dtype=np.float32)[:, None, None] / 4)
    np.testing.assert_array_equal(read(folder).read(), expected)


def test_a_single_dicom_is_a_single_slice(tmp_path: Path) -> None:
    volume = read(write_dicom(tmp_path / "s", grey()) / "0005.dcm")
    np.testing.assert_array_equal(volume.read(), grey()[:1])
    assert any("open its folder" in note for note in volume.notes)


def test_packed_slices_are_decoded(tmp_path: Path) -> None:
    folder = write_dicom(tmp_path / "s", grey())
    for path in folder.iterdir():
        one = pydicom.dcmread(path)
        one.compress(RLELossless)
        one.save_as(path)
    np.testing.assert_array_equal(read(folder).read(), grey())


def test_missing_slices_are_said(tmp_path: Path) -> None:
    folder = write_dicom(tmp_path / "s", grey())
    (folder / "0002.dcm").unlink()
    (folder / "notes.txt").write_text("a stray")
    volume = read(folder)
    assert volume.shape == (4, 21, 17)
    assert any("missing" in note for note in volume.notes)


def test_without_positions_numbers_give_the_order(tmp_path: Path) -> None:
    volume = read(write_dicom(tmp_path / "s", grey(), ImagePositionPatient=None))
    np.testing.assert_array_equal(volume.read(), grey())
    assert volume.voxel_size == pytest.approx((900, 200, 100))
    assert "no order" in refused(write_dicom(tmp_path / "t", grey(), ImagePositionPatient=None, InstanceNumber=None))


@pytest.mark.parametrize(
    ("fields", "complaint"),
    [
        ({"SeriesInstanceUID": lambda z: f"1.2.{z % 2}"}, "2 DICOM series"),
        ({"ImagePositionPatient": [0, 0, 0]}, "same position"),
        ({"PixelSpacing": lambda z: [0.1, 0.1 + z]}, "not alike"),
        ({"NumberOfFrames": 5}, "5 frames"),
        ({"SamplesPerPixel": 3}, "colour"),
        ({"BitsAllocated": 64}, "64 bits"),
        ({"Rows": 60000, "Columns": 60000}, "truncated"),
        ({"Rows": None}, "makes no sense"),
        ({"RescaleSlope": 0}, "slope of 0"),
    ],
)
def test_a_bad_series_is_one_sentence(fields: dict[str, Any], complaint: str, tmp_path: Path) -> None:
    assert complaint in refused(write_dicom(tmp_path / "s", grey(), **fields))


def test_truncated_pixels_of_a_dicom_are_named(tmp_path: Path) -> None:
    folder = write_dicom(tmp_path / "s", grey(shape=(2, 40, 40)))
    path = folder / "0001.dcm"
    path.write_bytes(path.read_bytes()[:-100])
    assert path.name in refused(folder)


# --- what is damaged is read or refused, but never crashes


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(at=st.integers(0, 10**6), value=st.binary(min_size=1, max_size=8), cut=st.booleans())
@pytest.mark.parametrize("name", ["mha packed", "mhd", "nrrd gzip", "nhdr", "hdf5", "hdf5 gzip", "dicom"])
@pytest.mark.filterwarnings("ignore")
def test_damage_never_crashes(name: str, at: int, value: bytes, cut: bool, tmp_path: Path) -> None:
    source = FORMATS[name](tmp_path, grey(shape=(3, 9, 10)))
    path = sorted(source.iterdir())[0] if source.is_dir() else source
    whole = bytearray(path.read_bytes())
    at %= min(len(whole), 2000)
    whole[at : at + len(value)] = value
    path.write_bytes(bytes(whole[:at] if cut else whole))
    with suppress(XctCrackError):
        read(source).read()


# --- real files


@pytest.mark.parametrize(
    ("name", "header", "stored"),
    [("test4x4x4.mhd", "test4x4x4.raw", "<f4"), ("5_ROI_Segmented.mhd", "5_ROI_Segmented.zraw", "<i4")],
)
def test_real_metaimage(name: str, header: str, stored: str, test_data: Path, tmp_path: Path) -> None:
    data = (test_data / "formats" / header).read_bytes()
    data = zlib.decompress(data) if header.endswith("zraw") else data
    side = round((len(data) / 4) ** (1 / 3))
    volume = read(test_data / "formats" / name)
    np.testing.assert_array_equal(volume.read(), np.frombuffer(data, stored).reshape((side,) * 3))
    finish(convert(volume, tmp_path / "out.ome.zarr"))
    np.testing.assert_array_equal(read(tmp_path / "out.ome.zarr").read(), volume.read())
    assert "open " + name in refused(test_data / "formats" / header)


def test_real_raw(test_data: Path) -> None:
    path = test_data / "formats/polymer3d_8bit_128x128x128.raw"
    volume = read(path, raw=RawLayout(shape=(128, 128, 128), dtype="uint8"))
    np.testing.assert_array_equal(volume.read().ravel(), np.fromfile(path, np.uint8))
    assert "--shape" in refused(path)


def test_real_nexus(test_data: Path, tmp_path: Path) -> None:
    path = test_data / "formats/mm.nxs"
    volume = read(path)
    with h5py.File(path) as file:
        np.testing.assert_array_equal(volume.read(), file["/entry1/stxm_entry/data/data"][:])
        np.testing.assert_array_equal(
            read(path, dataset="/entry1/fluo_entry/monitor/data").read(), file["/entry1/fluo_entry/monitor/data"][:]
        )
    assert "5 dimensions" in refused(path, dataset="/entry1/xrd_entry/data/data")
    finish(convert(volume, tmp_path / "out.ome.zarr"))
    np.testing.assert_array_equal(read(tmp_path / "out.ome.zarr").read(), volume.read())
    # its voxels are in a file of the beamline, outside the folder
    assert "pco1-24888.hdf" in refused(test_data / "formats/24888.nxs")
    assert "outside" in refused(test_data / "formats/24888.nxs", dataset="/entry1/tomo_entry/data/data")
    assert "named as HDF5" in refused(test_data / "formats/not_really_hdf5.nxs")


@pytest.mark.parametrize(
    ("name", "shape"), [("test_chip00.xrm", (1, 512, 512)), ("txrm_test_chip_tomo.txrm", (7, 256, 256))]
)
def test_real_zeiss(name: str, shape: tuple[int, int, int], test_data: Path, tmp_path: Path) -> None:
    path = test_data / "formats" / name
    volume = read(path)
    assert volume.shape == shape
    with olefile.OleFileIO(path) as ole:
        streams = [ole.openstream(f"ImageData1/Image{number + 1}").read() for number in range(shape[0])]
        (side,) = struct.unpack("<f", ole.openstream("ImageInfo/PixelSize").read())
    np.testing.assert_array_equal(volume.read().ravel(), np.frombuffer(b"".join(streams), "<u2"))
    assert volume.voxel_size == (side, side, side)
    assert any("projections" in note for note in volume.notes) == (path.suffix == ".txrm")
    finish(convert(volume, tmp_path / "out.ome.zarr"))
    np.testing.assert_array_equal(read(tmp_path / "out.ome.zarr").read(), volume.read())
    whole = path.read_bytes()
    for length in (600, len(whole) // 2):
        (tmp_path / name).write_bytes(whole[:length])
        assert name in refused(tmp_path / name)
    (tmp_path / name).write_bytes(whole.replace("ImageWidth".encode("utf-16-le"), "ImageWodth".encode("utf-16-le")))
    assert "ImageWidth" in refused(tmp_path / name)


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(place=st.sampled_from(["head", "directory"]), at=st.integers(0, 2047), value=st.binary(min_size=1, max_size=8))
def test_a_damaged_zeiss_file_never_crashes(place: str, at: int, value: bytes, test_data: Path, tmp_path: Path) -> None:
    whole = bytearray((test_data / "formats/test_chip00.xrm").read_bytes())
    at += 0 if place == "head" else whole.find("ImageWidth".encode("utf-16-le"))
    whole[at : at + len(value)] = value
    (tmp_path / "a.xrm").write_bytes(bytes(whole))
    with suppress(XctCrackError):
        read(tmp_path / "a.xrm").read()


def test_real_dicom(test_data: Path, tmp_path: Path) -> None:
    folder = test_data / "volumes/rockcore_dicom"
    volume = read(folder)
    files = sorted((pydicom.dcmread(path) for path in folder.iterdir()), key=lambda one: one.ImagePositionPatient[2])
    assert volume.voxel_size == pytest.approx((500, 106, 106))
    for z in (0, 13, 31):
        np.testing.assert_array_equal(volume.read(Box((z, 0, 0), (z + 1, 512, 512)))[0], files[z].pixel_array)
    part = volume.cropped(Box((3, 100, 90), (19, 220, 230)))
    finish(convert(part, tmp_path / "out.ome.zarr"))
    np.testing.assert_array_equal(read(tmp_path / "out.ome.zarr").read(), part.read())


def test_images_of_zeiss_are_filed_by_the_hundred() -> None:
    places = {
        1: "ImageData1/Image1",
        100: "ImageData1/Image100",
        101: "ImageData2/Image101",
        2000: "ImageData20/Image2000",
    }
    assert {number: zeiss._stream(number - 1) for number in places} == places


def test_real_ceramic_slice(test_data: Path) -> None:
    volume = read(test_data / "volumes/ceramic_ct")
    assert volume.shape == (1, 1131, 1206)
    assert volume.dtype == np.uint8
