// The story with the fetch client of orval: `node story.js URL`.
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

const password = "otters play at dusk";

const account = await signUp({ username: "orval", email: "orval@example.org", password });
assert.equal(account.status, 201);
assert.equal(account.data.username, "orval");
const tokens = await logIn({ login: "orval", password });
assert.equal(tokens.status, 200);
const options = { headers: { Authorization: `Bearer ${tokens.data.access_token}` } };

const movies: Movie[] = [];
let cursor: string | null | undefined;
do {
  const page = await listMovies({ sort: "title", limit: 2, ...(cursor ? { cursor } : {}) });
  assert.equal(page.status, 200);
  movies.push(...page.data.items);
  cursor = page.data.next_cursor;
} while (cursor);
assert.deepEqual(
  movies.map((movie) => movie.title),
  [1, 2, 3, 4, 5].map((number) => `Movie ${number}`),
);

const missing = await rateMovie(999999, { value: 8.5 }, options);
assert.equal(missing.status, 404);
assert.equal(missing.data.type, "/problems/not-found");
const rating = await rateMovie(movies[0].id, { value: 8.5 }, options);
assert.ok(rating.status === 200 || rating.status === 201);
assert.equal(rating.data.value, 8.5);
assert.ok(rating.data.ratings.count >= 1);

const batch = [
  { movie_id: movies[1].id, value: 7 },
  { imdb_id: "tt9999999", value: 6 },
];
const report = await rateMovies({ ratings: batch }, options);
assert.equal(report.status, 200);
assert.equal(report.data.created, 1);
assert.equal(report.data.not_found.length, 1);

const file = new File(["imdb_id,value\ntt0000003,9.5\n"], "ratings.csv");
const imported = await importRatings({ file }, undefined, options);
assert.equal(imported.status, 200);
assert.equal(imported.data.created, 1);

const csv = await exportRatings({ format: "csv" }, options);
assert.ok(csv.data instanceof Blob);
assert.equal((await csv.data.text()).split("\n").length, 5);
const json = await exportRatings({ format: "json" }, options);
assert.ok(json.data instanceof Blob);
assert.equal(JSON.parse(await json.data.text()).ratings.length, 3);
