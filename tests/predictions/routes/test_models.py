"""Models that can't be used, that are replaced, or that know ids of others."""

import zlib

import pytest
from sqlalchemy import delete, update

from movierating.auth.models import User
from movierating.movies.models import DataMigration, Movie
from movierating.storage.database import write
from predictions import instances
from predictions.routes.conftest import MATCHES, RECOMMENDATIONS, list_ids, predict


def _truncate(path):
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


def _damage(path):
    content = bytearray(path.read_bytes())
    content[30] ^= 1
    path.write_bytes(content)


def _rename_field(path):
    lines = path.read_bytes().split(b"\n", 3)
    lines[1] = lines[1].replace(b'"version"', b'"edition"')
    lines[2] = b"%08x" % zlib.crc32(lines[1])
    path.write_bytes(b"\n".join(lines))


CHANGES = {
    "removed": lambda path: path.unlink(),
    "empty": lambda path: path.write_bytes(b""),
    "truncated": _truncate,
    "damaged": _damage,
    "with another header": _rename_field,
    "not readable as a file": lambda path: (path.unlink(), path.mkdir()),
    "of another version": lambda path: path.write_bytes(b"movierating arrays 0\n" + path.read_bytes()[21:]),
}


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES)
def test_unusable_file_gives_a_reason_until_a_model_is_trained(app, member, rated, user_ids, files, change):
    expected = predict(member, rated[30])
    for path in files:
        # A file is replaced, never changed: others may have it mapped.
        copy = path.with_suffix(".copy")
        copy.write_bytes(path.read_bytes())
        change(copy)
        path.unlink()
        if copy.exists():
            copy.replace(path)
    for path in (RECOMMENDATIONS, MATCHES, f"/v1/users/{user_ids[0]}/taste-match"):
        assert member.get(path).json["reason"] == "no_model"
    assert predict(member, rated[30])["reason"] == "no_model"
    assert member.get("/metrics").status_code == 200
    for path in files:
        if path.is_dir():
            path.rmdir()
    instances.train(app)
    assert predict(member, rated[30])["value"] == pytest.approx(expected["value"], abs=0.5)


def test_people_file_that_is_lost_affects_only_the_nearest_people(member, rated, files):
    assert member.get(MATCHES).json["items"]
    files[1].unlink()
    assert member.get(MATCHES).json == {"items": [], "next_cursor": None, "reason": "no_model"}
    assert predict(member, rated[30])["value"] is not None


def test_model_of_another_database_is_not_used(member, rated):
    write(lambda connection: connection.execute(update(DataMigration).values(applied_at=7)))
    assert predict(member, rated[30])["reason"] == "no_model"
    write(lambda connection: connection.execute(delete(DataMigration)))
    assert predict(member, rated[30])["reason"] == "no_model"


def test_replaced_model_is_used_at_once(app, member, rated):
    before = predict(member, rated[30])["model"]
    instances.train(app, cold=False)
    after = predict(member, rated[30])["model"]
    assert after["trained_at"] > before["trained_at"]
    assert after["ratings"] == before["ratings"] + 24


def test_reused_ids_are_not_mistaken(member, rated, movie_ids):
    """After a restore, other movies and users may get ids that the model knows."""
    known = predict(member, movie_ids[30])
    later = {"created_at": 2**52}
    movies = update(Movie).where(Movie.id == movie_ids[30]).values(later)
    write(lambda connection: connection.execute(movies))
    assert predict(member, movie_ids[30]) != known
    nearest = member.get(MATCHES).json["items"][0]["user"]["id"]
    write(lambda connection: connection.execute(update(User).where(User.id == nearest).values(later)))
    assert nearest not in [item["user"]["id"] for item in member.get(MATCHES).json["items"]]


def test_movies_with_reused_ids_are_neither_recommended_nor_a_part_of_the_taste(app, member, rated):
    # No candidates of this model are cached.
    instances.train(app)
    before = predict(member, rated[30])
    reason = before["because"][0]["movie"]["id"]
    later = update(Movie).where(Movie.id.in_([rated[31], reason])).values(created_at=2**52)
    write(lambda connection: connection.execute(later))
    after = predict(member, rated[30])
    assert after["based_on"] == 23
    assert reason not in [each["movie"]["id"] for each in after["because"]]
    assert set(list_ids(member.get(f"{RECOMMENDATIONS}?limit=100"))) == {*rated[24:]} - {rated[31]}
