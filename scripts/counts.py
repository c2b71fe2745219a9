"""Adds up JUnit XML reports (Surefire, pytest): prints 'passed failed skipped'.

usage: counts.py FILE...
"""

import sys
import xml.etree.ElementTree as ElementTree


def counts(path: str) -> tuple[int, int, int]:
    passed = failed = skipped = 0
    for case in ElementTree.parse(path).getroot().iter("testcase"):
        if case.find("failure") is not None or case.find("error") is not None:
            failed += 1
        elif case.find("skipped") is not None:
            skipped += 1
        else:
            passed += 1
    return passed, failed, skipped


if __name__ == "__main__":
    total = [sum(column) for column in zip((0, 0, 0), *map(counts, sys.argv[1:]), strict=True)]
    print(*total)
