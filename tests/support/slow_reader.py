"""A console with a slow store, so that keys can arrive before the rows that they act on."""

from __future__ import annotations

from typing import Any


class SlowReader:
    """Delays the answers to some requests of a console's reader until the test releases them."""

    def __init__(self, app: Any, *keys: str) -> None:
        self._app = app
        self._keys = keys
        self._ask = app.reader.ask
        self.asked: dict[str, tuple[Any, ...]] = {}
        app.reader.ask = self.ask

    def ask(self, request: Any, answer: Any, key: str, failed: Any = None) -> None:
        if key.startswith(self._keys):
            self.asked[key] = (request, answer, key, failed)
        else:
            self._ask(request, answer, key, failed)

    def answer(self) -> None:
        self._app.reader.ask = self._ask
        for request in self.asked.values():
            self._ask(*request)
        self._app.typed.wake()
