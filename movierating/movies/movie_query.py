"""How a row of a file names its movie, and what is known of the movies that it may mean."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from movierating.movies.titles import fold, is_common_part, list_part_keys, match_key

# A set of kinds of ids, as bits.
IMDB_BIT, TMDB_BIT, BOTH_BITS = 1, 2, 3


@dataclass(slots=True, eq=False)
class KnownMovie:
    """The ids and the year of a movie.

    `learns_ids` is the movie's column. `film_id` is as in MovieQuery, of the row that was matched to the movie first.
    """

    movie_id: int
    imdb_id: str | None
    tmdb_id: int | None
    year: int | None
    learns_ids: bool = False
    film_id: str | None = None
    has_no_ids: bool = field(init=False)

    def __post_init__(self) -> None:
        """Record whether the movie has no ids in the database: ids of rows may be added here."""
        self.has_no_ids = self.imdb_id is None and self.tmdb_id is None

    def list_missing_id_bits(self) -> tuple[int, ...]:
        """Return each set of ids that the movie lacks, as bits, from the empty set 0 on."""
        if self.imdb_id is not None:
            return (0,) if self.tmdb_id is not None else (0, TMDB_BIT)
        return (0, IMDB_BIT) if self.tmdb_id is not None else (0, IMDB_BIT, TMDB_BIT, BOTH_BITS)


@dataclass(slots=True, eq=False)
class MovieQuery:
    """How a row of a file names its movie; a new movie would get the first title.

    `film_id` tells films of one title and year in one file apart. `names` are the folded titles and their match keys.
    `id_bits` is the set of the ids that the query has; by a name, it finds only movies that lack all of them.
    `part_keys` are the match keys of the parts of the titles, None until `list_part_keys` computes them.
    """

    imdb_id: str | None = None
    tmdb_id: int | None = None
    titles: Sequence[str | None] = ()
    year: int | None = None
    film_id: str | None = None
    names: list[tuple[str, str]] = field(init=False)
    id_bits: int = field(init=False)
    part_keys: list[str] | None = None

    def __post_init__(self) -> None:
        """Fold the titles, once for all lookups."""
        # The key is that of the folded title, as of the movies that are loaded next.
        self.names = [(folded, match_key(folded)) for folded in map(fold, filter(None, self.titles))]
        self.id_bits = IMDB_BIT * (self.imdb_id is not None) + TMDB_BIT * (self.tmdb_id is not None)

    def accepts(self, movie: KnownMovie) -> bool:
        """Return True unless the movie has another IMDb id or TMDB id."""
        return (self.imdb_id is None or movie.imdb_id in (None, self.imdb_id)) and (
            self.tmdb_id is None or movie.tmdb_id in (None, self.tmdb_id)
        )

    def is_other_film(self, movie: KnownMovie) -> bool:
        """Return True if a row with another `film_id` was matched to the movie first."""
        return self.film_id is not None and movie.film_id not in (None, self.film_id)

    def list_part_keys(self) -> list[str]:
        """Return the match keys of the parts of the titles, without common parts.

        They are computed once: only missing movies need them.
        """
        if self.part_keys is None:
            keys = [key for title in self.titles if title for key in list_part_keys(title)]
            self.part_keys = [key for key in keys if not is_common_part(key)]
        return self.part_keys
