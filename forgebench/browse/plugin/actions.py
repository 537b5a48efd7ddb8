"""Actions of the App: open a sample by its id, export a list of samples, export a view as a data set."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import fiftyone.operators as foo
from fiftyone.operators import types

from forgebench.benchmark import open_benchmark
from forgebench.browse.export import export
from forgebench.browse.names import object_id
from forgebench.browse.truth import ID, INFO
from forgebench.errors import ForgeBenchError

_ALL, _SELECTED = "samples in view", "selected samples"


class OpenSample(foo.Operator):  # type: ignore[misc]
    """Open a sample by the id that reports and tables name it by."""

    @property
    def config(self) -> foo.OperatorConfig:
        """What it is called."""
        return foo.OperatorConfig(name="open_sample", label="ForgeBench: open a sample by its id", dynamic=True)

    def resolve_input(self, ctx: Any) -> types.Property:  # noqa: ANN401
        """The sample's id."""
        form = types.Object()
        field = form.str("sample_id", label="Sample id", required=True)
        wanted = ctx.params.get("sample_id")
        if wanted and not _known(ctx, wanted):
            field.invalid, field.error_message = True, f"{ctx.dataset.name} has no sample {wanted}"
        return types.Property(form, view=types.View(label="Open a sample"))

    def execute(self, ctx: Any) -> None:  # noqa: ANN401
        """Open it."""
        ctx.ops.open_sample(id=object_id(ctx.params["sample_id"]))


def _known(ctx: Any, sample_id: str) -> bool:  # noqa: ANN401
    return len(ctx.dataset.match({ID: sample_id})) > 0


class ExportList(foo.Operator):  # type: ignore[misc]
    """Write the ids of samples as a list that `forgebench score --subset` takes."""

    @property
    def config(self) -> foo.OperatorConfig:
        """What it is called."""
        return foo.OperatorConfig(name="export_list", label="ForgeBench: export a list for score --subset")

    def resolve_input(self, ctx: Any) -> types.Property:  # noqa: ANN401
        """Which samples, and the file."""
        form = types.Object()
        tags = [f"tag: {tag}" for tag in ctx.dataset.distinct("tags")]
        choices = [*tags, *([_SELECTED] if ctx.selected else []), _ALL]
        form.enum("which", choices, default=choices[0], label="Which samples", required=True)
        form.str("file", label="File, such as /home/me/hard.txt: the subset goes by its name", required=True)
        return types.Property(form, view=types.View(label="Export a list of samples"))

    def execute(self, ctx: Any) -> dict[str, str]:  # noqa: ANN401
        """Write it."""
        file = Path(ctx.params["file"]).expanduser()
        ids = sorted(_chosen(ctx, ctx.params["which"]).values(ID))
        if file.exists():
            return {"said": f"{file} exists. Choose another file."}
        file.write_text("".join(f"{one}\n" for one in ids), encoding="utf-8")
        return {"said": f"{len(ids)} samples in {file}. Next: forgebench score SUB -b BENCH --subset {file}"}

    def resolve_output(self, ctx: Any) -> types.Property:  # noqa: ANN401
        """What was done."""
        return _said()


def _chosen(ctx: Any, which: str) -> Any:  # noqa: ANN401
    if which == _ALL:
        return ctx.view
    if which == _SELECTED:
        return ctx.dataset.select(ctx.selected)
    return ctx.dataset.match_tags(which.removeprefix("tag: "))


class ExportView(foo.Operator):  # type: ignore[misc]
    """Write the samples in view as a data set."""

    @property
    def config(self) -> foo.OperatorConfig:
        """What it is called."""
        return foo.OperatorConfig(name="export_view", label="ForgeBench: export the view as a data set")

    def resolve_input(self, ctx: Any) -> types.Property:  # noqa: ANN401
        """Format and folder."""
        form = types.Object()
        form.enum("format", ["folder", "coco"], default="folder", label="Format", required=True)
        form.str("out", label="A new folder", required=True)
        return types.Property(form, view=types.View(label=f"Export {ctx.view.count()} samples"))

    def execute(self, ctx: Any) -> dict[str, str]:  # noqa: ANN401
        """Write it."""
        info, ids = ctx.dataset.info[INFO], ctx.view.values(ID)
        try:
            out = Path(ctx.params["out"]).expanduser()
            export(open_benchmark(info["path"]), info["split"], ids, out, ctx.params["format"])
        except ForgeBenchError as error:
            return {"said": str(error)}
        form = ctx.params["format"]
        return {"said": f"{len(ids)} samples in {out}. Next: forgebench build {form} --from {out} --out BENCH"}

    def resolve_output(self, ctx: Any) -> types.Property:  # noqa: ANN401
        """What was done."""
        return _said()


def _said() -> types.Property:
    form = types.Object()
    form.str("said", label="ForgeBench", view=types.MarkdownView())
    return types.Property(form)
