"""Libraries of crack masks: what is taken for a mask, what is kept, how it is drawn."""

import time
from pathlib import Path

import numpy as np
import pytest
import tifffile
from PIL import Image
from scipy import ndimage

from napari_xct_crack.cli import main
from napari_xct_crack.cracks._masks import Masks, Packed, _write, build, thinned
from napari_xct_crack.cracks._reading import bright
from napari_xct_crack.cracks.library import LibraryCracks
from napari_xct_crack.errors import InputError, SettingsError
from napari_xct_crack.events import Said, Warned, finish

EIGHT = np.ones((3, 3))


def crack(shape: tuple[int, int] = (60, 80), thickness: int = 3) -> np.ndarray:
    """A slanted crack from side to side."""
    mask = np.zeros(shape, np.bool_)
    for x in range(shape[1]):
        y = 10 + x // 2
        mask[y : y + thickness, x] = True
    return mask


def said(work) -> list[str]:
    return [event.text for event in work if isinstance(event, Said | Warned)]


def library(folder: Path, *masks: np.ndarray) -> Path:
    """A library of the masks, made by way of images."""
    images = folder / "images"
    images.mkdir()
    for number, mask in enumerate(masks):
        Image.fromarray(mask).save(images / f"{number:03}.png")
    out = folder / "cracks.safetensors"
    finish(build(images, out))
    return out


def _as(kind: str, mask: np.ndarray, path: Path) -> None:
    grey = np.where(mask, 255, 0).astype(np.uint8)
    solid, clear = np.full_like(grey, 255), np.zeros_like(grey)
    pictures = {
        "1.png": mask,
        "grey.png": grey,
        "01.png": mask.astype(np.uint8),
        "16.png": grey.astype(np.uint16) * 257,
        "inverted.png": 255 - grey,
        "red.png": np.stack([grey, clear, clear], axis=-1),
        "blue on white.png": np.stack([255 - grey, 255 - grey, solid], axis=-1),
        "opaque.png": np.stack([grey, grey, grey, solid], axis=-1),
        "alpha.png": np.stack([clear, clear, clear, grey], axis=-1),
        "la.png": np.stack([clear, grey], axis=-1),
        "grey.bmp": grey,
        "grey.jpg": grey,
        "colour.jpeg": np.stack([grey, clear, clear], axis=-1),
    }
    if kind.endswith("tif"):
        data = {
            "float.tif": mask.astype(np.float32),
            "pages.tif": np.stack([grey, grey]),
            "rgb.tif": pictures["red.png"],
        }
        tifffile.imwrite(path, data[kind], photometric="rgb" if kind == "rgb.tif" else "minisblack")
        return
    image = Image.fromarray(pictures[kind])
    image.save(path, **({"quality": 90} if image.format is None and path.suffix in (".jpg", ".jpeg") else {}))


KINDS = (
    *("1.png", "grey.png", "01.png", "16.png", "inverted.png", "red.png", "blue on white.png", "opaque.png"),
    *("alpha.png", "la.png", "grey.bmp", "grey.jpg", "colour.jpeg", "float.tif", "pages.tif", "rgb.tif"),
)


@pytest.mark.parametrize("kind", KINDS)
def test_any_make_of_image_gives_its_mask(tmp_path: Path, kind: str) -> None:
    mask = crack()
    (tmp_path / "in").mkdir()
    _as(kind, mask, tmp_path / "in" / kind.replace(" ", "_"))
    finish(build(tmp_path / "in", tmp_path / "out"))
    masks = Masks(tmp_path / "out")
    assert len(masks) == (2 if kind == "pages.tif" else 1)
    differs = (masks[0] != mask).mean()
    assert differs <= (0.02 if kind.startswith("colour") else 0.005 if kind == "grey.jpg" else 0)


def test_what_is_no_mask_is_dropped_and_counted(tmp_path: Path) -> None:
    deep = tmp_path / "a" / "b"
    deep.mkdir(parents=True)
    ramp = np.tile(np.arange(256, dtype=np.uint8), (64, 1))
    noise = np.random.default_rng(0).integers(0, 7, (64, 64)).astype(np.uint8)
    for number in range(4):
        Image.fromarray(crack()).save(deep / f"crack{number}.png")
    Image.fromarray(np.zeros((40, 40), np.uint8)).save(deep / "black.png")
    Image.fromarray(np.full((40, 40), 255, np.uint8)).save(deep / "white.png")
    Image.fromarray(noise).save(deep / "black.jpg")
    Image.fromarray(ramp).save(deep / "photo.png")
    (deep / "broken.png").write_bytes(b"\x89PNG\r\n\x1a\n damaged")
    (deep / "notes.txt").write_text("no image")
    told = said(build(tmp_path / "a", tmp_path / "out"))
    assert any("broken.png cannot be read" in text for text in told)
    assert "4 masks kept; dropped: 2 empty, 1 all crack, 1 photographs, 1 damaged." in told
    assert len(Masks(tmp_path / "out")) == 4


def test_polarity_is_decided_for_a_folder_not_an_image(tmp_path: Path) -> None:
    mostly, black = tmp_path / "in" / "bright", tmp_path / "in" / "dark"
    for folder in (mostly, black):
        folder.mkdir(parents=True)
    close = crack()[8:24, :20]  # cut so closely that its crack is a large share
    block = np.ones((6, 4), np.bool_)
    block[0] = False  # more crack than not
    for number, mask in enumerate((crack(), close, block)):
        Image.fromarray(mask).save(mostly / f"{number}.png")
        Image.fromarray(~mask).save(black / f"{number}.png")
    finish(build(tmp_path / "in", tmp_path / "out"))
    masks = Masks(tmp_path / "out")
    assert len(masks) == 6
    for number in range(3):
        np.testing.assert_array_equal(masks[number], masks[number + 3])
    assert masks[2].mean() > 0.5
    finish(build(mostly, tmp_path / "told", "dark"))
    np.testing.assert_array_equal(Masks(tmp_path / "told")[0], ~crack())


def test_a_photograph_is_no_mask() -> None:
    assert bright(np.random.default_rng(0).integers(0, 256, (50, 50)).astype(np.uint8)) is None


@pytest.mark.parametrize("width", [1.0, 3.0, 5.0])
def test_thinning_reaches_the_width_and_keeps_the_line(width: float) -> None:
    mask = np.zeros((80, 200), np.bool_)
    mask[35:46, 20:180] = True  # 11 wide
    coverage, target = thinned(mask, width)
    assert coverage[:, 60:140].sum(axis=0).mean() == pytest.approx(width, rel=0.1)
    assert ndimage.label(target, EIGHT)[1] == 1
    assert not target[~mask].any()


def test_thinning_never_thickens() -> None:
    mask = crack(thickness=1)
    coverage, target = thinned(mask, 9)
    np.testing.assert_array_equal(target, mask)
    assert coverage.sum() == pytest.approx(mask.sum(), rel=0.05)


def test_twenty_thousand_masks_load_in_under_a_second(tmp_path: Path) -> None:
    packed = Packed.of(np.pad(crack(), ((100, 96), (100, 76))))
    _write(tmp_path / "large", [packed] * 20_000)
    begin = time.perf_counter()
    masks = Masks(tmp_path / "large")
    assert len(masks) == 20_000
    np.testing.assert_array_equal(masks[19_999], packed.mask)
    assert time.perf_counter() - begin < 1


@pytest.mark.parametrize("fit", ["crop", "resize"])
@pytest.mark.parametrize("size", [(30, 40), (60, 80), (300, 260)])
def test_masks_of_any_size_fill_a_patch_with_crack(tmp_path: Path, fit: str, size: tuple[int, int]) -> None:
    path = library(tmp_path, crack((400, 900), 5), crack((20, 24), 2))
    generator = LibraryCracks(path=path, fit=fit, warp=0)
    for seed in range(20):
        drawn = generator.draw((1, *size), np.random.default_rng(seed))
        assert drawn.target.any()
        assert drawn.target[drawn.coverage >= 0.5].all()


def test_lines_survive_shrinking(tmp_path: Path) -> None:
    generator = LibraryCracks(path=library(tmp_path, crack((400, 700), 2)), fit="resize", warp=0)
    drawn = generator.draw((1, 100, 100), np.random.default_rng(1))
    assert 0.3 < drawn.coverage.max() <= 1
    assert ndimage.label(drawn.target[0], EIGHT)[1] == 1


def test_width_may_be_micrometres(tmp_path: Path) -> None:
    generator = LibraryCracks(path=library(tmp_path, crack((200, 200), 9)), width="2um", warp=0)
    with pytest.raises(SettingsError, match="voxel size is unknown"):
        generator.draw((1, 64, 64), np.random.default_rng(0))
    thin, thick = (
        np.mean([generator.draw((1, 64, 64), np.random.default_rng(s), (v, v, v)).coverage.mean() for s in range(10)])
        for v in (2.0, 0.5)
    )
    assert thick / thin == pytest.approx(4, rel=0.3)


def test_a_stack_is_shifted_from_slice_to_slice(tmp_path: Path) -> None:
    generator = LibraryCracks(path=library(tmp_path, crack((200, 200))), lean=1, warp=0)
    drawn = generator.draw((9, 96, 96), np.random.default_rng(2))
    near = ndimage.binary_dilation(drawn.target[4], EIGHT, iterations=4)
    assert near[drawn.target[5]].mean() > 0.9
    assert (drawn.target[0] != drawn.target[8]).any()


def test_what_is_wrong_with_a_library_is_one_sentence(tmp_path: Path) -> None:
    def draw(path: Path | None) -> None:
        LibraryCracks(path=path).draw((1, 64, 64), np.random.default_rng(0))

    with pytest.raises(SettingsError, match="needs a library file"):
        draw(None)
    with pytest.raises(InputError, match="is missing"):
        draw(tmp_path / "nothing")
    good = library(tmp_path, crack(), crack())
    draw(good)
    damaged = tmp_path / "damaged"
    damaged.write_bytes(good.read_bytes()[:-3])
    with pytest.raises(InputError, match="missing or damaged"):
        draw(damaged)
    from torch import zeros

    from napari_xct_crack.records import write_tensors

    write_tensors(tmp_path / "other", {"weights": zeros(3)})
    with pytest.raises(InputError, match="is no library"):
        draw(tmp_path / "other")


def test_folders_without_cracks_are_one_sentence(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="is no folder"):
        finish(build(tmp_path / "nothing", tmp_path / "out"))
    with pytest.raises(InputError, match="holds no mask image"):
        finish(build(tmp_path, tmp_path / "out"))
    Image.fromarray(np.zeros((40, 40), np.uint8)).save(tmp_path / "black.png")
    with pytest.raises(InputError, match="no mask with a crack; dropped: 1 empty"):
        finish(build(tmp_path, tmp_path / "out"))
    assert not (tmp_path / "out").exists()


def test_from_a_folder_of_images_to_drawn_cracks(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "in").mkdir()
    Image.fromarray(crack(thickness=9)).save(tmp_path / "in" / "a.png")
    out, sheet = str(tmp_path / "new" / "lib"), str(tmp_path / "sheet.png")
    assert main(["library", str(tmp_path / "in"), out, "--width", "3"]) == 0
    assert capsys.readouterr().out == f"{out}\n"
    assert Masks(Path(out))[0].sum() < 0.5 * crack(thickness=9).sum()
    assert main(["library", str(tmp_path / "in"), out]) == 2
    assert "exists" in capsys.readouterr().err
    words = ["--cracks.kind", "library", "--cracks.path", out, "--count", "4", "--size", "64", "64"]
    assert main(["cracks", sheet, *words]) == 0
    assert Path(sheet).exists()


@pytest.mark.parametrize(("name", "count"), [("cfd", 118), ("in713c_crack", 1800), ("uav75", 75)])
def test_masks_that_experts_drew(test_data: Path, tmp_path: Path, name: str, count: int) -> None:
    out = tmp_path / "lib"
    assert finish(build(test_data / "masks" / name, out)) == count
    masks = Masks(out)
    shares = np.array([masks[number].mean() for number in range(count)])
    assert shares.mean() < 0.5
    drawn = LibraryCracks(path=out, warp=1).draw((3, 256, 256), np.random.default_rng(0))
    assert drawn.target.any()
