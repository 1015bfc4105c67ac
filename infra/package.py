"""`make package STAGE=…`: everything CloudFormation needs, under build/, checked.

- build/layers/core.zip, dependencies.zip: the two layers
- build/package/<stage>/sam.json: the template, Chalice's with infra/resources.json merged into it
- build/package/<stage>/deployment.zip: the code of every function
- build/package/<stage>/transformed.json: the template after the SAM transform; only looked at, never deployed
"""

import argparse
import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from infra.archives import compile_ahead, write_zip
from infra.layers import CORE, ROOT, LayerError, build_layers, runtime
from infra.lint import REGION, lint, transform

RESOURCES = ROOT / "infra/resources.json"
DEPLOYED_RUNTIME = "python3.11"
STAGE_NAME = re.compile(r"[a-z][a-z0-9]{0,15}")
LAYERS = {"CoreLayer": "core", "DependenciesLayer": "dependencies"}


class PackageError(RuntimeError):
    """The package could not be made; the message says what to do."""


def package(stage: str, build: Path) -> Path:
    """Make the package of one stage below `build` and return its folder.

    Raises:
        PackageError: a tool failed, or cfn-lint has something to say.
        LayerError: pip did not get a package.
    """
    build_layers(build / "layers")
    folder = build / "package" / stage
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    run_chalice(stage, build / "source", folder)
    compile_archive(folder / "deployment.zip", build / "unpacked")
    check(folder)
    return folder


def run_chalice(stage: str, source: Path, target: Path) -> None:
    """Have Chalice write template and archive of `stage` to `target`, from a fresh copy of what it reads.

    A copy, because Chalice takes an archive it has made before whenever the *contents* of the files are the same,
    whatever they are called now, and would ship the byte code that lies about in a working tree.
    """
    shutil.rmtree(source, ignore_errors=True)
    copy_source(source)
    merged = source / "resources.json"
    merged.write_text(json.dumps(resources_of(stage)))
    command = [
        *(sys.executable, "-c", "import sys; from chalice.cli import main; sys.exit(main())"),
        *("--project-dir", str(source), "package", "--stage", stage, "--merge-template", str(merged), str(target)),
    ]
    environment = os.environ | {
        "AWS_DEFAULT_REGION": os.environ.get("AWS_DEFAULT_REGION") or REGION,
        "PYTHONDONTWRITEBYTECODE": "1",
        "PYTHONPATH": str(CORE),
    }
    if subprocess.run(command, env=environment, stdout=subprocess.DEVNULL, check=False).returncode != 0:
        raise PackageError("chalice package failed, see above")


def copy_source(target: Path) -> None:
    """Copy to `target` what Chalice reads of this project, with vendor/functions as a folder."""
    skipped = shutil.ignore_patterns("__pycache__", "deployments", "deployed")
    for name in (".chalice", "vendor", "infra/policies"):
        shutil.copytree(ROOT / name, target / name, ignore=skipped)
    for name in ("app.py", "requirements.txt"):
        shutil.copyfile(ROOT / name, target / name)


def resources_of(stage: str) -> dict[str, Any]:
    """Return infra/resources.json for one stage: it can be deployed as no other."""
    resources: dict[str, Any] = json.loads(RESOURCES.read_text())
    resources["Parameters"]["Stage"] |= {"Default": stage, "AllowedValues": [stage]}
    for layer, name in LAYERS.items():
        properties = resources["Resources"][layer]["Properties"]
        properties |= {"LayerName": f"throughline-{stage}-{name}", "CompatibleRuntimes": [runtime()]}
    return resources


def compile_archive(archive: Path, unpacked: Path) -> None:
    """Replace the archive of the functions by one that is compiled ahead as well."""
    shutil.rmtree(unpacked, ignore_errors=True)
    shutil.unpack_archive(archive, unpacked)
    compile_ahead(unpacked, "/var/task")
    write_zip(unpacked, archive)


def check(folder: Path) -> None:
    """Send the template through the SAM transform and both through cfn-lint with our rules.

    Raises:
        PackageError: cfn-lint has printed what is wrong.
    """
    template, transformed = folder / "sam.json", folder / "transformed.json"
    transformed.write_text(json.dumps(transform(json.loads(template.read_text())), indent=2))
    findings = [*lint(template), *lint(transformed)]
    if findings:
        raise PackageError("\n".join(("cfn-lint is not content:", *findings)))


def main(arguments: Sequence[str] | None = None) -> int:
    """Make the package of the stage named on the command line and say what came out."""
    parser = argparse.ArgumentParser(prog="make package", description="Make what CloudFormation needs, under build/.")
    parser.add_argument("stage", help="stands in the name of everything")
    parser.add_argument("--deployable", action="store_true", help=f"refuse any runtime but {DEPLOYED_RUNTIME}")
    options = parser.parse_args(arguments)
    if not STAGE_NAME.fullmatch(options.stage):
        parser.error(
            f"{options.stage!r} is no name for a stage: a lower-case letter, then letters and digits, 16 in all"
        )
    if options.deployable and runtime() != DEPLOYED_RUNTIME:
        parser.error(
            f"this is {runtime()}, and it would be the runtime; deploy from an environment of {DEPLOYED_RUNTIME}"
        )
    try:
        folder = package(options.stage, ROOT / "build")
    except (PackageError, LayerError) as error:
        print(error, file=sys.stderr)
        return 1
    for file in (folder / "sam.json", folder / "deployment.zip", *sorted((ROOT / "build/layers").glob("*.zip"))):
        print(f"{file.stat().st_size:>12,} bytes  {file.relative_to(ROOT)}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
