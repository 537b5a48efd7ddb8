"use strict";
// Who beats whom: the paired differences as a table, the row minus the column.
globalThis.BoardMatrix = (() => {
  const { make } = BoardTable;
  const MOST = 30;
  const ALPHA = 0.05;
  const points = (value) => {
    const text = (Math.abs(value) * 100).toFixed(Math.abs(value) < 0.0995 ? 1 : 0);
    return Number(text) === 0 ? "0" : `${value < 0 ? "−" : "+"}${text}`;
  };

  const lookup = (comparison) => {
    const found = new Map();
    for (const [first, second, value, low, high, p] of comparison.pairs) {
      const [a, b] = [comparison.ids[first], comparison.ids[second]];
      const negative = (number) => (number === null ? null : -number);
      found.set(`${a}\n${b}`, { value, low, high, p });
      found.set(`${b}\n${a}`, { value: negative(value), low: negative(high), high: negative(low), p });
    }
    return found;
  };

  const cellOf = (pair, higher) => {
    if (!pair || pair.value === null) return make("td", { title: "undefined" }, "–");
    const separated = pair.p !== null && pair.p < ALPHA;
    const cell = make("td", {}, points(pair.value));
    if (separated) cell.className = pair.value > 0 === higher ? "ahead" : "behind";
    if (pair.low !== null) cell.title = `${points(pair.low)} to ${points(pair.high)}, p = ${pair.p?.toPrecision(2)}${separated ? "" : ": not told apart"}`;
    return cell;
  };

  const draw = (place, rows, comparison, higher) => {
    const known = comparison ? rows.filter((entry) => comparison.ids.includes(entry.id)).slice(0, MOST) : [];
    if (known.length < 2) {
      place.replaceChildren(make("p", { className: "note" }, "No paired tests by this metric for the entries that are shown."));
      return;
    }
    const pairs = lookup(comparison);
    const number = (index) => make("th", { scope: "col", title: known[index].method }, make("span", { ariaHidden: "true" }, String(index + 1)), make("span", { className: "hidden" }, known[index].method));
    const table = make("table", { className: "matrix" },
      make("thead", {}, make("tr", {}, make("th", { scope: "col" }, make("span", { className: "hidden" }, "Entry")), ...known.map((_, index) => number(index)))),
      make("tbody", {}, ...known.map((one, index) => make("tr", {},
        make("th", { scope: "row" }, make("span", { className: "place", ariaHidden: "true" }, String(index + 1)), one.method),
        ...known.map((other) => (one === other ? make("td", { className: "self" }) : cellOf(pairs.get(`${one.id}\n${other.id}`), higher)))))));
    place.replaceChildren(table);
  };

  return { draw };
})();
