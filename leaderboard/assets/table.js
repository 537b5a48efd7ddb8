"use strict";
// The table: its columns by definition, its rows in order, one cell after another.
globalThis.BoardTable = (() => {
  const LEAD = "forgebench";
  const make = (tag, properties = {}, ...children) => {
    const node = Object.assign(document.createElement(tag), properties);
    node.append(...children);
    return node;
  };
  const shown = (value, digits = 3) => (value === null || value === undefined ? "–" : value.toFixed(digits));

  const metricColumn = (definition, metric, primary) => {
    const key = `${definition}/${metric.id}`;
    return {
      key: metric.id, title: metric.title, higher: metric.higher, why: metric.why, primary,
      value: (entry) => entry.values[key]?.[0] ?? null,
      cell: (entry) => {
        const [value, low, high, n, undefinedIn] = entry.values[key] ?? [null, null, null, 0, 0];
        const cell = make("td", { className: metric.why ? "number grey" : "number" }, make("span", { className: "value" }, shown(value)));
        if (low !== null) cell.append(make("span", { className: "interval" }, `${shown(low)} – ${shown(high)}`));
        if (primary && low !== null && low >= 0 && high <= 1) cell.append(whisker(value, low, high));
        cell.title = value === null ? "undefined, or not scored" : `${n} images${undefinedIn ? `, undefined for ${undefinedIn}` : ""}`;
        return cell;
      },
    };
  };

  const whisker = (value, low, high) => {
    const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
    svg.setAttribute("class", "whisker");
    svg.setAttribute("viewBox", "0 0 100 8");
    svg.setAttribute("preserveAspectRatio", "none");
    svg.setAttribute("aria-hidden", "true");
    for (const [name, x1, x2, y1, y2] of [["track", 0, 1, 4, 4], ["range", low, high, 4, 4], ["point", value, value, 0, 8]]) {
      const line = document.createElementNS("http://www.w3.org/2000/svg", "line");
      line.setAttribute("class", name);
      for (const [at, place] of [["x1", x1 * 100], ["x2", x2 * 100], ["y1", y1], ["y2", y2]]) line.setAttribute(at, place);
      svg.append(line);
    }
    return svg;
  };

  const plain = (key, title, higher, value, text, more = {}) => ({
    key, title, higher, why: "", value, cell: (entry) => make("td", { className: "number" }, text(entry)), ...more,
  });

  const columns = (data, state, tiers) => {
    const definition = data.definitions.find((one) => one.name === state.definition);
    const chosen = definition.metrics.find((one) => one.id === state.metric);
    const ids = definition.name === LEAD ? data.columns : definition.metrics.map((one) => one.id);
    const others = ids.filter((id) => id !== chosen.id).map((id) => definition.metrics.find((one) => one.id === id));
    return [
      plain("tier", "Tier", false, (entry) => tiers?.[entry.id] ?? null, (entry) => tiers?.[entry.id] ?? "–"),
      metricColumn(definition.name, chosen, true),
      ...others.map((one) => metricColumn(definition.name, one, false)),
      plain("robustness", "Robust. area", true, (entry) => entry.robustness?.area ?? null, (entry) => shown(entry.robustness?.area)),
      plain("seconds", "s / image", false, (entry) => entry.seconds, (entry) => (entry.seconds === null ? "–" : String(Number(entry.seconds.toPrecision(2))))),
      plain("date", "Date", true, (entry) => Number(entry.date.replaceAll("-", "")), (entry) => entry.date),
    ];
  };

  const isCurrent = (entry) => !entry.supersededBy && entry.state === "published";

  const order = (entries, column, reverse) => {
    const best = column.higher === reverse ? 1 : -1;
    return [...entries].sort((a, b) => {
      if (isCurrent(a) !== isCurrent(b)) return isCurrent(a) ? -1 : 1;
      const [x, y] = [column.value(a), column.value(b)];
      if (x === null || y === null) return (x === null) - (y === null) || a.method.localeCompare(b.method);
      return best * (x - y) || a.method.localeCompare(b.method) || a.id.localeCompare(b.id);
    });
  };

  const visible = (data, state) => data.entries.filter((entry) => {
    if (entry.kind === "control") return true;
    const text = `${entry.method} ${entry.account ?? ""} ${entry.id}`.toLowerCase();
    return (!state.track || entry.track === state.track) && text.includes(state.search.toLowerCase());
  });

  const nameCell = (entry) => {
    const cell = make("th", { scope: "row" }, make("a", { href: `entries/${entry.id}/index.html` }, entry.method));
    const aside = make("span", { className: "aside" }, make("span", { className: "tag" }, entry.track));
    if (entry.kind !== "method") aside.append(make("span", { className: "tag strong" }, entry.kind));
    if (entry.supersededBy) aside.append("superseded by ", make("a", { href: `entries/${entry.supersededBy}/index.html` }, entry.supersededBy));
    else if (entry.state === "withdrawn") aside.append("withdrawn");
    else if (entry.account) aside.append(entry.account);
    cell.append(aside);
    return cell;
  };

  const head = (cols, state, numbers, onSort) => make("tr", {}, ...cols.flatMap((column) => {
    const button = make("button", { type: "button" }, column.title);
    const cell = make("th", { scope: "col", className: column.why ? "number grey" : "number" }, button);
    cell.dataset.key = column.key;
    if (column.why) {
      const mark = make("sup", {}, String(numbers.get(column.why)));
      button.append(mark);
      button.title = `Does not rank: ${column.why}`;
    }
    if (state.sort === column.key) cell.ariaSort = column.higher === state.reverse ? "ascending" : "descending";
    button.addEventListener("click", () => onSort(column.key));
    return column.key === "tier" ? [cell, make("th", { scope: "col" }, "Method")] : [cell];
  }));

  const draw = (table, data, state, tiers, onSort) => {
    const cols = columns(data, state, tiers);
    const sorted = cols.find((one) => one.key === state.sort) ?? cols[1];
    const rows = order(visible(data, state), sorted, state.reverse);
    const reasons = [...new Set(cols.map((one) => one.why).filter(Boolean))];
    const numbers = new Map(reasons.map((why, index) => [why, index + 1]));
    table.tHead.replaceChildren(head(cols, state, numbers, onSort));
    let last = null;
    table.tBodies[0].replaceChildren(...rows.map((entry) => {
      const row = make("tr", { className: `${entry.kind}${isCurrent(entry) ? "" : " gone"}` });
      row.dataset.id = entry.id;
      const tier = tiers?.[entry.id] ?? null;
      if (sorted.primary && last !== null && tier !== last) row.classList.add("step");
      last = tier;
      row.append(...cols.flatMap((column) => (column.key === "tier" ? [column.cell(entry), nameCell(entry)] : [column.cell(entry)])));
      row.firstChild.className = tier ? "number tier" : "number tier none";
      return row;
    }));
    return { rows, reasons, sorted };
  };

  return { draw, order, visible, columns, isCurrent, make, shown };
})();
