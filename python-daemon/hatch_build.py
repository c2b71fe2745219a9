"""Puts what the daemon needs beside the server's jars into the wheel, as maniple_daemon/jars."""

import os
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface


class Jars(BuildHookInterface):
    """Takes the jars from the folder daemon in MANIPLE_JARS, or from where ./run builds them."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        if version == "editable":
            return
        jars = Path(os.environ.get("MANIPLE_JARS") or Path(self.root).parent / ".build" / "jars") / "daemon"
        found = sorted(jars.glob("*.jar"))
        if not found:
            raise FileNotFoundError(f"no jars in {jars}: build the wheels with ./dist")
        for jar in found:
            build_data["force_include"][str(jar)] = f"maniple_daemon/jars/{jar.name}"
