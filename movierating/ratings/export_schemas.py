"""Requests and responses of exports."""

import marshmallow as ma

from movierating.ratings.formats import movierating_json, writers

CSV = (
    "imdb_id,tmdb_id,title,original_title,year,value,rated_at,version\r\n"
    "tt0485601,26963,The Secret of Kells,,2009,8.5,2024-01-15T10:30:00Z,1\r\n"
)
JSON = {
    "format": movierating_json.FORMAT,
    "version": movierating_json.VERSION,
    "ratings": [
        {
            "imdb_id": "tt0485601",
            "tmdb_id": 26963,
            "title": "The Secret of Kells",
            "original_title": None,
            "year": 2009,
            "value": 8.5,
            "rated_at": "2024-01-15T10:30:00Z",
        }
    ],
}


class ExportQuerySchema(ma.Schema):
    """Options of an export."""

    format = ma.fields.String(
        load_default="csv",
        validate=ma.validate.OneOf(writers.FORMATS),
        metadata={"description": "The file format."},
    )
