"use strict";
// The board: filters live in the address, the table follows them, and the plots come after.
{
  const { make } = BoardTable;
  const field = (id) => document.getElementById(id);
  const table = field("table");
  const LEAD = "forgebench";
  const DEFAULTS = { benchmark: Object.keys(BOARDS)[0], track: "", definition: LEAD, metric: "", sort: "", search: "" };
  let state = {};
  let data = null;
  let drawn = null;

  const script = (source) => new Promise((done, failed) => {
    document.head.append(make("script", { src: source, onload: done, onerror: () => failed(new Error(`cannot load ${source}`)) }));
  });

  const read = () => {
    const given = Object.fromEntries(new URLSearchParams(location.hash.slice(1)));
    const found = { ...DEFAULTS, ...given };
    if (!(found.benchmark in BOARDS)) found.benchmark = DEFAULTS.benchmark;
    found.reverse = found.sort.startsWith("-");
    found.sort = found.sort.replace(/^-/, "");
    return found;
  };

  const settle = () => {
    const definition = data.definitions.find((one) => one.name === state.definition) ?? data.definitions[0];
    state.definition = definition.name;
    const metric = definition.metrics.find((one) => one.id === state.metric) ?? definition.metrics.find((one) => one.rankable) ?? definition.metrics[0];
    state.metric = metric.id;
    if (!BoardTable.columns(data, state, null).some((one) => one.key === state.sort)) state.sort = metric.id;
    return metric;
  };

  const write = () => {
    const chosen = { ...state, sort: `${state.reverse ? "-" : ""}${state.sort}` };
    const kept = Object.entries(chosen).filter(([name, value]) => name in DEFAULTS && value !== DEFAULTS[name]);
    const short = new URLSearchParams(kept.filter(([name, value]) => !(name === "sort" && value === state.metric)));
    history.replaceState(null, "", `#${short}`);
  };

  const options = (select, values, chosen) => {
    select.replaceChildren(...values.map(([value, text]) => make("option", { value, selected: value === chosen }, text)));
  };

  const show = () => {
    const metric = settle();
    const comparison = data.comparisons.find((one) => one.metric === `${state.definition}/${state.metric}`);
    options(field("definition"), data.definitions.map((one) => [one.name, one.name]), state.definition);
    const definition = data.definitions.find((one) => one.name === state.definition);
    options(field("metric"), definition.metrics.map((one) => [one.id, one.rankable ? one.title : `${one.title} (does not rank)`]), state.metric);
    field("benchmark").value = state.benchmark;
    if (field("search").value !== state.search) field("search").value = state.search;
    for (const radio of document.querySelectorAll("[name=track]")) radio.checked = radio.value === state.track;
    drawn = BoardTable.draw(table, data, state, comparison?.tiers, sortBy);
    field("unrankable").hidden = !metric.why;
    field("unrankable").textContent = metric.why ? `${metric.title} does not rank. ${metric.why}` : "";
    field("reasons").replaceChildren(...drawn.reasons.map((why) => make("li", {}, `Does not rank: ${why}`)));
    const direction = state.reverse ? "the worst first" : "the best first";
    const tests = comparison ? "" : " · no paired tests by this metric, so no tiers";
    field("status").textContent = `${drawn.rows.length} of ${data.entries.length} entries by ${drawn.sorted.title}, ${direction}${tests}`;
    const byMetric = BoardTable.order(drawn.rows, BoardTable.columns(data, state, null)[1], false);
    BoardMatrix.draw(field("matrix"), byMetric.filter(BoardTable.isCurrent), comparison, metric.higher);
    if (globalThis.Plotly) BoardPlots.draw(data, state, metric, byMetric);
    write();
  };

  const sortBy = (key) => {
    state.reverse = state.sort === key && !state.reverse;
    state.sort = key;
    show();
    table.querySelector(`th[data-key="${CSS.escape(key)}"] button`).focus();
  };

  const load = async () => {
    state = read();
    if (!BOARDS[state.benchmark]) await script(`data/${state.benchmark}.js`);
    data = BOARDS[state.benchmark];
    show();
    performance.mark("board-drawn");
  };

  const change = (name, value) => {
    state[name] = value;
    if (name === "definition") Object.assign(state, { metric: "", sort: "", reverse: false });
    if (name === "metric") Object.assign(state, { sort: value, reverse: false });
    show();
  };

  field("filters").addEventListener("submit", (event) => event.preventDefault());
  field("search").addEventListener("input", (event) => change("search", event.target.value));
  for (const name of ["definition", "metric"]) field(name).addEventListener("change", (event) => change(name, event.target.value));
  for (const radio of document.querySelectorAll("[name=track]")) radio.addEventListener("change", () => change("track", radio.value));
  field("benchmark").addEventListener("change", (event) => { location.hash = new URLSearchParams({ benchmark: event.target.value }); });
  addEventListener("hashchange", load);
  const redraw = () => { if (globalThis.Plotly && drawn) show(); };
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", redraw);
  const onto = (paper) => { document.documentElement.classList.toggle("on-paper", paper); redraw(); };
  addEventListener("beforeprint", () => onto(true));
  addEventListener("afterprint", () => onto(false));
  load().then(() => script("assets/plotly-basic.min.js")).then(show);
}
