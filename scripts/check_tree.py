#!/usr/bin/env python3
"""Checks what no compiler does: which folder includes which, what is documented, which packages are used."""

import json
import pathlib
import re
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
SRC = ROOT / "src"

# In the order in which a message travels: a folder may include those before it.
ORDER = ["base", "protocol", "config", "storage", "journal", "inbox", "account", "auth", "chat", "presence", "status",
         "call", "keys", "push", "transparency", "router", "session", "net", "admin", "server", "tools"]
# Features never include one another, with the exceptions that the lower one is no feature of its own.
FEATURES = {"account", "auth", "chat", "presence", "status", "call", "keys", "push", "transparency"}
# Only these read the configuration.
CONFIG_READERS = {"config", "server", "main.cc"}


def folder(path: pathlib.Path) -> str:
    return path.relative_to(SRC).parts[0]


def check_includes(faults):
    for path in [*SRC.rglob("*.h"), *SRC.rglob("*.cc")]:
        here = folder(path)
        for number, line in enumerate(path.read_text().splitlines(), 1):
            match = re.match(r'#include "([a-z_]+)/', line)
            if not match or match[1] in ("godwit", here):
                continue
            there = match[1]
            where = f"{path.relative_to(ROOT)}:{number}"
            if there == "config" and here not in CONFIG_READERS:
                faults.append(f"{where}: only server and main read the configuration")
            if there not in ORDER or here not in ORDER:
                continue
            if ORDER.index(there) > ORDER.index(here):
                faults.append(f"{where}: {here} must not include {there}")
            if here in FEATURES and there in FEATURES:
                faults.append(f"{where}: features do not include one another ({here}, {there})")


def check_tables(faults):
    protocol = (ROOT / "docs" / "protocol.md").read_text()
    proto = (SRC / "protocol" / "godwit.proto").read_text()
    for name, code in re.findall(r"GODWIT_ERROR\((\w+),\s*(\d+),", (ROOT / "include/godwit/errors.def").read_text()):
        if not re.search(rf"^\s+{name} = {code};", proto, re.M):
            faults.append(f"godwit.proto: ErrorCode lacks {name} = {code}")
        if not re.search(rf"\|\s*`?{name}`?\s*\|.*\b{code}\b|\b{code}\b\s*\|\s*`?{name}`?", protocol):
            faults.append(f"docs/protocol.md: the error {name} ({code}) is not in the table")
    for name, code in re.findall(r"GODWIT_CLOSE\((\w+),\s*(\d+),", (ROOT / "include/godwit/close_reasons.def").read_text()):
        if name not in ("normal", "gone") and not re.search(rf"{code}.*{name}|{name}.*{code}", protocol):
            faults.append(f"docs/protocol.md: the close reason {name} ({code}) is not in the table")


def check_proto_docs(faults):
    """Every message, field and enum value carries a docstring."""
    lines = (SRC / "protocol" / "godwit.proto").read_text().splitlines()
    for number, line in enumerate(lines, 1):
        if re.match(r"\s*(message|enum) \w+|\s+[\w. ]+ \w+ = \d+;", line) and "reserved" not in line:
            above = lines[number - 2].strip() if number > 1 else ""
            if not above.startswith("//"):
                faults.append(f"src/protocol/godwit.proto:{number}: no docstring")


def check_operators_pages(faults):
    """Metrics, alerts and events of the log are told to operators, and nothing else is."""
    daemon = "".join(path.read_text() for suffix in ("*.h", "*.cc") for path in sorted(SRC.rglob(suffix))
                     if folder(path) not in ("tools", "web", "config"))
    metrics = set(re.findall(r'"(godwit_\w+)"', daemon))
    told = set(re.findall(r"^\| `(godwit_\w+)`", (ROOT / "docs/metrics.md").read_text(), re.M))
    for name in sorted(metrics ^ told):
        faults.append(f"docs/metrics.md: {name} is " + ("not in a table" if name in metrics else "no metric"))
    alerts = (ROOT / "config/prometheus-alerts.yml").read_text()
    for name in sorted({re.sub("_bucket$", "", name) for name in re.findall(r"\bgodwit_\w+", alerts)} - metrics):
        faults.append(f"config/prometheus-alerts.yml: {name} is no metric")
    logs = re.search(r"^## Logs$.*?(?=^## )", (ROOT / "docs/manual.md").read_text(), re.M | re.S)[0]
    for name in sorted(set(re.findall(r'\blog_(?:debug|info|warning|error|failure)\(\s*"(\w+)"', daemon))):
        if f"`{name}`" not in logs:
            faults.append(f"docs/manual.md: the event {name} is not in the section Logs")


def check_packages(faults):
    """There are no lock files: packages of npm are named by exact versions, which are the same everywhere."""
    versions = {}
    for path in sorted([*ROOT.glob("src/web/*/package.json"), *ROOT.glob("tests/e2e/web/package.json"),
                        *ROOT.glob("tests/browser/package.json")]):
        where = path.relative_to(ROOT)
        package = json.loads(path.read_text())
        for name, version in {**package.get("dependencies", {}), **package.get("devDependencies", {})}.items():
            if version.startswith("file:"):
                continue
            if not re.fullmatch(r"\d+\.\d+\.\d+(-[\w.]+)?", version):
                faults.append(f"{where}: {name} needs an exact version, not {version}")
            elif versions.setdefault(name, (version, where))[0] != version:
                faults.append(f"{where}: {name} is {version}, but {versions[name][0]} in {versions[name][1]}")


def main():
    faults = []
    check_packages(faults)
    check_includes(faults)
    check_tables(faults)
    check_operators_pages(faults)
    check_proto_docs(faults)
    for fault in faults:
        print(fault, file=sys.stderr)
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
