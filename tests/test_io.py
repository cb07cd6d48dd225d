"""Reading scans: what is read equals what was written, lazily, and what cannot be read is one clear sentence."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import imagecodecs
import numpy as np
import pytest
import tifffile
import zarr
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from PIL import Image

from napari_xct_crack.errors import InputError, SettingsError, XctCrackError
from napari_xct_crack.io import read, tiff
from napari_xct_crack.volume import Box

DATA = os.environ.get("XCT_CRACK_TEST_DATA")
needs_data = pytest.mark.skipif(not DATA, reason="XCT_CRACK_TEST_DATA names no folder of real scans")
SHAPE = (7, 33, 41)


def grey(dtype: Any = np.uint16, shape: tuple[int, ...] = SHAPE) -> NDArray[Any]:
    return np.random.default_rng(1).integers(0, 200, shape).astype(dtype)


def refused(source: Path, kind: type[XctCrackError] = InputError, **given: Any) -> str:
    """The sentence with which a source is refused: one, and without a trace of Python."""
    with pytest.raises(kind) as caught:
        read(source, **given).read()
    text = str(caught.value)
    assert text.endswith(".")
    assert "\n" not in text
    assert not re.search(r"Traceback|Error\b|0x[0-9a-f]{6}", text)
    return text


def write_tiff(**options: Any) -> Callable[[Path, NDArray[Any]], Path]:
    def write(folder: Path, array: NDArray[Any]) -> Path:
        tifffile.imwrite(folder / "scan.tif", array, photometric="minisblack", **options)
        return folder / "scan.tif"

    return write


def write_slices(suffix: str, **options: Any) -> Callable[[Path, NDArray[Any]], Path]:
    def write(folder: Path, array: NDArray[Any]) -> Path:
        (folder / "slices").mkdir()
        for number, one in enumerate(array):
            path = folder / "slices" / f"rec_{number + 5}{suffix}"
            if suffix == ".tif":
                tifffile.imwrite(path, one, **options)
            else:
                Image.fromarray(one).save(path)
        return folder / "slices"

    return write


def write_zarr(folder: Path, array: NDArray[Any]) -> Path:
    zarr.create_array(folder / "scan.zarr", data=array, chunks=(3, 16, 16))
    return folder / "scan.zarr"


FORMATS: dict[str, tuple[Callable[[Path, NDArray[Any]], Path], Any]] = {
    "tiff": (write_tiff(), np.uint16),
    "tiff float": (write_tiff(), np.float32),
    "tiff int32": (write_tiff(), np.int32),
    "tiff int16 big-endian": (write_tiff(byteorder=">"), np.int16),
    "bigtiff deflate": (write_tiff(bigtiff=True, compression="zlib", metadata=None), np.uint16),
    "tiff lzw strips": (write_tiff(compression="lzw", rowsperstrip=5), np.uint8),
    "tiff zstd tiles": (write_tiff(compression="zstd", tile=(16, 16)), np.uint16),
    "imagej": (write_tiff(imagej=True, metadata={"axes": "ZYX"}), np.uint16),
    "ome": (write_tiff(ome=True, metadata={"axes": "ZYX"}), np.uint16),
    "tif slices": (write_slices(".tif", compression="zlib"), np.uint16),
    "png slices": (write_slices(".png"), np.uint16),
    "bmp slices": (write_slices(".bmp"), np.uint8),
    "zarr": (write_zarr, np.uint16),
    "zarr float": (write_zarr, np.float32),
}
"""Every way in which the same array is stored."""


@pytest.mark.parametrize("name", FORMATS)
def test_any_box_equals_the_slice_of_what_was_written(name: str, tmp_path: Path) -> None:
    write, dtype = FORMATS[name]
    array = grey(dtype)
    volume = read(write(tmp_path, array))
    assert volume.shape == SHAPE
    assert volume.dtype == np.dtype(dtype)
    assert volume.dtype.isnative
    np.testing.assert_array_equal(volume.read(), array)

    @settings(max_examples=25, deadline=None)
    @given(st.tuples(*(st.tuples(st.integers(0, side - 1), st.integers(1, side)) for side in SHAPE)))
    def check(sides: tuple[tuple[int, int], ...]) -> None:
        start = tuple(at for at, _ in sides)
        stop = tuple(min(side, at + length) for side, (at, length) in zip(SHAPE, sides, strict=True))
        box = Box(start, stop)  # type: ignore[arg-type]
        np.testing.assert_array_equal(volume.read(box), array[box.slices])
        np.testing.assert_array_equal(volume.cropped(box).read(), array[box.slices])

    check()


@pytest.mark.parametrize("name", ["tiff", "bigtiff deflate", "png slices", "zarr float"])
@settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_a_level_is_indexed_like_numpy(
    name: str, tmp_path_factory: pytest.TempPathFactory, data: st.DataObject
) -> None:
    write, dtype = FORMATS[name]
    array = grey(dtype)
    level = read(write(tmp_path_factory.mktemp("level"), array)).levels[0]
    entries = [
        data.draw(st.one_of(st.integers(0, side - 1), st.slices(side).filter(lambda one: (one.step or 1) > 0)))
        for side in SHAPE[: data.draw(st.integers(1, 3))]
    ]
    np.testing.assert_array_equal(level[tuple(entries)], array[tuple(entries)])


def test_other_processes_can_open_the_source_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_tiff()(tmp_path, grey())
    monkeypatch.chdir(tmp_path)
    source = read("scan.tif").source
    monkeypatch.chdir("/")
    assert source is not None
    assert Path(source).is_absolute()
    np.testing.assert_array_equal(read(source).read(), grey())


def test_importing_io_loads_no_library_of_a_format() -> None:
    code = "import sys, napari_xct_crack.io; print({'zarr', 'tifffile', 'dask', 'torch', 'PIL', 'h5py', 'pydicom'} & set(sys.modules))"
    assert subprocess.check_output([sys.executable, "-c", code], text=True).strip() == "set()"


# --- laziness


def test_a_huge_tiff_is_opened_and_read_in_parts(tmp_path: Path) -> None:
    path = tmp_path / "huge.tif"
    shape = (3000, 2624, 2624)
    mapped = tifffile.memmap(path, shape=shape, dtype=np.uint16, bigtiff=True, photometric="minisblack")
    mapped[1234, 1000, 2000] = 77
    mapped.flush()
    del mapped
    volume = read(path)
    assert volume.shape == shape
    assert volume.read(Box((1233, 999, 1999), (1236, 1002, 2002)))[1, 1, 1] == 77
    assert not volume.read(Box((2990, 0, 0), (3000, 30, 30))).any()


def test_only_the_pages_asked_for_are_decoded_and_the_last_ones_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    decoded: list[int] = []
    whole = tiff.page_pixels

    def counted(path: Path, series: Any, number: int) -> NDArray[Any]:
        decoded.append(number)
        return whole(path, series, number)

    monkeypatch.setattr(tiff, "page_pixels", counted)
    volume = read(write_tiff(compression="zlib", metadata=None)(tmp_path, grey()))
    assert decoded == []
    volume.read(Box((2, 0, 0), (4, 5, 5)))
    volume.read(Box((3, 5, 5), (5, 20, 20)))
    assert decoded == [2, 3, 4]


def test_the_cache_of_slices_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    from napari_xct_crack.io import _stack

    monkeypatch.setattr(_stack, "CACHE_BYTES", 3 * 100)
    asked: list[int] = []

    def one(z: int) -> NDArray[Any]:
        asked.append(z)
        return np.full((10, 10), z, np.uint8)

    stack = _stack.SliceStack(one, (8, 10, 10), np.dtype(np.uint8), cached=True, codec="none")
    assert [int(stack[z, 0, 0]) for z in (0, 1, 2, 1, 3, 0)] == [0, 1, 2, 1, 3, 0]
    assert asked == [0, 1, 2, 3, 0]


def test_opening_a_folder_reads_headers_only(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from napari_xct_crack.io import slices

    folder = write_slices(".png")(tmp_path, grey())
    asked: list[str] = []
    whole = slices.pixels
    monkeypatch.setattr(slices, "pixels", lambda path: asked.append(path.name) or whole(path))
    volume = read(folder)
    assert asked == []
    volume.read(Box((1, 0, 0), (3, 9, 9)))
    assert asked == ["rec_6.png", "rec_7.png"]


# --- axes, colour, voxel size


def test_without_metadata_pages_are_z_and_that_is_said(tmp_path: Path) -> None:
    volume = read(write_tiff(metadata=None)(tmp_path, grey()))
    assert any("slices along z" in note for note in volume.notes)
    single = read(write_tiff(metadata=None)(tmp_path, grey()[0]))
    assert single.shape == (1, *SHAPE[1:])
    assert any("single slice" in note for note in single.notes)


def test_single_time_and_channel_are_dropped_and_longer_ones_chosen(tmp_path: Path) -> None:
    array = grey(shape=(1, 7, 2, 33, 41))
    path = tmp_path / "channels.ome.tif"
    tifffile.imwrite(path, array, ome=True, metadata={"axes": "TZCYX"}, photometric="minisblack")
    assert "--index c=" in refused(path)
    np.testing.assert_array_equal(read(path, index={"c": 1}).read(), array[0, :, 1])
    assert "c" in refused(path, index={"c": 2})
    assert "q" in refused(path, index={"c": 0, "q": 0})


def test_more_axes_than_can_be_guessed_are_refused(tmp_path: Path) -> None:
    tifffile.imwrite(tmp_path / "five.tif", grey(shape=(5, 6, 33, 41)), photometric="minisblack")
    assert "5, 6, 33, 41" in refused(tmp_path / "five.tif")
    zarr.create_array(tmp_path / "four.zarr", data=grey(shape=(5, 6, 7, 8)))
    assert "5, 6, 7, 8" in refused(tmp_path / "four.zarr")


@pytest.mark.parametrize("channels", [2, 3, 4])
@pytest.mark.parametrize("planar", ["contig", "separate"])
def test_colour_that_is_grey_is_read_as_grey(channels: int, planar: str, tmp_path: Path) -> None:
    array = grey(np.uint8)
    colour = np.repeat(array[..., None], channels, axis=-1)
    if channels in (2, 4):
        colour[..., -1] = 255 - array
    stored = np.moveaxis(colour, -1, 1) if planar == "separate" else colour
    photometric = "minisblack" if channels == 2 else "rgb"
    extra = {} if channels == 3 else {"extrasamples": ["unassalpha"]}
    tifffile.imwrite(tmp_path / "c.tif", stored, photometric=photometric, planarconfig=planar, **extra)
    volume = read(tmp_path / "c.tif")
    np.testing.assert_array_equal(volume.read(), array)
    assert any("grey" in note for note in volume.notes)


@pytest.mark.parametrize("suffix", [".tif", ".png"])
def test_real_colour_wants_a_channel(suffix: str, tmp_path: Path) -> None:
    colour = grey(np.uint8, (33, 41, 3))
    path = tmp_path / f"colour{suffix}"
    Image.fromarray(colour).save(path)
    assert "--index c=0" in refused(path)
    np.testing.assert_array_equal(read(path, index={"c": 2}).read()[0], colour[..., 2])
    assert "0 to 2" in refused(path, index={"c": 3})


def test_colours_of_sixteen_bits_are_refused_rather_than_scaled(tmp_path: Path) -> None:
    (tmp_path / "deep.png").write_bytes(imagecodecs.png_encode(grey(np.uint16, (33, 41, 3))))
    assert "16 bits" in refused(tmp_path / "deep.png")


def test_colour_that_turns_up_later_is_not_swallowed(tmp_path: Path) -> None:
    colour = np.repeat(grey(np.uint8)[..., None], 3, axis=-1)
    colour[0, 0, 0, 0] += 1
    tifffile.imwrite(tmp_path / "c.tif", colour, photometric="rgb")
    volume = read(tmp_path / "c.tif")
    volume.read(Box((1, 0, 0), (2, 5, 5)))
    with pytest.raises(InputError, match="in colour"):
        volume.read(Box((0, 0, 0), (1, 5, 5)))


def test_one_bit_is_read_as_zero_and_one(tmp_path: Path) -> None:
    mask = grey() > 100
    tifffile.imwrite(tmp_path / "m.tif", mask, photometric="minisblack")
    Image.fromarray(mask[0]).save(tmp_path / "m.png")
    for name, expected in (("m.tif", mask), ("m.png", mask[:1])):
        volume = read(tmp_path / name)
        assert volume.dtype == np.uint8
        np.testing.assert_array_equal(volume.read(), expected)


def test_a_palette_of_rising_greys_gives_the_stored_numbers(tmp_path: Path) -> None:
    array = grey(np.uint8)[0]
    picture = Image.fromarray(array).convert("P")
    picture.putpalette([max(0, value - 1) for value in range(256) for _ in range(3)])
    picture.putdata(array.ravel().tolist())
    picture.save(tmp_path / "p.bmp")
    np.testing.assert_array_equal(read(tmp_path / "p.bmp").read()[0], array)


@pytest.mark.parametrize("name", ["tiff float", "zarr float"])
def test_voxels_that_are_no_numbers_are_read_as_zero_and_said(name: str, tmp_path: Path) -> None:
    array = grey(np.float32)
    array[:, :5], array[3, 10, 10] = np.nan, np.inf
    volume = read(FORMATS[name][0](tmp_path, array))
    np.testing.assert_array_equal(volume.read(), np.where(np.isfinite(array), array, 0))
    assert any("not numbers" in note for note in volume.notes)


@pytest.mark.parametrize("name", ["tiff float", "zarr float"])
def test_nothing_but_nan_is_refused(name: str, tmp_path: Path) -> None:
    assert "NaN" in refused(FORMATS[name][0](tmp_path, np.full(SHAPE, np.nan, np.float32)))


def test_complex_voxels_are_refused(tmp_path: Path) -> None:
    tifffile.imwrite(tmp_path / "c.tif", grey(np.complex64), photometric="minisblack")
    assert "complex64" in refused(tmp_path / "c.tif")


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        (
            {"imagej": True, "resolution": (2, 4), "metadata": {"axes": "ZYX", "unit": "um", "spacing": 3}},
            (3, 0.25, 0.5),
        ),
        ({"imagej": True, "resolution": (2, 2), "metadata": {"axes": "ZYX", "unit": "mm"}}, (500, 500, 500)),
        ({"imagej": True, "metadata": {"axes": "ZYX", "unit": "pixel", "spacing": 3}}, None),
        (
            {"ome": True, "metadata": {"axes": "ZYX", "PhysicalSizeX": 7, "PhysicalSizeY": 7, "PhysicalSizeZ": 8}},
            (8, 7, 7),
        ),
        (
            {
                "ome": True,
                "metadata": {"axes": "ZYX"}
                | {f"PhysicalSize{a}": 710 for a in "XYZ"}
                | {f"PhysicalSize{a}Unit": "nm" for a in "XYZ"},
            },
            (0.71, 0.71, 0.71),
        ),
        ({"resolution": (1000, 2000), "resolutionunit": "CENTIMETER"}, (5, 5, 10)),
        ({"resolution": (72, 72), "resolutionunit": "INCH"}, None),
        ({}, None),
    ],
)
def test_voxel_size_of_a_tiff(options: dict[str, Any], expected: tuple[float, ...] | None, tmp_path: Path) -> None:
    volume = read(write_tiff(**options)(tmp_path, grey()))
    assert volume.voxel_size == (None if expected is None else pytest.approx(expected))
    if expected is None:
        assert any("--voxel-size-um" in note for note in volume.notes)


def test_a_given_voxel_size_goes_before_the_stated_one(tmp_path: Path) -> None:
    path = write_tiff(resolution=(1000, 1000), resolutionunit="CENTIMETER")(tmp_path, grey())
    volume = read(path, voxel_size=(1, 2, 3))
    assert volume.voxel_size == (1, 2, 3)
    assert any("10 × 10 × 10" in note for note in volume.notes)
    assert "positive" in refused(path, SettingsError, voxel_size=(1, 0, 1))


# --- folders


def test_slices_are_in_natural_order_and_strays_are_said(tmp_path: Path) -> None:
    folder = write_slices(".png")(tmp_path, grey())
    (folder / "notes.txt").write_text("stray")
    (folder / "Thumbs.db").write_bytes(b"stray")
    (folder / ".hidden.png").write_bytes(b"stray")
    Image.fromarray(grey(np.uint8)[0, :5, :5]).save(folder / "preview.png")
    volume = read(folder)
    np.testing.assert_array_equal(volume.read(), grey())
    (note,) = [note for note in volume.notes if note.startswith("Ignored")]
    assert "preview.png" in note
    assert "hidden" not in note


def test_a_missing_slice_is_said(tmp_path: Path) -> None:
    folder = write_slices(".png")(tmp_path, grey())
    (folder / "rec_8.png").unlink()
    assert any("after number 7 comes 9" in note for note in read(folder).notes)


def test_unequal_slices_are_refused_with_both_names(tmp_path: Path) -> None:
    folder = write_slices(".png")(tmp_path, grey())
    Image.fromarray(grey()[0, :-1]).save(folder / "rec_9.png")
    text = refused(folder)
    assert "rec_5.png has 33 × 41 uint16" in text
    assert "rec_9.png has 32 × 41 uint16" in text
    Image.fromarray(grey(np.uint8)[0]).save(folder / "rec_9.png")
    assert "rec_9.png has 33 × 41 uint8" in refused(folder)


def test_folders_that_are_no_scan_are_refused(tmp_path: Path) -> None:
    empty = tmp_path / "empty"
    empty.mkdir()
    assert "no slices" in refused(empty)
    (empty / "readme.txt").write_text("no picture")
    assert "no slices" in refused(empty)
    two = write_slices(".png")(tmp_path, grey())
    for number in range(6):
        Image.fromarray(grey()[0]).save(two / f"other_{number}.png")
    assert "several series" in refused(two)
    pages = tmp_path / "pages"
    pages.mkdir()
    write_tiff(metadata=None)(pages, grey())
    assert "7 pages" in refused(pages)


def test_skyscan_log_gives_the_voxel_size(tmp_path: Path) -> None:
    folder = write_slices(".bmp")(tmp_path, grey(np.uint8))
    (folder / "rec.log").write_text(
        "[Acquisition]\nImage Pixel Size (um)=9.5\n[Reconstruction]\nPixel Size (um)= 7.25\nSection to Section Step=2\n"
    )
    volume = read(folder)
    assert volume.voxel_size == (14.5, 7.25, 7.25)
    (folder / "rec.log").write_text("[Acquisition]\nImage Pixel Size (um)=9.5\n")
    assert read(folder).voxel_size == (9.5, 9.5, 9.5)
    (folder / "rec.log").write_text("not a log at all")
    assert read(folder).voxel_size is None


def test_lossy_slices_are_said(tmp_path: Path) -> None:
    for number in range(3):
        Image.fromarray(grey(np.uint8)[number]).save(tmp_path / f"{number}.jpg")
    assert any("lossy" in note for note in read(tmp_path).notes)


# --- bad files


def test_what_is_not_there_and_what_is_no_scan(tmp_path: Path) -> None:
    assert "There is no file or folder" in refused(tmp_path / "missing.tif")
    (tmp_path / "text.tif").write_text("Dear reader, this is no picture.")
    assert "text.tif is named as TIFF" in refused(tmp_path / "text.tif")
    (tmp_path / "empty.tif").write_bytes(b"")
    assert "empty" in refused(tmp_path / "empty.tif")
    (tmp_path / "scan.xyz").write_bytes(b"\x7fELF and so on")
    assert "cannot be read: OME-Zarr, Zarr, TIFF" in refused(tmp_path / "scan.xyz")
    (tmp_path / "empty.zarr").mkdir()
    assert "empty.zarr is named as Zarr" in refused(tmp_path / "empty.zarr")


@pytest.mark.parametrize(
    "options", [{}, {"metadata": None}, {"compression": "zlib", "metadata": None}, {"imagej": True}, {"ome": True}]
)
@pytest.mark.parametrize("share", [0.999, 0.8, 0.5, 0.1, 0.01])
def test_a_truncated_tiff_is_found_on_opening(options: dict[str, Any], share: float, tmp_path: Path) -> None:
    path = write_tiff(**options)(tmp_path, np.random.default_rng(0).integers(0, 9999, SHAPE).astype(np.uint16))
    whole = path.read_bytes()
    path.write_bytes(whole[: int(share * len(whole))])
    with pytest.raises(InputError, match="truncated"):
        read(path)


def test_a_claimed_size_far_beyond_the_file_is_refused(tmp_path: Path) -> None:
    path = write_tiff(metadata=None)(tmp_path, grey(shape=(33, 41)))
    with tifffile.TiffFile(path, mode="r+") as tif:
        for tag in ("ImageWidth", "ImageLength"):
            tif.pages[0].tags[tag].overwrite(60000)
    assert "its voxels need 7200000208 bytes" in refused(path)
    huge = tmp_path / "huge.tif"
    tifffile.imwrite(huge, grey(shape=(33, 41)), compression="zlib", metadata=None)
    with tifffile.TiffFile(huge, mode="r+") as tif:
        for tag in ("ImageWidth", "ImageLength", "RowsPerStrip"):
            tif.pages[0].tags[tag].overwrite(60000)
    assert "60000 × 60000" in refused(huge)


def test_damaged_data_are_named_when_they_are_read(tmp_path: Path) -> None:
    path = write_tiff(compression="zlib", metadata=None)(tmp_path, grey())
    with tifffile.TiffFile(path) as tif:
        offset = tif.pages[3].dataoffsets[0]
    with path.open("r+b") as file:
        file.seek(offset)
        file.write(b"\xff" * 40)
    volume = read(path)
    np.testing.assert_array_equal(volume.read(Box((0, 0, 0), (3, 33, 41))), grey()[:3])
    with pytest.raises(InputError, match=r"Page 3 of scan\.tif is damaged"):
        volume.read()


def test_a_chain_of_pages_that_bites_its_tail_is_refused(tmp_path: Path) -> None:
    path = write_tiff(metadata=None)(tmp_path, grey())
    with tifffile.TiffFile(path) as tif:
        first, last = tif.pages[0].offset, tif.pages[6].offset
        entries = len(tif.pages[6].tags)
    with path.open("r+b") as file:
        file.seek(last + 2 + 12 * entries)
        file.write(first.to_bytes(4, "little"))
    assert "circle" in refused(path)


@pytest.mark.parametrize("suffix", [".bmp", ".png"])
def test_a_truncated_picture_is_refused(suffix: str, tmp_path: Path) -> None:
    path = tmp_path / f"one{suffix}"
    Image.fromarray(grey(np.uint8, (200, 200))).save(path)
    path.write_bytes(path.read_bytes()[:9000])
    assert path.name in refused(path)


@settings(max_examples=60, deadline=None)
@given(at=st.integers(0, 10**6), value=st.binary(min_size=1, max_size=8))
@pytest.mark.parametrize("options", [{"metadata": None}, {"compression": "lzw"}, {"imagej": True}])
def test_a_damaged_tiff_is_read_or_refused_but_never_crashes(
    options: dict[str, Any], at: int, value: bytes, tmp_path_factory: pytest.TempPathFactory
) -> None:
    path = write_tiff(**options)(tmp_path_factory.mktemp("fuzz"), grey(np.uint8, (3, 9, 10)))
    whole = bytearray(path.read_bytes())
    at %= len(whole)
    whole[at : at + len(value)] = value
    path.write_bytes(bytes(whole))
    with suppress(XctCrackError):
        read(path).read()


@settings(max_examples=60, deadline=None)
@given(at=st.integers(0, 599), value=st.binary(min_size=1, max_size=8))
@pytest.mark.parametrize("suffix", [".png", ".bmp", ".jpg"])
def test_a_damaged_picture_is_read_or_refused_but_never_crashes(
    suffix: str, at: int, value: bytes, tmp_path_factory: pytest.TempPathFactory
) -> None:
    path = tmp_path_factory.mktemp("fuzz") / f"one{suffix}"
    Image.fromarray(grey(np.uint8, (9, 10))).save(path)
    whole = bytearray(path.read_bytes())
    at %= len(whole)
    whole[at : at + len(value)] = value
    path.write_bytes(bytes(whole))
    with suppress(XctCrackError):
        read(path).read()


# --- real scans


@needs_data
def test_real_skyscan_folder() -> None:
    volume = read(Path(str(DATA)) / "volumes/am_ti64_skyscan")
    assert volume.shape == (80, 504, 504)
    assert volume.dtype == np.uint8
    assert volume.voxel_size == (7.0014, 7.0014, 7.0014)
    strut = volume.read(Box((0, 240, 232), (80, 270, 262)))
    assert 140 < strut.mean() < 175


@needs_data
def test_real_grey_stored_as_rgba() -> None:
    path = Path(str(DATA)) / "volumes/nmc_cathode/NMC_90wt_2000bar_115.tif"
    volume = read(path)
    assert volume.shape == (1, 853, 846)
    np.testing.assert_array_equal(volume.read()[0], tifffile.imread(path)[..., 0])


@needs_data
@pytest.mark.parametrize("name", ["quanfima_float32.tif"])
def test_real_float_keeps_its_values(name: str) -> None:
    path = Path(str(DATA)) / "formats" / name
    np.testing.assert_array_equal(read(path).read()[0], tifffile.imread(path))
