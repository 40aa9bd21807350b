// Heatmap of the best markers: genes by cells, cells taken evenly from each cluster.

const CELLS_A_GROUP = 40;
const HEAT_ROW = 17;

class HeatmapPanel {
  constructor(figure, data, geneNames) {
    this.genes = [...new Set(geneNames.map((name) => data.findGene(name)).filter(Boolean))];
    this.groups = data.obs.find((column) => column.categories);
    if (this.genes.length === 0 || !this.groups) { figure.hidden = true; return; }
    Object.assign(this, { figure, data, canvas: figure.querySelector("canvas"), cells: this.pickCells() });
    this.rows = this.genes.map((gene) => {
      const values = data.geneValues(gene);
      const shown = this.cells.map(({ i }) => values[i]);
      const high = quantile(Float32Array.from(shown.filter((value) => value > 0)).sort(), 0.98) || 1;
      return { gene, shares: shown.map((value) => Math.min(1, value / high)) };
    });
    this.refreshTable = tableOnDemand(figure, "heatmap", () => this.tableRows());
    svgMakers.set(figure.id, () => this.svg());
    onThemeChange(() => this.draw());
    new ResizeObserver(() => this.draw()).observe(figure);
    this.draw();
  }

  pickCells() {
    const byGroup = this.groups.categories.map(() => []);
    this.groups.codes.forEach((code, i) => { if (code >= 0) byGroup[code].push(i); });
    return byGroup.flatMap((members, code) => {
      const n = Math.min(CELLS_A_GROUP, members.length);
      return Array.from({ length: n }, (_, k) => ({ i: members[Math.floor((k * members.length) / n)], code }));
    });
  }

  geometry() {
    const left = 92, top = 40, width = Math.max(620, this.figure.clientWidth);
    return { left, top, width, height: top + this.rows.length * HEAT_ROW + 8, cell: (width - left - 4) / this.cells.length };
  }

  /** Runs of the same group: [code, first, end). */
  runs() {
    const runs = [];
    this.cells.forEach(({ code }, k) => { if (runs.at(-1)?.[0] === code) runs.at(-1)[2] = k + 1; else runs.push([code, k, k + 1]); });
    return runs;
  }

  draw() {
    const { left, top, width, height, cell } = this.geometry();
    const ratio = Math.min(devicePixelRatio || 1, 2);
    this.canvas.width = width * ratio;
    this.canvas.height = height * ratio;
    this.canvas.style.width = `${width}px`;
    this.canvas.style.height = `${height}px`;
    const context = this.canvas.getContext("2d");
    context.scale(ratio, ratio);
    context.fillStyle = palette.css.bg;
    context.fillRect(0, 0, width, height);
    context.textBaseline = "middle";
    this.rows.forEach(({ gene, shares }, r) => {
      context.fillStyle = palette.css.ink;
      context.font = "italic 12px Inter, system-ui, sans-serif";
      context.textAlign = "right";
      context.fillText(gene.gene.slice(0, 13), left - 8, top + (r + 0.5) * HEAT_ROW);
      shares.forEach((share, k) => {
        context.fillStyle = cssOf(share === 0 ? palette.ramp[0] : rampPixel(share));
        context.fillRect(left + k * cell, top + r * HEAT_ROW, cell + 0.4, HEAT_ROW - 1);
      });
    });
    context.textAlign = "center";
    context.font = "600 11.5px Inter, system-ui, sans-serif";
    for (const [code, first, end] of this.runs()) {
      context.fillStyle = cssOf(categoryPixel(code));
      context.fillRect(left + first * cell + 1, top - 12, (end - first) * cell - 2, 7);
      context.fillStyle = palette.css.ink;
      const words = this.groups.categories[code];
      const fits = context.measureText(words).width < (end - first) * cell - 4;
      context.fillText(fits ? words : words.split(" · ")[0].slice(0, 4), left + ((first + end) / 2) * cell, top - 24);
    }
  }

  tableRows() {
    const runs = this.runs();
    return [["Gene", ...runs.map(([code]) => this.groups.categories[code])], ...this.rows.map(({ gene }) => {
      const values = this.data.geneValues(gene);
      return [gene.gene, ...runs.map(([, first, end]) => this.cells.slice(first, end).reduce((sum, { i }) => sum + values[i], 0) / (end - first))];
    })];
  }

  svg() {
    return inLightTheme(() => {
      this.draw();
      const { left, top, width, height, cell } = this.geometry();
      const rows = this.rows.flatMap(({ gene, shares }, r) => [
        `<text x="${left - 8}" y="${top + (r + 0.5) * HEAT_ROW + 4}" text-anchor="end" font-size="12" font-style="italic">${escapeXml(gene.gene)}</text>`,
        ...shares.map((share, k) => `<rect x="${(left + k * cell).toFixed(2)}" y="${top + r * HEAT_ROW}" width="${(cell + 0.1).toFixed(2)}" height="${HEAT_ROW - 1}" fill="${cssOf(rampPixel(share))}"/>`)]);
      const heads = this.runs().map(([code, first, end]) => `<rect x="${left + first * cell}" y="${top - 12}" width="${(end - first) * cell - 1}" height="7" fill="${cssOf(categoryPixel(code))}"/><text x="${left + ((first + end) / 2) * cell}" y="${top - 20}" text-anchor="middle" font-size="11">${escapeXml(this.groups.categories[code].split(" · ")[0])}</text>`);
      const text = `<svg xmlns="${SVG_NS}" viewBox="0 0 ${width} ${height}" font-family="Inter, Helvetica, Arial, sans-serif"><rect width="100%" height="100%" fill="#fff"/>${rows.join("")}${heads.join("")}</svg>`;
      return text;
    });
  }
}
