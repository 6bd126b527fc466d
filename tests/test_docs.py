"""The documents in docs/ and CONTRIBUTING.md match the code: settings, commands, formats, make targets, links."""

import json
import re
import subprocess
from io import BytesIO
from pathlib import Path

import click
import pytest

from movierating import config
from movierating.cli.main import main
from movierating.ratings.formats import upload_reader, writers
from movierating.ratings.formats.rows import ExportRow
from movierating.ratings.formats.upload_reader import open_upload

pytestmark = pytest.mark.any_database

ROOT = Path(__file__).parents[1]
DOCS = ROOT / "docs"
PAGES = [*DOCS.glob("*.md"), *(ROOT / name for name in ("README.md", "CONTRIBUTING.md", "SECURITY.md"))]
IMPORT_AND_EXPORT = DOCS / "import-and-export.md"
FORMATS_HEADER = "| format | import | not imported | export | lost on export |"


def code_block(page, language, heading=""):
    """Return the first code block of a language, below a heading."""
    text = page.read_text().partition(heading)[2] if heading else page.read_text()
    return re.search(rf"^```{language}\n(.*?)^```", text, re.MULTILINE | re.DOTALL)[1]


def table_rows(page, header):
    body = page.read_text().split(f"{header}\n", 1)[1].split("\n\n", 1)[0]
    return body.splitlines()[1:]


def test_settings_table_lists_every_setting():
    assert table_rows(DOCS / "configuration.md", "| variable | default | meaning |") == [
        f"| `{config.PREFIX}{setting.name}` | {setting.default_text} | {setting.help} |"
        for setting in config.SETTINGS
    ]


def test_conditional_requests_return_the_statuses_shown(
    serve, copied, well_known_instance, program, tmp_path
):
    program("curl")
    service = serve(copied(well_known_instance, tmp_path / "instance"))
    texts = [(ROOT / "README.md").read_text(), (DOCS / "conditional-requests.md").read_text()]
    blocks = re.findall(r"^```bash\n(.*?)^```$", "\n".join(texts), re.MULTILINE | re.DOTALL)
    script = "".join(blocks).replace("http://127.0.0.1:4000", service.url)
    result = subprocess.run(["sh", "-euc", script], capture_output=True, text=True, timeout=180)
    assert (result.returncode, result.stderr) == (0, "")
    assert result.stdout.split()[-5:] == ["gzip", "304", "412", "200", "412"]


def usages(command, path=()):
    """Return the usage of each command in a group, as the table writes it; `db` has its own help."""
    if isinstance(command, click.Group):
        return [usage for name, child in command.commands.items() for usage in usages(child, (*path, name))]
    arguments = [each.human_readable_name for each in command.params if isinstance(each, click.Argument)]
    options = [each for each in command.params if isinstance(each, click.Option)]
    flags = [option.opts[0] if option.required else f"[{option.opts[0]}]" for option in options]
    return [" ".join([*path, *arguments, *flags])]


def test_commands_table_lists_every_command():
    rows = table_rows(DOCS / "operation.md", "| command | does |")
    assert sorted(re.match(r"\| `(.+?)` \| .+\. \|$", row)[1] for row in rows) == sorted(usages(main))


def lost_on_export(format_name):
    """Return what a format loses of a rating, as the table of formats writes it."""
    rating = ExportRow("tt0116191", 3573, "Emma", None, 1996, [], 17, 1_705_314_600_250_000)
    (read_back,) = open_upload(BytesIO(b"".join(writers.write_export(format_name, [rating]).blocks))).rows
    losses = {
        "half points (8.5 becomes 9)": read_back.value == 18,
        "dates: Letterboxd would make a diary entry of each": read_back.rated_at is None,
        "time of day": read_back.rated_at not in (None, rating.rated_at),
    }
    return ", ".join(loss for loss, is_lost in losses.items() if is_lost) or "nothing"


def test_formats_table_lists_every_format_and_what_it_loses():
    rows = [
        [cell.strip("` ") for cell in row.strip("|").split("|")]
        for row in table_rows(IMPORT_AND_EXPORT, FORMATS_HEADER)
    ]
    assert sorted(row[0] for row in rows) == sorted(upload_reader.FORMATS)
    assert all(row[1] and row[2] for row in rows)
    assert {row[0]: row[4] for row in rows if row[3]} == {
        name: lost_on_export(name) for name in writers.FORMATS
    }


@pytest.fixture
def run_commands(serve, copied, well_known_instance, tmp_path):
    """`run_commands(commands)` runs them after the README's first ones, and returns the JSON that they print."""
    service = serve(copied(well_known_instance, tmp_path / "instance"))
    first_session = code_block(ROOT / "README.md", "bash").partition("# Find")[0]
    first_session = first_session.replace("http://127.0.0.1:4000", service.url)

    def run(commands):
        script = first_session + commands.replace("\ncurl -s", "\necho; curl -s")
        result = subprocess.run(
            ["sh", "-euc", script], capture_output=True, text=True, timeout=180, cwd=tmp_path
        )
        assert (result.returncode, result.stderr) == (0, "")
        return [json.loads(line) for line in result.stdout.splitlines() if line][1:]

    return run


@pytest.mark.usefixtures("program")
def test_import_commands_preview_import_and_export(run_commands, tmp_path):
    (tmp_path / "ratings.csv").write_text(
        "Date,Name,Year,Letterboxd URI,Rating\n"
        "2024-01-15,Metropolis,1927,https://boxd.it/2aBc,4.5\n"
        "2024-01-16,Nowhere,1950,https://boxd.it/3,2\n"
    )
    preview, report, repeated = run_commands(code_block(IMPORT_AND_EXPORT, "sh"))
    assert preview == {**report, "dry_run": True}
    assert (report["format"], report["created"]) == ("letterboxd", 1)
    assert [(row["line"], row["title"]) for row in report["unmatched"]] == [(3, "Nowhere")]
    assert (repeated["created"], repeated["unchanged"]) == (0, 1)
    assert (tmp_path / "mine.csv").read_text().count(",Metropolis,,1927,9,2024-01-15T00:00:00Z,1\n") == 1


@pytest.mark.usefixtures("program")
def test_restore_commands_restore_replaced_ratings(run_commands, tmp_path):
    (tmp_path / "former.csv").write_text("title,year,value,rated_at\nMetropolis,1927,4.5,2020-01-15\n")
    (tmp_path / "ratings.csv").write_text("title,year,value,rated_at\nMetropolis,1927,9,2024-01-15\n")
    path = '"$API/users/me/ratings/import" -H "Authorization: Bearer $TOKEN"'
    before = f"\ncurl -s {path} -F file=@former.csv\n"
    restore = code_block(IMPORT_AND_EXPORT, "sh", "### Ratings you already have")
    created, restored, repeated = run_commands(f"{before}{restore}{before}")
    assert (created["created"], restored["updated"], repeated["unchanged"]) == (1, 1, 1)


def test_tree_in_development_md_exists():
    paths, parents = [], []
    for line in code_block(DOCS / "development.md", "text").splitlines():
        indent, name = re.match(r"( *)(\S+)/ +\S", line).groups()
        parents = [*parents[: len(indent) // 2], name]
        paths.append("/".join(parents))
    assert paths
    assert [path for path in paths if not (ROOT / path).is_dir()] == []


def test_make_targets_in_documents_exist():
    targets = set(re.findall(r"^([\w-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    named = {
        target
        for page in PAGES
        for words in re.findall(r"(?:`|^)make ([\w -]+)(?:`|$)", page.read_text(), re.MULTILINE)
        for target in words.split()
    }
    assert "bench-large" in named <= targets


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_commands_use_only_variables_that_are_set(page):
    first_session = code_block(ROOT / "README.md", "bash")
    blocks = "".join(re.findall(r"^```(?:ba)?sh\n(.*?)^```", page.read_text(), re.MULTILINE | re.DOTALL))
    assigned = set(re.findall(r"\b(\w+)=|\bfor (\w+) in", first_session + blocks))
    used = set(re.findall(r"\$\{?(\w+)", blocks)) - {"PWD"}
    assert used <= {name for names in assigned for name in names}


def anchors(page):
    """Return the anchors that GitHub makes of a page's headings."""
    headings = re.findall(r"^#+ (.+)$", page.read_text(), re.MULTILINE)
    return {re.sub(r"[^\w -]", "", heading).lower().replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_lead_to_files_and_headings(page):
    broken = []
    for target, anchor in re.findall(r"\]\((?!https?:)([^)#]*)#?([^)]*)\)", page.read_text()):
        file = (page.parent / target).resolve() if target else page
        if not file.exists() or (anchor and anchor not in anchors(file)):
            broken.append((target, anchor))
    assert broken == []
