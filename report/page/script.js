"use strict";
// enliven adds what the elements of a part of the page do.
function enliven(part) {
  // Tables: a click on a heading sorts by the exact values of the column, again in the other direction.
  for (const table of part.querySelectorAll("table.sortable")) {
    const heads = [...table.tHead.rows[0].cells];
    heads.forEach((head, column) => {
      const button = head.querySelector("button");
      if (!button) return;
      button.addEventListener("click", () => {
        const text = head.classList.contains("text");
        const first = text ? "ascending" : "descending";
        const order = head.getAttribute("aria-sort") === first ? (text ? "descending" : "ascending") : first;
        heads.forEach(h => h.removeAttribute("aria-sort"));
        head.setAttribute("aria-sort", order);
        const sign = order === "ascending" ? 1 : -1;
        const key = row => {
          const cell = row.cells[column];
          return text ? cell.textContent.trim() : parseFloat(cell.dataset.value ?? cell.textContent);
        };
        const compare = (a, b) => text ? a.localeCompare(b, undefined, {numeric: true}) : (isNaN(a) ? -Infinity : a) - (isNaN(b) ? -Infinity : b) || 0;
        const body = table.tBodies[0];
        body.append(...[...body.rows].sort((a, b) => sign * compare(key(a), key(b))));
      });
    });
  }
  // The filter of a table hides rows whose first cell lacks the text.
  for (const input of part.querySelectorAll("input[data-filter]")) {
    input.addEventListener("input", () => {
      const wanted = input.value.trim().toLowerCase(), table = document.getElementById(input.dataset.filter);
      for (const row of table.tBodies[0].rows) row.style.display = row.cells[0].textContent.toLowerCase().includes(wanted) ? "" : "none";
    });
  }
  // The picture of a large confusion matrix: the classes at the pointer.
  const cells = part.querySelector("#cells"), picture = part.querySelector("#matrix image"), readout = part.querySelector("#readout");
  if (cells && picture && readout) {
    const {names, cells: list} = JSON.parse(cells.textContent);
    const rows = new Map();
    for (const [t, p, n] of list) {
      if (!rows.has(t)) rows.set(t, []);
      rows.get(t).push([p, n]);
    }
    const side = Math.ceil(names.length / Math.ceil(names.length / 250));
    const group = Math.ceil(names.length / side);
    picture.addEventListener("pointermove", e => {
      const r = picture.getBoundingClientRect();
      const column = Math.floor((e.clientX - r.left) / r.width * side), row = Math.floor((e.clientY - r.top) / r.height * side);
      let best = null;
      for (let t = row * group; t < (row + 1) * group; t++)
        for (const [p, n] of rows.get(t) ?? [])
          if (Math.floor(p / group) === column && (!best || n > best[2])) best = [t, p, n];
      readout.textContent = best ? `${names[best[0]]} predicted as ${names[best[1]]}: ${best[2]}` : "no images here";
    });
  }
}
enliven(document);
// Print everything.
addEventListener("beforeprint", () => document.querySelectorAll("details").forEach(d => d.open = true));
