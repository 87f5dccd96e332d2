/* Tables that sort and filter: a button in each heading, a field above. Without this script they are plain tables. */
for (const table of document.querySelectorAll("table.sortable")) {
  const body = table.tBodies[0], rows = [...body.rows], heads = [...table.tHead.rows[0].cells];
  const text = (row, n) => row.cells[n].textContent.trim();
  const number = (said) => (/^[-+\u2212]?[\d.,]+( .*)?$/.test(said) ? parseFloat(said.replace(/,/g, "").replace("\u2212", "-")) : NaN);
  const before = (a, b) => {
    const x = number(a), y = number(b);
    if (!isNaN(x) && !isNaN(y)) return x - y;
    return isNaN(x) - isNaN(y) || a.localeCompare(b, "en", { numeric: true });
  };
  heads.forEach((head, n) => {
    const button = document.createElement("button");
    button.type = "button";
    button.textContent = head.textContent.trim();
    head.replaceChildren(button);
    head.ariaSort = "none";
    button.addEventListener("click", () => {
      const way = head.ariaSort === "ascending" ? "descending" : "ascending", sign = way === "ascending" ? 1 : -1;
      for (const other of heads) other.ariaSort = "none";
      head.ariaSort = way;
      rows.sort((a, b) => sign * before(text(a, n), text(b, n)));
      body.append(...rows);
    });
  });
  const label = document.createElement("label"), field = document.createElement("input"), count = document.createElement("span");
  field.type = "search";
  count.role = "status";
  label.className = "table-filter";
  label.append("Rows with ", field, " ", count);
  (table.closest(".pst-scrollable-table-container") || table).before(label);
  const filter = () => {
    const words = field.value.toLowerCase().split(/\s+/).filter(Boolean);
    let n = 0;
    for (const row of rows) {
      const said = row.textContent.toLowerCase();
      row.hidden = !words.every((word) => said.includes(word));
      n += !row.hidden;
    }
    count.textContent = `${n} of ${rows.length}`;
  };
  field.addEventListener("input", filter);
  filter();
}
