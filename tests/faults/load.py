"""Clients that use a service at once while something fails."""

import threading
import time

from movierating.storage.storage_errors import DATABASE_BUSY


class Load:
    """Writers that rate movies without a pause, each its own ones, and readers, until `end()`.

    With `stops_at_failure`, a client sends nothing after a failed request, except if the service was only busy: on a
    slow disk, some of many writers get 503, as documented.
    """

    def __init__(self, writers, ids, readers=(), *, stops_at_failure=False):
        self.statuses, self.longest_seconds, self.failures = set(), 0.0, 0
        self.acknowledged = [{} for _ in writers]
        self._sent = [{} for _ in writers]
        self._ids, self._stops_at_failure = ids, stops_at_failure
        self._clients = [*writers, *readers]
        self.turns = [0] * len(self._clients)
        self._ended = threading.Event()
        self._threads = [
            threading.Thread(target=self._work, args=(place, client))
            for place, client in enumerate(self._clients)
        ]
        for thread in self._threads:
            thread.start()

    def _work(self, place, client):
        ids = self._ids[place :: len(self.acknowledged)]
        while not self._ended.is_set():
            turn, started = self.turns[place], time.monotonic()
            movie_id, value = ids[turn % len(ids)], 1 + turn // len(ids) % 19 / 2
            if place < len(self.acknowledged):
                self._sent[place][movie_id] = value
                response = client.rate(movie_id, value)
                status = response.status
                if status == 503 and self._stops_at_failure and response.body["detail"] == DATABASE_BUSY:
                    continue
                if status in (200, 201):
                    self.acknowledged[place][movie_id] = value
            else:
                path = ("/v1/movies?sort=-score", f"/v1/movies/{movie_id}")[turn % 2]
                status = client.send("GET", path).status
            self.longest_seconds = max(self.longest_seconds, time.monotonic() - started)
            self.statuses.add(status)
            self.turns[place] += 1
            if status not in (200, 201):
                self.failures += 1
                if self._stops_at_failure:
                    return

    def make_progress_check(self):
        """Return a function that is true once each client has got some responses more."""
        before = list(self.turns)
        return lambda: all(now > then + 3 for now, then in zip(self.turns, before, strict=True))

    def end(self):
        """Wait for the last responses."""
        self._ended.set()
        for thread in self._threads:
            thread.join(60)
        assert not any(thread.is_alive() for thread in self._threads)
        for client in self._clients:
            client.close()

    def find_lost(self, get_rating):
        """Return the movies whose rating is neither the one acknowledged last nor one sent after that."""
        return [
            movie_id
            for acknowledged, sent in zip(self.acknowledged, self._sent, strict=True)
            for movie_id, value in acknowledged.items()
            if get_rating(movie_id) not in (value, sent[movie_id])
        ]
