"""The pages."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from statistics import median
from typing import Any

from markdown_it import MarkdownIt
from markupsafe import Markup

from forgebench import Benchmark
from forgebench.audits import Audit
from forgebench.audits.document import BenchmarkAudit
from forgebench.metrics import DEFINITIONS
from forgebench.metrics.significance import ALPHA
from forgebench.pages import environment, write
from forgebench.report.entries import read_entries
from forgebench.report.gallery import Gallery, make_gallery
from leaderboard.entry import Compared
from leaderboard.site.data import COLUMNS, why_unrankable
from leaderboard.site.shown import Refused, Shown

TRACKS = (("", "all"), *((name, name) for name in ("image", "box", "scribble", "pixel", "zero-shot")))
AUDIT = "audit.json"
_SCRIPTS = ("data/index.js", "assets/table.js", "assets/matrix.js", "assets/plots.js", "assets/board.js")
_MARKDOWN = MarkdownIt("commonmark", {"html": False}).disable("image")  # nothing is fetched from elsewhere
Groups = Mapping[str, Sequence[Shown]]


def write_pages(
    out: Path, groups: Groups, compared: Sequence[Compared], refused: Sequence[Refused], opened: dict[str, Benchmark]
) -> None:
    """Write every page.

    Args:
        out: The site's folder.
        groups: Entries by their benchmark's slug.
        compared: Paired comparisons.
        refused: What is not shown.
        opened: Benchmarks at hand by content hash.
    """
    boards = [{"slug": slug, **some[0].record.benchmark.model_dump(), "entries": len(some)} for slug, some in
              groups.items()]  # fmt: skip
    _page(out / "index.html", "board", "", "board", _SCRIPTS, boards=boards, tracks=TRACKS, refused=refused)
    _page(out / "downloads.html", "downloads", "", "downloads")
    _page(
        out / "definitions.html", "definitions", "", "definitions", why=why_unrankable,
        definitions=list(DEFINITIONS.values()), boards=[_side_by_side(slug, some) for slug, some in groups.items()],
    )  # fmt: skip
    for slug, some in groups.items():
        content_hash = some[0].record.benchmark.content_hash
        _page(out / "benchmarks" / slug / "index.html", "benchmark", "../../", "",
              **_benchmark(slug, some[0], compared, opened.get(content_hash)))  # fmt: skip
        for one in some:
            _page(out / "entries" / one.id / "index.html", "entry", "../../", "", ("assets/copy.js",),
                  **_entry(slug, one, compared, opened.get(content_hash)))  # fmt: skip


def _page(path: Path, template: str, root: str, here: str, scripts: Sequence[str] = (), **values: Any) -> None:  # noqa: ANN401
    html = environment("leaderboard").get_template(f"{template}.html.j2")
    write(path, html.render(root=root, here=here, scripts=scripts, **values))


def _entry(slug: str, one: Shown, compared: Sequence[Compared], benchmark: Benchmark | None) -> dict[str, Any]:
    numbers = {m.metric: m for m in one.record.metrics if (m.definition, m.subset) == ("forgebench", None)}
    titles = {metric.id: metric.title for metric in DEFINITIONS["forgebench"].metrics}
    return {
        "slug": slug, "one": one, "about": _about(one), "definitions": _numbers(one),
        "headline": [(titles[name], numbers[name]) for name in COLUMNS if name in numbers],
        "tiers": [(titles[c.metric], c.tiers[one.id]) for c in compared if one.id in c.tiers],
        "gallery": _gallery(one, benchmark),
    }  # fmt: skip


def _about(one: Shown) -> list[tuple[str, str]]:
    method, record = one.record.method, one.record
    seconds = method.seconds_per_image
    facts = {
        "Authors": ", ".join(method.authors),
        "Training data": ", ".join(data.name for data in method.training_data),
        "External data": ", ".join(method.external_data),
        "Pretrained weights": ", ".join(method.pretrained_weights),
        "Speed": "" if seconds is None else f"{seconds:.3g} s an image",
        "Hardware": method.hardware or "",
        "Scored": f"{record.created_utc[:10]} by ForgeBench {record.suite.version}, {record.statistics.resamples} "
        f"resamples of {record.statistics.n_groups} groups, seed {record.statistics.seed}",
        "Coverage": f"{record.predictions.n_valid} of {record.benchmark.n} predictions are valid",
        "Edits": "; ".join(f"{edit.timestamp} {edit.author}: {edit.reason}" for edit in record.edits),
    }
    return [(name, text) for name, text in facts.items() if text]


def _numbers(one: Shown) -> list[tuple[str, list[tuple[str, Any, str]]]]:
    """By definition, slices apart: a metric's title, its number, why it does not rank."""
    found = []
    for name in one.record.definitions:
        metrics = {metric.id: metric for metric in DEFINITIONS[name].metrics}
        mine = [m for m in one.record.metrics if m.definition == name]
        rows = [(metrics[m.metric].title, m, why_unrankable(metrics[m.metric])) for m in mine]
        found.append((name, [row for row in rows if row[1].subset is None]))
        found.append((f"{name}, by slice", [row for row in rows if row[1].subset is not None]))
    return [(name, rows) for name, rows in found if rows]


def _gallery(one: Shown, benchmark: Benchmark | None) -> Gallery | None:
    """Pictures where they may be shown: the benchmark is at hand, its licence allows it, the table is public."""
    if benchmark is None or not one.public:
        return None
    if not benchmark.manifest.facts.redistributable:
        return Gallery(note=f"The licence of {benchmark.name} does not let its pixels be shown.")
    return make_gallery(read_entries([one.folder]), benchmark)


def _benchmark(
    slug: str, one: Shown, compared: Sequence[Compared], benchmark: Benchmark | None
) -> dict[str, Any]:  # fmt: skip
    part = one.record.benchmark
    same = [c for c in compared if (c.content_hash, c.split) == (part.content_hash, part.split)]
    manifest = benchmark.manifest if benchmark else None
    return {
        "slug": slug, "part": part, "manifest": manifest, "detectable": list(_detectable(same)),
        "prose": Markup(_MARKDOWN.render(manifest.facts.prose)) if manifest else "",  # noqa: S704  HTML in it is escaped
        "verdicts": _verdicts(benchmark) if benchmark else [],
    }  # fmt: skip


def _detectable(compared: Sequence[Compared]) -> Iterator[dict[str, Any]]:
    """Over the pairs whose difference varies between resamples at all."""
    for one in compared:
        found = sorted(pair.detectable for pair in one.pairs if pair.detectable)
        if found:
            yield {
                "title": DEFINITIONS[one.definition].metric(one.metric).title, "low": found[0],
                "median": median(found), "high": found[-1], "pairs": len(one.pairs),
                "separated": sum(pair.p_holm is not None and pair.p_holm < ALPHA for pair in one.pairs),
            }  # fmt: skip


def _verdicts(benchmark: Benchmark) -> list[Any]:
    file = Path(benchmark.path) / AUDIT
    if not file.is_file():
        return []
    audit = Audit.model_validate_json(file.read_bytes())
    names = {one.name for one in audit.benchmarks if _tells_no_more(one, benchmark)}
    return [verdict for verdict in audit.verdicts if names & set(verdict.benchmarks)]


def _tells_no_more(one: BenchmarkAudit, benchmark: Benchmark) -> bool:
    """Whether an audit is of these samples: that of a private half has the same hash, and tells of the truth."""
    manifest = benchmark.manifest
    public = manifest.hidden is None or one.n_tampered == manifest.total.tampered
    return public and one.content_hash == benchmark.content_hash


def _side_by_side(slug: str, entries: Sequence[Shown]) -> dict[str, Any]:
    """What goes by the name pixel F1 in each definition."""
    named = dict.fromkeys(name for one in entries for name in one.record.definitions)
    columns = [
        {"definition": name, "id": m.id, "title": m.title, "why": why_unrankable(m)}
        for name in DEFINITIONS if name in named
        for m in DEFINITIONS[name].metrics if m.id.startswith("pixel_f1") and "reverse" not in m.id
    ]  # fmt: skip
    rows = []
    for one in entries:
        values = {(m.definition, m.metric): m.value for m in one.record.metrics if m.subset is None}
        cells = [(values.get((column["definition"], column["id"])), column["why"]) for column in columns]
        rows.append((one.id, one.record.method.method, cells))
    part = entries[0].record.benchmark
    return {"slug": slug, "name": part.name, "split": part.split, "columns": columns, "rows": rows}
