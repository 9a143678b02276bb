"""Runs pytest on paths of the tree and returns what every test said. Runs inside the sandbox."""

import os
import sys

import pytest


class Collector:
    """A pytest plugin that keeps one record a test."""

    def __init__(self, root):
        self.root = root
        self.records = []

    def pytest_collectreport(self, report):
        if report.failed:
            self.records.append(self._record(report.nodeid or "collection", "error", report))

    def pytest_runtest_logreport(self, report):
        if report.when == "call" or report.outcome != "passed":
            kind = "error" if report.when != "call" and report.failed else report.outcome
            self.records.append(self._record(report.nodeid, kind, report))

    def _record(self, node, kind, report):
        record = {"test": node, "outcome": kind, "message": "", "file": node.split("::")[0], "line": 1, "frames": []}
        if report.failed:
            crash = getattr(report.longrepr, "reprcrash", None)
            entries = getattr(getattr(report.longrepr, "reprtraceback", None), "reprentries", [])
            record["message"] = crash.message if crash else str(report.longrepr)[-2000:]
            record["frames"] = [place for entry in entries if (place := self._place(getattr(entry, "reprfileloc", None)))]
            mine = [place for place in record["frames"] if place["file"] == record["file"]]
            if mine:
                record["line"] = mine[-1]["line"]
        return record

    def _place(self, location):
        if location is None:
            return None
        path = os.path.normpath(os.path.join(self.root, location.path))
        if not path.startswith(self.root + "/"):
            return None
        return {"file": path[len(self.root) + 1 :], "line": location.lineno}


def run(paths, root):
    """Run pytest over `paths`; returns `{"exit_code", "records"}`, one record for each test and collection error."""
    os.chdir(root)
    sys.path.insert(0, root)
    collector = Collector(root)
    # The tree's own options may name plugins (coverage and the like) that say nothing about the code.
    options = ["-q", "-p", "no:cacheprovider", "--tb=short", "-o", "addopts=", f"--rootdir={root}"]
    code = pytest.main([*options, *paths], plugins=[collector])
    return {"exit_code": int(code), "records": collector.records}
