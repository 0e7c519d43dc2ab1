"""Links of the pages, as the site of the documentation has them."""

from __future__ import annotations

import re

import pytest

from tools.docs import site

LINK = re.compile(r"\[(?P<text>[^\]]*)\]\((?P<target>[^)\s]+)\)")


def linked(markdown: str, place: str) -> str:
    return LINK.sub(lambda link: site.linked(link, place), markdown)


@pytest.mark.parametrize(
    ("place", "link", "on_the_site"),
    [
        ("index.md", "[a](../ARCHITECTURE.md#data)", "[a](explanation/architecture.md#data)"),
        ("how-to/upgrade.md", "[c](../../CHANGELOG.md)", "[c](../reference/changelog.md)"),
        ("how-to/upgrade.md", "[c](rotate-logs.md#x)", "[c](rotate-logs.md#x)"),
        (
            "explanation/architecture.md",
            "[s](docs/reference/state.md)",
            "[s](../reference/state.md)",
        ),
        ("explanation/architecture.md", "[d](docs/decisions/)", "[d](../decisions/README.md)"),
        ("how-to/run-in-docker.md", "[Makefile](../../Makefile)", "`Makefile`"),
        ("index.md", "[the targets](../Makefile)", "the targets (`Makefile`)"),
        ("index.md", "[web](https://example.com/a)", "[web](https://example.com/a)"),
        ("index.md", "[here](#part)", "[here](#part)"),
        ("index.md", "[gone](../gone.py)", "[gone](../gone.py)"),
    ],
)
def test_a_link_leads_where_the_page_is_on_the_site(
    place: str, link: str, on_the_site: str
) -> None:
    assert linked(link, place) == on_the_site


def test_every_page_is_in_the_navigation_once() -> None:
    listed = re.findall(
        r"- (\S+\.md)$", (site.ROOT / "mkdocs.yml").read_text("utf-8"), re.MULTILINE
    )
    docs = site.ROOT / "docs"
    pages = {path.relative_to(docs).as_posix() for path in docs.rglob("*.md")}
    assert sorted(listed) == sorted({*pages, *site.FROM_THE_TOP.values()})


def test_the_site_loads_nothing_from_elsewhere() -> None:
    config = (site.ROOT / "mkdocs.yml").read_text("utf-8")
    assert re.search(r"^  font: false", config, re.MULTILINE)
    assert "extra_" not in config
