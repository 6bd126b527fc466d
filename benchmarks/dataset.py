"""Generates data sets in the format of MovieLens, the same each time: `python benchmarks/dataset.py small FOLDER`.

A few movies have most of the ratings, and a few users gave most of them. `movierating import movielens FOLDER` imports
the files.
"""

import csv
import random
from collections.abc import Iterator, Sequence
from itertools import accumulate, count
from pathlib import Path
from typing import NamedTuple

import click


class Size(NamedTuple):
    """The size of a data set. One user and one movie have exactly the maximum number of ratings."""

    movies: int
    users: int
    ratings: int
    max_per_user: int
    max_per_movie: int


SIZES = {
    "small": Size(9_742, 610, 100_836, 2_698, 329),  # as ml-latest-small
    "medium": Size(4_705, 6_000, 1_000_000, 2_698, 3_000),  # with the bundled movies 10,000
    "catalogue": Size(87_000, 6_000, 400_000, 2_698, 3_000),  # more movies than a cache holds
    "million": Size(87_000, 20_000, 1_000_000, 10_000, 10_000),
    "large": Size(87_000, 200_000, 10_000_000, 10_000, 100_000),
}
MIN_RATINGS_PER_USER = 20
COMMON_WORD, RARE_WORD = "The", "Zanzibar"
RARE_TITLES = 25

_GENRES = {
    "Drama": 44, "Comedy": 26, "Thriller": 14, "Romance": 12, "Action": 11, "Documentary": 11, "Horror": 10,
    "(no genres listed)": 8, "Crime": 8, "Adventure": 7, "Sci-Fi": 6, "Animation": 5, "Children": 5, "Mystery": 5,
    "Fantasy": 4, "War": 3, "Western": 2, "Musical": 2, "Film-Noir": 1,
}  # fmt: skip
_STARS = {
    "0.5": 2, "1.0": 3, "1.5": 2, "2.0": 7, "2.5": 5, "3.0": 20, "3.5": 13, "4.0": 26, "4.5": 8, "5.0": 14,
}  # fmt: skip
_COMMON_WORD_PERCENT = 23  # of MovieLens' titles contain "The"
_ONSETS = ("b", "br", "d", "f", "g", "gr", "h", "k", "l", "m", "n", "p", "r", "s", "st", "t", "tr", "v", "w")
_RHYMES = ("a", "al", "an", "ar", "e", "el", "en", "er", "i", "in", "is", "o", "on", "or", "u", "ul", "un")
_WORDS = 20_000
_FIRST_SECOND, _LAST_SECOND = 1_000_000_000, 1_600_000_000
_SPAN_SECONDS = 50_000_000


def write(size: Size, folder: Path) -> None:
    """Create a folder with `movies.csv`, `links.csv` and `ratings.csv` of this size."""
    folder.mkdir(parents=True, exist_ok=True)
    rng = random.Random(20)
    _write_movies(size, folder, rng)
    with (folder / "ratings.csv").open("w", encoding="ascii") as file:
        file.write("userId,movieId,rating,timestamp\n")
        file.writelines(_make_ratings(size, rng))


def _write_movies(size: Size, folder: Path, rng: random.Random) -> None:
    years = rng.choices(range(1920, 2025), range(1, 106), k=size.movies)
    with (
        (folder / "movies.csv").open("w", newline="", encoding="ascii") as movies_file,
        (folder / "links.csv").open("w", newline="", encoding="ascii") as links_file,
    ):
        movies, links = csv.writer(movies_file), csv.writer(links_file)
        movies.writerow(("movieId", "title", "genres"))
        links.writerow(("movieId", "imdbId", "tmdbId"))
        for movie_id, title, year in zip(count(1), _make_titles(size.movies, rng), years):
            movies.writerow((movie_id, f"{title} ({year})", _draw_genres(rng)))
            # Ids above those of the bundled movies.
            links.writerow((movie_id, 90_000_000 + movie_id, 50_000_000 + movie_id))


def _make_titles(number: int, rng: random.Random) -> Iterator[str]:
    """Yield titles of one to three words, most of them common words."""
    syllables = [onset + rhyme for onset in _ONSETS for rhyme in _RHYMES]
    vocabulary = ["".join(rng.choices(syllables, k=rng.randint(2, 3))).title() for _ in range(_WORDS)]
    frequencies = list(accumulate(1 / (rank + 20) for rank in range(_WORDS)))
    step = number // RARE_TITLES
    for index in range(number):
        words = rng.choices(vocabulary, cum_weights=frequencies, k=rng.randint(1, 3))
        if index % step == 0 and index < RARE_TITLES * step:
            words.append(RARE_WORD)
        yield " ".join(words) + (f", {COMMON_WORD}" if rng.randrange(100) < _COMMON_WORD_PERCENT else "")


def _draw_genres(rng: random.Random) -> str:
    drawn = dict.fromkeys(rng.choices(list(_GENRES), list(_GENRES.values()), k=rng.randint(1, 3)))
    return "|".join(name for name in drawn if name[0] != "(" or len(drawn) == 1)


def _make_ratings(size: Size, rng: random.Random) -> Iterator[str]:
    """Yield the lines of each user; only one user's lines are in memory."""
    favourite, *others = rng.sample(range(1, size.movies + 1), size.movies)
    popularity = list(accumulate((rank + 100) ** -1.2 for rank in range(len(others))))
    fans = set(rng.sample(range(1, size.users + 1), size.max_per_movie))
    for user_id, number in enumerate(_draw_counts(size, rng), 1):
        rated = {favourite} if user_id in fans else set[int]()
        while missing := number - len(rated):
            rated.update(rng.choices(others, cum_weights=popularity, k=missing))
        yield _make_lines(user_id, sorted(rated), rng)


def _make_lines(user_id: int, movie_ids: Sequence[int], rng: random.Random) -> str:
    stars = rng.choices(list(_STARS), list(_STARS.values()), k=len(movie_ids))
    first = rng.randint(_FIRST_SECOND, _LAST_SECOND)
    times = rng.choices(range(first, first + _SPAN_SECONDS), k=len(movie_ids))
    rows = zip(movie_ids, stars, times, strict=True)
    return "".join([f"{user_id},{movie_id},{value},{time}\n" for movie_id, value, time in rows])


def _draw_counts(size: Size, rng: random.Random) -> list[int]:
    """Return the number of ratings of each user: at least MIN_RATINGS_PER_USER, `ratings` in total."""
    # With more ratings per movie the users differ less, so that only one of them rates nearly every movie.
    offset = max(30, size.users // 1000, size.ratings // size.movies)
    weights = [1 / (rank + offset) for rank in range(size.users - 1)]
    remaining = size.ratings - size.max_per_user - len(weights) * MIN_RATINGS_PER_USER
    unit = remaining / sum(weights)
    counts = [MIN_RATINGS_PER_USER + int(weight * unit) for weight in weights]
    rounding_error = size.ratings - size.max_per_user - sum(counts)  # less than one rating per user
    counts = [count + (rank < rounding_error) for rank, count in enumerate(counts)] + [size.max_per_user]
    rng.shuffle(counts)
    return counts


@click.command()
@click.argument("size", type=click.Choice(list(SIZES)))
@click.argument("folder", type=click.Path(file_okay=False, path_type=Path))
def main(size: str, folder: Path) -> None:
    """Write movies.csv, links.csv and ratings.csv of a SIZE into FOLDER."""
    write(SIZES[size], folder)


if __name__ == "__main__":
    main()
