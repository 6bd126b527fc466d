CREATE TABLE alembic_version (
	version_num VARCHAR(32) NOT NULL, 
	CONSTRAINT alembic_version_pkc PRIMARY KEY (version_num)
);
CREATE TABLE movie (
	id INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT, 
	title VARCHAR(500) NOT NULL, 
	title_key VARCHAR(1000) NOT NULL, 
	original_title VARCHAR(500), 
	original_title_key VARCHAR(1000), 
	year INTEGER, 
	runtime_minutes INTEGER, 
	genres VARCHAR DEFAULT '[]' NOT NULL, 
	directors VARCHAR DEFAULT '[]' NOT NULL, 
	language VARCHAR(2), 
	country VARCHAR(2), 
	imdb_id VARCHAR(12), 
	tmdb_id BIGINT, 
	wikidata_id VARCHAR(20), 
	created_at BIGINT NOT NULL, 
	updated_at BIGINT NOT NULL, 
	edit INTEGER DEFAULT '1' NOT NULL, 
	ratings_version INTEGER DEFAULT '0' NOT NULL, 
	rating_count INTEGER DEFAULT '0' NOT NULL, 
	rating_sum INTEGER DEFAULT '0' NOT NULL, 
	h01 INTEGER DEFAULT '0' NOT NULL, 
	h02 INTEGER DEFAULT '0' NOT NULL, 
	h03 INTEGER DEFAULT '0' NOT NULL, 
	h04 INTEGER DEFAULT '0' NOT NULL, 
	h05 INTEGER DEFAULT '0' NOT NULL, 
	h06 INTEGER DEFAULT '0' NOT NULL, 
	h07 INTEGER DEFAULT '0' NOT NULL, 
	h08 INTEGER DEFAULT '0' NOT NULL, 
	h09 INTEGER DEFAULT '0' NOT NULL, 
	h10 INTEGER DEFAULT '0' NOT NULL, 
	h11 INTEGER DEFAULT '0' NOT NULL, 
	h12 INTEGER DEFAULT '0' NOT NULL, 
	h13 INTEGER DEFAULT '0' NOT NULL, 
	h14 INTEGER DEFAULT '0' NOT NULL, 
	h15 INTEGER DEFAULT '0' NOT NULL, 
	h16 INTEGER DEFAULT '0' NOT NULL, 
	h17 INTEGER DEFAULT '0' NOT NULL, 
	h18 INTEGER DEFAULT '0' NOT NULL, 
	h19 INTEGER DEFAULT '0' NOT NULL, 
	h20 INTEGER DEFAULT '0' NOT NULL, 
	year_rank INTEGER NOT NULL GENERATED ALWAYS AS (coalesce(year, 0)) VIRTUAL, 
	score DOUBLE NOT NULL GENERATED ALWAYS AS ((325.0 + rating_sum) / (2.0 * (25 + rating_count))) VIRTUAL, 
	mean_rank DOUBLE NOT NULL GENERATED ALWAYS AS (CASE WHEN rating_count = 0 THEN 0.0 ELSE rating_sum / (2.0 * rating_count) END) VIRTUAL, prominence INTEGER DEFAULT '0' NOT NULL, learns_ids BOOLEAN DEFAULT '0' NOT NULL, takes_titles BOOLEAN DEFAULT '1' NOT NULL, 
	CONSTRAINT uq_movie_imdb_id UNIQUE (imdb_id), 
	CONSTRAINT uq_movie_tmdb_id UNIQUE (tmdb_id)
);
CREATE TABLE user (
	id INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT, 
	username VARCHAR(40) NOT NULL, 
	username_key VARCHAR(40) NOT NULL, 
	email VARCHAR(254), 
	email_key VARCHAR(254), 
	display_name VARCHAR(100) NOT NULL, 
	password_hash VARCHAR(200), 
	role VARCHAR(10) DEFAULT 'member' NOT NULL, 
	active BOOLEAN DEFAULT '1' NOT NULL, 
	created_at BIGINT NOT NULL, 
	updated_at BIGINT NOT NULL, 
	rating_count INTEGER DEFAULT '0' NOT NULL, 
	rating_sum INTEGER DEFAULT '0' NOT NULL, 
	h01 INTEGER DEFAULT '0' NOT NULL, 
	h02 INTEGER DEFAULT '0' NOT NULL, 
	h03 INTEGER DEFAULT '0' NOT NULL, 
	h04 INTEGER DEFAULT '0' NOT NULL, 
	h05 INTEGER DEFAULT '0' NOT NULL, 
	h06 INTEGER DEFAULT '0' NOT NULL, 
	h07 INTEGER DEFAULT '0' NOT NULL, 
	h08 INTEGER DEFAULT '0' NOT NULL, 
	h09 INTEGER DEFAULT '0' NOT NULL, 
	h10 INTEGER DEFAULT '0' NOT NULL, 
	h11 INTEGER DEFAULT '0' NOT NULL, 
	h12 INTEGER DEFAULT '0' NOT NULL, 
	h13 INTEGER DEFAULT '0' NOT NULL, 
	h14 INTEGER DEFAULT '0' NOT NULL, 
	h15 INTEGER DEFAULT '0' NOT NULL, 
	h16 INTEGER DEFAULT '0' NOT NULL, 
	h17 INTEGER DEFAULT '0' NOT NULL, 
	h18 INTEGER DEFAULT '0' NOT NULL, 
	h19 INTEGER DEFAULT '0' NOT NULL, 
	h20 INTEGER DEFAULT '0' NOT NULL, listed BOOLEAN DEFAULT '1' NOT NULL, 
	CONSTRAINT ck_user_ck_user_role CHECK (role IN ('member', 'admin')), 
	CONSTRAINT uq_user_email_key UNIQUE (email_key), 
	CONSTRAINT uq_user_username_key UNIQUE (username_key)
);
CREATE TABLE movie_facet (
	movie_id INTEGER NOT NULL, 
	facet VARCHAR(300) NOT NULL, 
	CONSTRAINT pk_movie_facet PRIMARY KEY (movie_id, facet), 
	CONSTRAINT fk_movie_facet_movie_id_movie FOREIGN KEY(movie_id) REFERENCES movie (id) ON DELETE CASCADE
)
 WITHOUT ROWID

;
CREATE TABLE personal_token (
	id INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT, 
	user_id INTEGER NOT NULL, 
	name VARCHAR(100) NOT NULL, 
	scope VARCHAR(10) NOT NULL, 
	token_hash VARCHAR(64) NOT NULL, 
	created_at BIGINT NOT NULL, 
	expires_at BIGINT, 
	last_used_at BIGINT, 
	CONSTRAINT ck_personal_token_ck_personal_token_scope CHECK (scope IN ('read', 'write')), 
	CONSTRAINT fk_personal_token_user_id_user FOREIGN KEY(user_id) REFERENCES user (id) ON DELETE CASCADE, 
	CONSTRAINT uq_personal_token_token_hash UNIQUE (token_hash)
);
CREATE TABLE rating (
	user_id INTEGER NOT NULL, 
	movie_id INTEGER NOT NULL, 
	value INTEGER NOT NULL, 
	rated_at BIGINT NOT NULL, 
	created_at BIGINT NOT NULL, 
	updated_at BIGINT NOT NULL, 
	CONSTRAINT pk_rating PRIMARY KEY (user_id, movie_id), 
	CONSTRAINT ck_rating_ck_rating_value CHECK (value BETWEEN 1 AND 20), 
	CONSTRAINT fk_rating_movie_id_movie FOREIGN KEY(movie_id) REFERENCES movie (id), 
	CONSTRAINT fk_rating_user_id_user FOREIGN KEY(user_id) REFERENCES user (id)
)
 WITHOUT ROWID

;
CREATE TABLE session (
	id VARCHAR(32) NOT NULL, 
	user_id INTEGER NOT NULL, 
	generation INTEGER DEFAULT '1' NOT NULL, 
	created_at BIGINT NOT NULL, 
	rotated_at BIGINT NOT NULL, 
	expires_at BIGINT NOT NULL, 
	CONSTRAINT pk_session PRIMARY KEY (id), 
	CONSTRAINT fk_session_user_id_user FOREIGN KEY(user_id) REFERENCES user (id) ON DELETE CASCADE
);
CREATE TABLE movie_title (
	id INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT, 
	movie_id INTEGER NOT NULL, 
	title VARCHAR(500) NOT NULL, 
	match_key VARCHAR(1000) NOT NULL, 
	source VARCHAR(10) NOT NULL, 
	CONSTRAINT ck_movie_title_source CHECK (source IN ('catalogue', 'admin', 'import')), 
	CONSTRAINT fk_movie_title_movie_id_movie FOREIGN KEY(movie_id) REFERENCES movie (id) ON DELETE CASCADE, 
	CONSTRAINT uq_movie_title_movie_id_match_key UNIQUE (movie_id, match_key)
);
CREATE VIRTUAL TABLE "movie_search" USING fts5(title, original_title, directors, alternative_titles, prefix='1 2 3', tokenize="unicode61 remove_diacritics 0");
CREATE TABLE merged_movie (
	id INTEGER NOT NULL, 
	into_id INTEGER NOT NULL, 
	CONSTRAINT pk_merged_movie PRIMARY KEY (id), 
	CONSTRAINT fk_merged_movie_into_id_movie FOREIGN KEY(into_id) REFERENCES movie (id) ON DELETE CASCADE
);
CREATE TABLE movie_external_id (
	kind VARCHAR(10) NOT NULL, 
	value VARCHAR(1010) NOT NULL, 
	movie_id INTEGER, 
	CONSTRAINT pk_movie_external_id PRIMARY KEY (kind, value), 
	CONSTRAINT ck_movie_external_id_kind CHECK (kind IN ('imdb', 'tmdb', 'wikidata', 'title')), 
	CONSTRAINT fk_movie_external_id_movie_id_movie FOREIGN KEY(movie_id) REFERENCES movie (id) ON DELETE SET NULL
)
 WITHOUT ROWID

;
CREATE TABLE one_time_link (
	id INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT, 
	token_hash VARCHAR(64) NOT NULL, 
	user_id INTEGER, 
	creator_id INTEGER, 
	created_at BIGINT NOT NULL, 
	expires_at BIGINT NOT NULL, 
	CONSTRAINT fk_one_time_link_user_id_user FOREIGN KEY(user_id) REFERENCES user (id) ON DELETE CASCADE, 
	CONSTRAINT fk_one_time_link_creator_id_user FOREIGN KEY(creator_id) REFERENCES user (id) ON DELETE CASCADE, 
	CONSTRAINT uq_one_time_link_token_hash UNIQUE (token_hash)
);
CREATE TABLE skipped_movie (
	user_id INTEGER NOT NULL, 
	movie_id INTEGER NOT NULL, 
	skipped_at BIGINT NOT NULL, 
	CONSTRAINT pk_skipped_movie PRIMARY KEY (user_id, movie_id), 
	CONSTRAINT fk_skipped_movie_user_id_user FOREIGN KEY(user_id) REFERENCES user (id) ON DELETE CASCADE, 
	CONSTRAINT fk_skipped_movie_movie_id_movie FOREIGN KEY(movie_id) REFERENCES movie (id) ON DELETE CASCADE
)
 WITHOUT ROWID

;
CREATE TABLE stored_file (
	id VARCHAR(32) NOT NULL, 
	user_id INTEGER NOT NULL, 
	kind VARCHAR(10) NOT NULL, 
	name VARCHAR(100) NOT NULL, 
	part_count INTEGER NOT NULL, 
	stored_at BIGINT NOT NULL, 
	CONSTRAINT pk_stored_file PRIMARY KEY (id), 
	CONSTRAINT ck_stored_file_kind CHECK (kind IN ('upload', 'report')), 
	CONSTRAINT fk_stored_file_user_id_user FOREIGN KEY(user_id) REFERENCES user (id) ON DELETE CASCADE, 
	CONSTRAINT uq_stored_file_user_id_kind UNIQUE (user_id, kind)
);
CREATE TABLE stored_file_part (
	file_id VARCHAR(32) NOT NULL, 
	number INTEGER NOT NULL, 
	content BLOB NOT NULL, 
	CONSTRAINT pk_stored_file_part PRIMARY KEY (file_id, number), 
	CONSTRAINT fk_stored_file_part_file_id_stored_file FOREIGN KEY(file_id) REFERENCES stored_file (id) ON DELETE CASCADE
);
CREATE TABLE title_proposal (
	movie_id INTEGER NOT NULL, 
	match_key VARCHAR(1000) NOT NULL, 
	user_id INTEGER NOT NULL, title VARCHAR(500), 
	CONSTRAINT pk_title_proposal PRIMARY KEY (movie_id, match_key, user_id), 
	CONSTRAINT fk_title_proposal_movie_id_movie FOREIGN KEY(movie_id) REFERENCES movie (id) ON DELETE CASCADE, 
	CONSTRAINT fk_title_proposal_user_id_user FOREIGN KEY(user_id) REFERENCES user (id) ON DELETE CASCADE
)
 WITHOUT ROWID

;
CREATE TABLE different_movies (
	movie_id INTEGER NOT NULL, 
	other_id INTEGER NOT NULL, 
	CONSTRAINT pk_different_movies PRIMARY KEY (movie_id, other_id), 
	CONSTRAINT ck_different_movies_order CHECK (movie_id < other_id), 
	CONSTRAINT fk_different_movies_movie_id_movie FOREIGN KEY(movie_id) REFERENCES movie (id) ON DELETE CASCADE, 
	CONSTRAINT fk_different_movies_other_id_movie FOREIGN KEY(other_id) REFERENCES movie (id) ON DELETE CASCADE
)
 WITHOUT ROWID

;
CREATE TABLE data_migration (
	name VARCHAR(50) NOT NULL, 
	applied_at BIGINT NOT NULL, 
	CONSTRAINT pk_data_migration PRIMARY KEY (name)
);
INSERT INTO "alembic_version" ("version_num") VALUES ('0019');
INSERT INTO "movie" ("id", "title", "title_key", "original_title", "original_title_key", "year", "runtime_minutes", "genres", "directors", "language", "country", "imdb_id", "tmdb_id", "wikidata_id", "created_at", "updated_at", "edit", "ratings_version", "rating_count", "rating_sum", "h01", "h02", "h03", "h04", "h05", "h06", "h07", "h08", "h09", "h10", "h11", "h12", "h13", "h14", "h15", "h16", "h17", "h18", "h19", "h20", "prominence", "learns_ids", "takes_titles") VALUES (1, 'Cléo from 5 to 7', 'cleo from 5 to 7', 'Cléo de 5 à 7', 'cleo de 5 a 7', 1962, NULL, '["Comedy","Drama"]', '["Agnès Varda"]', 'fr', 'FR', 'tt0055852', 499, NULL, 1796068049693775, 1796068049693775, 1, 2, 2, 33, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1, 0, 0, 0, 1);
INSERT INTO "movie" ("id", "title", "title_key", "original_title", "original_title_key", "year", "runtime_minutes", "genres", "directors", "language", "country", "imdb_id", "tmdb_id", "wikidata_id", "created_at", "updated_at", "edit", "ratings_version", "rating_count", "rating_sum", "h01", "h02", "h03", "h04", "h05", "h06", "h07", "h08", "h09", "h10", "h11", "h12", "h13", "h14", "h15", "h16", "h17", "h18", "h19", "h20", "prominence", "learns_ids", "takes_titles") VALUES (2, 'Moon', 'moon', NULL, NULL, 2009, NULL, '["Drama"]', '["Duncan Jones"]', 'en', NULL, NULL, NULL, NULL, 1796068049701244, 1796068049701244, 1, 2, 2, 17, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 1);
INSERT INTO "movie" ("id", "title", "title_key", "original_title", "original_title_key", "year", "runtime_minutes", "genres", "directors", "language", "country", "imdb_id", "tmdb_id", "wikidata_id", "created_at", "updated_at", "edit", "ratings_version", "rating_count", "rating_sum", "h01", "h02", "h03", "h04", "h05", "h06", "h07", "h08", "h09", "h10", "h11", "h12", "h13", "h14", "h15", "h16", "h17", "h18", "h19", "h20", "prominence", "learns_ids", "takes_titles") VALUES (3, 'It''s a Gift', 'it''s a gift', NULL, NULL, 1934, 68, '[]', '[]', NULL, NULL, 'tt0025318', NULL, NULL, 1796068049704056, 1796068049704056, 1, 1, 1, 20, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 1);
INSERT INTO "user" ("id", "username", "username_key", "email", "email_key", "display_name", "password_hash", "role", "active", "created_at", "updated_at", "rating_count", "rating_sum", "h01", "h02", "h03", "h04", "h05", "h06", "h07", "h08", "h09", "h10", "h11", "h12", "h13", "h14", "h15", "h16", "h17", "h18", "h19", "h20", "listed") VALUES (1, 'ada', 'ada', 'ada@example.org', 'ada@example.org', 'ada', '$argon2id$v=19$m=19456,t=2,p=1$vDmwqhNwGAQ7o7d7BOzY9w$X7iVPxbENuInjsexV/2zOYMdpfhojeX2ToDbQryhC3U', 'admin', 1, 1796068049579729, 1796068049579729, 3, 55, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 1, 1, 1);
INSERT INTO "user" ("id", "username", "username_key", "email", "email_key", "display_name", "password_hash", "role", "active", "created_at", "updated_at", "rating_count", "rating_sum", "h01", "h02", "h03", "h04", "h05", "h06", "h07", "h08", "h09", "h10", "h11", "h12", "h13", "h14", "h15", "h16", "h17", "h18", "h19", "h20", "listed") VALUES (2, 'eve', 'eve', 'eve@example.org', 'eve@example.org', 'eve', '$argon2id$v=19$m=19456,t=2,p=1$F/SqlaSeBge3fh7SKBJBlw$KVKYVyX9XK6hR4Fdw6fU5ctK5zjWPfkBItHeAPdzv88', 'member', 1, 1796068049664398, 1796068049664398, 2, 15, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 1);
INSERT INTO "movie_facet" ("movie_id", "facet") VALUES (1, 'director:agnes varda');
INSERT INTO "movie_facet" ("movie_id", "facet") VALUES (2, 'director:duncan jones');
INSERT INTO "movie_facet" ("movie_id", "facet") VALUES (1, 'genre:Comedy');
INSERT INTO "movie_facet" ("movie_id", "facet") VALUES (1, 'genre:Drama');
INSERT INTO "movie_facet" ("movie_id", "facet") VALUES (2, 'genre:Drama');
INSERT INTO "movie_facet" ("movie_id", "facet") VALUES (2, 'language:en');
INSERT INTO "movie_facet" ("movie_id", "facet") VALUES (1, 'language:fr');
INSERT INTO "movie_facet" ("movie_id", "facet") VALUES (1, 'name:cleode5a7');
INSERT INTO "movie_facet" ("movie_id", "facet") VALUES (1, 'name:cleofrom5to7');
INSERT INTO "movie_facet" ("movie_id", "facet") VALUES (3, 'name:itsagift');
INSERT INTO "movie_facet" ("movie_id", "facet") VALUES (2, 'name:moon');
INSERT INTO "movie_facet" ("movie_id", "facet") VALUES (3, 'year:1934');
INSERT INTO "movie_facet" ("movie_id", "facet") VALUES (1, 'year:1962');
INSERT INTO "movie_facet" ("movie_id", "facet") VALUES (2, 'year:2009');
INSERT INTO "personal_token" ("id", "user_id", "name", "scope", "token_hash", "created_at", "expires_at", "last_used_at") VALUES (1, 1, 'script', 'read', 'd455bdeae945a840c4c35d029d45d7bed67f0c5e2fcfbff56adc789df53942a1', 1796068049717701, NULL, NULL);
INSERT INTO "rating" ("user_id", "movie_id", "value", "rated_at", "created_at", "updated_at") VALUES (1, 1, 19, 1796068049711541, 1796068049711541, 1796068049711541);
INSERT INTO "rating" ("user_id", "movie_id", "value", "rated_at", "created_at", "updated_at") VALUES (1, 2, 16, 1796068049713594, 1796068049713594, 1796068049713594);
INSERT INTO "rating" ("user_id", "movie_id", "value", "rated_at", "created_at", "updated_at") VALUES (1, 3, 20, 1796068049714613, 1796068049714613, 1796068049714613);
INSERT INTO "rating" ("user_id", "movie_id", "value", "rated_at", "created_at", "updated_at") VALUES (2, 1, 14, 1796068049715920, 1796068049715920, 1796068049715920);
INSERT INTO "rating" ("user_id", "movie_id", "value", "rated_at", "created_at", "updated_at") VALUES (2, 2, 1, 1796068049716839, 1796068049716839, 1796068049716839);
INSERT INTO "session" ("id", "user_id", "generation", "created_at", "rotated_at", "expires_at") VALUES ('4x3sgUdxXIVSf_aYBhnXVQ', 1, 1, 1796068049614706, 1796068049614706, 1798660049614706);
INSERT INTO "session" ("id", "user_id", "generation", "created_at", "rotated_at", "expires_at") VALUES ('77_PWj-RVucQNXi6vbPG4w', 2, 1, 1796068049689004, 1796068049689004, 1798660049689004);
INSERT INTO "movie_search" (rowid, "title", "original_title", "directors", "alternative_titles") VALUES (1, 'cleo from 5 to 7', 'cleo de 5 a 7', 'agnes varda', '');
INSERT INTO "movie_search" (rowid, "title", "original_title", "directors", "alternative_titles") VALUES (2, 'moon', '', 'duncan jones', '');
INSERT INTO "movie_search" (rowid, "title", "original_title", "directors", "alternative_titles") VALUES (3, 'it s a gift its', '', '', '');
INSERT INTO "movie_external_id" ("kind", "value", "movie_id") VALUES ('title', '2012:gone', NULL);
INSERT INTO "data_migration" ("name", "applied_at") VALUES ('seeded', 1735689600000000);
DELETE FROM sqlite_sequence;
INSERT INTO "sqlite_sequence" ("name", "seq") VALUES ('user', 2);
INSERT INTO "sqlite_sequence" ("name", "seq") VALUES ('movie', 4);
INSERT INTO "sqlite_sequence" ("name", "seq") VALUES ('personal_token', 1);
CREATE INDEX ix_movie_original_title ON movie (original_title_key) WHERE original_title_key IS NOT NULL;
CREATE INDEX ix_personal_token_user_id ON personal_token (user_id);
CREATE INDEX ix_rating_movie ON rating (movie_id, rated_at, user_id);
CREATE INDEX ix_rating_user_time ON rating (user_id, rated_at, movie_id);
CREATE INDEX ix_rating_user_value ON rating (user_id, value, movie_id);
CREATE INDEX ix_session_expires_at ON session (expires_at);
CREATE INDEX ix_session_user_id ON session (user_id);
CREATE INDEX ix_movie_facet_facet ON movie_facet (facet, movie_id);
CREATE INDEX ix_movie_mean ON movie (mean_rank, id, year, language, genres);
CREATE INDEX ix_movie_year ON movie (year_rank, id, year, language, genres);
CREATE INDEX ix_movie_score ON movie (score, prominence, id, year, language, genres);
CREATE INDEX ix_movie_count ON movie (rating_count, prominence, id, year, language, genres);
CREATE INDEX ix_movie_title_match_key_movie_id ON movie_title (match_key, movie_id);
CREATE UNIQUE INDEX uq_movie_title_year ON movie (title_key, year_rank) WHERE imdb_id IS NULL AND tmdb_id IS NULL;
CREATE INDEX ix_movie_title ON movie (title_key, id, year, language, genres);
CREATE INDEX ix_movie_created ON movie (created_at, id, year, language, genres);
CREATE INDEX ix_merged_movie_into_id ON merged_movie (into_id);
CREATE INDEX ix_movie_external_id_movie_id ON movie_external_id (movie_id);
CREATE INDEX ix_one_time_link_user_id ON one_time_link (user_id);
CREATE INDEX ix_one_time_link_creator_id ON one_time_link (creator_id);
CREATE INDEX ix_skipped_movie_movie_id ON skipped_movie (movie_id);
CREATE INDEX ix_movie_country ON movie (country, id);
CREATE INDEX ix_movie_runtime ON movie (runtime_minutes, id);
CREATE INDEX ix_stored_file_stored_at ON stored_file (stored_at);
CREATE INDEX ix_title_proposal_user_id ON title_proposal (user_id);
CREATE INDEX ix_different_movies_other_id ON different_movies (other_id);
