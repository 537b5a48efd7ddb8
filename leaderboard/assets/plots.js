"use strict";
// The plots, in the page's colours.
globalThis.BoardPlots = (() => {
  const { make } = BoardTable;
  const COLOURS = 8;
  const LINES = 8;
  const css = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();
  const colour = (index) => css(`--entry-${index % COLOURS}`);
  const clean = (text) => text.replaceAll("&", "&amp;").replaceAll("<", "&lt;");
  const onPaper = () => document.documentElement.classList.contains("on-paper");

  const axis = (more) => ({ gridcolor: css("--grid"), linecolor: css("--line"), zeroline: false, ticks: "", ...more, title: { text: more.title, font: { size: 12 }, standoff: 12 } });
  const layout = (x, y, more = {}) => ({
    paper_bgcolor: "rgba(0,0,0,0)", plot_bgcolor: "rgba(0,0,0,0)",
    font: { family: css("--sans"), size: 12, color: css("--muted") },
    margin: { l: 52, r: 12, t: 10, b: more.wide ? 66 : 46 }, showlegend: false, hovermode: "closest",
    hoverlabel: { bgcolor: css("--raised"), bordercolor: css("--line"), font: { color: css("--ink") } },
    xaxis: axis(x), yaxis: axis(y), ...(onPaper() ? { width: more.wide ? 680 : 330, height: 250 } : { autosize: true }),
  });
  const options = (name) => ({ responsive: true, displaylogo: false, modeBarButtons: [["toImage", "resetScale2d"]], toImageButtonOptions: { format: "svg", filename: name } });
  const error = (values) => {
    const known = (value) => value ?? 0;
    return { type: "data", symmetric: false, thickness: 1.2, width: 0, array: values.map(([v, , high]) => known(high === null ? 0 : high - v)), arrayminus: values.map(([v, low]) => known(low === null ? 0 : v - low)) };
  };
  const say = (plot, text) => { plot.setAttribute("role", "group"); plot.setAttribute("aria-label", text); };
  const empty = (place, text) => place.replaceChildren(make("p", { className: "note" }, text));
  const keys = (place, rows) => place.replaceChildren(...rows.map((entry, index) => {
    const swatch = make("span", { className: "swatch", ariaHidden: "true" });
    swatch.dataset.colour = index % COLOURS;
    return make("span", {}, swatch, entry.method);
  }));

  const cost = (data, state, metric, rows) => {
    const key = `${state.definition}/${state.metric}`;
    const plot = document.getElementById("cost");
    const known = rows.filter((one) => BoardTable.isCurrent(one) && (one.values[key]?.[0] ?? null) !== null);
    // Zero seconds have no logarithm: one is added, and the ticks name the seconds.
    const at = (track) => Math.log10(1 + data.seconds[track]);
    const spread = new Map();
    const x = (one) => {
      const place = spread.get(one.track) ?? 0;
      spread.set(one.track, place + 1);
      return at(one.track) + 0.032 * (place % 2 ? -Math.ceil(place / 2) : place / 2);
    };
    const looks = { method: ["circle", "--accent"], control: ["circle-open", "--faint"], ceiling: ["diamond-open", "--mark"] };
    const traces = Object.entries(looks).map(([kind, [symbol, name]]) => {
      const some = known.filter((one) => one.kind === kind);
      const values = some.map((one) => one.values[key]);
      return {
        type: "scatter", mode: "markers", name: kind, x: some.map(x), y: values.map(([value]) => value),
        error_y: { ...error(values), color: css(name) }, marker: { symbol, size: 10, color: css(name), line: { width: 1.6 } },
        text: some.map((one) => `${clean(one.method)}, ${one.track}`), hovertemplate: "%{text}<br>%{y:.3f}<extra></extra>",
      };
    });
    const narrow = innerWidth < 600;
    const ticks = Object.entries(data.seconds);
    const drawn = layout(
      { title: "Annotation of one training image", tickvals: ticks.map(([track]) => at(track)), ticktext: ticks.map(([track, s]) => (narrow ? `${s} s` : `${track}<br>${s.toLocaleString("en")} s`)), range: [-0.35, at("pixel") + 0.35] },
      { title: metric.title }, { wide: true });
    const best = new Map();
    for (const one of known) if (one.kind === "method" && !best.has(one.track)) best.set(one.track, one);
    if (!narrow) drawn.annotations = [...best.values()].map((one) => ({
      x: at(one.track), y: one.values[key][0], text: clean(one.method), showarrow: false, xanchor: one.track === "pixel" ? "right" : "left", xshift: one.track === "pixel" ? -12 : 12, font: { size: 11.5, color: css("--ink") },
    }));
    Plotly.react(plot, traces, drawn, options("score-against-annotation"));
    say(plot, `${metric.title} against seconds of annotation. The best method of each track: ${[...best].map(([track, one]) => `${track} ${one.method} ${one.values[key][0].toFixed(3)}`).join("; ") || "none"}.`);
  };

  const chart = (place, title, traces, drawn, about) => {
    const plot = make("div", { className: "plot" });
    place.append(make("figure", { className: "chart" }, make("h3", {}, title), plot));
    say(plot, about);
    // Once its neighbours are there, too: a chart that stands alone in the grid would take its whole width.
    queueMicrotask(() => Plotly.newPlot(plot, traces, drawn, options(title)));
  };

  const robustness = (data, rows) => {
    const place = document.getElementById("robustness");
    const some = rows.filter((one) => one.robustness && BoardTable.isCurrent(one)).slice(0, LINES);
    keys(document.getElementById("robustness-keys"), some);
    if (!some.length) return empty(place, "None of the entries shown has been scored on degraded images.");
    place.replaceChildren();
    const families = [...new Set(some.flatMap((one) => one.robustness.curves.map((curve) => curve.family)))];
    for (const family of families) {
      const traces = some.flatMap((one, index) => one.robustness.curves.filter((curve) => curve.family === family).map((curve) => {
        const points = curve.points.map(([recipe, , ...values]) => [recipe, values]);
        const clean = [one.robustness.clean, null, null];
        if (curve.cleanAt !== null) points.splice(curve.cleanAt, 0, ["clean", clean]);
        const values = points.map(([, one]) => one);
        return {
          type: "scatter", mode: curve.cleanAt === null ? "markers" : "lines+markers", x: points.map(([recipe]) => recipe.replace(`${family}-`, "")), y: values.map(([value]) => value),
          error_y: { ...error(values), color: colour(index) }, line: { color: colour(index), width: 2 }, marker: { color: colour(index), size: 6 },
          name: one.method, hovertemplate: `${one.method.replaceAll("<", "&lt;")}, %{x}<br>%{y:.3f}<extra></extra>`,
        };
      }));
      const unit = some.flatMap((one) => one.robustness.curves).find((curve) => curve.family === family).unit;
      const metric = data.definitions[0].metrics.find((one) => one.id === some[0].robustness.metric)?.title ?? some[0].robustness.metric;
      chart(place, family, traces, layout({ title: unit ?? "", type: "category" }, { title: metric, rangemode: "tozero" }), `${metric} under ${family}: ${some.map((one) => one.method).join(", ")}.`);
    }
  };

  const slices = (rows) => {
    const place = document.getElementById("slices");
    const some = rows.filter((one) => one.kind !== "control" && BoardTable.isCurrent(one) && Object.keys(one.slices).length).slice(0, 6);
    keys(document.getElementById("slices-keys"), some);
    if (!some.length) return empty(place, "None of the entries shown was scored by slices.");
    place.replaceChildren();
    const names = [...new Set(some.flatMap((one) => Object.keys(one.slices)))];
    for (const slice of new Set(names.map((name) => name.split("=")[0]))) {
      const values = names.filter((name) => name.startsWith(`${slice}=`));
      const traces = some.map((one, index) => {
        const numbers = values.map((name) => one.slices[name] ?? [null, null, null]);
        return {
          type: "bar", x: values.map((name) => name.slice(slice.length + 1).replaceAll("_", " ")), y: numbers.map(([value]) => value),
          error_y: { ...error(numbers), color: css("--muted") }, marker: { color: colour(index), opacity: 0.85 }, name: one.method,
          hovertemplate: `${one.method.replaceAll("<", "&lt;")}, %{x}<br>%{y:.3f}<extra></extra>`,
        };
      });
      chart(place, slice.replaceAll("_", " "), traces, { ...layout({ title: "", type: "category" }, { title: "Pixel F1", range: [0, 1] }), barmode: "group", bargap: 0.25 }, `Pixel F1 by ${slice.replaceAll("_", " ")} of ${some.map((one) => one.method).join(", ")}.`);
    }
  };

  const draw = (data, state, metric, rows) => {
    cost(data, state, metric, rows);
    robustness(data, rows);
    slices(rows);
  };
  return { draw };
})();
