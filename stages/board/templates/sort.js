"use strict";
// Sorts the leaderboard by the column whose heading was chosen; unknown values always come last.
const table = document.getElementById("leaderboard");
const body = table.tBodies[0];
const original = [...body.rows];
const said = document.getElementById("sorted");
const isKnown = (value) => value !== "";
const isNumber = (value) => isKnown(value) && !Number.isNaN(Number(value));

function compare(a, b) {
  return isNumber(a) && isNumber(b) ? Number(a) - Number(b) : a.localeCompare(b, "en");
}

function sortBy(heading) {
  const button = heading.querySelector("button");
  const wasSorted = heading.getAttribute("aria-sort");
  const isDescending = wasSorted ? wasSorted === "ascending" : button.dataset.descending === "true";
  const key = (row) => row.cells[heading.cellIndex].dataset.value;
  const rows = [...original].sort((a, b) => {
    const [x, y] = [key(a), key(b)];
    if (!isKnown(x) || !isKnown(y)) return Number(isKnown(y)) - Number(isKnown(x));
    return isDescending ? compare(y, x) : compare(x, y);
  });
  for (const other of table.tHead.rows[0].cells) other.removeAttribute("aria-sort");
  heading.setAttribute("aria-sort", isDescending ? "descending" : "ascending");
  body.append(...rows);
  said.textContent = `Sorted by ${button.textContent.trim()}, ${isDescending ? "highest" : "lowest"} first.`;
}

for (const heading of table.tHead.rows[0].cells) {
  heading.querySelector("button").addEventListener("click", () => sortBy(heading));
}
