"""The package as `make package` makes it, each part of it made once for all tests of a process."""

import atexit
import json
import re
import shutil
import tempfile
from functools import cache
from pathlib import Path
from typing import Any

from infra.layers import PINNED, ROOT, build_layers, copy_core, finish_layer
from infra.lint import transform
from infra.package import compile_archive, run_chalice

STAGE = "dev"


@cache
def workspace() -> Path:
    """Return a folder that goes when the tests are over."""
    folder = Path(tempfile.mkdtemp(prefix="throughline-package-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    return folder


@cache
def package_folder() -> Path:
    """Return the folder with the template and the functions' archive. Needs no network."""
    folder = workspace() / "package" / STAGE
    folder.mkdir(parents=True)
    run_chalice(STAGE, workspace() / "source", folder)
    compile_archive(folder / "deployment.zip", workspace() / "unpacked")
    return folder


@cache
def unpacked_functions() -> Path:
    """Return a folder with what is in the functions' archive."""
    folder = workspace() / "task"
    shutil.unpack_archive(package_folder() / "deployment.zip", folder)
    return folder


@cache
def core_layer() -> Path:
    """Return the folder of the layer with our own code. Needs no network."""
    folder = workspace() / "layers/core"
    copy_core(folder / "python")
    finish_layer(folder)
    return folder


@cache
def dependencies_layer() -> Path:
    """Return the folder of the third-party layer, as pip installs it for Lambda.

    Raises:
        LayerError: pip does not reach its index.
    """
    build_layers(workspace() / "built")
    return workspace() / "built/dependencies"


@cache
def sam_template() -> dict[str, Any]:
    """Return the template that goes to CloudFormation."""
    template: dict[str, Any] = json.loads((package_folder() / "sam.json").read_text())
    return template


@cache
def cloudformation_template() -> dict[str, Any]:
    """Return what the SAM transform makes of it."""
    return transform(sam_template())


@cache
def resources() -> dict[str, Any]:
    """Return infra/resources.json, which is merged into what Chalice makes."""
    merged: dict[str, Any] = json.loads((ROOT / "infra/resources.json").read_text())
    return merged


def of_type(template: dict[str, Any], kind: str) -> dict[str, dict[str, Any]]:
    """Return the properties of every resource of a type, by logical id."""
    found = template["Resources"].items()
    return {name: resource["Properties"] for name, resource in found if resource.get("Type") == kind}


def pins() -> dict[str, str]:
    """Return the versions that the third-party layer is pinned to."""
    found = re.findall(r"^([\w.-]+)==(\S+)", PINNED.read_text(), re.MULTILINE)
    return dict(found)
