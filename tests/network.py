"""Hosts on one machine: network namespaces, each connected to the machine by its own virtual cable."""

import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import count

_numbers = count(1)


def can_create_hosts() -> bool:
    """Return True if this user can create network namespaces."""
    if shutil.which("ip") is None:
        return False
    probe = f"mr-{os.getpid()}-probe"
    if subprocess.run(["ip", "netns", "add", probe], capture_output=True).returncode != 0:
        return False
    _run("ip", "netns", "del", probe)
    return True


class Host:
    """A host at `address` that reaches the machine's PostgreSQL and Redis at `servers`."""

    def __init__(self) -> None:
        pid, number = os.getpid(), next(_numbers)
        self.name, self._cable = f"mr-{pid}-{number}", f"mr{pid}-{number}"[-15:]
        net = f"10.{64 + (pid >> 8) % 64}.{pid & 255}.{8 * number}"
        base, _, last = net.rpartition(".")
        # Tests connect from the first address, which still works when the last one is cut off.
        machine, self.address, self.servers = (f"{base}.{int(last) + each}" for each in (1, 2, 3))
        self.inside = ("ip", "netns", "exec", self.name)
        _run("ip", "netns", "add", self.name)
        _run("ip", "link", "add", self._cable, "type", "veth", "peer", "name", "eth0", "netns", self.name)
        for each in (machine, self.servers):
            _run("ip", "address", "add", f"{each}/29", "dev", self._cable)
        _run("ip", "link", "set", self._cable, "up")
        _run(*self.inside, "ip", "address", "add", f"{self.address}/29", "dev", "eth0")
        for device in ("eth0", "lo"):
            _run(*self.inside, "ip", "link", "set", device, "up")

    @contextmanager
    def cut_off(self) -> Iterator[None]:
        """Cut the host off from PostgreSQL and Redis in the block: packets are lost in both directions."""
        _run("ip", "address", "del", f"{self.servers}/29", "dev", self._cable)
        try:
            yield
        finally:
            _run("ip", "address", "add", f"{self.servers}/29", "dev", self._cable)

    def remove(self) -> None:
        """Remove the host; its processes must have ended."""
        _run("ip", "link", "del", self._cable)
        _run("ip", "netns", "del", self.name)


class SameMachine:
    """Replaces a host if namespaces can't be created."""

    address = servers = "127.0.0.1"
    inside: tuple[str, ...] = ()

    def remove(self) -> None:
        """Do nothing."""


def _run(*command: str) -> None:
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
