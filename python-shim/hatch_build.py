"""Puts the server's jars into the wheel, as maniple/jars."""

import os
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface


class Jars(BuildHookInterface):
    """Takes the jars from MANIPLE_JARS, or from where ./run builds them."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        if version == "editable":
            return
        jars = Path(os.environ.get("MANIPLE_JARS") or Path(self.root).parent / ".build" / "jars")
        found = sorted(jars.glob("*.jar"))
        if not found:
            raise FileNotFoundError(f"no jars in {jars}: build the wheels with ./dist")
        for jar in found:
            build_data["force_include"][str(jar)] = f"maniple/jars/{jar.name}"
        for library in sorted((jars / "native").glob("*.so")):
            build_data["force_include"][str(library)] = f"maniple/jars/native/{library.name}"
