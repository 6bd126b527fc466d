"""The genres that a movie may have."""

# fmt: off
GENRES = (
    "Action", "Adventure", "Animation", "Biography", "Comedy", "Crime", "Documentary", "Drama", "Family",
    "Fantasy", "Film Noir", "History", "Horror", "Music", "Musical", "Mystery", "News", "Romance",
    "Science Fiction", "Short", "Sport", "Thriller", "War", "Western",
)
# fmt: on

# By their names here, and by those that IMDb and MovieLens have for them.
GENRES_BY_NAME = {genre: genre for genre in GENRES} | {"Film-Noir": "Film Noir", "Sci-Fi": "Science Fiction"}
