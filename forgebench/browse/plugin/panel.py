"""A panel of the App: move the threshold and see what each method finds, misses and invents."""

from __future__ import annotations

from typing import Any

import fiftyone.operators as foo
from fiftyone.operators import types

from forgebench.benchmark import open_benchmark
from forgebench.browse.counts import counts_in_words
from forgebench.browse.dataset import browse
from forgebench.browse.truth import ID, INFO
from forgebench.metrics.pixel import THRESHOLD

_LOWEST = 0.01


class Threshold(foo.Panel):  # type: ignore[misc]
    """The counts of the samples in view, at any threshold; and a button that shows the masks there."""

    @property
    def config(self) -> foo.PanelConfig:
        """What it is called."""
        return foo.PanelConfig(name="threshold", label="ForgeBench threshold", icon="tune", surfaces="grid")

    def on_load(self, ctx: Any) -> None:  # noqa: ANN401
        """Begin at the threshold of the masks that are shown."""
        ctx.panel.state.threshold = _threshold(ctx)
        self._count(ctx)

    def on_change_view(self, ctx: Any) -> None:  # noqa: ANN401
        """Count the samples of another view."""
        self._count(ctx)

    def moved(self, ctx: Any) -> None:  # noqa: ANN401
        """Count at another threshold. The App keeps the slider's place: told of it late, the slider would jump back."""
        self._count(ctx, float(ctx.params["value"]))

    def show(self, ctx: Any) -> None:  # noqa: ANN401
        """Show masks, error maps and numbers at the threshold."""
        info, threshold = ctx.dataset.info[INFO], _threshold(ctx)
        for definition in {about["definition"] for about in _methods(ctx).values()}:
            folders = [about["scores"] for about in _methods(ctx).values() if about["definition"] == definition]
            browse(open_benchmark(info["path"]), folders, info["split"], threshold=threshold, definition=definition)
        ctx.ops.reload_dataset()

    def render(self, ctx: Any) -> types.Property:  # noqa: ANN401
        """The slider, the counts and the button."""
        panel = types.Object()
        panel.float(
            "threshold", min=0, max=1, default=0.5, on_change=self.moved, view=types.SliderView(label="Threshold"),
        )  # fmt: skip
        panel.md(ctx.panel.state.counts or "", name="counts")
        panel.btn("show", "Show masks at this threshold", on_click=self.show, variant="contained")
        return types.Property(panel, view=types.GridView(orientation="vertical", padding=2, gap=2))

    def _count(self, ctx: Any, value: float | None = None) -> None:  # noqa: ANN401
        inside, threshold = set(ctx.view.values(ID)), _threshold(ctx) if value is None else _usable(value)
        ctx.panel.state.counts = counts_in_words(_methods(ctx), inside, threshold)


def _threshold(ctx: Any) -> float:  # noqa: ANN401
    """Where the slider is; where the masks are while there is none, for the App may tell of a view before it loads."""
    if ctx.panel.state.threshold is not None:
        return _usable(float(ctx.panel.state.threshold))
    bytes_ = [about["byte"] for about in _methods(ctx).values()]
    byte = bytes_[0] if bytes_ else THRESHOLD
    return 0.5 if byte == THRESHOLD else round(byte / 255, 2)


def _usable(value: float) -> float:
    """The slider ends at 0, where every pixel would be called tampered."""
    return max(round(value, 2), _LOWEST)


def _methods(ctx: Any) -> dict[str, dict[str, Any]]:  # noqa: ANN401
    """What is noted of the methods with masks."""
    methods: dict[str, dict[str, Any]] = ctx.dataset.info[INFO]["methods"]
    return {slug: about for slug, about in methods.items() if f"{slug}_mask" in about["fields"]}
