"""Hooks of mkdocs: pages that are written from the code and the cards while the site is built."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files
from mkdocs.structure.pages import Page

from docs.generate import command_pages, dataset_pages, method_pages, metric_pages

Content = str | bytes


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Add the pages, and what lies beside them."""
    for make in (dataset_pages.pages, metric_pages.pages, method_pages.pages, command_pages.pages):
        for path, content in make().items():
            files.append(File.generated(config, path, content=content))
    return files


def on_page_markdown(markdown: str, page: Page, **_: object) -> str:
    """Link each row of the tables of data sets and metrics to the page of its own."""
    link = _LINKED.get(page.file.src_uri)
    return markdown if link is None else re.sub(r"^\| `([a-z0-9_-]+)` \|", link, markdown, flags=re.MULTILINE)


def _to(folder: str, known: Callable[[], Mapping[str, object]]) -> Callable[[re.Match[str]], str]:
    def link(row: re.Match[str]) -> str:
        path = f"{folder}/{row[1]}.md"
        return f"| [`{row[1]}`]({path}) |" if path in known() else row[0]

    return link


_LINKED = {
    "datasets.md": _to("datasets", dataset_pages.pages),
    "metrics.md": _to("metrics", metric_pages.pages),
}
