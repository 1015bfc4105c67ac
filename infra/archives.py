"""Folders made ready for Lambda: compiled ahead, and zipped so that the same content is the same archive."""

import compileall
import zipfile
from collections.abc import Iterator
from pathlib import Path
from py_compile import PycInvalidationMode

_NO_TIME = (1980, 1, 1, 0, 0, 0)
_MODE = 0o644 << 16


class NotCompilableError(RuntimeError):
    """A file of a package is no Python of this version."""


def compile_ahead(folder: Path, mounted_at: str) -> None:
    """Compile every module below `folder` as it will stand at `mounted_at` in Lambda.

    The compiled files are taken without a look at their sources (PEP 552, unchecked hash): the disk is read-only and
    the sources' times are gone there, so that otherwise each cold start would compile again. No path of this machine
    is written into them.

    Raises:
        NotCompilableError: the compiler has printed which file.
    """
    compiled = compileall.compile_dir(
        folder,
        maxlevels=64,
        force=True,
        quiet=1,
        stripdir=str(folder),
        prependdir=mounted_at,
        invalidation_mode=PycInvalidationMode.UNCHECKED_HASH,
    )
    if not compiled:
        raise NotCompilableError(str(folder))


def write_zip(folder: Path, archive: Path) -> None:
    """Write every file below `folder` into `archive`; the same files make the same bytes."""
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as zipped:
        for path in files_below(folder):
            entry = zipfile.ZipInfo(path.relative_to(folder).as_posix(), _NO_TIME)
            entry.compress_type = zipfile.ZIP_DEFLATED
            entry.external_attr = _MODE
            zipped.writestr(entry, path.read_bytes())


def files_below(folder: Path) -> Iterator[Path]:
    """Return every file below `folder`, always in the same order."""
    return iter(sorted(path for path in folder.rglob("*") if path.is_file()))
