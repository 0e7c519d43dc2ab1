"""A directory of logs with a tailer that follows them, for tests."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from mailtally_collector.tail import Doubts, Noted, Tailer
from mailtally_collector.tail.positions import Position

if TYPE_CHECKING:
    from pathlib import Path

    from mailtally_collector.tail.cut import LineReject

#: Seconds after which a rotated file that does not change has ended.
ROTATE_WAIT = 60.0


class Tailed:
    """What ``stats*`` in a directory gives to a tailer, from one look to the next."""

    def __init__(
        self,
        directory: Path,
        pattern: str = "stats*",
        **settings: Any,  # noqa: ANN401 - the tailer's own
    ) -> None:
        self.directory = directory
        self.pattern = pattern
        self.state_dir = settings.pop("state_dir", str(directory / "state"))
        self.settings = {"rotate_wait": ROTATE_WAIT, **settings}
        self.now = 1000.0
        self.rejects: list[LineReject] = []
        self._noted = self._doubts = ""
        self.tailer = self._new(())

    def path(self, name: str = "stats") -> Path:
        return self.directory / name

    def append(self, data: bytes, name: str = "stats") -> None:
        with self.path(name).open("ab") as file:
            file.write(data)

    def look(self, seconds: float = 0.0) -> bytes:
        """What there is to read when ``seconds`` have passed; rejects are put aside."""
        self.now += seconds
        self.tailer.scan(self.now)
        return self.read()

    def read(self) -> bytes:
        """What there is to read without looking at the directory."""
        data = []
        while chunk := self.tailer.read(self.now):
            data.append(bytes(chunk.data))
            self.rejects.extend(chunk.rejects)
        return b"".join(data)

    def finish(self) -> bytes:
        """The end of the input."""
        self.tailer.finish(self.now)
        return self.read()

    def stop(self) -> list[dict[str, Any]]:
        """The positions, as a checkpoint keeps them."""
        self.tailer.close()
        self._noted, self._doubts = self.tailer.noted().to_json(), self.tailer.doubts.to_json()
        return [position.to_json() for position in self.tailer.positions()]

    def restart(self) -> None:
        self.start(self.stop())

    def start(self, checkpoint: list[dict[str, Any]]) -> None:
        self.tailer = self._new([Position.from_json(value) for value in checkpoint])

    def _new(self, positions: Any) -> Tailer:  # noqa: ANN401 - passed on
        return Tailer(
            [str(self.directory / self.pattern)],
            positions=positions,
            state_dir=self.state_dir,
            noted=Noted.from_json(self._noted),
            doubts=Doubts(self._doubts, state_dir=self.state_dir),
            **self.settings,
        )
