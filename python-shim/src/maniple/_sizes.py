"""Sizes for people."""

from __future__ import annotations


def size_text(nbytes: float) -> str:
    """Return a number of bytes with four digits and a unit."""
    value = float(nbytes)
    for unit in ("B", "KiB", "MiB", "GiB"):
        if value < 1024:
            return f"{value:.4g} {unit}"
        value /= 1024
    return f"{value:.4g} TiB"
