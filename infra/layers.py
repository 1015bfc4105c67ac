"""The two Lambda layers: our own shared code, and the third-party packages of layers/dependencies/requirements.txt."""

import shutil
import subprocess
import sys
from pathlib import Path

from infra.archives import compile_ahead, write_zip

ROOT = Path(__file__).resolve().parents[1]
CORE = ROOT / "layers/core/python"
PINNED = ROOT / "layers/dependencies/requirements.txt"

# glibc 2.17 runs on every Lambda runtime; Amazon Linux 2 below python3.12 has no more than 2.26.
PLATFORM = "manylinux2014_aarch64"
# Pure Python, published as source only: built here with the setuptools of this environment.
SOURCE_ONLY = ("langdetect",)


class LayerError(RuntimeError):
    """A layer could not be built; the message says what to do."""


def runtime() -> str:
    """Return the Lambda runtime everything is built for: the interpreter that runs this, as Chalice does it."""
    return f"python{sys.version_info.major}.{sys.version_info.minor}"


def build_layers(layers: Path) -> None:
    """Build both layers below `layers`, each as a folder and as the archive that is deployed.

    Raises:
        LayerError: pip did not get a package.
    """
    for name, fill in (("core", copy_core), ("dependencies", install_dependencies)):
        folder = layers / name
        shutil.rmtree(folder, ignore_errors=True)
        fill(folder / "python")
        finish_layer(folder)


def finish_layer(folder: Path) -> None:
    """Compile a filled layer as it will stand under /opt, and write its archive beside it."""
    compile_ahead(folder / "python", "/opt/python")
    write_zip(folder, folder.with_suffix(".zip"))


def copy_core(target: Path) -> None:
    """Copy our shared code to `target`."""
    shutil.copytree(CORE, target, ignore=shutil.ignore_patterns("__pycache__", ".*"))


def install_dependencies(target: Path) -> None:
    """Install the pinned packages for Lambda to `target`, each file checked against its hash.

    Raises:
        LayerError: pip did not get a package.
    """
    if subprocess.run(_pip_command(target), check=False).returncode != 0:
        raise LayerError(f"pip could not install {PINNED.relative_to(ROOT)} for {runtime()} on {PLATFORM}, see above")
    shutil.rmtree(target / "bin", ignore_errors=True)


def _pip_command(target: Path) -> list[str]:
    # Without dependencies: the file is the whole closure, less what the runtime brings.
    return [
        *(sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-input"),
        *("--no-deps", "--require-hashes", "--no-compile", "--no-build-isolation", "--no-warn-conflicts"),
        *("--implementation", "cp", "--python-version", runtime().removeprefix("python"), "--platform", PLATFORM),
        *("--only-binary", ":all:", "--no-binary", ",".join(SOURCE_ONLY)),
        *("--target", str(target), "--requirement", str(PINNED)),
    ]
