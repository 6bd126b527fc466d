"""File formats of ratings, one module each: they read rows from files and write rows to files.

May import `movies` and everything below it, but no database. Public modules: `custom_csv`, `movielens`.
Begin with `upload_reader.open_upload`.
"""
