"use strict";
// Sort a table by a click on a column's header; undefined values stay at the end.
for (const table of document.querySelectorAll("table.sortable")) {
  const headers = [...table.tHead.rows[0].cells];
  const body = table.tBodies[0];

  const compare = (column, kind, sign) => (a, b) => {
    const [x, y] = [a, b].map((row) => row.cells[column].dataset.value);
    if (x === "" || y === "") return (x === "") - (y === "");
    return sign * (kind === "text" ? x.localeCompare(y) : Number(x) - Number(y));
  };

  headers.forEach((header, column) => {
    header.querySelector("button").addEventListener("click", () => {
      const other = { ascending: "descending", descending: "ascending" };
      const order = other[header.getAttribute("aria-sort")] ?? header.dataset.first;
      for (const each of headers) each.removeAttribute("aria-sort");
      header.setAttribute("aria-sort", order);
      const rows = [...body.rows];
      rows.sort(compare(column, header.dataset.kind, order === "ascending" ? 1 : -1));
      body.append(...rows);
    });
  });
}
