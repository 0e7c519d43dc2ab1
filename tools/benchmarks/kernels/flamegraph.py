"""Draw a flame graph from sampled stacks: a function's width is its share of the time. Pure.

Drawn here rather than by a library, because it is tracked: small, without scripts or local paths.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from html import escape
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

_WIDTH, _ROW, _TOP = 1200, 17, 34  # pixels
_LETTER = 6.2  # pixels of a letter
#: Narrower functions are omitted.
_LEAST = 0.003
_FRAME = re.compile(r"(?P<name>.*) \((?P<file>.*?)(:\d+)?\)")
#: Frames before the first of these are the way into the service.
_OURS, _ENTRY = "mailtally_", ("__main__.py", "mailtally_shared/runtime/")
#: A thread in these is idle. Waiting for an answer is shown.
_WAITING = (
    "Event.wait ",
    "lock_PyThread_acquire_lock",
    "select_poll",
    "select_epoll",
    "fcntl_flock",
)
_MACHINE_CODE = "machine code of a kernel"


@dataclass(slots=True)
class Node:
    """A function called by its parent; ``samples`` counts all in it or below."""

    name: str
    samples: int = 0
    below: dict[str, Node] = field(default_factory=dict)

    def child(self, name: str) -> Node:
        """Return the node of a called function, adding it if it is new."""
        return self.below.setdefault(name, Node(name))


def tree(folded: Iterable[str], title: str) -> Node:
    """Parse stacks ``frame;frame;frame count`` to a tree without idle ones."""
    root = Node(title)
    for line in folded:
        stack, _, count = line.rpartition(" ")
        if any(f";{waiting}" in stack for waiting in _WAITING):
            continue
        node = root
        node.samples += int(count)
        for name in _names(stack.split(";")):
            node = node.child(name)
            node.samples += int(count)
    return root


def _names(frames: list[str]) -> Iterator[str]:
    """Return the shown frames of a stack, outermost first, with repeated names joined."""
    first = next((k for k, frame in enumerate(frames) if _is_ours(frame)), None)
    if first is None:
        yield "elsewhere"
        return
    last = ""
    for frame in frames[first:]:
        name = _name(frame)
        if name != last:
            yield name
        last = name


def _is_ours(frame: str) -> bool:
    return f"({_OURS}" in frame and not any(entry in frame for entry in _ENTRY)


def _name(frame: str) -> str:
    found = _FRAME.fullmatch(frame)
    if found is None:
        return frame
    name, file = found["name"], found["file"]
    if name.startswith("0x"):
        return _MACHINE_CODE if file == "?" else file.rpartition("/")[2]
    # For a library, or an absolute path, the file's name suffices.
    shown = file if file.startswith(_OURS) else file.rpartition("/")[2]
    return f"{name} ({shown})"


def svg(root: Node) -> str:
    """Return the picture as SVG, callers above callees."""
    boxes = list(_boxes(root, 0.0, 0, root.samples))
    height = _TOP + _ROW * (1 + max(row for _, _, row, _ in boxes))
    drawn = "\n".join(_drawn(node, left, row, root.samples) for node, left, row, _ in boxes)
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {height}" '
        'font-family="monospace" font-size="10">\n'
        f'<rect width="{_WIDTH}" height="{height}" fill="#fff"/>\n'
        f'<text x="4" y="20" font-size="14">{escape(root.name)}: {root.samples} samples</text>\n'
        f"{drawn}\n</svg>\n"
    )


def _boxes(
    node: Node, left: float, row: int, samples: int
) -> Iterator[tuple[Node, float, int, int]]:
    """Yield each node that is wide enough, with its start, 0 … 1, and its row."""
    if node.samples < _LEAST * samples:
        return
    yield node, left, row, samples
    for child in sorted(node.below.values(), key=lambda one: -one.samples):
        yield from _boxes(child, left, row + 1, samples)
        left += child.samples / samples


def _drawn(node: Node, left: float, row: int, samples: int) -> str:
    share = node.samples / samples
    x, y, width = left * _WIDTH, _TOP + row * _ROW, share * _WIDTH
    room = int((width - 4) / _LETTER)
    label = node.name if len(node.name) <= room else f"{node.name[: room - 1]}…"
    text = f'<text x="{x + 2:.1f}" y="{y + 12}">{escape(label)}</text>' if room > 2 else ""  # noqa: PLR2004 - a letter and the dots
    return (
        f'<g><title>{escape(node.name)}: {share:.1%}</title><rect x="{x:.1f}" y="{y}" '
        f'width="{width:.1f}" height="{_ROW - 1}" fill="{_colour(node.name)}"/>{text}</g>'
    )


def _colour(name: str) -> str:
    if name == _MACHINE_CODE:
        return "#e8735a"
    return "#f3b562" if f"({_OURS}" in name else "#b9cfe4"
