"""The kernel's package: what its build asks for, what it packs, and when it refuses to load."""

from __future__ import annotations

import ctypes.util
import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path

import pytest

from mailtally_kernel import KernelError, interface, library
from tests.architecture.source_tree import ROOT

KERNEL = ROOT / "kernel"


@pytest.fixture
def backend(monkeypatch: pytest.MonkeyPatch) -> object:
    monkeypatch.syspath_prepend(str(KERNEL / "backend"))
    return __import__("kernel_backend")


def test_a_build_asks_for_zig_only_where_there_is_no_compiler(
    backend: object, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = backend.get_requires_for_build_wheel  # type: ignore[attr-defined]  # found at run time
    monkeypatch.setenv("CC", "there-is-no-such-compiler")
    assert [name.partition(">")[0] for name in asked()] == ["ziglang"]
    monkeypatch.setenv("CC", "true")  # compiles anything
    assert asked() == []
    assert asked({"target": "aarch64-linux-musl"}) != []


def test_the_constraints_have_a_zig_that_the_build_accepts(backend: object) -> None:
    from packaging.requirements import Requirement  # noqa: PLC0415 - of the tests' tools

    pins = (ROOT / "constraints.txt").read_text("utf-8").splitlines()
    (version,) = [pin.partition("==")[2] for pin in pins if pin.startswith("ziglang==")]
    asked = Requirement(backend.ZIG)  # type: ignore[attr-defined]  # found at run time
    assert asked.specifier.contains(version)


def test_a_wheel_from_the_packed_sources_is_of_its_platform_and_holds_the_library(
    backend: object, tmp_path: Path
) -> None:
    packed = tmp_path / backend.build_sdist(str(tmp_path))  # type: ignore[attr-defined]  # found at run time
    with tarfile.open(packed) as sources:
        assert not [name for name in sources.getnames() if name.endswith(".so")]
        sources.extractall(tmp_path, filter="data")
    (unpacked,) = (path for path in tmp_path.iterdir() if path.is_dir())
    program = "import kernel_backend, sys; print(kernel_backend.build_wheel(sys.argv[1]))"
    done = subprocess.run(
        [sys.executable, "-c", program, str(tmp_path)],
        cwd=unpacked / "backend",
        capture_output=True,
        text=True,
        check=True,
    )
    name = done.stdout.strip()
    assert name.startswith("mailtally_kernel-")
    assert "-py3-none-" in name
    assert not name.endswith("-any.whl")
    with zipfile.ZipFile(tmp_path / name) as wheel:
        wheel.extract("mailtally_kernel/kernel.so", tmp_path)
        names = wheel.namelist()
    assert library.load(tmp_path / "mailtally_kernel/kernel.so").mt_abi() == interface.ABI
    assert {"mailtally_kernel/__init__.py", "mailtally_kernel/py.typed"} <= set(names)


def test_a_library_of_another_interface_is_refused_with_a_sentence(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(library, "ABI", interface.ABI + 1)
    with pytest.raises(KernelError, match="Install mailtally-kernel and the services in the same"):
        library.load(library.library_path())


@pytest.mark.parametrize("kind", ["missing", "no library", "another library"])
def test_a_library_that_cannot_be_loaded_is_named(kind: str, tmp_path: Path) -> None:
    path = tmp_path / "kernel.so"
    if kind == "no library":
        path.write_bytes(b"text")
    if kind == "another library":
        path = Path(ctypes.util.find_library("m") or "libm.so.6")
    with pytest.raises(KernelError, match=rf"{path.name}.* cannot be loaded"):
        library.load(path)
