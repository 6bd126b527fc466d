"""What the README says is so."""

import json
import os
import re
import subprocess
from pathlib import Path

import click
import pytest

from movierating import config
from movierating.cli.main import main
from movierating.ratings.formats import upload_reader, writers
from movierating.ratings.formats.rows import ExportRow
from movierating.ratings.formats.upload_reader import open_upload

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text()
FORMATS_HEADER = "| format | in | left behind | out | lost on the way out |"


def blocks(language):
    """The code blocks in this language."""
    return re.findall(rf"^```{language}\n(.*?)^```$", README, re.MULTILINE | re.DOTALL)


def block(language):
    """The one code block in this language."""
    (found,) = blocks(language)
    return found


def table(header):
    """The rows of the table with this header, as they are written."""
    body = README.split(f"{header}\n", 1)[1].split("\n\n", 1)[0]
    return body.splitlines()[1:]


def usages(command, path=()):
    """Each command's usage, as the table writes it; `db` has its own help."""
    if isinstance(command, click.Group):
        return [usage for name, child in command.commands.items() for usage in usages(child, (*path, name))]
    arguments = [
        argument.human_readable_name for argument in command.params if isinstance(argument, click.Argument)
    ]
    options = [option for option in command.params if isinstance(option, click.Option)]
    flags = [option.opts[0] if option.required else f"[{option.opts[0]}]" for option in options]
    return [" ".join([*path, *arguments, *flags])]


@pytest.fixture(scope="module")
def session(serve, tmp_path_factory, program):
    """What each command of the first session and of the import printed, run as written but for the port."""
    folder = Path(program("curl")).parent
    here = tmp_path_factory.mktemp("readme")
    service = serve(here / "instance")
    rows = (
        "2024-01-15,Metropolis,1927,https://boxd.it/2aBc,4.5",
        "2024-01-16,Nowhere,1950,https://boxd.it/3,2",
    )
    (here / "ratings.csv").write_text("\n".join(["Date,Name,Year,Letterboxd URI,Rating", *rows]))
    script = block("bash") + blocks("sh")[2]
    assert script.count("http://127.0.0.1:4000") == 1
    script = script.replace("http://127.0.0.1:4000", service.url).replace("\ncurl -s", "\necho; curl -s")
    env = {"PATH": f"{folder}:{os.environ['PATH']}"}
    done = subprocess.run(
        ["sh", "-euc", script], capture_output=True, text=True, timeout=60, env=env, cwd=here
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert (here / "mine.csv").read_text().count(",Metropolis,,1927,9,2024-01-15T00:00:00Z,1\n") == 1
    return [json.loads(line) for line in done.stdout.splitlines() if line]


def test_the_first_session_goes_from_sign_up_to_profile(session):
    account, found, rated, own, profile, history, *_ = session
    assert (account["username"], account["role"]) == ("ada", "member")
    assert [movie["title"] for movie in found["items"]] == ["Amélie"]
    assert (rated["value"], rated["ratings"]["count"], rated["ratings"]["mean"]) == (8.5, 1, 8.5)
    assert (own["email"], own["ratings"]["count"]) == ("ada@example.org", 1)
    assert "email" not in profile
    assert [(item["movie"]["id"], item["value"]) for item in history["items"]] == [
        (found["items"][0]["id"], 8.5)
    ]


def test_the_profile_looks_as_shown(session):
    shown = json.loads(block("json"))
    assert {**session[4], "created_at": None} == {**shown, "created_at": None}
    assert list(session[4]) == list(shown)


def test_a_file_is_looked_at_and_then_taken(session):
    looked_at, taken = session[6:]
    assert looked_at == {**taken, "dry_run": True}
    assert (taken["format"], taken["created"]) == ("letterboxd", 1)
    assert [(row["line"], row["title"]) for row in taken["unmatched"]] == [(3, "Nowhere")]


def lost(name):
    """What a format loses of a rating, as the table of formats writes it."""
    row = ExportRow("tt0116191", 3573, "Emma", None, 1996, [], 17, 1_705_314_600_250_000)
    (back,) = open_upload(b"".join(writers.write_export(name, [row]).blocks)).rows
    told = {"half points (8.5 becomes 9)": back.value == 18, "time of day": back.rated_at != row.rated_at}
    return ", ".join(what for what, is_lost in told.items() if is_lost) or "nothing"


def test_the_formats_are_those_that_there_are():
    rows = [[cell.strip() for cell in row.strip("|").split("|")] for row in table(FORMATS_HEADER)]
    assert [row[0] for row in rows] == [f"`{name}`" for name in upload_reader.FORMATS]
    assert all(row[1] and row[2] for row in rows)
    out = {row[0].strip("`"): row[4] for row in rows if row[3]}
    assert out == {name: lost(name) for name in writers.FORMATS}


def test_the_settings_are_those_that_there_are():
    assert table("| variable | default | meaning |") == [
        f"| `{config.PREFIX}{setting.name}` | {setting.default_text} | {setting.help} |"
        for setting in config.SETTINGS
    ]


def test_the_commands_are_those_that_there_are():
    written = [re.match(r"\| `(.+?)` \| .+\. \|$", row)[1] for row in table("| command | does |")]
    assert sorted(written) == sorted(usages(main))


def test_it_starts_with_the_two_ways_to_run_it():
    assert re.findall(r"^```sh\n(.*?)```$", README, re.MULTILINE | re.DOTALL)[:2] == [
        "make run\n",
        "pip install movierating\nmovierating serve\n",
    ]


def test_the_map_is_the_tree():
    mapped, trail = set(), []
    for line in block("text").splitlines():
        indent, name = re.match(r"( *)(\S+)/ +\S", line).groups()
        trail = [*trail[: len(indent) // 2], name]
        mapped.add("/".join(trail))
    packages = {str(file.parent.relative_to(ROOT)) for file in ROOT.glob("movierating/**/__init__.py")}
    assert packages <= mapped
    assert [folder for folder in mapped if not (ROOT / folder).is_dir()] == []


def test_the_modules_it_names_are_there():
    listed = re.search(
        r"^The modules beside the folders.*?(?=\n\nA feature)", README, re.MULTILINE | re.DOTALL
    )[0]
    modules = re.findall(r"`(\w+)`", listed)
    assert len(modules) > 20
    assert [name for name in modules if not (ROOT / "movierating" / f"{name}.py").is_file()] == []


def test_every_make_target_it_names_is_there():
    targets = set(re.findall(r"^([\w-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    named = set(re.findall(r"(?:`|^)make ([\w-]+)", README, re.MULTILINE))
    assert "bench-large" in named <= targets


@pytest.mark.parametrize("target", sorted(set(re.findall(r"\]\(([^)#:]+)\)", README))))
def test_links_into_the_tree_lead_somewhere(target):
    assert (ROOT / target).exists()


def test_the_sources_of_the_movies_are_credited():
    for credit in ("Wikidata", "CC0 1.0", "omdb.org", "CC BY 2.0 DE"):
        assert credit in README
        assert credit in (ROOT / "seed_data" / "README.md").read_text()
