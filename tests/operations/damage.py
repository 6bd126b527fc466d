"""Changes of a database past the service, in tests."""

from sqlalchemy import text

from movierating.storage.database import read, write


def change(statement, **values):
    """Run a statement as one write."""
    write(lambda connection: connection.execute(text(statement), values))


def change_without_foreign_keys(statement):
    """Run a statement that leaves a row without the row that it refers to."""
    connection = read()
    connection.exec_driver_sql("PRAGMA foreign_keys = OFF")
    connection.exec_driver_sql(statement)
    connection.exec_driver_sql("PRAGMA foreign_keys = ON")
