"""MovieLens files for tests, and what is read from them."""

from movierating import clock

RATINGS = "userId,movieId,rating,timestamp\n"
MOVIES = "movieId,title,genres\n1,Toy Story (1995),Animation|Children\n"
LINKS = "movieId,imdbId,tmdbId\n"


def ratings_of(dataset):
    """Every rating as line, user, movie, half points, and seconds."""
    return [
        (line, user, movie, points, at // clock.SECOND)
        for batch in dataset.read_ratings()
        for line, user, movie, points, at in zip(*batch[:5], strict=True)
    ]


def list_rejected(dataset):
    return [row for batch in dataset.read_ratings() for row in batch.rejected]
