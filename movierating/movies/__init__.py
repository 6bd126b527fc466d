"""Movies: their facts, search, charts and genres, and matching the rows of files to movies.

May import `auth`, `http`, `storage` and below. Begin with `routes.py`, then `service.py` and `search.py`.
Public modules: `models`, `schemas`, `query_schemas`, `service`, `search`, `filters`, `filter_parsers`, `search_index`,
`index_repair`, `text_index`, `matching`, `movie_ids`, `movie_query`, `own_ratings`, `staged_movies`, `retired_movies`,
`merged_movies`, `movie_json`, `redirects`, `duplicates`, `titles`, `title_proposals`, `genres`, `seed`, `movie_csv`,
`import_counts`, `catalogue_import`, `imdb_files`.
"""
