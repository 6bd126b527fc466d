"""Looks up the packages that a service runs on, in the versions installed here, in a database of vulnerabilities.

Ends with 1 if there is a known one. Where the database can't be asked, it says so and ends with 0: a machine without
internet has to pass. Arguments are passed on to pip-audit.
"""

import json
import subprocess
import sys
import tempfile
from contextlib import suppress
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path
from typing import Any

import click
from packaging.requirements import Requirement

PATIENCE_SECONDS = 120
SERVED = "movierating[redis]"


def needed(requirement: Requirement, seen: set[str]) -> dict[str, str]:
    """Each package that a requirement leads to, the first left out, and its version here; `seen` is added to."""
    try:
        installed = distribution(requirement.name)
    except PackageNotFoundError:
        # It is for another system or Python.
        return {}
    found = {}
    for other in map(Requirement, installed.requires or []):
        wanted = [extra for extra in ("", *requirement.extras) if _holds(other, extra)]
        if wanted and str(other) not in seen:
            seen.add(str(other))
            with suppress(PackageNotFoundError):
                found[other.name] = distribution(other.name).version
            found |= needed(other, seen)
    return found


def _holds(requirement: Requirement, extra: str) -> bool:
    return requirement.marker is None or requirement.marker.evaluate({"extra": extra})


def ask(pinned: dict[str, str], arguments: list[str]) -> dict[str, Any] | str:
    """pip-audit's findings, or why there are none."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "requirements.txt"
        file.write_text("".join(f"{name}=={version}\n" for name, version in sorted(pinned.items())))
        options = ["--requirement", file, "--no-deps", "--disable-pip", "--format", "json"]
        options += ["--progress-spinner", "off", "--timeout", "10", *arguments]
        command = [sys.executable, "-m", "pip_audit", *options]
        try:
            done = subprocess.run(command, capture_output=True, text=True, timeout=PATIENCE_SECONDS)
        except subprocess.TimeoutExpired:
            return f"no answer in {PATIENCE_SECONDS} s"
    try:
        findings: dict[str, Any] = json.loads(done.stdout)
    except ValueError:
        return (done.stderr.strip().splitlines() or ["pip-audit said nothing"])[-1]
    return findings


def main() -> int:
    """Say what was found; the exit code."""
    pinned = {name.lower(): version for name, version in needed(Requirement(SERVED), set()).items()}
    findings = ask(pinned, sys.argv[1:])
    if isinstance(findings, str):
        click.echo(f"not audited: {findings}")
        return 0
    packages = findings["dependencies"]
    skipped = [package for package in packages if "skip_reason" in package]
    vulnerable = [package for package in packages if package.get("vulns")]
    for package in vulnerable:
        for each in package["vulns"]:
            fixed = ", ".join(each["fix_versions"]) or "no version yet"
            click.echo(f"vulnerable: {package['name']} {package['version']}: {each['id']}, fixed in {fixed}")
    if skipped:
        names = ", ".join(package["name"] for package in skipped)
        click.echo(f"not audited: {names} ({skipped[0]['skip_reason']})")
    click.echo(
        f"audited {len(packages) - len(skipped)} of {len(pinned)} packages, {len(vulnerable)} vulnerable"
    )
    return 1 if vulnerable else 0


if __name__ == "__main__":
    sys.exit(main())
