"""Rules of the house that a machine holds: what may be loaded, where kinds live, what may not be written."""

import ast
import importlib
import pkgutil
import re
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

import napari_xct_crack
from napari_xct_crack.cracks import CrackGenerator
from napari_xct_crack.methods import Method
from napari_xct_crack.networks import Network

PACKAGE = Path(napari_xct_crack.__file__).parent
SOURCES = sorted(PACKAGE.rglob("*.py"))
CORE = sorted(
    module.name
    for module in pkgutil.walk_packages([str(PACKAGE)], "napari_xct_crack.", onerror=lambda name: None)
    if not module.name.startswith("napari_xct_crack.widgets") and not module.name.endswith("__main__")
)
GUI = {"napari", "qtpy", "PyQt6", "PySide6", "magicgui", "superqt", "vispy", "pyqtgraph"}
HEAVY = GUI | {"torch", "dask", "zarr", "numba", "scipy", "skimage", "matplotlib"}
FAMILIES = [CrackGenerator, Method, Network]
NO_KINDS = {"patchgan"}
"""Public files of a family's folder that no setting chooses: a discriminator is no segmenter."""
CATCHES_ALL = PACKAGE / "widgets" / "_work.py"
"""Hands what a worker raised over to the main thread, which raises it."""


def fresh(code: str, *words: str) -> str:
    """What a new Python process prints."""
    command = [sys.executable, "-c", textwrap.dedent(code), *words]
    result = subprocess.run(command, capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stderr
    return result.stdout.strip()


def loaded_by(*modules: str) -> set[str]:
    """Top-level packages in memory once the modules are imported."""
    code = "import sys, importlib; [importlib.import_module(name) for name in sys.argv[1:]]; print(*sys.modules)"
    return {name.partition(".")[0] for name in fresh(code, *modules).split()}


def test_no_core_module_loads_a_gui_package():
    assert len(CORE) > 20
    assert loaded_by(*CORE) & GUI == set()


def test_importing_the_package_is_light():
    assert loaded_by("napari_xct_crack") & HEAVY == set()


def test_the_command_line_starts_light():
    assert loaded_by("napari_xct_crack.cli", "napari_xct_crack.commands._parse") & (HEAVY - {"numba"}) == set()


@pytest.mark.parametrize("name", [name for name in napari_xct_crack.__all__ if name != "__version__"])
def test_every_public_name_is_there(name: str):
    value = getattr(napari_xct_crack, name)
    assert value.__name__ == name
    assert name in dir(napari_xct_crack)


def test_a_function_keeps_its_name_beside_its_module():
    code = """
        import napari_xct_crack.prepare, napari_xct_crack.clean
        from napari_xct_crack import prepare, clean
        from napari_xct_crack.prepare import PrepareSettings
        print(callable(prepare), callable(clean))
    """
    assert fresh(code) == "True True"


def test_type_checkers_are_told_the_same_names():
    tree = ast.parse((PACKAGE / "__init__.pyi").read_text())
    told = {alias.asname: node.module for node in tree.body if isinstance(node, ast.ImportFrom) for alias in node.names}
    assert told == napari_xct_crack._HOME


def test_an_unknown_name_is_an_attribute_error():
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        _ = napari_xct_crack.nothing


@pytest.mark.parametrize("family", FAMILIES)
def test_every_file_of_a_family_defines_its_kind(family):
    package = importlib.import_module(family.family)
    files = {file.stem for file in Path(package.__path__[0]).glob("*.py") if not file.stem.startswith("_")}
    assert set(family.kinds()) == files - NO_KINDS
    assert family.kinds()
    for name, kind in family.kinds().items():
        assert kind.named(name) is kind
        assert kind().kind == name
        assert kind.model_validate_json(kind().model_dump_json()) == kind()
        for field in kind.model_fields.values():
            assert field.description or field.annotation is not None


def test_a_new_kind_is_one_new_file(tmp_path: Path):
    (tmp_path / "dots.py").write_text(
        textwrap.dedent("""
            from typing import Literal
            import numpy as np
            from napari_xct_crack.cracks import CrackGenerator, Drawn

            class Dots(CrackGenerator):
                kind: Literal["dots"] = "dots"
                every: int = 7

                def draw(self, shape, rng, voxel_size=None):
                    coverage = np.zeros(shape, np.float32)
                    coverage[..., :: self.every] = 1
                    return Drawn(coverage, coverage > 0)
        """)
    )
    out = tmp_path / "dots.npz"
    code = f"""
        from napari_xct_crack import cracks
        cracks.__path__.append({str(tmp_path)!r})
        from napari_xct_crack.cli import main
        from napari_xct_crack.runs import TrainSettings
        settings = TrainSettings.checked({{"cracks": {{"kind": "dots", "every": 3}}}})
        again = TrainSettings.model_validate_json(settings.model_dump_json())
        print(again.cracks.every, main(["cracks", {str(out)!r}, "--cracks.kind", "dots", "--cracks.every", "5"]))
    """
    assert fresh(code).splitlines()[-1] == "3 0"
    assert out.exists()


FORBIDDEN = {
    "a print": lambda node: isinstance(node, ast.Call) and getattr(node.func, "id", "") == "print",
    "eval or exec": lambda node: isinstance(node, ast.Call) and getattr(node.func, "id", "") in ("eval", "exec"),
    "pickle": lambda node: (
        isinstance(node, ast.Import | ast.ImportFrom)
        and any("pickle" in name for name in [getattr(node, "module", "") or "", *(alias.name for alias in node.names)])
    ),
    "a bare except": lambda node: (
        isinstance(node, ast.ExceptHandler)
        and (node.type is None or getattr(node.type, "id", "") in ("Exception", "BaseException"))
    ),
    "allow_pickle": lambda node: (
        isinstance(node, ast.keyword)
        and node.arg == "allow_pickle"
        and not (isinstance(node.value, ast.Constant) and node.value.value is False)
    ),
    "shell=True": lambda node: isinstance(node, ast.keyword) and node.arg == "shell",
    "torch.load": lambda node: (
        isinstance(node, ast.Attribute) and node.attr == "load" and getattr(node.value, "id", "") in ("torch", "joblib")
    ),
}


@pytest.mark.parametrize("what", FORBIDDEN)
def test_the_source_is_free_of(what: str):
    found = [
        f"{path.relative_to(PACKAGE)}:{getattr(node, 'lineno', '?')}"
        for path in SOURCES
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if FORBIDDEN[what](node) and not (what == "a bare except" and path == CATCHES_ALL)
    ]
    assert found == []


def test_files_and_functions_stay_short():
    long = [str(path.relative_to(PACKAGE)) for path in SOURCES if len(path.read_text().splitlines()) > 250]
    assert long == []
    wide = [
        f"{path.relative_to(PACKAGE)}:{node.name}"
        for path in SOURCES
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.FunctionDef) and _body_lines(node) > 40
    ]
    assert wide == []


def _body_lines(node: ast.FunctionDef) -> int:
    """Lines of a function without its docstring."""
    body = node.body[1:] if ast.get_docstring(node) else node.body
    return body[-1].end_lineno - body[0].lineno + 1 if body else 0


def test_no_file_is_named_for_nothing():
    assert not [path for path in SOURCES if re.search(r"util|helper|common|manager|misc", path.stem)]
