"""The build backend of mailtally-kernel: PEP 517 and 660, with nothing but Python.

It compiles with the machine's C compiler, and asks for ``ziglang`` only where there is none. A
wheel fits any Python 3 of one platform. ``--config-settings target=aarch64-linux-musl`` compiles
for another machine, by zig.
"""

from __future__ import annotations

import base64
import hashlib
import io
import sysconfig
import tarfile
import tomllib
import zipfile
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

from kernel_compiler import compiler, machine_compiler

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

HERE = Path(__file__).resolve().parents[1]
PACKAGE = HERE / "src" / "mailtally_kernel"
LIBRARY = "kernel.so"
ZIG = "ziglang>=0.16,<0.18"
#: A fixed time makes the same wheel of the same sources.
_TIME = (1980, 1, 1, 0, 0, 0)
_IN_SDIST = (
    "pyproject.toml",
    "backend/*.py",
    "c/*.[ch]",
    "fuzz/*.[ch]",
    "src/mailtally_kernel/*.py",
    "src/mailtally_kernel/py.typed",
)

Settings: TypeAlias = "Mapping[str, str] | None"


def get_requires_for_build_wheel(config_settings: Settings = None) -> list[str]:
    """Return what a build needs: zig where it is to be used."""
    return [ZIG] if _target(config_settings) or machine_compiler() is None else []


get_requires_for_build_editable = get_requires_for_build_wheel


def get_requires_for_build_sdist(config_settings: Settings = None) -> list[str]:
    """Return what a source distribution needs: nothing."""
    return []


def build_sdist(sdist_directory: str, config_settings: Settings = None) -> str:
    """Pack the sources, and return the name of the file."""
    name = f"{_name()}-{_project()['version']}"
    path = Path(sdist_directory) / f"{name}.tar.gz"
    with tarfile.open(path, "w:gz", format=tarfile.PAX_FORMAT) as packed:
        for source in _sources():
            packed.add(source, f"{name}/{source.relative_to(HERE)}", recursive=False)
        data = _metadata().encode()
        info = tarfile.TarInfo(f"{name}/PKG-INFO")
        info.size = len(data)
        packed.addfile(info, io.BytesIO(data))
    return path.name


def build_wheel(
    wheel_directory: str, config_settings: Settings = None, metadata_directory: str | None = None
) -> str:
    """Compile, pack a wheel for the platform, and return the name of the file."""
    target = _target(config_settings)
    library = Path(wheel_directory) / LIBRARY
    compiler(target).compile(library)
    files = {f"mailtally_kernel/{path.name}": path.read_bytes() for path in _modules()}
    files[f"mailtally_kernel/{LIBRARY}"] = library.read_bytes()
    library.unlink()
    return _packed(Path(wheel_directory), files, _platform(target))


def build_editable(
    wheel_directory: str, config_settings: Settings = None, metadata_directory: str | None = None
) -> str:
    """Compile next to the sources, and pack a wheel that only points there."""
    compiler().compile(PACKAGE / LIBRARY)
    files = {"mailtally_kernel.pth": f"{PACKAGE.parent}\n".encode()}
    return _packed(Path(wheel_directory), files, _platform(""))


def _packed(directory: Path, files: Mapping[str, bytes], platform: str) -> str:
    project, tag = _project(), f"py3-none-{platform}"
    info = f"{_name()}-{project['version']}.dist-info"
    wheel = f"Wheel-Version: 1.0\nGenerator: kernel_backend\nRoot-Is-Purelib: false\nTag: {tag}\n"
    whole = {**files, f"{info}/METADATA": _metadata().encode(), f"{info}/WHEEL": wheel.encode()}
    record = "".join(f"{name},{_hash(data)},{len(data)}\n" for name, data in whole.items())
    whole[f"{info}/RECORD"] = f"{record}{info}/RECORD,,\n".encode()
    path = directory / f"{_name()}-{project['version']}-{tag}.whl"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as packed:
        for name, data in whole.items():
            entry = zipfile.ZipInfo(name, _TIME)
            entry.external_attr = (0o755 if name.endswith(".so") else 0o644) << 16
            packed.writestr(entry, data, zipfile.ZIP_DEFLATED)
    return path.name


def _platform(target: str) -> str:
    """Return the platform's tag. zig's libraries fit older systems than the one at hand."""
    if not target:
        return sysconfig.get_platform().replace("-", "_").replace(".", "_")
    machine, system, library = [*target.split("-"), "", ""][:3]
    if system != "linux":
        raise ValueError(f"There is no tag for the target {target}: Linux machines only.")
    return f"musllinux_1_2_{machine}" if library == "musl" else f"manylinux_2_17_{machine}"


def _target(settings: Settings) -> str:
    return (settings or {}).get("target", "")


def _hash(data: bytes) -> str:
    digest = base64.urlsafe_b64encode(hashlib.sha256(data).digest()).rstrip(b"=")
    return f"sha256={digest.decode()}"


def _metadata() -> str:
    project = _project()
    lines = [
        "Metadata-Version: 2.4",
        f"Name: {project['name']}",
        f"Version: {project['version']}",
        f"Summary: {project['description']}",
        f"License-Expression: {project['license']}",
        f"Requires-Python: {project['requires-python']}",
        *(f"Requires-Dist: {dependency}" for dependency in project["dependencies"]),
    ]
    return "\n".join(lines) + "\n"


def _project() -> dict[str, Any]:
    table: dict[str, Any] = tomllib.loads((HERE / "pyproject.toml").read_text("utf-8"))
    return dict(table["project"])


def _name() -> str:
    return str(_project()["name"]).replace("-", "_")


def _modules() -> Iterable[Path]:
    return sorted((*PACKAGE.glob("*.py"), PACKAGE / "py.typed"))


def _sources() -> Iterable[Path]:
    return sorted(path for pattern in _IN_SDIST for path in HERE.glob(pattern))
