// Downloads: SVG of a chart with its colours written in, CSV of a table.

const SVG_NS = "http:" + "//www.w3.org/2000/svg";  // a name, not an address

function save(name, type, text) {
  const url = URL.createObjectURL(new Blob([text], { type }));
  const link = document.createElement("a");
  link.href = url;
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(url), 10_000);
}

/** A field of a CSV. A leading = + - @ that is not a number is kept from being read as a formula by spreadsheets. */
function csvField(text) {
  const safe = /^[=+\-@]/.test(text) && Number.isNaN(Number(text)) ? `'${text}` : text;
  return /[",\n]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe;
}

const csvOf = (rows) => rows.map((row) => row.map((value) => csvField(String(value ?? ""))).join(",")).join("\n") + "\n";

/** Thousands separators are for eyes, not for programs. */
const plainNumber = (text) => (/^-?\d{1,3}(,\d{3})+(\.\d+)?$/.test(text) ? text.replaceAll(",", "") : text);

function saveTable(table) {
  const rows = [...table.rows].map((row) => [...row.cells].map((cell) => plainNumber(cell.innerText.trim().replace(/\s*[↕↑↓]$/, ""))));
  save(`${table.dataset.file || "table"}.csv`, "text/csv", csvOf(rows));
}

const INLINE = ["fill", "stroke", "stroke-width", "stroke-dasharray", "stroke-linecap", "stroke-linejoin", "opacity", "font-size", "font-weight", "font-style", "paint-order"];

/** A copy of an SVG that stands alone: the computed style of every mark becomes its attributes. */
function standaloneSvg(svg) {
  const copy = svg.cloneNode(true);
  inLightTheme(() => {
    const from = [svg, ...svg.querySelectorAll("*")];
    const to = [copy, ...copy.querySelectorAll("*")];
    from.forEach((element, i) => {
      const style = getComputedStyle(element);
      for (const name of INLINE) {
        const value = style.getPropertyValue(name);
        if (value) to[i].setAttribute(name, value);
      }
      to[i].removeAttribute("class");
    });
  });
  copy.setAttribute("xmlns", SVG_NS);
  copy.setAttribute("font-family", "Inter, Helvetica, Arial, sans-serif");
  const paper = document.createElementNS(SVG_NS, "rect");
  for (const [name, value] of [["width", "100%"], ["height", "100%"], ["fill", "#ffffff"]]) paper.setAttribute(name, value);
  copy.prepend(paper);
  return new XMLSerializer().serializeToString(copy);
}

/** makers: figure id -> function that gives the SVG text of a canvas view. */
const svgMakers = new Map();

function addDownloadButtons() {
  for (const figure of document.querySelectorAll("figure.chart")) {
    const tools = document.createElement("div");
    tools.className = "chart-tools";
    const button = document.createElement("button");
    button.type = "button";
    button.textContent = "SVG";
    button.title = "Download this chart as SVG";
    button.setAttribute("aria-label", `Download as SVG: ${figure.querySelector("h3")?.textContent ?? "map"}`);
    button.addEventListener("click", () => {
      const maker = svgMakers.get(figure.id);
      const drawing = figure.querySelector(".drawing svg");
      if (maker) save(`${figure.dataset.file}.svg`, "image/svg+xml", maker());
      else if (drawing) save(`${figure.dataset.file}.svg`, "image/svg+xml", standaloneSvg(drawing));
    });
    tools.append(button);
    (figure.querySelector(".controls .buttons") ?? figure).prepend(tools);  // the map has no heading to stand beside
  }
  for (const table of document.querySelectorAll("table[data-file]")) addCsvButton(table);
}

function addCsvButton(table) {
  const tools = document.createElement("div");
  tools.className = "table-tools";
  const button = document.createElement("button");
  button.type = "button";
  button.textContent = "CSV";
  button.title = "Download this table as CSV";
  button.setAttribute("aria-label", `Download as CSV: ${table.caption?.textContent ?? "table"}`);
  button.addEventListener("click", () => saveTable(table));
  tools.append(button);
  (table.closest(".table-scroll") ?? table).after(tools);
}

/** Fills the table behind a view when the reader opens it. rows: first the heading. */
function tableOnDemand(figure, file, makeRows) {
  const details = figure.querySelector("details.data");
  const fill = () => { if (details.open) details.querySelector(".table-slot").replaceChildren(...tableElements(file, makeRows())); };
  details.addEventListener("toggle", fill);
  return fill;
}

function tableElements(file, [heading, ...rows]) {
  const scroll = document.createElement("div");
  scroll.className = "table-scroll";
  scroll.tabIndex = 0;
  const table = document.createElement("table");
  table.dataset.file = file;
  const numeric = heading.map((_, c) => rows.length > 0 && rows.every((row) => typeof row[c] === "number"));
  const line = (cells, tag) => {
    const row = document.createElement("tr");
    cells.forEach((text, c) => {
      const cell = document.createElement(tag);
      cell.textContent = typeof text === "number" ? numberText(text, 4) : text;
      if (numeric[c]) cell.className = "num";
      row.append(cell);
    });
    return row;
  };
  table.createTHead().append(line(heading, "th"));
  table.createTBody().append(...rows.map((row) => line(row, "td")));
  scroll.append(table);
  const holder = document.createElement("div");
  holder.append(scroll);
  addCsvButton(table);
  return [...holder.children];
}
