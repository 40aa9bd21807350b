// The map: colour by an obs column or a gene, legend, hover, lasso, layers (map, before integration, density).

const CLIP_SHARE = 0.99;  // number colours end at this quantile of the values above zero, so that one cell cannot wash out the rest

/** What the points are coloured by. kind "categories": codes + names; kind "numbers": values, low, high. */
function coloringOf(data, choice) {
  if (choice.gene) {
    const values = data.geneValues(choice.gene);
    const positive = Float32Array.from(values.filter((value) => value > 0)).sort();
    return { kind: "numbers", title: choice.gene.gene, unit: "log-normalised expression", values, low: 0, high: quantile(positive, CLIP_SHARE) || 1, zeroIsNone: true };
  }
  const column = choice.column;
  if (column.categories) {
    const counts = new Int32Array(column.categories.length + 1);
    for (const code of column.codes) ++counts[code < 0 ? column.categories.length : code];
    return { kind: "categories", title: column.title, codes: column.codes, names: column.categories, counts };
  }
  const sorted = Float32Array.from(column.values.filter((value) => Number.isFinite(value))).sort();
  return { kind: "numbers", title: column.title, unit: "", values: column.values, low: quantile(sorted, 1 - CLIP_SHARE), high: quantile(sorted, CLIP_SHARE), zeroIsNone: false };
}

function colorsOf(coloring, n) {
  const pixels = new Uint32Array(n);
  if (coloring.kind === "categories") {
    for (let i = 0; i < n; ++i) pixels[i] = categoryPixel(coloring.codes[i]);
    return pixels;
  }
  const span = coloring.high - coloring.low || 1;
  for (let i = 0; i < n; ++i) {
    const value = coloring.values[i];
    pixels[i] = !Number.isFinite(value) || (coloring.zeroIsNone && value === 0) ? palette.zero : rampPixel((value - coloring.low) / span);
  }
  return pixels;
}

/** High numbers on top; categories shuffled. */
function orderOf(coloring, base) {
  if (coloring.kind === "categories") return base;
  const key = (i) => (Number.isFinite(coloring.values[i]) ? coloring.values[i] : -Infinity);
  return base.slice().sort((a, b) => key(a) - key(b));
}

function valueText(coloring, i) {
  if (coloring.kind === "categories") return coloring.codes[i] < 0 ? "missing" : coloring.names[coloring.codes[i]];
  return Number.isFinite(coloring.values[i]) ? numberText(coloring.values[i], 3) : "missing";
}

function legendButton(color, name, count, pressed, onClick) {
  const button = document.createElement("button");
  button.type = "button";
  button.setAttribute("aria-pressed", String(pressed));
  const swatch = document.createElement("span");
  swatch.className = "swatch";
  swatch.style.background = color;
  const label = document.createElement("span");
  label.textContent = name;
  const number = document.createElement("span");
  number.className = "count";
  number.textContent = countText(count);
  button.append(swatch, label, number);
  button.addEventListener("click", onClick);
  return button;
}

/** A title over the ramp of colours, with words at its ends and below. */
function gradientLegend(titleText, endTexts, noteText) {
  const title = document.createElement("div");
  title.className = "legend-title";
  title.textContent = titleText;
  const bar = document.createElement("div");
  bar.className = "gradient";
  const canvas = document.createElement("canvas");
  canvas.width = 256;
  canvas.height = 1;
  const image = new ImageData(256, 1);
  new Uint32Array(image.data.buffer).set(palette.ramp);
  canvas.getContext("2d").putImageData(image, 0, 0);
  bar.append(canvas);
  const ends = document.createElement("div");
  ends.className = "ends";
  for (const text of endTexts) {
    const span = document.createElement("span");
    span.textContent = text;
    ends.append(span);
  }
  const note = document.createElement("div");
  note.className = "ends";
  note.textContent = noteText;
  return [title, bar, ends, note];
}

function numberLegend(coloring) {
  const found = coloring.zeroIsNone ? coloring.values.reduce((sum, value) => sum + (value > 0), 0) : null;
  const note = found === null ? "ends at the 1st and 99th percentile" : `${coloring.unit}; grey: none found. In ${shareText(found, coloring.values.length)} of cells`;
  return gradientLegend(coloring.title, [coloring.zeroIsNone ? "0" : numberText(coloring.low, 3), `${numberText(coloring.high, 3)}+`], note);
}

/** Median place of each category, where its name is written. */
function labelPlaces(coloring, x, y) {
  const groups = coloring.names.map(() => []);
  const stride = Math.max(1, Math.floor(x.length / 40_000));
  for (let i = 0; i < x.length; i += stride) if (coloring.codes[i] >= 0 && Number.isFinite(x[i])) groups[coloring.codes[i]].push(i);
  return groups.flatMap((group, code) => {
    if (group.length === 0) return [];
    const middle = (values) => quantile(Float32Array.from(group, (i) => values[i]).sort(), 0.5);
    return [{ code, x: middle(x), y: middle(y), lift: group.length * stride < 60 ? 14 : 0 }];  // a name must not hide a small group
  });
}

class MapPanel {
  constructor(figure, data) {
    const part = (name) => figure.querySelector(`#map-${name}`);
    Object.assign(this, { figure, data, part, names: [], highlighted: new Set(), selected: null, choice: { column: data.obs[0] } });
    this.tip = figure.querySelector(".tip");
    this.view = new PointView(part("canvas"), {
      keepAspect: true, margins: { left: 14, right: 14, top: 14, bottom: 14 },
      onHover: (i, px, py) => this.hover(i, px, py),
      onLasso: (inside) => { this.selected = inside; this.recolor(); this.showSelection(); },
      overlay: (context, frame) => this.drawNames(context, frame),
      underlay: (target, width, height, frame, ratio) => this.drawDensity(target, width, height, frame, ratio),
    });
    this.baseOrder = shuffled(data.nCells);
    this.density = readIsland("data-density");
    if (this.density) this.density.bytes = bytesOf(this.density.levels);
    this.layer = this.density ? "density" : "map";
    this.buildControls();
    this.refreshTable = tableOnDemand(figure, "map_groups", () => this.tableRows());
    part("sample").textContent = data.map.sample ? ` Shown: ${data.map.sample}.` : "";
    svgMakers.set(figure.id, () => this.svg());
    onThemeChange(() => this.show());
    this.usePositions();
    this.show();
  }

  buildControls() {
    const { part, data } = this;
    part("color").replaceChildren(...data.obs.map((column, c) => new Option(column.title, c)));
    part("color").addEventListener("change", () => { part("gene").value = ""; this.choose({ column: data.obs[part("color").value] }); });
    document.getElementById("gene-list").replaceChildren(...data.genes.map((gene) => new Option(gene.id, gene.gene)));
    part("gene").disabled = data.genes.length === 0;
    part("gene").addEventListener("change", () => this.chooseGene(part("gene").value));
    const layers = [["map", "Map (UMAP)"]];
    if (data.positionsBefore) layers.push(["before", "Before integration"]);
    if (this.density) layers.push(["density", `Density of all ${countText(data.map.nAll)} cells`]);
    part("layer").replaceChildren(...layers.map(([value, text]) => new Option(text, value, false, value === this.layer)));
    part("layer-label").hidden = layers.length === 1;
    part("layer").addEventListener("change", () => { this.layer = part("layer").value; this.usePositions(); this.show(); });
    part("names").addEventListener("change", () => this.view.redraw());
    part("lasso").addEventListener("click", () => this.toggleLasso());
    part("in").addEventListener("click", () => this.view.zoomBy(1.5));
    part("out").addEventListener("click", () => this.view.zoomBy(1 / 1.5));
    part("reset").addEventListener("click", () => this.view.reset());
    part("canvas").addEventListener("keydown", (event) => { if (event.key === "l" || event.key === "L") this.toggleLasso(); });
  }

  toggleLasso() {
    this.view.setLassoMode(!this.view.lassoMode);
    this.part("lasso").setAttribute("aria-pressed", String(this.view.lassoMode));
  }

  usePositions() {
    this.positions = this.layer === "before" ? this.data.positionsBefore : this.data.positions;
    this.view.setPoints(this.positions.x, this.positions.y);
  }

  choose(choice) {
    this.choice = choice;
    this.highlighted.clear();
    if (this.layer === "density") { this.layer = "map"; this.part("layer").value = "map"; this.usePositions(); }
    this.show();
  }

  /** Colours by a gene named by the reader; says so when the page does not hold it. */
  chooseGene(name) {
    const input = this.part("gene");
    const gene = name.trim() ? this.data.findGene(name) : null;
    input.setCustomValidity(name.trim() && !gene ? "not held" : "");
    if (gene) {
      input.value = gene.gene;
      this.choose({ gene });
    } else if (name.trim()) {
      this.part("selection").textContent = `This page holds ${countText(this.data.genes.length)} marker genes, and “${name.trim()}” is not one of them. It is in cells.h5ad.`;
    } else {
      this.choose({ column: this.data.obs[this.part("color").value] });
    }
  }

  show() {
    this.coloring = coloringOf(this.data, this.choice);
    this.names = this.coloring.kind === "categories" ? labelPlaces(this.coloring, this.positions.x, this.positions.y) : [];
    this.order = orderOf(this.coloring, this.baseOrder);
    this.recolor();
    this.refreshTable();
    const what = this.coloring.kind === "categories" ? `${this.coloring.names.length} groups` : "values";
    this.part("canvas").setAttribute("aria-label", `Map of ${countText(this.data.nCells)} cells coloured by ${this.coloring.title} (${what})`);
  }

  recolor() {
    const dims = this.highlighted.size > 0 || this.selected;
    let dimmed = null;
    if (dims) {
      const pale = (i) => (this.highlighted.size > 0 && this.coloring.kind === "categories" && !this.highlighted.has(this.coloring.codes[i])) || (this.selected && !this.selected[i]);
      dimmed = Uint8Array.from({ length: this.data.nCells }, (_, i) => (pale(i) ? 1 : 0));
    }
    this.view.setColors(colorsOf(this.coloring, this.data.nCells), this.layer === "density" ? new Uint32Array(0) : this.order, dimmed);
    this.showLegend();
  }

  showLegend() {
    const legend = this.part("legend");
    if (this.layer === "density") {
      const title = document.createElement("div");
      title.className = "legend-title";
      title.textContent = `Cells in each square of the grid, up to ${numberText(this.density.most, 4)} (colours by square root)`;
      legend.replaceChildren(title);
      return;
    }
    if (this.coloring.kind === "numbers") { legend.replaceChildren(...numberLegend(this.coloring)); return; }
    const title = document.createElement("div");
    title.className = "legend-title";
    title.textContent = this.coloring.title;
    const buttons = this.coloring.names.map((name, code) => legendButton(cssOf(categoryPixel(code)), name, this.coloring.counts[code], this.highlighted.has(code), () => this.toggle(code)));
    const focus = [...legend.querySelectorAll("button")].indexOf(document.activeElement);
    legend.replaceChildren(title, ...buttons);
    if (focus >= 0) buttons[focus]?.focus();
  }

  toggle(code) {
    if (!this.highlighted.delete(code)) this.highlighted.add(code);
    this.recolor();
  }

  hover(i, px, py) {
    this.tip.hidden = i < 0 || this.layer === "density";
    if (this.tip.hidden) return;
    const first = this.data.obs[0];
    const lines = [this.data.cellName(i), `${this.coloring.title}: ${valueText(this.coloring, i)}`];
    if (first && this.choice.column !== first) lines.push(`${first.title}: ${first.categories?.[first.codes[i]] ?? numberText(first.values[i], 3)}`);
    this.tip.textContent = lines.join("\n");
    placeTip(this.tip, this.part("canvas"), px, py);
  }

  drawNames(context, frame) {
    if (!this.part("names").checked || this.layer === "density") return;
    context.textAlign = "center";
    context.textBaseline = "middle";
    context.lineJoin = "round";
    context.lineWidth = 4;
    context.strokeStyle = palette.css.card;
    const placed = [];
    const size = this.names.length > 30 ? 11 : 13;
    context.font = `650 ${size}px Inter, system-ui, sans-serif`;
    for (const { code, x, y, lift } of this.names) {
      if (this.highlighted.size > 0 && !this.highlighted.has(code)) continue;
      const text = this.coloring.names[code];
      const half = context.measureText(text).width / 2;
      const px = Math.max(half + 8, Math.min(this.view.canvas.clientWidth - half - 8, frame.ox + x * frame.sx));
      let py = frame.oy + y * frame.sy - lift;
      for (const other of placed) if (Math.abs(other.py - py) < size + 3 && Math.abs(other.px - px) < half + other.half) py = other.py + size + 4;
      placed.push({ px, py, half });
      context.strokeText(text, px, py);
      context.fillStyle = palette.css.ink;
      context.fillText(text, px, py);
    }
  }

  drawDensity(target, width, height, frame, ratio) {
    if (this.layer !== "density") return;
    const { bytes, width: columns, height: rows, box: [xLow, xHigh, yLow, yHigh] } = this.density;
    const { box: [pxLow, pxHigh, pyLow, pyHigh], span } = this.data.positions;
    const toX = (fraction) => (pxLow + pxHigh) / 2 + (fraction - 0.5) * span;
    const toY = (fraction) => (pyLow + pyHigh) / 2 - (fraction - 0.5) * span;
    for (let row = 0; row < height; ++row) {
      const gy = Math.floor(((toY((row / ratio - frame.oy) / frame.sy) - yLow) / (yHigh - yLow)) * rows);
      if (gy < 0 || gy >= rows) continue;
      for (let column = 0; column < width; ++column) {
        const gx = Math.floor(((toX((column / ratio - frame.ox) / frame.sx) - xLow) / (xHigh - xLow)) * columns);
        const level = gx >= 0 && gx < columns ? bytes[gy * columns + gx] : 0;
        if (level > 0) target[row * width + column] = palette.ramp[level];
      }
    }
  }

  showSelection() {
    const box = this.part("selection");
    if (!this.selected) { box.replaceChildren(); return; }
    const cells = [];
    this.selected.forEach((inside, i) => { if (inside) cells.push(i); });
    const heading = document.createElement("strong");
    heading.textContent = `${countText(cells.length)} ${cells.length === 1 ? "cell" : "cells"} selected`;
    const rest = document.createTextNode(` (${shareText(cells.length, this.data.nCells)} of those drawn)`);
    const list = document.createElement("ul");
    for (const [name, count] of this.countGroups(cells).slice(0, 12)) {
      const item = document.createElement("li");
      item.textContent = `${name}: ${countText(count)} (${shareText(count, cells.length)})`;
      list.append(item);
    }
    const buttons = document.createElement("div");
    buttons.className = "buttons";
    const add = (text, work) => {
      const button = document.createElement("button");
      button.type = "button";
      button.textContent = text;
      button.addEventListener("click", work);
      buttons.append(button);
    };
    add("Download their names (CSV)", () => save("selected_cells.csv", "text/csv", csvOf([["cell", this.coloring.title], ...cells.map((i) => [this.data.cellName(i), valueText(this.coloring, i)])])));
    add("Clear", () => { this.selected = null; this.view.clearLasso(); this.recolor(); this.showSelection(); });
    box.replaceChildren(heading, rest, list, buttons);
  }

  /** [name, count] by the shown categories, or by the first categorical column; largest first. */
  countGroups(cells) {
    const column = this.coloring.kind === "categories" ? { codes: this.coloring.codes, categories: this.coloring.names } : this.data.obs.find((candidate) => candidate.categories);
    if (!column) return [];
    const counts = new Map();
    for (const i of cells) {
      const name = column.codes[i] < 0 ? "missing" : column.categories[column.codes[i]];
      counts.set(name, (counts.get(name) ?? 0) + 1);
    }
    return [...counts].sort((a, b) => b[1] - a[1]);
  }

  tableRows() {
    if (this.coloring.kind === "categories") return [[this.coloring.title, "Cells drawn", "Share"], ...this.coloring.names.map((name, code) => [name, this.coloring.counts[code], shareText(this.coloring.counts[code], this.data.nCells)])];
    const groups = this.data.obs.find((column) => column.categories);
    if (!groups) return [["Value"], ...[...this.coloring.values.slice(0, 100)].map((value) => [value])];
    return [[groups.title, "Cells", `Mean ${this.coloring.title}`, "% above 0"], ...groups.categories.map((name, code) => {
      let n = 0, sum = 0, positive = 0;
      for (let i = 0; i < this.data.nCells; ++i) {
        if (groups.codes[i] !== code || !Number.isFinite(this.coloring.values[i])) continue;
        ++n; sum += this.coloring.values[i]; positive += this.coloring.values[i] > 0;
      }
      return [name, n, n ? sum / n : NaN, n ? (100 * positive) / n : NaN];
    })];
  }

  svg() {
    return inLightTheme(() => {
      this.recolor();
      this.view.draw();
      const frame = this.view.frame();
      const { clientWidth: width, clientHeight: height } = this.view.canvas;
      const names = this.part("names").checked ? this.names.map(({ code, x, y, lift }) => `<text x="${(frame.ox + x * frame.sx).toFixed(1)}" y="${(frame.oy + y * frame.sy - lift).toFixed(1)}" text-anchor="middle" font-size="13" font-weight="650" stroke="#fff" stroke-width="4" paint-order="stroke">${escapeXml(this.coloring.names[code])}</text>`) : [];
      const legend = this.coloring.kind === "categories"
        ? this.coloring.names.map((name, code) => `<circle cx="${width + 16}" cy="${24 + code * 18}" r="5" fill="${cssOf(categoryPixel(code))}"/><text x="${width + 28}" y="${28 + code * 18}" font-size="12">${escapeXml(name)}</text>`)
        : [`<text x="${width + 12}" y="28" font-size="12">${escapeXml(this.coloring.title)}: ${numberText(this.coloring.low, 3)} to ${numberText(this.coloring.high, 3)}</text>`];
      const rows = this.coloring.kind === "categories" ? this.coloring.names.length : 1;
      const points = this.layer === "density" ? `<image width="${width}" height="${height}" href="${this.view.canvas.toDataURL()}"/>` : this.view.svgPoints(frame);
      return `<svg xmlns="${SVG_NS}" viewBox="0 0 ${width + 210} ${Math.max(height, rows * 18 + 40)}" font-family="Inter, Helvetica, Arial, sans-serif"><rect width="100%" height="100%" fill="#fff"/>${points}${this.layer === "density" ? "" : names.join("")}${legend.join("")}<text x="14" y="${height - 6}" font-size="11" fill="#66707a">UMAP: distances and areas are not quantitative.</text></svg>`;
    });
  }
}

function placeTip(tip, canvas, px, py) {
  const left = Math.min(px + 14, canvas.clientWidth - tip.offsetWidth - 6);
  tip.style.left = `${Math.max(4, left)}px`;
  tip.style.top = `${py + tip.offsetHeight + 20 > canvas.clientHeight ? py - tip.offsetHeight - 10 : py + 16}px`;
}
