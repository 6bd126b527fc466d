"""Looks up known vulnerabilities of the service's dependencies, in the installed versions.

Exits with 1 if there are any. If the database is unreachable, prints a message and exits with 0, so that it passes
without internet access. Arguments are passed to pip-audit.
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

TIMEOUT_SECONDS = 120
SERVICE = "movierating[redis]"


def list_dependencies(requirement: Requirement, seen: set[str]) -> dict[str, str]:
    """Return the installed version of every direct and indirect dependency. Adds requirements to `seen`."""
    try:
        installed = distribution(requirement.name)
    except PackageNotFoundError:
        # It is for another platform or Python version.
        return {}
    versions = {}
    for other in map(Requirement, installed.requires or []):
        extras = [extra for extra in ("", *requirement.extras) if _applies(other, extra)]
        if extras and str(other) not in seen:
            seen.add(str(other))
            with suppress(PackageNotFoundError):
                versions[other.name] = distribution(other.name).version
            versions |= list_dependencies(other, seen)
    return versions


def _applies(requirement: Requirement, extra: str) -> bool:
    return requirement.marker is None or requirement.marker.evaluate({"extra": extra})


def run_pip_audit(pinned: dict[str, str], arguments: list[str]) -> dict[str, Any] | str:
    """Return pip-audit's findings, or the reason why there are none."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "requirements.txt"
        file.write_text("".join(f"{name}=={version}\n" for name, version in sorted(pinned.items())))
        options = ["--requirement", file, "--no-deps", "--disable-pip", "--format", "json"]
        options += ["--progress-spinner", "off", "--timeout", "10", *arguments]
        command = [sys.executable, "-m", "pip_audit", *options]
        try:
            result = subprocess.run(command, capture_output=True, text=True, timeout=TIMEOUT_SECONDS)
        except subprocess.TimeoutExpired:
            return f"no response in {TIMEOUT_SECONDS} s"
    try:
        findings: dict[str, Any] = json.loads(result.stdout)
    except ValueError:
        return (result.stderr.strip().splitlines() or ["pip-audit printed nothing"])[-1]
    return findings


def main() -> int:
    """Print the findings and return the exit code."""
    pinned = {
        name.lower(): version for name, version in list_dependencies(Requirement(SERVICE), set()).items()
    }
    findings = run_pip_audit(pinned, sys.argv[1:])
    if isinstance(findings, str):
        click.echo(f"not audited: {findings}")
        return 0
    packages = findings["dependencies"]
    skipped = [package for package in packages if "skip_reason" in package]
    vulnerable = [package for package in packages if package.get("vulns")]
    for package in vulnerable:
        for vulnerability in package["vulns"]:
            fixed = ", ".join(vulnerability["fix_versions"]) or "no version yet"
            click.echo(
                f"vulnerable: {package['name']} {package['version']}: {vulnerability['id']}, fixed in {fixed}"
            )
    if skipped:
        names = ", ".join(package["name"] for package in skipped)
        click.echo(f"not audited: {names} ({skipped[0]['skip_reason']})")
    click.echo(
        f"audited {len(packages) - len(skipped)} of {len(pinned)} packages, {len(vulnerable)} vulnerable"
    )
    return 1 if vulnerable else 0


if __name__ == "__main__":
    sys.exit(main())
