// Headings with `data-sort` become buttons that sort by a column's `data-v`, or its text. Without this the server's order stands.
// On a phone tables have no headings to press.
if (!matchMedia("(max-width: 719px)").matches) document.querySelectorAll("th[data-sort]").forEach((th) => {
  const button = document.createElement("button"), table = th.closest("table"), i = th.cellIndex;
  button.type = "button";
  button.append(...th.childNodes);
  th.append(button);
  if (!th.hasAttribute("aria-sort")) th.setAttribute("aria-sort", "none");
  const key = (tr) => { const c = tr.cells[i]; return c.dataset.v === undefined ? c.textContent.trim() : Number(c.dataset.v); };
  button.addEventListener("click", () => {
    const up = th.getAttribute("aria-sort") !== "ascending", body = table.tBodies[0];
    table.querySelectorAll("th[aria-sort]").forEach((other) => other.setAttribute("aria-sort", "none"));
    th.setAttribute("aria-sort", up ? "ascending" : "descending");
    [...body.rows].sort((a, b) => (key(a) > key(b) ? 1 : key(a) < key(b) ? -1 : 0) * (up ? 1 : -1)).forEach((tr) => body.append(tr));
  });
});
