"""What is deployed is compiled, pinned, the same each time, and holds nothing that stays at home."""

import re
import shutil
import struct
import sys
from importlib.metadata import distribution
from pathlib import Path

import pytest
import yaml

from infra.archives import files_below, write_zip
from infra.layers import ROOT, LayerError
from tests.contract.packages import (
    core_layer,
    dependencies_layer,
    package_folder,
    pins,
    unpacked_functions,
    workspace,
)

AARCH64 = 183  # e_machine of an ELF file
UNCHECKED_HASH = 0b01


def test_what_is_pinned_for_the_layer_is_installed_here_in_the_same_versions() -> None:
    assert {name: distribution(name).version for name in pins()} == pins()


def test_nothing_of_the_stack_on_one_machine_is_deployed() -> None:
    stays_at_home = [b"infra.local", b"/sandbox", b"/local/token", b"PROVIDER_SANDBOX", *demo_secrets()]
    for folder in (unpacked_functions(), core_layer()):
        for path in files_below(folder):
            content = path.read_bytes()
            assert not [word for word in stays_at_home if word in content], path.name
    top = {path.name for folder in (unpacked_functions(), core_layer() / "python") for path in folder.iterdir()}
    assert top - {"__pycache__"} == {"app.py", "chalice", "functions", "throughline"}


def test_no_key_is_deployed() -> None:
    for folder in (unpacked_functions(), core_layer()):
        assert not [path for path in files_below(folder) if re.search(rb"-----BEGIN [A-Z ]*KEY", path.read_bytes())]


def test_every_module_is_compiled_ahead_and_taken_without_a_look_at_its_source() -> None:
    for folder in (unpacked_functions(), core_layer() / "python"):
        sources = [path for path in files_below(folder) if path.suffix == ".py"]
        compiled = [path for path in files_below(folder) if path.suffix == ".pyc"]
        assert len(compiled) == len(sources) > 0
        assert {struct.unpack("<I", path.read_bytes()[4:8])[0] for path in compiled} == {UNCHECKED_HASH}


def test_compiled_modules_name_the_place_where_they_will_stand() -> None:
    assert b"/var/task/functions/inbound.py" in compiled(unpacked_functions() / "functions", "inbound")
    assert b"/opt/python/throughline/ports.py" in compiled(core_layer() / "python/throughline", "ports")


def test_no_path_of_this_machine_is_deployed() -> None:
    for folder in (unpacked_functions(), core_layer()):
        assert_no_path_of_this_machine(folder)


def test_the_same_source_makes_the_same_archive() -> None:
    layer = workspace() / "layers/core.zip"
    again, touched = workspace() / "again.zip", workspace() / "touched"
    core_layer()
    shutil.copytree(core_layer(), touched, copy_function=shutil.copyfile)  # with other times
    write_zip(touched, again)

    assert again.read_bytes() == layer.read_bytes()


def test_a_byte_of_another_version_of_a_module_is_another_archive() -> None:
    changed, archive = workspace() / "changed", workspace() / "changed.zip"
    shutil.copytree(core_layer(), changed)
    (changed / "python/throughline/ports.py").write_text("")
    write_zip(changed, archive)

    assert archive.read_bytes() != (workspace() / "layers/core.zip").read_bytes()


def test_the_third_party_layer_is_what_is_pinned_for_the_processor_that_runs_it() -> None:
    try:
        layer = dependencies_layer() / "python"
    except LayerError:
        pytest.skip("pip does not reach its index here; make package needs it")
    shared = [path for path in files_below(layer) if path.suffix == ".so"]

    assert installed_in(layer) == pins()
    assert {struct.unpack("<H", path.read_bytes()[18:20])[0] for path in shared} == {AARCH64}
    assert not {"boto3", "botocore", "s3transfer", "bin"} & {path.name for path in layer.iterdir()}
    assert b"/opt/python/jwt/api_jwt.py" in compiled(layer / "jwt", "api_jwt")
    assert_no_path_of_this_machine(layer)


def test_what_is_deployed_fits_into_lambda() -> None:
    unpacked = [unpacked_functions(), core_layer()]
    assert sum(path.stat().st_size for folder in unpacked for path in files_below(folder)) < 10_000_000
    assert (package_folder() / "deployment.zip").stat().st_size < 1_000_000


def installed_in(folder: Path) -> dict[str, str]:
    """Return name and version of each package in a folder."""
    stems = [path.name.removesuffix(".dist-info").rpartition("-") for path in folder.glob("*.dist-info")]
    return {name.replace("_", "-").lower(): version for name, _, version in stems}


def demo_secrets() -> list[bytes]:
    """Return every secret of the demo."""
    demo = yaml.safe_load((ROOT / "infra/local/demo.yaml").read_text())
    return [value.encode() for value in demo["local"]["secrets"].values()]


def compiled(folder: Path, module: str) -> bytes:
    """Return the byte code of a module."""
    (path,) = (folder / "__pycache__").glob(f"{module}.*.pyc")
    return path.read_bytes()


def assert_no_path_of_this_machine(folder: Path) -> None:
    """Fail if a file names the project, the virtual environment or the folder that it was built in."""
    here = [str(place).encode() for place in (ROOT, workspace(), sys.prefix)]
    for path in files_below(folder):
        content = path.read_bytes()
        assert not [place for place in here if place in content], path.name
