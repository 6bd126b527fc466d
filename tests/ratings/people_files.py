"""Files of ratings in many formats, of films of a generated world."""

import csv
import io
from dataclasses import dataclass

import orjson


@dataclass(frozen=True)
class Film:
    """A film of a generated world: its number, its names, and its rating by everybody, from 1 to 10.

    `known_ids` are the ids that the catalogue has of it, None if it is not in the catalogue.
    """

    number: int
    year: int
    names: tuple[str, ...]
    known_ids: tuple[str, ...] | None

    @property
    def imdb_id(self):
        return f"tt{5_000_000 + self.number}"

    @property
    def tmdb_id(self):
        return 5_000_000 + self.number

    @property
    def rating(self):
        return 2 * (1 + self.number % 5)

    def make_cells(self, title, original_title):
        """Return what a file may contain about the film, by the placeholders of FORMATS."""
        return {
            "title": title,
            "original": original_title,
            "year": self.year,
            "imdb": self.imdb_id,
            "imdb_number": self.imdb_id.removeprefix("tt"),
            "tmdb": self.tmdb_id,
            "number": self.number,
            "rating": self.rating,
            "stars": self.rating // 2,
            "percent": 10 * self.rating,
        }


def write_csv(header, *cells, delimiter=","):
    """Return a function that writes rows as CSV; `cells` are templates such as `{title}`."""

    def write(rows):
        text = io.StringIO()
        writer = csv.writer(text, delimiter=delimiter)
        writer.writerow(header.split(delimiter))
        writer.writerows([cell.format_map(row) for cell in cells] for row in rows)
        return text.getvalue().encode()

    return write


def write_json(make_item, wrap=list):
    """Return a function that writes rows as JSON."""
    return lambda rows: orjson.dumps(wrap([make_item(row) for row in rows]))


def make_trakt_item(row):
    ids = {"imdb": row["imdb"], "tmdb": row["tmdb"]}
    movie = {"title": row["title"], "year": row["year"], "ids": ids}
    return {"rated_at": "2024-01-15T10:30:00.000Z", "rating": row["rating"], "type": "movie", "movie": movie}


def make_simkl_item(row):
    ids = {"simkl": row["number"], "tmdb": str(row["tmdb"])}
    return {"user_rating": row["rating"], "movie": {"title": row["title"], "year": row["year"], "ids": ids}}


def make_flixster_item(row):
    return {"movie": {"title": row["title"], "year": row["year"]}, "score": str(row["stars"])}


def make_ryot_item(row):
    movie = {"lot": "movie", "source": "tmdb", "source_id": row["title"], "identifier": str(row["tmdb"])}
    return {**movie, "reviews": [{"rating": str(row["percent"])}]}


IMDB = "Const,Your Rating,Date Rated,Title,Original Title,URL,Title Type,IMDb Rating,Year"
TMDB = "TMDb ID,IMDb ID,Type,Name,Release Date,Season Number,Episode Number,Rating,Your Rating,Date Rated"
SIMKL = "SIMKL_ID,Title,Type,Year,Watchlist,LastEpWatched,WatchedDate,Rating,Memo,TVDB,TMDB,IMDB"
FORMATS = {
    "letterboxd": write_csv(
        "Date,Name,Year,Letterboxd URI,Rating",
        *("2022-01-01", "{title}", "{year}", "https://boxd.it/{number}", "{stars}"),
    ),
    "imdb": write_csv(
        IMDB, "{imdb}", "{rating}", "2024-01-01", "{title}", "{original}", "u", "Movie", "", "{year}"
    ),
    "trakt": write_json(make_trakt_item),
    "tmdb": write_csv(
        TMDB, "{tmdb}", "", "movie", "{title}", "{year}-01-02", "", "", "", "{rating}", "2024-01-01"
    ),
    "movary": write_csv(
        "title,year,tmdbId,imdbId,userRating", "{title}", "{year}", "{tmdb}", "{imdb}", "{rating}"
    ),
    "simkl csv": write_csv(
        SIMKL, "{number}", "{title}", "movie", "{year}", "", "", "", "{rating}", "", "", "{tmdb}", "{imdb}"
    ),
    "simkl json": write_json(make_simkl_item, lambda items: {"movies": items}),
    "flixster": write_json(make_flixster_item, lambda items: {"ratings": items}),
    "ryot": write_json(make_ryot_item, lambda items: {"metadata": items}),
    "kinopoisk": write_csv(
        *("id,nameEng,nameRus,rating,date,year,link", "{number}", "{original}", "{title}", "{rating}"),
        *("", "{year}", ""),
    ),
    "filmtipset": write_csv(
        "VoteDate;MovieTitle;IMDB;Score", "", "{title}", "{imdb_number}", "{stars}", delimiter=";"
    ),
    "criticker": write_csv(
        "Score,Film Name,Year,Date Rated,Mini Review,URL,IMDB ID",
        *("{percent}", "{title}", "{year}", "", "", "", "{imdb}"),
    ),
    "csv": write_csv(
        "imdb_id,title,original_title,year,value", "{imdb}", "{title}", "{original}", "{year}", "{rating}"
    ),
    "plain": write_csv("Title,Year,Rating10", "{title}", "{year}", "{rating}"),
}
