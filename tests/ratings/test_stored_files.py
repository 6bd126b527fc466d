"""Files that are stored in the database for an hour."""

import io
import random
import sqlite3
from contextlib import closing

import pytest
from sqlalchemy import func, select, update

from movierating.errors import Conflict, InsufficientStorage, NotFound
from movierating.operations import sqlite_backup
from movierating.ratings import stored_files
from movierating.ratings.models import StoredFile, StoredFilePart
from movierating.storage.database import get_sqlite_file, read, write

CONTENT = b"imdb_id,value\ntt0113277,9\n"


@pytest.fixture
def store(member):
    """`store(b"...")` stores an upload of the member."""

    def store(content=CONTENT, kind="upload", user=member, **options):
        return stored_files.store_file(user.id, kind, "ratings.csv", io.BytesIO(content), **options)

    return store


@pytest.fixture
def age():
    """`age(3600)` makes all stored files older by so many seconds."""

    def age(seconds):
        statement = update(StoredFile).values(stored_at=StoredFile.stored_at - seconds * 1_000_000)
        write(lambda connection: connection.execute(statement), ())

    return age


def read_file(entry):
    with stored_files.open_file(entry) as content:
        return content.read()


def count(model):
    return read().scalar(select(func.count()).select_from(model))


@pytest.mark.parametrize("size", [0, 1, stored_files.PART_BYTES, 3_000_000])
def test_file_is_read_as_it_was_stored(store, member, size):
    content = random.Random(size).randbytes(size)
    entry = store(content)
    assert stored_files.find_file(member.id, "upload") == entry
    assert read_file(entry) == content


def test_parts_are_bounded_and_compressed(store):
    store(random.Random(1).randbytes(600_000))
    sizes = read().scalars(select(func.length(StoredFilePart.content)).order_by(StoredFilePart.number)).all()
    assert len(sizes) == 3
    assert max(sizes) == stored_files.PART_BYTES
    store(CONTENT * 20_000)
    assert read().scalar(select(func.sum(func.length(StoredFilePart.content)))) < 10_000


def test_new_file_replaces_the_one_of_its_kind_only(store, member, sign_up):
    first, report, other = store(), store(b"{}", "report"), store(user=sign_up("bob"))
    second = store(b"new")
    assert stored_files.find_file(member.id, "upload") == second
    assert read_file(report) == b"{}"
    assert read_file(other) == CONTENT
    assert count(StoredFile) == 3
    with pytest.raises(NotFound):
        read_file(first)


def test_file_is_found_by_its_own_user_kind_and_id_only(store, member, sign_up):
    entry = store()
    assert stored_files.find_file(member.id, "upload", entry.id) == entry
    assert stored_files.find_file(member.id, "upload", "0" * 32) is None
    assert stored_files.find_file(member.id, "report", entry.id) is None
    assert stored_files.find_file(sign_up("bob").id, "upload", entry.id) is None


def test_file_expires_after_an_hour_and_is_purged(store, member, sign_up, age):
    store()
    age(stored_files.LIFETIME_SECONDS - 10)
    stored_files.purge_expired()
    assert stored_files.find_file(member.id, "upload")
    age(10)
    assert stored_files.find_file(member.id, "upload") is None
    stored_files.purge_expired()
    assert count(StoredFile) == count(StoredFilePart) == 0


def test_storing_a_file_purges_those_of_others(store, sign_up, age):
    store(user=sign_up("bob"))
    age(stored_files.LIFETIME_SECONDS)
    store()
    assert count(StoredFile) == count(StoredFilePart) == 1


def test_report_takes_the_place_of_its_upload_once(store, member):
    entry = store()
    report = store(b"{}", "report", instead_of=entry)
    with pytest.raises(NotFound):
        store(b"another", "report", instead_of=entry)
    assert stored_files.find_file(member.id, "upload") is None
    assert read_file(report) == b"{}"


def test_file_is_deleted_with_its_account(store, member):
    store()
    response = member.delete("/v1/users/me", json={"current_password": "correct horse battery"})
    assert response.status_code == 204
    assert count(StoredFile) == count(StoredFilePart) == 0


def test_upload_that_another_one_replaces_meanwhile_raises_conflict(store, monkeypatch):
    write_first_time, calls = stored_files.write, []

    def write_and_then_store_another(job, invalidates):
        result = write_first_time(job, invalidates)
        if not calls:
            calls.append(store)
            store(b"another")
        return result

    monkeypatch.setattr(stored_files, "write", write_and_then_store_another)
    with pytest.raises(Conflict):
        store(random.randbytes(2 * stored_files.PART_BYTES))


def test_full_disk_raises_insufficient_storage(store, monkeypatch):
    def fail(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(stored_files, "_compress", fail)
    with pytest.raises(InsufficientStorage):
        store()


@pytest.mark.sqlite
def test_backup_has_no_stored_file_not_even_in_free_pages(store, tmp_path):
    content = random.Random(1).randbytes(600_000)
    entry = store(content)
    part = read().scalar(select(StoredFilePart.content).where(StoredFilePart.number == 1))
    sqlite_backup.copy_database(get_sqlite_file(), tmp_path / "copy")
    with closing(sqlite3.connect(tmp_path / "copy")) as copy:
        for table in ("stored_file", "stored_file_part"):
            assert copy.execute(f"SELECT count(*) FROM {table}").fetchone() == (0,)
    assert part[1000:3000] not in (tmp_path / "copy").read_bytes()
    assert read_file(entry) == content
