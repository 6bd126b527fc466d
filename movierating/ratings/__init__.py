"""Ratings and their aggregates: one rating, batches, imports and exports, MovieLens data sets.

May import `movies`, `auth` and what is below them; `formats` reads and writes the files. Public modules: `models`,
`schemas`, `service`, `exports`, `imports`, `bulk`, `datasets`, `recount`. Begin with `service.rate_movie`.
"""
