"""A small picture, for every file a provider is asked for."""

import struct
import zlib

CONTENT_TYPE = "image/png"
_SIZE = 16
_COLOUR = b"\x1f\x7a\x8c"


def picture() -> bytes:
    """Return a square of one colour as PNG."""
    row = b"\x00" + _COLOUR * _SIZE
    header = struct.pack(">IIBBBBB", _SIZE, _SIZE, 8, 2, 0, 0, 0)
    parts = _chunk(b"IHDR", header) + _chunk(b"IDAT", zlib.compress(row * _SIZE)) + _chunk(b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + parts


def _chunk(kind: bytes, content: bytes) -> bytes:
    return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))
