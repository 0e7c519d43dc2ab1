"""What the site of the documentation adds to the pages in ``docs``: a MkDocs hook.

Pages at the top of the tree, such as ``ARCHITECTURE.md``, are pages of the site as well. A link to
any other file of the tree becomes its path: the site holds no source code. A link to a file that
does not exist is left unchanged, and fails the build.
"""

from __future__ import annotations

import re
from pathlib import Path
from posixpath import dirname, join, normpath, relpath
from typing import TYPE_CHECKING, Final

from mkdocs.structure.files import File

if TYPE_CHECKING:
    from mkdocs.config.defaults import MkDocsConfig
    from mkdocs.structure.files import Files
    from mkdocs.structure.pages import Page

ROOT: Final = Path(__file__).resolve().parents[2]
#: Where each page at the top of the tree is on the site.
FROM_THE_TOP: Final = {
    "ARCHITECTURE.md": "explanation/architecture.md",
    "CHANGELOG.md": "reference/changelog.md",
    "CONTRIBUTING.md": "explanation/contributing.md",
    "SECURITY.md": "explanation/reporting-a-vulnerability.md",
    "README.md": "index.md",
}
_AT_THE_TOP: Final = {place: name for name, place in FROM_THE_TOP.items() if place != "index.md"}
_LINK: Final = re.compile(r"(?<!!)\[(?P<text>[^\]]*)\]\((?P<target>[^)\s]+)\)")


def on_files(files: Files, *, config: MkDocsConfig) -> Files:
    """Add the pages at the top of the tree."""
    for place, name in _AT_THE_TOP.items():
        files.append(File.generated(config, place, content=(ROOT / name).read_text("utf-8")))
    return files


def on_page_markdown(markdown: str, *, page: Page, config: MkDocsConfig, files: Files) -> str:
    """Return the text of a page with its links as the site has them."""
    del config, files
    place = page.file.src_uri
    return _LINK.sub(lambda link: linked(link, place), markdown)


def linked(link: re.Match[str], place: str) -> str:
    """Return a link as the site has it.

    Args:
        link: A match of a Markdown link.
        place: The page's path on the site.
    """
    text, target = link["text"], link["target"]
    name, hash_sign, anchor = target.partition("#")
    if not name or re.match(r"[a-z]+:", name):
        return link[0]
    source = _AT_THE_TOP.get(place, f"docs/{place}")
    path = normpath(join(dirname(source), name))
    on_site = FROM_THE_TOP.get(path) or (path[5:] if path.startswith("docs/") else None)
    if on_site is None:
        return _as_path(text, path) if (ROOT / path).exists() else link[0]
    if (ROOT / "docs" / on_site).is_dir():
        on_site = join(on_site, "README.md")
    return f"[{text}]({relpath(on_site, dirname(place) or '.')}{hash_sign}{anchor})"


def _as_path(text: str, path: str) -> str:
    code = f"`{path}`"
    return code if Path(path).name in text or text == path else f"{text} ({code})"
