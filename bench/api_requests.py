"""What is asked in the benchmark of the API: requests of each kind, as people would send them."""

from __future__ import annotations

import json
import random
from collections.abc import Callable
from dataclasses import dataclass
from http.client import HTTPConnection
from typing import Any
from urllib.parse import urlencode

from api_library import Sounds, questions

_DEEP_PAGES = 20
_SEED = 11


@dataclass(frozen=True)
class Ask:
    """A request: GET, or POST where there is a body."""

    url: str
    body: dict[str, Any] | None = None


class Client:
    """One program that asks, with a connection of its own that it keeps."""

    def __init__(self, port: int, token: str) -> None:
        self._connection = HTTPConnection("127.0.0.1", port, timeout=120)
        self._headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}

    def send(self, ask: Ask) -> tuple[int, str]:
        """Return status and body of the answer."""
        method, body = ("GET", None) if ask.body is None else ("POST", json.dumps(ask.body))
        self._connection.request(method, ask.url, body, headers=self._headers)
        answer = self._connection.getresponse()
        return answer.status, answer.read().decode()

    def walk(self, words: str, pages: int) -> str:
        """Return the cursor behind so many large pages of a search; empty if there are fewer."""
        cursor = ""
        for _ in range(pages):
            query = {"q": words, "page_size": "500", "fields": "id"}
            status, body = self.send(_search(**query, **({"cursor": cursor} if cursor else {})))
            cursor = json.loads(body)["next"] if status == 200 else ""
            if not cursor:
                return ""
        return cursor


def kinds_of_requests(number: int, files: int) -> dict[str, Callable[[Client], list[Ask]]]:
    """Return what makes so many requests of each kind, in a library of so many files."""
    sounds = Sounds()
    sounds.random = random.Random(_SEED)
    asked = list(questions(sounds, number))
    numbers = [sounds.random.randrange(files) + 1 for _ in range(number)]
    heard = [(n - 1) // 10 * 10 + 1 for n in numbers]
    tags = [sounds.kinds[sounds.draw(1)[0]].tag for _ in range(number)]
    facets = "libraries,tags,categories,containers"

    def deep(client: Client) -> list[Ask]:
        """Return pages some thousands of files deep in searches for frequent words."""
        found = []
        for word, _ in asked[: max(1, number // 20)]:
            cursor = client.walk(word, _DEEP_PAGES)
            found += [_search(q=word, cursor=cursor)] * 20 if cursor else []
        return (found * number)[:number]

    return {
        "search, 1 word": lambda _: [_search(q=word) for word, _ in asked],
        "search, 3 words": lambda _: [_search(q=words) for _, words in asked],
        "search, 1 word, deep cursor": deep,
        "search, 1 word, by name": lambda _: [_search(q=word, sort="name") for word, _ in asked],
        "search, facets": lambda _: [_search(q=word, facets=facets) for word, _ in asked],
        "search, tag from 0.8": lambda _: [_search(tag=f"{tag}:0.8") for tag in tags],
        "search, tag, surest first": lambda _: [
            _search(tag=tag, sort="-confidence") for tag in tags
        ],
        "search, no words": lambda _: [_search(folder=f"Pack {n // 2000:04}") for n in numbers],
        "autocomplete": lambda _: [
            _get("/api/v1/search/suggest", q=word[: 2 + n % 3]) for n, (word, _) in enumerate(asked)
        ],
        "tags with counts": lambda _: [_get("/api/v1/tags", prefix=tag[:1]) for tag in tags],
        "file detail": lambda _: [_get(f"/api/v1/files/{n}") for n in numbers],
        "similar": lambda _: [_get(f"/api/v1/files/{n}/similar") for n in heard],
        "review, next": lambda _: [Ask("/api/v1/review/items/next", {})] * number,
    }


def _search(**query: str) -> Ask:
    return _get("/api/v1/search", **query)


def _get(path: str, **query: str) -> Ask:
    return Ask(f"{path}?{urlencode(query)}" if query else path)
