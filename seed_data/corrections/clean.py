"""Make `movies.csv` from a collected catalogue: `python seed_data/corrections/clean.py CATALOGUE`.

The tables beside this file contain what no rule can decide:

- `facts.csv`: the correct value of one field of a film, or genres to add (`+Animation`) and to remove (`-Family`);
- `added.csv`: widely known films that the sources lack;
- `removed.csv`: rows that are not films, and duplicates, with the id of the row to keep;
- `directors.csv`: names that are not names of persons, and the persons that they mean;
- `cartoonists.csv`: directors of animated shorts only;
- `first_edition.csv`: the films of the first edition, which the rules leave alone: they were corrected before;
- `classics.csv`: films that nearly everyone knows, chosen by hand.

Run on `movies.csv` itself, the script applies only new lines of the tables.
"""

import csv
import sys
from collections.abc import Set
from pathlib import Path

from film_titles import clean_alternatives, clean_titles

FOLDER = Path(__file__).parent
MOVIES = FOLDER.parent / "movies.csv"
COLUMNS = (
    *("title", "original_title", "year", "runtime_minutes", "genres", "directors"),
    *("country", "language", "imdb_id", "tmdb_id", "wikidata_id", "alternative_titles", "prominence"),
)
Movie = dict[str, str]

# Films of at most this many minutes are shorts, and so are those of the first years without a runtime.
SHORT_MINUTES = 44
LAST_YEAR_OF_SHORTS = 1909
# A larger runtime of a cartoon is in seconds.
CARTOON_SECONDS = 150
# Later, the directors of cinema cartoons made other films too.
LAST_CARTOON_YEAR = 1989

CZECHOSLOVAKIA = range(1918, 1993)
LAST_YEAR_OF_YUGOSLAVIA = 2002
# Until then, most co-productions in Italian were Italian films.
LAST_YEAR_OF_COPRODUCTIONS = 1995


def main(catalogue: Path) -> None:
    """Write `movies.csv` from a catalogue with the same columns, `prominence` apart."""
    movies = clean(add(read(catalogue)))
    with MOVIES.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, COLUMNS, lineterminator="\n")
        writer.writeheader()
        writer.writerows(movies)


def read(path: Path) -> list[Movie]:
    """Return the rows of a CSV."""
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file, strict=True))


def add(movies: list[Movie]) -> list[Movie]:
    """Return the films and those of `added.csv` that are not among them."""
    known = {movie["imdb_id"] for movie in movies}
    added = [row for row in read(FOLDER / "added.csv") if row["imdb_id"] not in known]
    return movies + [dict.fromkeys(COLUMNS, "") | row for row in added]


def clean(movies: list[Movie]) -> list[Movie]:
    """Return the corrected films with their prominence, sorted by year, title and id."""
    first = {row["imdb_id"] for row in read(FOLDER / "first_edition.csv")}
    classics = {row["imdb_id"] for row in read(FOLDER / "classics.csv")}
    persons = {row["name"]: row["instead"].split("|") for row in read(FOLDER / "directors.csv")}
    cartoonists = {row["name"] for row in read(FOLDER / "cartoonists.csv")}
    corrections = read_corrections()
    movies = remove(movies, first)
    for movie in movies:
        if movie["imdb_id"] not in first:
            # Before the rules, which depend on the facts, and after them, because corrections take precedence.
            correct(movie, corrections)
            clean_titles(movie)
            name_persons(movie, persons)
            if is_cartoon(movie, cartoonists):
                correct_cartoon(movie)
            correct_genres(movie)
            correct_country(movie)
        correct(movie, corrections)
        clean_alternatives(movie)
        movie["prominence"] = str(rate_prominence(movie, first, classics))
    return sorted(movies, key=lambda movie: (int(movie["year"]), movie["title"], movie["imdb_id"]))


def read_corrections() -> dict[str, list[Movie]]:
    """Return the corrections by IMDb id."""
    corrections: dict[str, list[Movie]] = {}
    for row in read(FOLDER / "facts.csv"):
        corrections.setdefault(row["imdb_id"], []).append(row)
    return corrections


def remove(movies: list[Movie], first: set[str]) -> list[Movie]:
    """Remove the rows of `removed.csv`; the row that is kept of a duplicate gets the facts that only the other has."""
    removed = {row["imdb_id"]: row["same_as"] for row in read(FOLDER / "removed.csv")}
    by_id = {movie["imdb_id"]: movie for movie in movies}
    for double, stays in removed.items():
        if double in by_id and stays in by_id and stays not in first:
            for column, value in by_id[double].items():
                by_id[stays][column] = by_id[stays][column] or value
    return [movie for movie in movies if movie["imdb_id"] not in removed]


def correct(movie: Movie, corrections: dict[str, list[Movie]]) -> None:
    """Apply the corrections of `facts.csv` to the film."""
    for row in corrections.get(movie["imdb_id"], ()):
        if row["field"] == "genres":
            changes = row["value"].split("|")
            change_genres(movie, add=changes_with("+", changes), drop=changes_with("-", changes))
        else:
            movie[row["field"]] = row["value"]


def changes_with(sign: str, changes: list[str]) -> set[str]:
    """Return the genres that follow this sign."""
    return {change[1:] for change in changes if change[0] == sign}


def change_genres(movie: Movie, *, add: Set[str] = frozenset(), drop: Set[str] = frozenset()) -> None:
    """Add and drop genres; keep them in order."""
    movie["genres"] = "|".join(sorted((genres_of(movie) | add) - drop))


def genres_of(movie: Movie) -> set[str]:
    """Return the film's genres."""
    return set(filter(None, movie["genres"].split("|")))


def name_persons(movie: Movie, persons: dict[str, list[str]]) -> None:
    """Replace ids and names of groups by persons."""
    names = [name for entry in movie["directors"].split("|") for name in persons.get(entry, [entry])]
    movie["directors"] = "|".join(dict.fromkeys(filter(None, names)))


def is_cartoon(movie: Movie, cartoonists: set[str]) -> bool:
    """Return True if a director of cartoons made the film."""
    return (
        not cartoonists.isdisjoint(movie["directors"].split("|"))
        and int(movie["year"]) <= LAST_CARTOON_YEAR
        and "Documentary" not in genres_of(movie)
    )


def correct_cartoon(movie: Movie) -> None:
    """Convert seconds to minutes, and add genres; a film without a runtime and other ids is a short."""
    minutes = int(movie["runtime_minutes"] or 0)
    if minutes >= CARTOON_SECONDS:
        movie["runtime_minutes"] = str(-(-minutes // 60))
    change_genres(movie, add={"Animation"})
    if not minutes and not movie["wikidata_id"] and not movie["tmdb_id"]:
        change_genres(movie, add={"Short"})


def correct_genres(movie: Movie) -> None:
    """Correct genres that were made from categories of another meaning."""
    minutes = int(movie["runtime_minutes"] or 0)
    if 0 < minutes <= SHORT_MINUTES or (not minutes and int(movie["year"]) <= LAST_YEAR_OF_SHORTS):
        change_genres(movie, add={"Short"})
    genres = genres_of(movie)
    if "Musical" in genres and genres & {"Documentary", "Biography", "Music"}:
        change_genres(movie, add={"Music"}, drop={"Musical"})
    if "Family" in genres and is_not_for_families(genres):
        change_genres(movie, drop={"Family"})


def is_not_for_families(genres: set[str]) -> bool:
    """Return True if "Family" beside these genres means "about a family", or nothing."""
    if genres & {"Animation"}:
        return False
    if genres & {"Horror", "Thriller", "War"}:
        return True
    if "Romance" in genres:
        return not genres & {"Adventure", "Fantasy", "Musical", "Music", "Short"}
    return "Crime" in genres and not genres & {"Adventure", "Comedy", "Short"}


def correct_country(movie: Movie) -> None:
    """Set the state that existed at the time, and Italy for co-productions in Italian."""
    year = int(movie["year"])
    if movie["country"] in {"CZ", "SK"} and year in CZECHOSLOVAKIA:
        movie["country"] = "CS"
    if movie["country"] == "CS" and year > CZECHOSLOVAKIA[-1]:
        # The code of Serbia and Montenegro for some years.
        movie["country"] = "YU" if year <= LAST_YEAR_OF_YUGOSLAVIA else "RS"
    if (
        movie["country"] in {"DE", "ES", "FR"}
        and movie["language"] == "it"
        and year <= LAST_YEAR_OF_COPRODUCTIONS
    ):
        movie["country"] = "IT"


def rate_prominence(movie: Movie, first: set[str], classics: set[str]) -> int:
    """Return how widely known the film is, from 0 to 100; README.md lists the points."""
    points = 40 if movie["imdb_id"] in first else 0
    points += points_of(movie["tmdb_id"], {1_000: 20, 10_000: 16, 20_000: 12, 50_000: 8, 100_000: 6}, 4)
    points += points_of(movie["wikidata_id"][1:], {200_000: 12, 500_000: 10, 1_000_000: 7, 3_000_000: 5}, 2)
    points += 3 if movie["language"] == "en" else 0
    points += min(
        4, len(list(filter(None, [movie["original_title"], *movie["alternative_titles"].split("|")])))
    )
    return 80 + points // 4 if movie["imdb_id"] in classics else points


def points_of(number: str, steps: dict[int, int], otherwise: int) -> int:
    """Return the points of a database's number: widely known films have low numbers."""
    if not number:
        return 0
    return next((points for limit, points in steps.items() if int(number) < limit), otherwise)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
