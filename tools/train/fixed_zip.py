"""Zip archives whose bytes depend on nothing but the names and contents put in."""

import zipfile
from pathlib import Path

# The earliest time the format can hold. Real timestamps would change the archive's bytes at each run.
FIXED_TIME = (1980, 1, 1, 0, 0, 0)


def write_fixed_zip(path: Path, files: list[tuple[str, bytes]]) -> None:
    """Write `files` in the order given, stored without compression (JPEG data does not shrink any further)."""
    with zipfile.ZipFile(path, "w", zipfile.ZIP_STORED) as archive:
        for name, data in files:
            entry = zipfile.ZipInfo(name, FIXED_TIME)
            entry.create_system = 3
            entry.external_attr = 0o644 << 16
            archive.writestr(entry, data)
