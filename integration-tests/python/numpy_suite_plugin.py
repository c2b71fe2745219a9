"""pytest plugin of `numpy_suite.py`: installs Maniple before collection, reports outcomes."""

from __future__ import annotations

import json
import os
from typing import Any

if os.environ.get("MANIPLE_SUITE_INSTALL"):
    import maniple

    maniple.install()

_path = os.environ.get("MANIPLE_SUITE_REPORT")


def pytest_runtest_logreport(report: Any) -> None:
    if report.when == "call" or report.outcome != "passed":
        outcome = report.outcome
        if outcome == "failed" or hasattr(report, "wasxfail"):
            outcome = "xfailed" if hasattr(report, "wasxfail") else _message(report)
        # The part before "::" depends on the directory.
        test = "::".join(report.nodeid.split("::")[1:])
        if _path:
            # Line by line: a process that is stopped or crashes leaves what it had.
            with open(_path, "a", encoding="utf-8") as file:
                file.write(json.dumps([test, outcome]) + "\n")


def _message(report: Any) -> str:
    crash = getattr(report.longrepr, "reprcrash", None)
    text = getattr(crash, "message", None) or str(report.longrepr)
    return text.splitlines()[0][:200] if text else "failed"
