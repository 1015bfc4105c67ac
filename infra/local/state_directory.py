"""The directory in which a stack keeps everything: there, writable, and used by one stack at a time."""

from contextlib import AbstractContextManager
from pathlib import Path

from infra.local.options import BadOptionError
from infra.local.redo_log import StateInUseError, hold_directory


def held(state_dir: Path) -> AbstractContextManager[object]:
    """Make the directory ours until the block is left, or the process ends however it ends.

    Raises:
        BadOptionError: another stack has it, or it cannot be written.
    """
    try:
        return hold_directory(state_dir)
    except StateInUseError:
        message = f"another stack uses STATE_DIR {state_dir}; stop it, or set STATE_DIR to another directory"
        raise BadOptionError(message) from None
    except OSError as error:
        raise BadOptionError(unwritable("STATE_DIR", state_dir, error)) from None


def unwritable(variable: str, path: Path, error: OSError) -> str:
    """Return what is told about a path that cannot be used, and what to do."""
    return f"{variable} {path} cannot be written ({error.strerror}); set {variable} to a place of yours"
