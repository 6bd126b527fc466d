"""Titles of members' files: one that two accounts import for a movie, or an admin accepts, is an alternative title.

Such a title serves matching alone. One account's files can't change what others see or how their rows are matched.
"""

from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from itertools import islice
from typing import Any, NamedTuple

from sqlalchemy import Connection, bindparam, delete, exists, func, insert, literal, select

from movierating.auth.models import User
from movierating.movies import alternative_titles
from movierating.movies.models import Movie, MovieTitle, TitleProposal
from movierating.movies.titles import fold, match_key
from movierating.storage.database import read, write
from movierating.storage.dialect import encode_values, in_many, lock_rows, upsert
from movierating.storage.statements import CompiledStatement

MAX_PROPOSALS_PER_USER = 2_000
MAX_PROPOSALS_PER_MOVIE = 20
# So that no account takes all the room of a movie.
MAX_PROPOSALS_PER_USER_AND_MOVIE = 3
# The other alternative titles come from the catalogue.
MAX_IMPORT_TITLES_PER_MOVIE = 20
# Other writers wait while movies get titles; a later import adds the others.
MAX_TITLES_PER_IMPORT = 500

_movie, _title, _user = Movie.__table__.c, MovieTitle.__table__.c, User.__table__.c
_proposal = TitleProposal.__table__.c

_OWN_TITLES = CompiledStatement(
    select(_movie.id, _movie.title, _movie.title_key, _movie.original_title_key).where(
        in_many(_movie.id, bindparam("movies"))
    )
)


class ProposedTitle(NamedTuple):
    """A title that a file has for a movie, and its match key."""

    movie_id: int
    match_key: str
    title: str


def find_unknown_titles(connection: Connection, titles: Sequence[tuple[int, str]]) -> list[ProposedTitle]:
    """Return those titles that none of the movie's titles matches, at most MAX_PROPOSALS_PER_USER.

    `titles` are pairs of a movie's id and a title. Those of movies that do not exist are left out.
    """
    movie_ids = sorted({movie_id for movie_id, _ in titles})
    movies = {movie[0]: movie for movie in _OWN_TITLES.tuples(connection, movies=encode_values(movie_ids))}
    unlike: dict[tuple[int, str], str] = {}
    for movie_id, title in titles:
        movie = movies.get(movie_id)
        # Most titles are the movie's own, and then need no keys.
        if movie is None or title == movie[1]:
            continue
        folded, own_keys = fold(title), movie[2:]
        if not folded or folded in own_keys:
            continue
        key = match_key(folded)
        if key not in [match_key(own_key) for own_key in own_keys if own_key is not None]:
            unlike.setdefault((movie_id, key), title)
    statement = select(_title.movie_id, _title.match_key)
    of_movies = in_many(_title.movie_id, sorted({movie_id for movie_id, _ in unlike}))
    stored = {*map(tuple, connection.execute(statement.where(of_movies)))} if unlike else set()
    unknown = (ProposedTitle(*place, title) for place, title in unlike.items() if place not in stored)
    return list(islice(unknown, MAX_PROPOSALS_PER_USER))


def propose_titles(connection: Connection, user_id: int, proposals: Sequence[ProposedTitle]) -> set[int]:
    """Store a user's proposals inside the caller's transaction, within the limits; return the movies that got titles.

    A title that another active account proposed becomes an alternative title. A deactivated account proposes nothing.
    On PostgreSQL the movies must be locked: otherwise two transactions would not see each other's proposals.
    """
    if not proposals or not connection.scalar(select(_user.active).where(_user.id == user_id)):
        return set()
    own, others, numbers = set(), set(), Counter[int]()
    columns = (_proposal.movie_id, _proposal.match_key, _proposal.user_id, _user.active)
    statement = select(*columns).join(User, _user.id == _proposal.user_id)
    of_movies = in_many(_proposal.movie_id, sorted({proposal.movie_id for proposal in proposals}))
    for movie_id, key, proposer_id, active in connection.execute(statement.where(of_movies)):
        numbers[movie_id] += 1
        if proposer_id == user_id:
            own.add((movie_id, key))
        elif active:
            others.add((movie_id, key))
    agreed = [proposal for proposal in proposals if proposal[:2] in others]
    new = [proposal for proposal in proposals if proposal[:2] not in own | others]
    _store(connection, user_id, _limit(new, Counter(movie_id for movie_id, _ in own), numbers))
    return _add_titles(connection, agreed[:MAX_TITLES_PER_IMPORT]) if agreed else set()


def _limit(
    proposals: Iterable[ProposedTitle], own_numbers: Counter[int], numbers: Counter[int]
) -> list[ProposedTitle]:
    """Return the proposals for movies with room, by the numbers of the user's and of all proposals of each movie."""
    limited = []
    for proposal in proposals:
        movie_id = proposal.movie_id
        if (
            own_numbers[movie_id] < MAX_PROPOSALS_PER_USER_AND_MOVIE
            and numbers[movie_id] < MAX_PROPOSALS_PER_MOVIE
        ):
            own_numbers[movie_id] += 1
            numbers[movie_id] += 1
            limited.append(proposal)
    return limited


def _store(connection: Connection, user_id: int, proposals: Sequence[ProposedTitle]) -> None:
    if not proposals:
        return
    number = connection.scalar(
        select(func.count()).select_from(TitleProposal).where(_proposal.user_id == user_id)
    )
    rows = [
        {**proposal._asdict(), "user_id": user_id}
        for proposal in proposals[: max(MAX_PROPOSALS_PER_USER - (number or 0), 0)]
    ]
    if rows:
        connection.execute(insert(TitleProposal), rows)


def _add_titles(connection: Connection, agreed: Iterable[ProposedTitle]) -> set[int]:
    """Add alternative titles within the limits and delete their proposals; return the movies that got some."""
    titles = defaultdict[int, list[str]](list)
    for proposal in agreed:
        titles[proposal.movie_id].append(proposal.title)
    numbers = _count_import_titles(connection, titles)
    limited = {
        movie_id: names[: max(MAX_IMPORT_TITLES_PER_MOVIE - numbers.get(movie_id, 0), 0)]
        for movie_id, names in titles.items()
    }
    changed = alternative_titles.add_titles(connection, limited, alternative_titles.IMPORT)
    is_title = (_title.movie_id == _proposal.movie_id) & (_title.match_key == _proposal.match_key)
    connection.execute(
        delete(TitleProposal).where(in_many(_proposal.movie_id, sorted(titles)), exists().where(is_title))
    )
    return changed


def _count_import_titles(connection: Connection, titles: Mapping[int, Sequence[str]]) -> dict[int, int]:
    statement = select(_title.movie_id, func.count()).where(
        _title.source == alternative_titles.IMPORT, in_many(_title.movie_id, sorted(titles))
    )
    return dict(map(tuple, connection.execute(statement.group_by(_title.movie_id))))


def copy_proposals(connection: Connection, movie_id: int, into_id: int) -> None:
    """Copy the proposals of a movie to the one that it is merged into."""
    copied = (_proposal.match_key, _proposal.user_id, _proposal.title)
    proposals = select(literal(into_id), *copied).where(_proposal.movie_id == movie_id)
    statement = upsert(connection.dialect, TitleProposal.__table__).from_select(
        ["movie_id", "match_key", "user_id", "title"], proposals
    )
    connection.execute(statement.on_conflict_do_nothing())


def add_agreed_titles(connection: Connection, movie_id: int) -> None:
    """Add the titles that two active accounts proposed, after proposals of another movie were copied to this one."""
    statement = _group_proposals(movie_id).having(func.count() > 1)
    _add_titles(connection, _read_proposals(connection, statement))


def list_proposals(movie_id: int) -> list[ProposedTitle]:
    """Return the titles that active accounts proposed for a movie and that it does not have, by their match keys."""
    return _list_proposals(read(), movie_id)


def _list_proposals(connection: Connection, movie_id: int) -> list[ProposedTitle]:
    known = {*connection.scalars(select(_title.match_key).where(_title.movie_id == movie_id))}
    for titles in connection.execute(
        select(_movie.title, _movie.original_title).where(_movie.id == movie_id)
    ):
        known |= {match_key(title) for title in titles if title}
    proposals = _read_proposals(connection, _group_proposals(movie_id))
    return sorted(proposal for proposal in proposals if proposal.match_key not in known)


def _group_proposals(movie_id: int) -> Any:
    """Return a statement for the match keys that active accounts proposed for a movie, each with one spelling."""
    # Proposals of earlier versions have no spelling.
    title = func.coalesce(func.min(_proposal.title), _proposal.match_key)
    statement = select(_proposal.movie_id, _proposal.match_key, title).join(
        User, _user.id == _proposal.user_id
    )
    of_movie = statement.where(_proposal.movie_id == movie_id, _user.active)
    return of_movie.group_by(_proposal.movie_id, _proposal.match_key)


def _read_proposals(connection: Connection, statement: Any) -> list[ProposedTitle]:
    return [ProposedTitle(*row) for row in connection.execute(statement)]


def accept_proposals(movie_id: int, match_keys: Collection[str]) -> None:
    """Add proposed titles to a movie, as if a second account had proposed them. Keys that none has are ignored."""

    def job(connection: Connection) -> None:
        lock_rows(connection, Movie.__table__, [movie_id])
        proposals = _list_proposals(connection, movie_id)
        _add_titles(connection, [proposal for proposal in proposals if proposal.match_key in match_keys])

    if match_keys:
        write(job, ())
