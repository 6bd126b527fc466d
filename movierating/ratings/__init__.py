"""Ratings and their aggregates: one rating, batches, imports and exports, MovieLens data sets.

May import `movies`, `auth` and everything below them. Begin with `service.rate_movie`; `formats` reads the files.
Public modules: `models`, `schemas`, `service`, `exports`, `imports`, `import_report`, `bulk`, `datasets`,
`dataset_loading`, `recount`, `import_preview`, `merging`, `next_movies`, `stored_files`, `export_response`,
`export_schemas`, `import_schemas`.
"""
