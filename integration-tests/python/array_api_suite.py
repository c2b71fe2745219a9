"""Runs the test suite of the array API standard on plain NumPy and on Maniple, and compares.

    git clone --recurse-submodules https://github.com/data-apis/array-api-tests DIR
    .venv/bin/pip install -r DIR/requirements.txt
    .venv/bin/python integration-tests/python/array_api_suite.py --suite DIR [--backend reference]

The suite runs twice, with the same Hypothesis seed and number of examples: on NumPy, and on Maniple
with every array deferred (MANIPLE_DEFER_ALL=1). Every test that passes with NumPy and not with
Maniple is reported, and the exit status is 1 if there is one. What NumPy itself fails is not
Maniple's to pass, and is only counted; since a rare example may decide, what differs is tried again
on NumPy with more examples, and is NumPy's own failure if it fails there. MANIPLE_JARS and MANIPLE_JAVA_HOME say where the server is,
as for all tests.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

HERE = Path(__file__).resolve().parent
SOURCE = HERE.parent.parent / "python-shim" / "src"


def run(arguments: argparse.Namespace, module: str, log: Path, examples: int = 0, only: str = "") -> dict[str, str]:
    """Return test id to outcome, for the suite run on `module`; of one test function with `only`."""
    with tempfile.TemporaryDirectory() as directory:
        report = Path(directory) / "report.json"
        environment = {
            **os.environ,
            "ARRAY_API_TESTS_MODULE": module,
            "MANIPLE_SUITE_REPORT": str(report),
            "HYPOTHESIS_STORAGE_DIRECTORY": directory,
            "PYTHONPATH": os.pathsep.join([str(HERE), str(SOURCE)]),
            "PYTHONDONTWRITEBYTECODE": "1",
            "OPENBLAS_NUM_THREADS": "1",
        }
        environment.pop("MANIPLE_SUITE_INSTALL", None)
        if module == "maniple":
            environment.update(MANIPLE_DEFER_ALL="1", MANIPLE_BACKEND=arguments.backend)
        files = arguments.files or ["array_api_tests"]
        command = [
            sys.executable, "-m", "pytest", "-q", "-p", "numpy_suite_plugin", "-p", "no:cacheprovider",
            "--tb=short", f"--hypothesis-seed={arguments.seed}", "--hypothesis-disable-deadline",
            f"--max-examples={examples or arguments.max_examples}", *files,
        ]  # fmt: skip
        if only or arguments.keyword:
            command += ["-k", only or arguments.keyword]
        with open(log, "w", encoding="utf-8") as output:
            done = subprocess.run(command, env=environment, cwd=arguments.suite, stdin=subprocess.DEVNULL,
                                  stdout=output, stderr=subprocess.STDOUT, check=False)  # fmt: skip
        # 0: all passed, 1: some failed, 5: nothing was selected; everything else is no result.
        if done.returncode not in (0, 1) or not report.exists():
            raise SystemExit(f"the suite did not run on {module} (status {done.returncode}): see {log}")
        outcomes: dict[str, str] = {}
        for test, outcome in map(json.loads, report.read_text().splitlines()):
            # A test's teardown that fails is reported after its call.
            outcomes[test] = outcome
        return outcomes


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--suite", type=Path, required=True, help="a checkout of array-api-tests")
    parser.add_argument("--backend", choices=("server", "reference"), default="server")
    parser.add_argument("--seed", type=int, default=0, help="Hypothesis's seed (0)")
    parser.add_argument("--max-examples", type=int, default=20, help="Hypothesis's examples a test (20)")
    parser.add_argument("-k", dest="keyword", default="", help="pytest's -k")
    parser.add_argument("files", nargs="*", help="files of the suite, relative to DIR (all)")
    arguments = parser.parse_args()
    if not (arguments.suite / "array_api_tests").is_dir():
        parser.error(f"{arguments.suite} is no checkout of array-api-tests")
    if not any((arguments.suite / "array-api").glob("src/array_api_stubs/*")):
        parser.error(f"{arguments.suite} lacks its submodule array-api: git submodule update --init")

    logs = Path(tempfile.mkdtemp(prefix="array-api-suite-"))
    plain = run(arguments, "numpy", logs / "numpy.txt")
    ours = run(arguments, "maniple", logs / "maniple.txt")

    expected = {test for test, outcome in plain.items() if outcome == "passed"}
    wrong = {t: ours.get(t, "not run") for t in sorted(expected) if ours.get(t) != "passed"}
    again: dict[str, str] = {}
    for function in sorted({test.split("::")[-1].partition("[")[0] for test in wrong}):
        again |= run(arguments, "numpy", logs / f"numpy-{function}.txt", 500, function)
    for test in [t for t in wrong if again.get(t) != "passed"]:
        print(f"NumPy's own failure, with more examples: {test}: {again.get(test)}")
        del wrong[test]
        expected.remove(test)
    for test, outcome in wrong.items():
        print(f"differs: {test}: {outcome}")
    print(f"logs: {logs}")
    passed = sum(outcome == "passed" for outcome in ours.values())
    print(f"NumPy: {len(expected)} of {len(plain)} pass")
    print(f"Maniple ({arguments.backend}): {passed} of {len(ours)} pass")
    print(f"both: {len(expected) - len(wrong)} of the {len(expected)} that pass with NumPy; {len(wrong)} differ")
    return 1 if wrong or not expected else 0


if __name__ == "__main__":
    sys.exit(main())
