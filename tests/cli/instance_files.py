"""The files of an instance folder."""


def contents(folder):
    """Return the contents of an instance's databases by name."""
    return {file.name: file.read_bytes() for file in folder.glob("movierating*.sqlite3")}


def names(folder):
    """Return the names of the files in a folder, sorted."""
    return sorted(file.name for file in folder.iterdir())


def list_unfinished(folder):
    """Return the names of the files that a command writes before it renames them."""
    return [name for name in names(folder) if name.endswith((".new", ".old", ".part"))]
