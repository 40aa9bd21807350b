"use strict";
// Reads the data islands that islands.cpp writes: JSON with base64 columns of little-endian numbers.

const MISSING_16 = 65535;
const LEVELS_16 = 65534;

function readIsland(id) {
  const element = document.getElementById(id);
  return element ? JSON.parse(element.textContent) : null;
}

function bytesOf(base64) {
  const text = atob(base64);
  const bytes = new Uint8Array(text.length);
  for (let i = 0; i < text.length; ++i) bytes[i] = text.charCodeAt(i);
  return bytes;
}

const words16 = (base64) => new Uint16Array(bytesOf(base64).buffer);

/** Codes of a categorical column; -1 = missing. */
function readCodes({ bits, codes }) {
  const stored = bits === 8 ? bytesOf(codes) : words16(codes);
  const missing = bits === 8 ? 255 : MISSING_16;
  return Int32Array.from(stored, (code) => (code === missing ? -1 : code));
}

/** Numbers of a column stored in 65,535 levels of its range; log: the levels are of log(1 + value). */
function readNumbers({ values, low, high, log }) {
  const levels = words16(values);
  const numbers = new Float32Array(levels.length);
  for (let i = 0; i < levels.length; ++i) {
    const at = low + (levels[i] / LEVELS_16) * (high - low);
    numbers[i] = levels[i] === MISSING_16 ? NaN : log ? Math.expm1(at) : at;
  }
  return numbers;
}

/** Positions as fractions 0..1 of one square box, so that both axes keep the same scale. */
function readPositions({ x, y, box: [xLow, xHigh, yLow, yHigh] }) {
  const span = Math.max(xHigh - xLow, yHigh - yLow) || 1;
  const place = (levels, low, high) => {
    const middle = 0.5 - (high - low) / span / 2;
    return Float32Array.from(levels, (level) => (level === MISSING_16 ? NaN : middle + (level / LEVELS_16) * ((high - low) / span)));
  };
  const px = place(words16(x), xLow, xHigh);
  const py = place(words16(y), yLow, yHigh);
  for (let i = 0; i < py.length; ++i) py[i] = 1 - py[i];  // canvas rows run down
  return { x: px, y: py, box: [xLow, xHigh, yLow, yHigh], span };
}

/** Expression of one gene: values of the shown cells, unpacked from a bitmap of its non-zero cells and one byte for each. */
function readGene(gene, nCells) {
  const packed = bytesOf(gene.data);
  const values = new Float32Array(nCells);
  let at = (nCells + 7) >> 3;
  for (let i = 0; i < nCells; ++i) {
    if (packed[i >> 3] & (1 << (i & 7))) values[i] = (packed[at++] / 255) * gene.scale;
  }
  return values;
}

/** All that the views share. Columns are decoded when first asked for. */
function openReportData() {
  const map = readIsland("data-map");
  const genes = readIsland("data-genes") ?? [];
  const nCells = map ? map.n : 0;
  const decoded = new Map();
  const once = (key, make) => {
    if (!decoded.has(key)) decoded.set(key, make());
    return decoded.get(key);
  };
  const geneByName = new Map();
  for (const gene of genes) if (!geneByName.has(gene.gene.toUpperCase())) geneByName.set(gene.gene.toUpperCase(), gene);
  for (const gene of genes) if (gene.id && !geneByName.has(gene.id.toUpperCase())) geneByName.set(gene.id.toUpperCase(), gene);
  const obs = (readIsland("data-obs") ?? []).map((column) => ({
    name: column.name, title: column.title, categories: column.categories ?? null,
    get codes() { return once(`codes ${column.name}`, () => readCodes(column)); },
    get values() { return once(`values ${column.name}`, () => readNumbers(column)); },
  }));
  return {
    map, nCells, genes, obs,
    positions: map ? readPositions(map) : null,
    positionsBefore: map?.before ? readPositions(map.before) : null,
    findGene: (name) => geneByName.get(name.trim().toUpperCase()) ?? null,
    geneValues: (gene) => once(`gene ${gene.gene} ${gene.id}`, () => readGene(gene, nCells)),
    cellName: (i) => map.names?.[i] ?? `cell ${i + 1}`,
  };
}
