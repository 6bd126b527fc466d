"""Each folder's docstring names its public modules; modules of other folders import only those."""

import ast
import re
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parents[1] / "movierating"
FOLDERS = sorted(file.parent for file in PACKAGE.rglob("__init__.py") if file.parent != PACKAGE)
PUBLIC_MODULES = re.compile(r"Public modules: ((?:`\w+`,?\s?)+)")
# These put the application together.
FACTORY = (PACKAGE / "app.py", PACKAGE / "__main__.py")


def list_public_modules(folder):
    """Return the names of the public modules in a folder's docstring."""
    docstring = ast.get_docstring(ast.parse((folder / "__init__.py").read_text()))
    return re.findall(r"`(\w+)`", PUBLIC_MODULES.search(docstring)[1])


def list_imported_modules(file):
    """Yield the files of this package that a file imports, wherever in it."""
    for node in ast.walk(ast.parse(file.read_text())):
        if isinstance(node, ast.ImportFrom) and node.module.startswith("movierating"):
            place = PACKAGE.parent / node.module.replace(".", "/")
            for alias in node.names:
                module = place / f"{alias.name}.py"
                yield module if module.is_file() else place.with_suffix(".py")


def get_room(file):
    """Return the name of the folder below the package that a file belongs to, its own name at the root."""
    return file.relative_to(PACKAGE).parts[0]


@pytest.mark.parametrize("folder", FOLDERS, ids=lambda folder: str(folder.relative_to(PACKAGE)))
def test_public_modules_exist(folder):
    assert [name for name in list_public_modules(folder) if not (folder / f"{name}.py").is_file()] == []


def test_other_folders_import_only_public_modules():
    private = {
        f"{file.relative_to(PACKAGE)} imports {module.relative_to(PACKAGE)}"
        for file in PACKAGE.rglob("*.py")
        if file not in FACTORY
        for module in list_imported_modules(file)
        if module.parent in FOLDERS
        and get_room(file) != get_room(module)
        and module.stem not in list_public_modules(module.parent)
    }
    assert private == set()
