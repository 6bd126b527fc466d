"""The genres that a movie may have."""

# fmt: off
GENRES = (
    "Action", "Adventure", "Animation", "Biography", "Comedy", "Crime", "Documentary", "Drama", "Family",
    "Fantasy", "Film Noir", "History", "Horror", "Music", "Musical", "Mystery", "News", "Romance",
    "Science Fiction", "Short", "Sport", "Thriller", "War", "Western",
)
