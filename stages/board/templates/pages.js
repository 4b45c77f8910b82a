"use strict";
// Adds to pages what needs a script: tables that sort by a heading, and a search among answers.
const isNumber = (value) => value !== "" && !Number.isNaN(Number(value));

function compare(a, b) {
  return isNumber(a) && isNumber(b) ? Number(a) - Number(b) : a.localeCompare(b, "en");
}

function makeSortable(table) {
  const body = table.tBodies[0];
  const original = [...body.rows];
  const headings = [...table.tHead.rows[0].cells];
  const key = (row, i) => row.cells[i].dataset.value ?? row.cells[i].textContent.trim();

  // The first choice sorts with the best on top, the second the other way round, the third restores the order.
  function choose(heading, i) {
    const first = heading.dataset.first ?? "ascending";
    const second = first === "ascending" ? "descending" : "ascending";
    const next = { [first]: second, [second]: null }[heading.getAttribute("aria-sort")];
    const order = next === undefined ? first : next;
    for (const other of headings) other.removeAttribute("aria-sort");
    if (order === null) return body.append(...original);
    heading.setAttribute("aria-sort", order);
    body.append(...[...original].sort((a, b) => {
      const [x, y] = [key(a, i), key(b, i)];
      if (x === "" || y === "") return (x === "") - (y === "");
      return order === "ascending" ? compare(x, y) : compare(y, x);
    }));
  }

  headings.forEach((heading, i) => {
    const button = document.createElement("button");
    button.type = "button";
    button.append(...heading.childNodes);
    button.addEventListener("click", () => choose(heading, i));
    heading.append(button);
  });
}

function makeSearchable(section) {
  const label = document.createElement("label");
  label.className = "search";
  const input = document.createElement("input");
  input.type = "search";
  label.append("Search the answers ", input);
  section.querySelector("h2").after(label);
  input.addEventListener("input", () => {
    const sought = input.value.toLowerCase();
    for (const row of section.querySelectorAll("tbody tr")) row.hidden = !row.textContent.toLowerCase().includes(sought);
  });
}

for (const table of document.querySelectorAll("table.sortable")) makeSortable(table);
for (const section of document.querySelectorAll("section.searchable")) makeSearchable(section);
