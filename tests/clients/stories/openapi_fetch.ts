// The story with the types of openapi-typescript and openapi-fetch: `node story.js URL`.
import assert from "node:assert/strict";
import createClient from "openapi-fetch";
import type { components, paths } from "./schema";

const client = createClient<paths>({ baseUrl: process.argv[2] });
const password = "otters play at dusk";

const account = await client.POST("/v1/users", {
  body: { username: "fetcher", email: "fetcher@example.org", password },
});
assert.equal(account.data?.username, "fetcher");
const tokens = await client.POST("/v1/auth/login", { body: { login: "fetcher", password } });
assert.ok(tokens.data);
const authorization = `Bearer ${tokens.data.access_token}`;
client.use({
  onRequest({ request }) {
    request.headers.set("Authorization", authorization);
  },
});

const movies: components["schemas"]["Movie"][] = [];
let cursor: string | null | undefined;
do {
  const query = { sort: "title" as const, limit: 2, ...(cursor ? { cursor } : {}) };
  const page = await client.GET("/v1/movies", { params: { query } });
  assert.ok(page.data);
  movies.push(...page.data.items);
  cursor = page.data.next_cursor;
} while (cursor);
assert.deepEqual(
  movies.map((movie) => movie.title),
  [1, 2, 3, 4, 5].map((number) => `Movie ${number}`),
);

const rate = (movie_id: number) =>
  client.PUT("/v1/movies/{movie_id}/rating", { params: { path: { movie_id } }, body: { value: 8.5 } });
const missing = await rate(999999);
assert.equal(missing.response.status, 404);
assert.equal(missing.error?.type, "/problems/not-found");
const rating = await rate(movies[0].id);
assert.equal(rating.data?.value, 8.5);
assert.ok(rating.data.ratings.count >= 1);

const report = await client.POST("/v1/users/me/ratings", {
  body: {
    ratings: [
      { movie_id: movies[1].id, value: 7 },
      { imdb_id: "tt9999999", value: 6 },
    ],
  },
});
assert.equal(report.data?.created, 1);
assert.equal(report.data.not_found.length, 1);

const imported = await client.POST("/v1/users/me/ratings/import", {
  body: { file: "imdb_id,value\ntt0000003,9.5\n" },
  bodySerializer({ file }) {
    const form = new FormData();
    form.append("file", new Blob([file]), "ratings.csv");
    return form;
  },
});
assert.equal(imported.data?.created, 1);

const path = "/v1/users/me/ratings/export";
const csv = await client.GET(path, { params: { query: { format: "csv" } }, parseAs: "text" });
assert.equal(csv.data?.split("\n").length, 5);
const json = await client.GET(path, { params: { query: { format: "json" } } });
assert.equal((json.data as { ratings: unknown[] }).ratings.length, 3);
