"""The import hook: `import numpy` in the user's own modules means Maniple.

There is one "numpy" in sys.modules, which is NumPy and which libraries keep. What an import
statement of a user's module is given is decided by who asks: `builtins.__import__` and
`importlib.import_module` are wrapped for that.
"""

from __future__ import annotations

import builtins
import importlib
import os
import sys
from types import ModuleType
from typing import Any

from maniple import _users
from maniple._namespace import Namespace, namespace

_original_import = builtins.__import__
_original_import_module = importlib.import_module
_installed = False
_include: tuple[str, ...] = ()
_exclude: tuple[str, ...] = ()
_library: tuple[str, ...] = ()
_decisions: dict[tuple[str | None, str | None], bool] = {}


def install(include: str | None = None, exclude: str | None = None) -> None:
    """Give Maniple to every user's module that imports numpy from now on.

    Parameters
    ----------
    include, exclude : str, optional
        Patterns of module names, separated by commas, that count as the user's own, or not, in
        whatever directory they are. Default: MANIPLE_INCLUDE and MANIPLE_EXCLUDE.
    """
    global _installed, _include, _exclude, _library
    _include = _patterns(include, "MANIPLE_INCLUDE")
    _exclude = _patterns(exclude, "MANIPLE_EXCLUDE")
    _library = _library_directories()
    _decisions.clear()
    if _installed:
        return
    builtins.__import__ = _import
    importlib.import_module = _import_module
    _users.install(is_users)
    _installed = True


def uninstall() -> None:
    """Undo `install`; modules that have imported numpy keep what they have."""
    global _installed
    if _installed:
        builtins.__import__ = _original_import
        importlib.import_module = _original_import_module
        _users.uninstall()
        _installed = False


def installed() -> bool:
    return _installed


def _patterns(given: str | None, variable: str) -> tuple[str, ...]:
    text = os.environ.get(variable, "") if given is None else given
    return tuple(p.strip() for p in text.split(",") if p.strip())


def _library_directories() -> tuple[str, ...]:
    # Imported when needed: `import maniple` shall not cost much more than `import numpy`.
    import site
    import sysconfig

    paths = sysconfig.get_paths()
    found = {paths[k] for k in ("stdlib", "platstdlib", "purelib", "platlib")}
    found.update(getattr(site, "getsitepackages", list)())
    if site.ENABLE_USER_SITE:
        found.add(site.getusersitepackages())
    found.add(os.path.dirname(os.path.abspath(__file__)))
    return tuple(os.path.realpath(p) + os.sep for p in found if p)


def is_users(scope: dict[str, Any] | None) -> bool:
    """Whether the module with these globals is the user's own."""
    if scope is None:
        return False
    name = scope.get("__name__")
    file = scope.get("__file__")
    key = (name, file)
    try:
        return _decisions[key]
    except KeyError:
        pass
    except TypeError:
        return False
    _decisions[key] = decision = _decide(name, file, scope)
    return decision


def _decide(name: Any, file: Any, scope: dict[str, Any]) -> bool:
    if isinstance(name, str):
        import fnmatch

        if any(fnmatch.fnmatchcase(name, p) for p in _exclude):
            return False
        if any(fnmatch.fnmatchcase(name, p) for p in _include):
            return True
        if name == "maniple" or name.startswith("maniple."):
            return False
    if not isinstance(file, str):
        # A prompt, a notebook cell, exec(): the user's; frozen and built-in modules have a spec.
        return scope.get("__spec__") is None or name == "__main__"
    path = os.path.realpath(file)
    if f"{os.sep}site-packages{os.sep}" in path or f"{os.sep}dist-packages{os.sep}" in path:
        return False
    return not path.startswith(_library)


def _is_numpy(name: str) -> bool:
    return name == "numpy" or name.startswith("numpy.")


def _import(
    name: str,
    globals: Any = None,
    locals: Any = None,
    fromlist: Any = (),
    level: int = 0,
) -> Any:
    module = _original_import(name, globals, locals, fromlist, level)
    if level == 0:
        if name == "numpy" or name.startswith("numpy."):
            # A call of __import__ has no globals; an import statement has.
            scope = sys._getframe(1).f_globals if globals is None else globals
            if is_users(scope):
                _users.prepare(scope)
                return _translate(module)
    elif type(module) is ModuleType and _is_numpy(module.__name__) and is_users(globals):
        # A relative import inside NumPy's own tests.
        _users.prepare(globals)
        return _translate(module)
    return module


def _import_module(name: str, package: str | None = None) -> ModuleType:
    module = _original_import_module(name, package)
    if _is_numpy(module.__name__) and is_users(scope := sys._getframe(1).f_globals):
        _users.prepare(scope)
        return _translate(module)
    return module


def _unseen(function: Any) -> None:
    """Have `warnings` pass over the frames of this function, as over those of Python's own import.

    What a module warns of while it is imported is attributed to the line of the import statement:
    frames of Python's own machinery, known by their file name, are left out.
    """
    name = "<frozen importlib._bootstrap>"
    function.__code__ = function.__code__.replace(co_filename=name)


_unseen(_import)
_unseen(_import_module)


def _translate(module: ModuleType) -> ModuleType:
    if isinstance(module, Namespace):
        return module
    return namespace(module.__name__)
