"""The shim's own tests run against the reference backend."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator

os.environ.setdefault("MANIPLE_BACKEND", "reference")

import pytest

from maniple import _settings
from maniple._pace import pace

# A shell lets what it runs in the background ignore Ctrl-C, which tests send to themselves.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture(autouse=True)
def _own_pace() -> None:
    """How often a test looks at results is of no concern to the next one."""
    pace.reset()


@pytest.fixture
def defer_all() -> Iterator[None]:
    """Every array is deferred, however small."""
    before = _settings.small, _settings.defer
    _settings.small = _settings.defer = 0
    yield
    _settings.small, _settings.defer = before
