"""The import hook, the launcher and the module, each in a process of its own."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

SOURCE = Path(__file__).resolve().parent.parent / "src"


def run(*arguments: str, cwd: Path | None = None, stdin: str = "",
        **environment: str) -> subprocess.CompletedProcess[str]:  # fmt: skip
    return subprocess.run(
        [sys.executable, *arguments],
        capture_output=True,
        text=True,
        input=stdin,
        cwd=cwd,
        env={**os.environ, "PYTHONPATH": str(SOURCE), "MANIPLE_BACKEND": "reference",
             **environment},
        timeout=120,
        check=False,
    )  # fmt: skip


FORMS = {
    "import numpy": "import numpy\nzeros = numpy.zeros",
    "import as": "import numpy as np\nzeros = np.zeros",
    "from import": "from numpy import zeros",
    "star": "from numpy import *",
    "submodule": "import numpy.linalg as la, numpy\nzeros = numpy.zeros\nla.norm",
    "from submodule": "from numpy.random import default_rng\n"
    "zeros = lambda n: default_rng(0).random(n)",
    "submodule only": "import numpy.random\nzeros = numpy.random.default_rng(0).random",
    "from numpy import random": "from numpy import random\nzeros = random.default_rng(0).random",
    "legacy": "import numpy as np\nzeros = np.random.RandomState(1).rand",
    "importlib": "import importlib\nzeros = importlib.import_module('numpy').zeros",
    "__import__": "zeros = __import__('numpy').zeros",
    "in a function": "def zeros(n):\n    import numpy\n    return numpy.zeros(n)",
    "exec": "scope = {}\nexec('import numpy', scope)\nzeros = scope['numpy'].zeros",
}


@pytest.mark.parametrize("form", FORMS)
def test_every_form_of_import_gives_maniple(form: str, tmp_path: Path) -> None:
    script = tmp_path / "program.py"
    script.write_text(f"{FORMS[form]}\nprint(hasattr(zeros(100_000), '_layout'))\n")
    assert run("-m", "maniple", str(script)).stdout == "True\n"
    assert run(str(script)).stdout == "False\n"


def test_modules_of_the_user_get_maniple_and_libraries_keep_numpy(tmp_path: Path) -> None:
    (tmp_path / "helper.py").write_text("import numpy as np\nx = np.ones(100_000)\n")
    library = tmp_path / "site-packages" / "library.py"
    library.parent.mkdir()
    library.write_text("import numpy as np\ny = np.ones(100_000)\n")
    (tmp_path / "main.py").write_text(
        "import sys; sys.path.append('site-packages')\n"
        "import helper, library\n"
        "print(hasattr(helper.x, '_layout'), hasattr(library.y, '_layout'))\n"
    )
    arguments = ("-m", "maniple", "main.py")
    assert run(*arguments, cwd=tmp_path).stdout == "True False\n"
    excluded = run(*arguments, cwd=tmp_path, MANIPLE_EXCLUDE="helper", MANIPLE_INCLUDE="libr*")
    assert excluded.stdout == "False True\n"


def test_types_and_functions_are_numpys_own() -> None:
    code = (
        "import maniple as m, numpy as n\n"
        "assert m.float64 is n.float64 and m.ndarray is n.ndarray and m.sin is n.sin\n"
        "assert m.pi is n.pi and m.__version__ == n.__version__\n"
        "a = m.zeros(100_000)\n"
        "assert isinstance(a, m.ndarray) and isinstance(a, n.ndarray)\n"
        "assert type(m.zeros(10)) is n.ndarray and type(a.sum()) is n.float64\n"
        "assert isinstance(m.random.default_rng(), n.random.Generator)\n"
    )
    result = run("-c", code)
    assert result.returncode == 0, result.stderr


def test_import_does_not_load_the_transport() -> None:
    code = (
        "import maniple, sys; print([m for m in ('google.protobuf', 'py4j') if m in sys.modules])"
    )
    assert run("-c", code).stdout == "[]\n"


def test_random_numbers_are_numpys() -> None:
    code = (
        "import maniple as m, numpy as n\n"
        "m.random.seed(3); n_a = n.random.RandomState(3).rand(2000); m_a = m.random.rand(2000)\n"
        "assert (n.asarray(m_a) == n_a).all()\n"
        "a = m.random.default_rng(5).normal(size=(100, 500))\n"
        "assert (n.asarray(a) == n.random.default_rng(5).normal(size=(100, 500))).all()\n"
        "m.random.default_rng(5).shuffle(a)\n"
    )
    result = run("-c", code)
    assert result.returncode == 0, result.stderr


def test_launcher_runs_a_script_as_python_does(tmp_path: Path) -> None:
    (tmp_path / "neighbour.py").write_text("name = __name__\n")
    script = tmp_path / "program.py"
    script.write_text(
        "import sys, neighbour, __main__\n"
        "if __name__ == '__main__':\n"
        "    print(sys.argv, __file__, sys.path[0], neighbour.name, __main__.sys is sys)\n"
    )
    arguments = ("one", "--two", "--help")
    launched = run("-m", "maniple", str(script), *arguments)
    assert launched.stdout == run(str(script), *arguments).stdout
    assert launched.returncode == 0


@pytest.mark.parametrize(
    ("program", "status"),
    [
        ("raise SystemExit(7)", 7),
        ("raise SystemExit", 0),
        ("1 / 0", 1),
        ("raise SystemExit('x')", 1),
    ],
)
def test_exit_status(program: str, status: int) -> None:
    assert run("-m", "maniple", "-c", program).returncode == status


def test_traceback_has_no_frame_of_the_launcher(tmp_path: Path) -> None:
    script = tmp_path / "program.py"
    script.write_text("def f():\n    raise KeyError('lost')\nf()\n")
    assert run("-m", "maniple", str(script)).stderr == run(str(script)).stderr


def test_standard_input_module_and_command(tmp_path: Path) -> None:
    (tmp_path / "package").mkdir()
    (tmp_path / "package" / "__main__.py").write_text(
        "import sys, numpy\nprint(hasattr(numpy.ones(5000), '_layout'), sys.argv[1:], __name__)\n"
    )
    assert run("-m", "maniple", "-", stdin="print(__name__)").stdout == "__main__\n"
    assert run("-m", "maniple", "-c", "import sys; print(sys.argv)", "a").stdout == "['-c', 'a']\n"
    module = run("-m", "maniple", "-m", "package", "x", cwd=tmp_path)
    assert module.stdout == "True ['x'] __main__\n"


def test_missing_script_and_bad_options() -> None:
    assert run("-m", "maniple", "/nowhere/x.py").returncode == 2
    bad = run("-m", "maniple", "--bad")
    assert bad.returncode == 2
    assert "--bad" in bad.stderr
    assert "usage" in run("-m", "maniple", "--help").stdout
    assert run("-m", "maniple", "--version").stdout.startswith("maniple ")


def test_profile_names_function_line_and_place(tmp_path: Path) -> None:
    script = tmp_path / "program.py"
    script.write_text(
        "import numpy as np\nx = np.ones(50_000)\ny = np.sqrt(x + 1)\nz = y.tolist()\nprint(z[0])\n"
    )
    out = tmp_path / "profile.json"
    result = run("-m", "maniple", "--profile", "--profile-json", str(out), str(script))
    assert "sqrt" in result.stderr
    assert "program.py:4" in result.stderr
    assert "deferred" in result.stderr
    assert '"where": "fallback"' in out.read_text()


def test_uninstall_gives_numpy_back() -> None:
    code = (
        "import builtins; before = builtins.__import__\n"
        "import maniple; maniple.install(); import numpy\n"
        "assert numpy.zeros.__module__ == 'numpy'\n"
        "assert hasattr(numpy.zeros(5000), '_layout')\n"
        "maniple.uninstall(); import numpy; assert not hasattr(numpy.zeros(5000), '_layout')\n"
        "assert builtins.__import__ is before\n"
    )
    result = run("-c", code)
    assert result.returncode == 0, result.stderr


@pytest.mark.parametrize(
    ("statement", "level"),
    [("import old", 2), ("import importlib; importlib.import_module('old')", 3)],
)
def test_a_warning_of_an_imported_module_names_the_import(
    tmp_path: Path, statement: str, level: int
) -> None:
    (tmp_path / "old.py").write_text(
        f"import warnings\nwarnings.warn('old', DeprecationWarning, stacklevel={level})\n"
    )
    program = tmp_path / "program.py"
    program.write_text(f"import numpy as np\n{statement}\n")
    expected = run(str(program)).stderr
    assert "program.py:2: DeprecationWarning: old" in expected
    assert run("-m", "maniple", str(program)).stderr == expected
