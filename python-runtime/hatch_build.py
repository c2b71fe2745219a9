"""Puts a linked Java runtime into a wheel, as PACKAGE/java, and names the platform it is for.

For maniple-runtime, and for maniple-cluster, whose pyproject.toml says what else goes there:

package             the package that gets all of it
java, built         the variable that names the runtime, and where ./run links it, below .build
jars, built-jars    the same for jars, which become PACKAGE/jars
"""

import os
import platform
import re
import sysconfig
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface


def platform_tag(home: Path) -> str:
    """The platform that the programs of this runtime are for: that of the JDK it was linked from.

    On Linux the oldest glibc it runs with is the newest version that its libraries name; they need no other library.
    """
    if platform.system() == "Linux":
        libraries = [home / "bin" / "java", *home.glob("lib/**/*.so")]
        minor = max(int(number) for path in libraries for number in re.findall(rb"GLIBC_2\.(\d+)", path.read_bytes()))
        return f"manylinux_2_{max(minor, 17)}_{platform.machine()}"
    return sysconfig.get_platform().replace("-", "_").replace(".", "_")


class Runtime(BuildHookInterface):
    """Takes the runtime from MANIPLE_JAVA_HOME, or from where ./run links it; others as they are configured."""

    def _built(self, variable: str, folder: str) -> Path:
        return Path(os.environ.get(variable) or Path(self.root).parent / ".build" / folder)

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        if version == "editable":
            return
        package = self.config.get("package", "maniple_runtime")
        home = self._built(self.config.get("java", "MANIPLE_JAVA_HOME"), self.config.get("built", "runtime"))
        if not (home / "bin" / "java").exists():
            raise FileNotFoundError(f"no Java runtime in {home}: build the wheels with ./dist")
        if home.is_symlink():
            raise ValueError(f"{home} is a whole JDK, which is not to be shipped: build with a JDK that has jlink")
        build_data["pure_python"] = False
        build_data["tag"] = f"py3-none-{platform_tag(home)}"
        # A wheel holds no links; jlink makes links of licence files only.
        for path in sorted(home.rglob("*")):
            if path.is_file():
                build_data["force_include"][str(path.resolve())] = f"{package}/java/{path.relative_to(home)}"
        if "jars" in self.config:
            folder = self._built(self.config["jars"], self.config["built-jars"])
            jars = sorted(folder.glob("*.jar"))
            if not jars:
                raise FileNotFoundError(f"no jars in {folder}: build the wheels with ./dist")
            for jar in jars:
                build_data["force_include"][str(jar)] = f"{package}/jars/{jar.name}"
