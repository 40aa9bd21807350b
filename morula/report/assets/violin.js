// Violins of one gene by any categorical column, from the expression that the page holds.

const VIOLIN_STEPS = 48;

/** Smoothed distribution of values on VIOLIN_STEPS points from 0 to `top`, highest = 1. */
function densityOf(values, top) {
  const bins = new Float64Array(VIOLIN_STEPS);
  for (const value of values) ++bins[Math.min(VIOLIN_STEPS - 1, Math.floor((value / top) * VIOLIN_STEPS))];
  const smooth = Float64Array.from(bins, (_, b) => {
    let sum = 0;
    for (let d = -4; d <= 4; ++d) if (bins[b + d] !== undefined) sum += bins[b + d] * Math.exp(-0.5 * (d / 1.6) ** 2);
    return sum;
  });
  const most = Math.max(...smooth) || 1;
  return smooth.map((value) => value / most);
}

function summarize(values) {
  const sorted = Float32Array.from(values).sort();
  const positive = sorted.filter((value) => value > 0).length;
  return { n: sorted.length, mean: sorted.reduce((sum, value) => sum + value, 0) / (sorted.length || 1), low: quantile(sorted, 0.25), median: quantile(sorted, 0.5), high: quantile(sorted, 0.75), percent: sorted.length ? (100 * positive) / sorted.length : NaN };
}

class ViolinPanel {
  constructor(figure, data, firstGene) {
    Object.assign(this, { figure, data });
    this.input = figure.querySelector("#violin-gene");
    this.select = figure.querySelector("#violin-group");
    this.columns = data.obs.filter((column) => column.categories && column.categories.length > 0 && column.categories.length <= 60);
    if (this.columns.length === 0 || data.genes.length === 0) { figure.hidden = true; return; }
    this.select.replaceChildren(...this.columns.map((column, c) => new Option(column.title, c)));
    this.gene = data.findGene(firstGene ?? "") ?? data.genes[0];
    this.input.value = this.gene.gene;
    this.input.addEventListener("change", () => this.showGene(this.input.value));
    this.select.addEventListener("change", () => this.draw());
    this.refreshTable = tableOnDemand(figure, "violin", () => this.tableRows());
    this.draw();
  }

  showGene(name) {
    const gene = this.data.findGene(name);
    if (gene) this.gene = gene;
    this.input.value = this.gene.gene;
    this.draw();
  }

  groups() {
    const column = this.columns[this.select.value];
    const values = this.data.geneValues(this.gene);
    const groups = column.categories.map((name, code) => ({ name, code, values: [] }));
    column.codes.forEach((code, i) => { if (code >= 0) groups[code].values.push(values[i]); });
    return groups.filter((group) => group.values.length > 0);
  }

  draw() {
    const groups = this.groups();
    const left = 76, height = 350, bottom = 232, top = 16;
    const width = Math.max(860, left + groups.length * 40 + 20);
    const column = (width - left - 20) / groups.length;
    const most = Math.max(1e-6, ...groups.map((group) => group.values.reduce((high, value) => Math.max(high, value), 0)));
    const y = (value) => bottom - (value / most) * (bottom - top);
    const svg = svgElement("svg", { viewBox: `0 0 ${width} ${height}`, width, height, role: "img", "aria-label": `Violin plot of ${this.gene.gene} by ${this.columns[this.select.value].title}` });
    for (const tick of niceTicks(0, most, 5)) {
      svg.append(svgElement("line", { x1: left, x2: width - 20, y1: y(tick), y2: y(tick), class: "grid" }), svgElement("text", { x: left - 8, y: y(tick) + 4, "text-anchor": "end", class: "tick" }, numberText(tick, 3)));
    }
    svg.append(svgElement("text", { transform: `translate(14 ${(top + bottom) / 2}) rotate(-90)`, "text-anchor": "middle", class: "axis-title" }, `${this.gene.gene}, log-normalised`));
    groups.forEach((group, g) => svg.append(...this.violin(group, left + column * (g + 0.5), column, y, most, bottom)));
    this.figure.querySelector(".drawing").replaceChildren(svg);
    this.refreshTable?.();
  }

  violin(group, center, column, y, most, bottom) {
    const stats = summarize(group.values);
    const half = Math.min(column * 0.44, 38);
    const density = densityOf(group.values, most);
    const side = (sign) => Array.from(density, (share, b) => [center + sign * share * half, y((b / (VIOLIN_STEPS - 1)) * most)]);
    const outline = [...side(-1), ...side(1).reverse()].map(([px, py]) => `${px.toFixed(1)},${py.toFixed(1)}`).join(" ");
    const label = svgElement("text", { transform: `translate(${center + 4} ${bottom + 32}) rotate(-38)`, "text-anchor": "end", class: "row-label" }, group.name.length > 24 ? `${group.name.slice(0, 23)}…` : group.name);
    const shape = svgElement("polygon", { points: outline, class: `violin fill c${group.code % N_COLORS}` });
    shape.append(svgElement("title", {}, `${group.name}: ${countText(stats.n)} cells, median ${numberText(stats.median, 3) || 0}, ${numberText(stats.percent, 3)} % hold it`));
    return [shape, svgElement("line", { x1: center, x2: center, y1: y(stats.low), y2: y(stats.high), class: "whisker" }), svgElement("circle", { cx: center, cy: y(stats.median), r: 3.4, class: "median" }),
      svgElement("text", { x: center, y: bottom + 15, "text-anchor": "middle", class: "tick" }, `${numberText(stats.percent, 2)} %`), label];
  }

  tableRows() {
    return [[this.columns[this.select.value].title, "Cells", "Mean", "Lower quartile", "Median", "Upper quartile", "% of cells"], ...this.groups().map((group) => {
      const stats = summarize(group.values);
      return [group.name, stats.n, stats.mean, stats.low, stats.median, stats.high, stats.percent];
    })];
  }
}
