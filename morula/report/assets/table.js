// The marker table: search, filter by cluster, sort by any column, p values on request.

const ROWS_SHOWN = 50;
const P_COLUMNS = new Set(["z", "log10_p", "fdr"]);
const DECIMALS = { auc: 3, min_rank: 0, cohens_d: 2, log2fc: 2, pct_in: 1, pct_out: 1, z: 1, log10_p: 1 };
const MARKER_COLUMNS = [
  ["cluster", "Cluster", "the cluster the gene marks"], ["gene", "Gene", ""], ["gene_id", "Gene id", ""],
  ["auc", "AUC", "chance that a cell of the cluster holds more than one outside"], ["min_rank", "Min. rank", "best rank against any single other cluster"],
  ["cohens_d", "Cohen's d", "difference of means in standard deviations"], ["log2fc", "log2 FC", "log2 fold change of means"], ["pct_in", "% in", "cells of the cluster that hold the gene"], ["pct_out", "% out", "other cells that hold it"],
  ["z", "z", "Wilcoxon rank sum, ties corrected"], ["log10_p", "log10 p", "log10 of the p value"], ["fdr", "FDR", "Benjamini-Hochberg"],
];

class MarkerTable {
  constructor(element, stored, { onGene, holdsGene }) {
    Object.assign(this, { element, stored, onGene, holdsGene, sort: "auc", descending: true, limit: ROWS_SHOWN });
    const find = (name) => element.querySelector(`#marker-${name}`);
    this.search = find("search");
    this.cluster = find("cluster");
    this.withP = find("p");
    const title = (c) => (stored.labels?.[c] ? `${stored.clusters[c]} · ${stored.labels[c]}` : stored.clusters[c]);
    this.cluster.replaceChildren(new Option("all", -1), ...stored.clusters.map((_, c) => new Option(title(c), c)));
    const restart = () => { this.limit = ROWS_SHOWN; this.show(); };
    this.search.addEventListener("input", restart);
    this.cluster.addEventListener("change", restart);
    this.withP.addEventListener("change", () => { element.querySelector("#p-note").hidden = !this.withP.checked; this.show(); });
    find("csv").addEventListener("click", () => this.download());
    this.show();
  }

  columns() { return MARKER_COLUMNS.filter(([key]) => this.withP.checked || !P_COLUMNS.has(key)); }

  /** Row numbers that match, sorted. Missing numbers come last. */
  rows() {
    const { stored } = this;
    const wanted = this.search.value.trim().toUpperCase();
    const cluster = Number(this.cluster.value);
    const rows = [];
    for (let i = 0; i < stored.gene.length; ++i) {
      if (cluster >= 0 && stored.cluster[i] !== cluster) continue;
      if (wanted && !stored.gene[i].toUpperCase().includes(wanted) && !stored.gene_id[i].toUpperCase().includes(wanted)) continue;
      rows.push(i);
    }
    const column = stored[this.sort];
    const sign = this.descending ? -1 : 1;
    const compare = (a, b) => {
      if (column[a] === null || column[b] === null) return (column[a] === null) - (column[b] === null) || a - b;
      const order = typeof column[a] === "string" ? column[a].localeCompare(column[b]) : column[a] - column[b];
      return sign * order || a - b;
    };
    return rows.sort(compare);
  }

  cellText(key, i) {
    const value = this.stored[key][i];
    if (key === "cluster") return this.stored.clusters[value];
    if (value === null) return "";
    if (typeof value !== "number") return value;
    return key in DECIMALS ? value.toFixed(DECIMALS[key]) : numberText(value, 3);
  }

  show() {
    const rows = this.rows();
    const scroll = document.createElement("div");
    scroll.className = "table-scroll";
    scroll.tabIndex = 0;
    const table = document.createElement("table");
    const head = table.createTHead().insertRow();
    for (const [key, title, help] of this.columns()) head.append(this.headCell(key, title, help));
    const body = table.createTBody();
    for (const i of rows.slice(0, this.limit)) body.append(this.bodyRow(i));
    scroll.append(table);
    const tools = document.createElement("div");
    tools.className = "table-tools";
    const shown = document.createElement("span");
    shown.setAttribute("role", "status");
    shown.textContent = rows.length === 0 ? "No gene matches. The page lists the best genes of each cluster; all others are in markers.csv." : `${countText(Math.min(rows.length, this.limit))} of ${countText(rows.length)} rows`;
    tools.append(shown);
    if (rows.length > this.limit) {
      const more = document.createElement("button");
      more.type = "button";
      more.textContent = "Show more";
      more.addEventListener("click", () => { this.limit += 200; this.show(); });
      tools.append(more);
    }
    this.element.querySelector(".table-slot").replaceChildren(scroll, tools);
  }

  headCell(key, title, help) {
    const cell = document.createElement("th");
    cell.scope = "col";
    if (key === this.sort) cell.setAttribute("aria-sort", this.descending ? "descending" : "ascending");
    if (!["cluster", "gene", "gene_id"].includes(key)) cell.className = "num";
    const button = document.createElement("button");
    button.type = "button";
    button.className = "sort";
    button.textContent = title;
    button.title = help;
    button.addEventListener("click", () => {
      const ascendingFirst = ["cluster", "gene", "gene_id", "min_rank", "log10_p", "fdr", "pct_out"].includes(key);
      this.descending = key === this.sort ? !this.descending : !ascendingFirst;
      this.sort = key;
      this.show();
      this.element.querySelector("[aria-sort] .sort").focus();
    });
    cell.append(button);
    return cell;
  }

  bodyRow(i) {
    const row = document.createElement("tr");
    for (const [key] of this.columns()) {
      const cell = document.createElement("td");
      if (!["cluster", "gene", "gene_id"].includes(key)) cell.className = "num";
      if (key === "gene") {
        cell.append(this.geneButton(this.stored.gene[i]));
        if (this.stored.soup[i]) cell.append(" (soup)");
      } else {
        cell.textContent = this.cellText(key, i);
      }
      row.append(cell);
    }
    return row;
  }

  geneButton(name) {
    if (!this.holdsGene(name)) return document.createTextNode(name);
    const button = document.createElement("button");
    button.type = "button";
    button.className = "link";
    button.textContent = name;
    button.title = "Show on the map and as violins";
    button.addEventListener("click", () => this.onGene(name));
    return button;
  }

  download() {
    const keys = MARKER_COLUMNS.map(([key]) => key);
    save("markers_shown.csv", "text/csv", csvOf([keys, ...this.rows().map((i) => keys.map((key) => (key === "cluster" ? this.stored.clusters[this.stored.cluster[i]] : this.stored[key][i])))]));
  }
}
