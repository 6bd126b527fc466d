"""The story with the tools that fastmcp makes of the document: `fastmcp_bridge.py URL`."""

import asyncio
import sys

import httpx2
from fastmcp import Client, FastMCP
from fastmcp.exceptions import ToolError


async def tell(http: httpx2.AsyncClient) -> None:
    document = (await http.get("/openapi.json")).json()
    async with Client(FastMCP.from_openapi(document, client=http)) as client:

        async def call(tool, **arguments):
            return (await client.call_tool(tool, arguments)).structured_content

        account = await call(
            "sign_up", username="bridge", email="bridge@example.org", password="otters play at dusk"
        )
        assert account["username"] == "bridge"
        tokens = await call("log_in", login="bridge", password="otters play at dusk")
        http.headers["Authorization"] = f"Bearer {tokens['access_token']}"

        movies, page = [], {"next_cursor": None}
        while not movies or page["next_cursor"]:
            cursor = {"cursor": page["next_cursor"]} if movies else {}
            page = await call("list_movies", sort="title", limit=2, **cursor)
            movies += page["items"]
        assert [movie["title"] for movie in movies] == [f"Movie {number}" for number in range(1, 6)]

        try:
            await call("rate_movie", movie_id=999999, value=8.5)
        except ToolError as error:
            assert "/problems/not-found" in str(error)
        else:
            raise AssertionError("a movie that does not exist was rated")
        rating = await call("rate_movie", movie_id=movies[0]["id"], value=8.5)
        assert rating["value"] == 8.5
        assert rating["ratings"]["count"] >= 1

        batch = [{"movie_id": movies[1]["id"], "value": 7}, {"imdb_id": "tt9999999", "value": 6}]
        report = await call("rate_movies", ratings=batch)
        assert (report["created"], len(report["not_found"])) == (1, 1)

        imported = await call("import_ratings", file="imdb_id,value\ntt0000003,9.5\n")
        assert imported["created"] == 1

        csv = await client.call_tool("export_ratings", {"format": "csv"})
        assert csv.content[0].text.count("\n") == 4
        exported = await call("export_ratings", format="json")
        assert len(exported["ratings"]) == 3


async def main() -> None:
    async with httpx2.AsyncClient(base_url=sys.argv[1]) as http:
        await tell(http)


asyncio.run(main())
