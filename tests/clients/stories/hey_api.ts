// The story with the client of @hey-api/openapi-ts: `node story.js URL`.
import assert from "node:assert/strict";
import {
  exportRatings,
  importRatings,
  listMovies,
  logIn,
  rateMovie,
  rateMovies,
  signUp,
  type Movie,
} from "./client";
import { client } from "./client/client.gen";

client.setConfig({ baseUrl: process.argv[2] });
const password = "otters play at dusk";

const account = await signUp({ body: { username: "heyapi", email: "heyapi@example.org", password } });
assert.equal(account.data?.username, "heyapi");
const tokens = await logIn({ body: { login: "heyapi", password } });
client.setConfig({ auth: tokens.data?.access_token });

const movies: Movie[] = [];
let cursor: string | null | undefined;
do {
  const page = await listMovies({ query: { sort: "title", limit: 2, ...(cursor ? { cursor } : {}) } });
  assert.ok(page.data);
  movies.push(...page.data.items);
  cursor = page.data.next_cursor;
} while (cursor);
assert.deepEqual(
  movies.map((movie) => movie.title),
  [1, 2, 3, 4, 5].map((number) => `Movie ${number}`),
);

const missing = await rateMovie({ path: { movie_id: 999999 }, body: { value: 8.5 } });
assert.equal(missing.response?.status, 404);
assert.equal(missing.error?.type, "/problems/not-found");
const rating = await rateMovie({ path: { movie_id: movies[0].id }, body: { value: 8.5 } });
assert.equal(rating.data?.value, 8.5);
assert.ok(rating.data.ratings.count >= 1);

const report = await rateMovies({
  body: {
    ratings: [
      { movie_id: movies[1].id, value: 7 },
      { imdb_id: "tt9999999", value: 6 },
    ],
  },
});
assert.equal(report.data?.created, 1);
assert.equal(report.data.not_found.length, 1);

const file = new File(["imdb_id,value\ntt0000003,9.5\n"], "ratings.csv");
const imported = await importRatings({ body: { file } });
assert.equal(imported.data?.created, 1);

const csv = await exportRatings({ query: { format: "csv" } });
assert.equal((csv.data as string).split("\n").length, 5);
const json = await exportRatings({ query: { format: "json" } });
assert.equal((json.data as { ratings: unknown[] }).ratings.length, 3);
