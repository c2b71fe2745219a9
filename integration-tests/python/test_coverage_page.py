"""docs/coverage.md is what the code says, and NumPy's interface is complete."""

import importlib.util
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

SCRIPT = Path(__file__).resolve().parents[2] / "scripts" / "coverage_page.py"


def script() -> Any:
    spec = importlib.util.spec_from_file_location("coverage_page", SCRIPT)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules["coverage_page"] = module
    spec.loader.exec_module(module)
    return module


def test_the_page_is_up_to_date() -> None:
    done = subprocess.run([sys.executable, str(SCRIPT), "--check"], capture_output=True, text=True, timeout=240)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("section", [*script().MODULES, "numpy.ndarray", "numpy.ufunc"])
def test_every_name_exists_with_the_signature_and_docstring_of_numpys(section: str) -> None:
    page = script()
    rows = {"numpy.ndarray": page.class_rows, "numpy.ufunc": page.ufunc_rows}.get(
        section, lambda: page.module_rows(section)
    )()
    assert rows
    assert [row for row in rows if not (row.exists and row.signature and row.docstring)] == []


def test_special_methods_are_those_of_numpys() -> None:
    import numpy
    from maniple._array import ndarray

    page = script()
    for name in dir(numpy.ndarray):
        assert hasattr(ndarray, name), name
        value, own = getattr(numpy.ndarray, name), getattr(ndarray, name)
        if callable(own):
            assert page.signature(own) == page.signature(value), name
            assert own.__doc__ == value.__doc__, name
