"use strict";
// Draw the figures in the page's colours, again whenever those change.
{
  const figures = JSON.parse(document.getElementById("figures").textContent);
  const plots = [...document.querySelectorAll(".plot")];
  const hidden = new Set();
  const root = document.documentElement;
  let onPaper = false;
  const DASHES = ["solid", "dash", "dot", "dashdot"];
  const COLOURS = 8;
  const HOVER_NAME = "%{fullData.name}<br>";

  const css = (name) => getComputedStyle(root).getPropertyValue(name).trim();
  const entryColour = (entry) => css(`--entry-${entry % COLOURS}`);

  const styled = (trace) => {
    const { entry, label, of } = trace.meta;
    if (label) return { ...trace, marker: { color: css(`--${label}`) }, opacity: 0.62, hovertemplate: `${HOVER_NAME}%{customdata} images, %{y:.1%}<extra></extra>` };
    const dash = DASHES[Math.floor(entry / COLOURS) % DASHES.length];
    return {
      ...trace,
      visible: !hidden.has(entry),
      line: { ...trace.line, color: entryColour(entry), width: 2, dash },
      marker: { ...trace.marker, color: entryColour(entry) },
      hovertemplate: `${HOVER_NAME}%{x:.3f}, %{y:.3f}${of ? ` (%{customdata:,} ${of})` : ""}<extra></extra>`,
    };
  };

  const axis = (given) => ({
    ...given,
    title: { ...given.title, font: { size: 12 }, standoff: 8 },
    gridcolor: css("--grid"), linecolor: css("--line"), zeroline: false, ticks: "", nticks: 6,
  });

  // Paper is laid out after the curves are drawn for it, so their widths there are given: A4 with its margins.
  const size = (plot) => {
    if (!onPaper) return { autosize: true };
    if (plot.closest(".small")) return { width: 215, height: 170 };
    return { width: 330, height: 250 };
  };

  const layout = (figure, small) => ({
    paper_bgcolor: "rgba(0,0,0,0)", plot_bgcolor: "rgba(0,0,0,0)",
    font: { family: css("--sans"), size: 11.5, color: css("--muted") },
    margin: { l: 48, r: 10, t: 8, b: small ? 38 : 44 },
    showlegend: false, barmode: figure.layout.barmode ?? "overlay", hovermode: "closest",
    modebar: { bgcolor: "rgba(0,0,0,0)", color: css("--faint"), activecolor: css("--ink") },
    hoverlabel: { namelength: -1, bgcolor: css("--raised"), bordercolor: css("--line"), font: { color: css("--ink") } },
    xaxis: axis(figure.layout.xaxis),
    yaxis: small ? { ...axis(figure.layout.yaxis), range: undefined, rangemode: "tozero", tickformat: ".0%" } : axis(figure.layout.yaxis),
    shapes: (figure.layout.shapes ?? []).map((shape) => ({ ...shape, layer: "below", line: { color: css("--faint"), width: 1, dash: "dot" } })),
  });

  const draw = (plot) => {
    const figure = figures[plot.dataset.figure];
    const small = plot.dataset.figure.startsWith("scores-");
    return Plotly.react(plot, figure.data.map(styled), { ...layout(figure, small), ...size(plot) }, {
      responsive: true, displaylogo: false, modeBarButtons: [["toImage", "resetScale2d"]],
      toImageButtonOptions: { format: "svg", filename: plot.dataset.figure },
    });
  };
  const drawAll = () => plots.forEach(draw);

  for (const button of document.querySelectorAll(".legend button")) {
    button.addEventListener("click", () => {
      const entry = Number(button.dataset.entry);
      const shown = hidden.delete(entry);
      if (!shown) hidden.add(entry);
      button.setAttribute("aria-pressed", String(shown));
      drawAll();
    });
  }
  const onto = (paper) => {
    onPaper = paper;
    root.classList.toggle("on-paper", paper);
    drawAll();
  };
  addEventListener("beforeprint", () => onto(true));
  addEventListener("afterprint", () => onto(false));
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", drawAll);
  drawAll();
}
