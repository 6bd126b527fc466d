"""Large data in the shape of MovieLens, the same each time: `python benchmarks/dataset.py small|large FOLDER`.

Few movies have most of the ratings and few people gave most of them, as everywhere.
`movierating import movielens FOLDER` loads it.
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
    "0.5": 2,
    "1.0": 3,
    "1.5": 2,
    "2.0": 7,
    "2.5": 5,
    "3.0": 20,
    "3.5": 13,
    "4.0": 26,
    "4.5": 8,
    "5.0": 14,
}
_COMMON_PER_CENT = 23  # of MovieLens' titles that have "The"
_ONSETS = ("b", "br", "d", "f", "g", "gr", "h", "k", "l", "m", "n", "p", "r", "s", "st", "t", "tr", "v", "w")
_RHYMES = ("a", "al", "an", "ar", "e", "el", "en", "er", "i", "in", "is", "o", "on", "or", "u", "ul", "un")
_WORDS = 20_000
_FIRST_SECOND, _LAST_SECOND = 1_000_000_000, 1_600_000_000
_SPAN_SECONDS = 50_000_000


def write(size: Size, folder: Path) -> None:
    """Create a folder with `movies.csv`, `links.csv` and `ratings.csv` of this size."""
    folder.mkdir(parents=True, exist_ok=True)
    chance = random.Random(20)
    _write_movies(size, folder, chance)
    with (folder / "ratings.csv").open("w", encoding="ascii") as file:
        file.write("userId,movieId,rating,timestamp\n")
        file.writelines(_ratings(size, chance))


def _write_movies(size: Size, folder: Path, chance: random.Random) -> None:
    years = chance.choices(range(1920, 2025), range(1, 106), k=size.movies)
    with (
        (folder / "movies.csv").open("w", newline="", encoding="ascii") as movies_file,
        (folder / "links.csv").open("w", newline="", encoding="ascii") as links_file,
    ):
        movies, links = csv.writer(movies_file), csv.writer(links_file)
        movies.writerow(("movieId", "title", "genres"))
        links.writerow(("movieId", "imdbId", "tmdbId"))
        for movie_id, title, year in zip(count(1), _titles(size.movies, chance), years):
            movies.writerow((movie_id, f"{title} ({year})", _genres(chance)))
            # Ids above those of the bundled movies.
            links.writerow((movie_id, 90_000_000 + movie_id, 50_000_000 + movie_id))


def _titles(number: int, chance: random.Random) -> Iterator[str]:
    """Yield titles of one to three words, most of them common words."""
    syllables = [onset + rhyme for onset in _ONSETS for rhyme in _RHYMES]
    vocabulary = ["".join(chance.choices(syllables, k=chance.randint(2, 3))).title() for _ in range(_WORDS)]
    often = list(accumulate(1 / (rank + 20) for rank in range(_WORDS)))
    for at in range(number):
        words = chance.choices(vocabulary, cum_weights=often, k=chance.randint(1, 3))
        if at % (number // RARE_TITLES) == 0 and at // (number // RARE_TITLES) < RARE_TITLES:
            words.append(RARE_WORD)
        yield " ".join(words) + (f", {COMMON_WORD}" if chance.randrange(100) < _COMMON_PER_CENT else "")


def _genres(chance: random.Random) -> str:
    drawn = dict.fromkeys(chance.choices(list(_GENRES), list(_GENRES.values()), k=chance.randint(1, 3)))
    return "|".join(name for name in drawn if name[0] != "(" or len(drawn) == 1)


def _ratings(size: Size, chance: random.Random) -> Iterator[str]:
    """Yield the lines of each user; only one user's lines are in memory."""
    favourite, *others = chance.sample(range(1, size.movies + 1), size.movies)
    popularity = list(accumulate((rank + 100) ** -1.2 for rank in range(len(others))))
    fans = set(chance.sample(range(1, size.users + 1), size.max_per_movie))
    for user_id, wanted in enumerate(_activity(size, chance), 1):
        rated = {favourite} if user_id in fans else set[int]()
        while missing := wanted - len(rated):
            rated.update(chance.choices(others, cum_weights=popularity, k=missing))
        yield _lines(user_id, sorted(rated), chance)


def _lines(user_id: int, movie_ids: Sequence[int], chance: random.Random) -> str:
    stars = chance.choices(list(_STARS), list(_STARS.values()), k=len(movie_ids))
    first = chance.randint(_FIRST_SECOND, _LAST_SECOND)
    times = chance.choices(range(first, first + _SPAN_SECONDS), k=len(movie_ids))
    rows = zip(movie_ids, stars, times, strict=True)
    return "".join([f"{user_id},{movie_id},{value},{time}\n" for movie_id, value, time in rows])


def _activity(size: Size, chance: random.Random) -> list[int]:
    """Return the number of ratings of each user: at least MIN_RATINGS_PER_USER, `ratings` in total."""
    # With more ratings per movie, users are more even: only one comes near to rating everything.
    even = max(30, size.users // 1000, size.ratings // size.movies)
    weights = [1 / (rank + even) for rank in range(size.users - 1)]
    spare = size.ratings - size.max_per_user - len(weights) * MIN_RATINGS_PER_USER
    unit = spare / sum(weights)
    counts = [MIN_RATINGS_PER_USER + int(weight * unit) for weight in weights]
    lost = size.ratings - size.max_per_user - sum(counts)  # to rounding, less than one each
    counts = [number + (rank < lost) for rank, number in enumerate(counts)] + [size.max_per_user]
    chance.shuffle(counts)
    return counts


@click.command()
@click.argument("size", type=click.Choice(list(SIZES)))
@click.argument("folder", type=click.Path(file_okay=False, path_type=Path))
def main(size: str, folder: Path) -> None:
    """Write movies.csv, links.csv and ratings.csv of a SIZE into FOLDER."""
    write(SIZES[size], folder)


if __name__ == "__main__":
    main()
