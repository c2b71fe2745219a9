"""Every example prints the same with NumPy and with Maniple."""

import subprocess
import sys
from pathlib import Path

import pytest

EXAMPLES = Path(__file__).resolve().parents[2] / "examples"

# Smaller than the examples' own sizes, large enough that their arrays are deferred.
SIZES = {
    "black_scholes": [200_000],
    "color_quantization": [8, 4],
    "conjugate_gradient": [300, 40],
    "heat3d": [64, 10],
    "image_filter": [1],
    "jacobi2d": [500, 50],
    "life": [500, 20],
    "logistic_regression": [20],
    "lstm_forward": [256, 8],
    "mandelbrot": [300, 30],
    "monte_carlo_options": [100_000, 10],
    "nbody": [400, 4],
    "pca": [3],
    "wave2d": [300, 60],
}


def run(*command: object) -> str:
    done = subprocess.run(
        [sys.executable, *map(str, command)], stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=240
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_every_example_is_listed() -> None:
    assert sorted(SIZES) == sorted(path.stem for path in EXAMPLES.glob("*.py"))


@pytest.mark.parametrize("name", SIZES)
def test_example_prints_the_same(name: str) -> None:
    script = EXAMPLES / f"{name}.py"
    assert "maniple" not in script.read_text().lower()
    assert run("-m", "maniple", script, *SIZES[name]) == run(script, *SIZES[name])
