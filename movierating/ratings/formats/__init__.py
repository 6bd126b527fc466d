"""File formats of ratings, a module each: rows out of uploaded files and data sets, and files out of rows.

May import `movies` and what is below it, but no database. Public modules: `rows`, `upload_reader`, `writers`,
`movielens`. Begin with `upload_reader.open_upload`.
"""
