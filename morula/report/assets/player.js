// The player of a simulated tissue: cells at the moments that the page holds, cut by a plane or as a whole that can be turned. Pixels are written by
// hand, as those of the map: 20,000 discs with rims, sorted by depth, take some milliseconds.

const DEPTH_STEPS = 1024;
const FOG = 0.55;          // how much of the page's colour the furthest cell takes on
const TURN = 0.01;         // radians a pixel of dragging
const AXIS_NAMES = ["x", "y", "z"];
const PLANE_AXES = [[1, 2], [0, 2], [0, 1]];  // to the right and up, for a cut across x, y, z

/** The unit behind a joint such as ", "; nothing of a pure number. */
const behind = (joint, unit) => (unit === "" ? "" : joint + unit);

/** One frame in um: positions by axis, radius, kind, levels of substances. The order is that of islands.cpp. */
function readFrame(stored, { n, data }) {
  const bytes = bytesOf(data);
  let at = 0;
  const numbers = ([low, high]) => {
    const levels = new Uint16Array(bytes.buffer, at, n);
    at += 2 * n;
    return Float32Array.from(levels, (level) => (level === MISSING_16 ? NaN : low + (level / LEVELS_16) * (high - low)));
  };
  const position = stored.box.map((range, axis) => (axis === 2 && stored.flat ? new Float32Array(n).fill((range[0] + range[1]) / 2) : numbers(range)));
  const levels = stored.substances.map(({ range }) => numbers(range));
  const kind = stored.bits === 16 ? new Uint16Array(bytes.buffer, at, n) : bytes.subarray(at, at + n);
  at += (stored.bits / 8) * n;
  const radius = Float32Array.from(bytes.subarray(at, at + n), (level) => (level / 255) * stored.radius);
  return { n, position, levels, kind, radius };
}

/** Rotation matrix times the turn by `angle` about the axis of the screen: 0 to the right, 1 upwards. */
function turned(matrix, axis, angle) {
  const [c, s] = [Math.cos(angle), Math.sin(angle)];
  const turn = axis === 0 ? [[1, 0, 0], [0, c, -s], [0, s, c]] : [[c, 0, s], [0, 1, 0], [-s, 0, c]];
  return turn.map((row) => [0, 1, 2].map((k) => row[0] * matrix[0][k] + row[1] * matrix[1][k] + row[2] * matrix[2][k]));
}

/** Indices sorted by depth, furthest first, in two passes over buckets. */
function furthestFirst(depth, n, low, high) {
  const starts = new Uint32Array(DEPTH_STEPS + 1);
  const scale = (DEPTH_STEPS - 1) / (high - low || 1);
  const bucket = (i) => Math.max(0, Math.min(DEPTH_STEPS - 1, Math.floor((depth[i] - low) * scale)));
  for (let i = 0; i < n; ++i) ++starts[bucket(i) + 1];
  for (let b = 0; b < DEPTH_STEPS; ++b) starts[b + 1] += starts[b];
  const order = new Uint32Array(n);
  for (let i = 0; i < n; ++i) order[starts[bucket(i)]++] = i;
  return order;
}

class TissuePlayer {
  constructor(figure, stored) {
    const part = (name) => figure.querySelector(`#player-${name}`);
    Object.assign(this, { figure, stored, part, canvas: part("canvas"), frames: new Map(), time: 0, timer: null, highlighted: new Set(), pointers: new Map(), shown: { n: 0 } });
    this.context = this.canvas.getContext("2d", { willReadFrequently: true });
    this.tip = figure.querySelector(".tip");
    this.extent = stored.box.map(([low, high]) => [low - stored.radius, high + stored.radius]);
    this.types = [...new Set(stored.kinds.map((kind) => kind.type))];
    this.mode = "slice";
    this.axis = 2;
    this.buildControls();
    this.listen();
    this.refreshTable = tableOnDemand(figure, "frame", () => this.tableRows());
    svgMakers.set(figure.id, () => this.svg());
    onThemeChange(() => { this.showLegend(); this.redraw(); });
    new ResizeObserver(() => this.redraw()).observe(this.canvas);
    this.reset();
    this.choose();
    this.goTo(stored.frames.length - 1);
  }

  buildControls() {
    const { part, stored } = this;
    const options = [["kind", "type and state"], ...(this.types.length > 1 ? [["type", "type"]] : []), ...stored.substances.map(({ name }, s) => [`level ${s}`, name])];
    part("color").replaceChildren(...options.map(([value, text]) => new Option(text, value)));
    part("color").addEventListener("change", () => this.choose());
    for (const name of ["view-label", "plane-label", "depth-label"]) part(name).hidden = stored.flat;
    part("mode").addEventListener("change", () => { this.mode = part("mode").value; this.reset(); });
    part("axis").addEventListener("change", () => { this.axis = Number(part("axis").value); this.reset(); });
    part("depth").addEventListener("input", () => this.redraw());
    part("time").max = stored.frames.length - 1;
    part("time").addEventListener("input", () => { this.pause(); this.goTo(Number(part("time").value)); });
    part("play").addEventListener("click", () => this.togglePlay());
    part("in").addEventListener("click", () => this.zoomBy(1.4));
    part("out").addEventListener("click", () => this.zoomBy(1 / 1.4));
    part("reset").addEventListener("click", () => this.reset());
    part("play").disabled = part("time").disabled = stored.frames.length < 2;
  }

  get frame() {
    if (!this.frames.has(this.time)) this.frames.set(this.time, readFrame(this.stored, this.stored.frames[this.time]));
    return this.frames.get(this.time);
  }

  clock(minute) {
    const long = this.stored.frames.at(-1).minute;
    const [unit, name] = long > 14_400 ? [1440, "days"] : long > 180 ? [60, "h"] : [1, "min"];
    return `${numberText(minute / unit, 4) || "0"} ${name}`;
  }

  goTo(time) {
    this.time = Math.max(0, Math.min(this.stored.frames.length - 1, time));
    const { minute, all, n } = this.stored.frames[this.time];
    const text = this.clock(minute);
    this.part("time").value = this.time;
    this.part("time").setAttribute("aria-valuetext", text);
    this.part("clock").textContent = text;
    this.canvas.setAttribute("aria-label", `${countText(all)} cells after ${text}${n < all ? `, ${countText(n)} of them drawn` : ""}`);
    this.showCounts();
    this.refreshTable();
    this.redraw();
  }

  togglePlay() { this.timer === null ? this.play() : this.pause(); }

  play() {
    if (this.time === this.stored.frames.length - 1) this.goTo(0);
    this.part("play").textContent = "Pause";
    this.part("play").setAttribute("aria-pressed", "true");
    const step = () => {
      this.goTo(this.time + 1);
      this.time === this.stored.frames.length - 1 ? this.pause() : (this.timer = setTimeout(step, 1000 / Number(this.part("speed").value)));
    };
    this.timer = setTimeout(step, 1000 / Number(this.part("speed").value));
  }

  pause() {
    clearTimeout(this.timer);
    this.timer = null;
    this.part("play").textContent = "Play";
    this.part("play").setAttribute("aria-pressed", "false");
  }

  /** What cells are coloured by: kind, type, or the level of a substance. */
  choose() {
    const [what, substance] = this.part("color").value.split(" ");
    this.substance = what === "level" ? Number(substance) : -1;
    const groups = what === "type" ? this.types.map((name, t) => [name, t]) : this.stored.kinds.map((kind, k) => [kind.title, k]);
    this.groups = groups.filter(([, code]) => this.stored.kinds.some((kind, k) => kind.seen && (what === "type" ? this.types[code] === kind.type : code === k)));
    this.groupOf = what === "type" ? this.stored.kinds.map((kind) => this.types.indexOf(kind.type)) : this.stored.kinds.map((_, k) => k);
    this.highlighted.clear();
    this.showLegend();
    this.redraw();
  }

  showLegend() {
    const legend = this.part("legend");
    if (this.substance >= 0) {
      const { name, unit, range: [low, high] } = this.stored.substances[this.substance];
      legend.replaceChildren(...gradientLegend(`${name}, ${unit}`, [numberText(low, 3), numberText(high, 3)], "where the cell is; the same colours at all times"));
      return;
    }
    const title = document.createElement("div");
    title.className = "legend-title";
    title.textContent = "Cells in this frame";
    this.buttons = this.groups.map(([name, code]) => legendButton(cssOf(categoryPixel(code)), name, 0, this.highlighted.has(code), () => this.toggle(code)));
    legend.replaceChildren(title, ...this.buttons);
    this.showCounts();
  }

  showCounts() {
    if (this.substance >= 0 || !this.buttons) return;
    const counts = new Int32Array(this.stored.kinds.length);
    for (const kind of this.frame.kind) ++counts[this.groupOf[kind]];
    this.groups.forEach(([, code], g) => { this.buttons[g].querySelector(".count").textContent = countText(counts[code]); });
  }

  toggle(code) {
    if (!this.highlighted.delete(code)) this.highlighted.add(code);
    this.buttons.forEach((button, g) => button.setAttribute("aria-pressed", String(this.highlighted.has(this.groups[g][1]))));
    this.redraw();
  }

  reset() {
    // A ball is best seen from a little above and beside.
    this.rotation = turned(turned([[1, 0, 0], [0, 0, 1], [0, -1, 0]], 1, 0.5), 0, 0.35);
    this.view = { x: 0, y: 0, zoom: 1 };
    const solid = this.mode === "solid";
    for (const name of ["plane-label", "depth-label"]) this.part(name).hidden = this.stored.flat || solid;
    this.redraw();
  }

  zoomBy(factor) { this.view.zoom = Math.max(0.2, Math.min(60, this.view.zoom * factor)); this.view.x *= factor; this.view.y *= factor; this.redraw(); }
  move(dx, dy) { this.view.x += dx; this.view.y += dy; this.redraw(); }
  turn(dx, dy) { this.rotation = turned(turned(this.rotation, 1, dx * TURN), 0, dy * TURN); this.redraw(); }

  /** Where the plane cuts its axis, um. */
  get cut() {
    const [low, high] = this.extent[this.axis];
    return low + (Number(this.part("depth").value) / 1000) * (high - low);
  }

  redraw() {
    if (printing) { this.draw(); return; }
    if (this.scheduled) return;
    this.scheduled = true;
    requestAnimationFrame(() => { this.scheduled = false; this.draw(); });
  }

  /** CSS pixels a um, and the um of space that stand in the middle of the canvas. */
  geometry() {
    const { clientWidth: width, clientHeight: height } = this.canvas;
    const size = this.extent.map(([low, high]) => high - low);
    const middle = this.extent.map(([low, high]) => (low + high) / 2);
    const [right, up] = PLANE_AXES[this.axis];
    const fit = this.mode === "solid" ? Math.min(width, height) / (Math.hypot(...size) || 1) : Math.min(width / (size[right] || 1), height / (size[up] || 1));
    return { width, height, middle, scale: fit * 0.92 * this.view.zoom, x: width / 2 + this.view.x, y: height / 2 + this.view.y };
  }

  /** Discs to draw, furthest first: pixel places and radii in CSS pixels, nearness 0..1, and which cell each is. */
  project() {
    const { n, position, radius } = this.frame;
    const { middle, scale, x: ox, y: oy } = this.geometry();
    const out = { n: 0, x: new Float32Array(n), y: new Float32Array(n), r: new Float32Array(n), near: new Float32Array(n), cell: new Uint32Array(n) };
    const put = (i, x, y, r, near) => { const k = out.n++; out.x[k] = x; out.y[k] = y; out.r[k] = r; out.near[k] = near; out.cell[k] = i; };
    if (this.mode === "solid") {
      const [X, Y, Z] = this.rotation;
      const depth = new Float32Array(n);
      let low = Infinity, high = -Infinity;
      const along = (row, i) => row[0] * (position[0][i] - middle[0]) + row[1] * (position[1][i] - middle[1]) + row[2] * (position[2][i] - middle[2]);
      for (let i = 0; i < n; ++i) { depth[i] = along(Z, i); if (depth[i] < low) low = depth[i]; if (depth[i] > high) high = depth[i]; }
      for (const i of furthestFirst(depth, n, low, high)) {
        if (this.isPale(i)) continue;  // what is not highlighted would hide what is
        put(i, ox + along(X, i) * scale, oy - along(Y, i) * scale, radius[i] * scale, (depth[i] - low) / (high - low || 1));
      }
      return out;
    }
    const [right, up] = PLANE_AXES[this.axis];
    const cut = this.cut, across = position[this.axis];
    for (let i = 0; i < n; ++i) {
      const away = this.stored.flat ? 0 : across[i] - cut;
      const r = radius[i] ** 2 - away ** 2;
      if (r > 0) put(i, ox + (position[right][i] - middle[right]) * scale, oy - (position[up][i] - middle[up]) * scale, Math.sqrt(r) * scale, 1);
    }
    return out;
  }

  isPale(i) { return this.substance < 0 && this.highlighted.size > 0 && !this.highlighted.has(this.groupOf[this.frame.kind[i]]); }

  pixelOfCell(i) {
    if (this.isPale(i)) return palette.dim;
    if (this.substance < 0) return categoryPixel(this.groupOf[this.frame.kind[i]]);
    const [low, high] = this.stored.substances[this.substance].range;
    const level = this.frame.levels[this.substance][i];
    return Number.isFinite(level) ? rampPixel((level - low) / (high - low || 1)) : palette.zero;
  }

  draw() {
    const ratio = Math.min(devicePixelRatio || 1, 2);
    const width = Math.round(this.canvas.clientWidth * ratio), height = Math.round(this.canvas.clientHeight * ratio);
    if (width === 0 || height === 0) return;
    if (this.canvas.width !== width || this.canvas.height !== height) { this.canvas.width = width; this.canvas.height = height; this.image = null; }
    const started = performance.now();
    this.image ??= this.context.createImageData(width, height);
    const target = new Uint32Array(this.image.data.buffer);
    target.fill(0);
    this.shown = this.project();
    for (let k = 0; k < this.shown.n; ++k) {
      const pixel = mix(palette.card, this.pixelOfCell(this.shown.cell[k]), 1 - FOG * (1 - this.shown.near[k]));
      stampCell(target, width, height, this.shown.x[k] * ratio, this.shown.y[k] * ratio, this.shown.r[k] * ratio, pixel);
    }
    this.context.putImageData(this.image, 0, 0);
    this.context.save();
    this.context.scale(ratio, ratio);
    this.drawMarks();
    this.context.globalCompositeOperation = "destination-over";  // the ground lies behind cells and box
    this.context.fillStyle = palette.css.card;
    this.context.fillRect(0, 0, width, height);
    this.context.restore();
    this.canvas.dataset.drawMs = (performance.now() - started).toFixed(1);
    this.canvas.dataset.drawn = this.shown.n;
    if (!this.stored.flat) this.part("depth-text").textContent = `${numberText(Math.round(this.cut), 4) || "0"} µm`;
  }

  /** Corners of the box on the canvas, by bits: x, y, z. */
  corner(bits) {
    const { middle, scale, x, y } = this.geometry();
    const at = this.stored.domain.map((range, axis) => range[(bits >> axis) & 1] - middle[axis]);
    if (this.mode !== "solid") { const [right, up] = PLANE_AXES[this.axis]; return [x + at[right] * scale, y - at[up] * scale]; }
    const along = (row) => row[0] * at[0] + row[1] * at[1] + row[2] * at[2];
    return [x + along(this.rotation[0]) * scale, y - along(this.rotation[1]) * scale];
  }

  /** The box, a bar that says how long things are, and which way the axes run. */
  marks() {
    const lines = [], words = [];
    const { scale, height } = this.geometry();
    const edges = this.mode === "solid" ? [0, 1, 2, 3, 4, 5, 6, 7].flatMap((bits) => [1, 2, 4].filter((bit) => !(bits & bit)).map((bit) => [bits, bits | bit])) : (([a, b]) => [[0, a], [0, b], [a, a | b], [b, a | b]])(PLANE_AXES[this.axis].map((axis) => 1 << axis));
    for (const [a, b] of edges) lines.push(["box", ...this.corner(a), ...this.corner(b)]);
    const wanted = 110 / scale, power = 10 ** Math.floor(Math.log10(wanted)), lead = wanted / power;
    const length = power * (lead >= 5 ? 5 : lead >= 2 ? 2 : 1);
    lines.push(["bar", 16, height - 18, 16 + length * scale, height - 18]);
    words.push([16, height - 26, `${numberText(length, 3)} µm`]);
    const tip = (axis) => (this.mode === "solid" ? [this.rotation[0][axis], -this.rotation[1][axis]] : [Number(PLANE_AXES[this.axis][0] === axis), -Number(PLANE_AXES[this.axis][1] === axis)]);
    const ox = this.canvas.clientWidth - 46, oy = height - 46;
    for (const axis of [0, 1, 2]) {
      const [dx, dy] = tip(axis);
      if (Math.hypot(dx, dy) < 0.15) continue;
      lines.push(["axis", ox, oy, ox + 24 * dx, oy + 24 * dy]);
      words.push([ox + 33 * dx - 3, oy + 33 * dy + 4, AXIS_NAMES[axis]]);
    }
    return { lines, words };
  }

  drawMarks() {
    const { lines, words } = this.marks();
    for (const [kind, x1, y1, x2, y2] of lines) {
      this.context.globalCompositeOperation = kind === "box" && this.mode === "solid" ? "destination-over" : "source-over";
      this.context.strokeStyle = kind === "box" ? palette.css.rule : palette.css.ink;
      this.context.lineWidth = kind === "bar" ? 3 : 1;
      this.context.beginPath();
      this.context.moveTo(x1, y1);
      this.context.lineTo(x2, y2);
      this.context.stroke();
    }
    this.context.globalCompositeOperation = "source-over";
    this.context.font = "12px Inter, system-ui, sans-serif";
    this.context.lineWidth = 3;
    this.context.strokeStyle = palette.css.card;
    this.context.fillStyle = palette.css.ink;
    for (const [x, y, text] of words) { this.context.strokeText(text, x, y); this.context.fillText(text, x, y); }
  }

  hover(px, py) {
    const { n, x, y, r, cell } = this.shown;
    let found = -1;
    for (let k = n - 1; k >= 0 && found < 0; --k) if ((x[k] - px) ** 2 + (y[k] - py) ** 2 <= Math.max(r[k], 3) ** 2) found = cell[k];
    this.tip.hidden = found < 0;
    if (found < 0) return;
    const { position, levels, kind, radius } = this.frame;
    this.tip.textContent = [this.stored.kinds[kind[found]].title, ...this.stored.substances.map(({ name, unit }, s) => `${name}: ${numberText(levels[s][found], 3)}${behind(" ", unit)}`),
      `at ${position.slice(0, this.stored.flat ? 2 : 3).map((values) => numberText(Math.round(values[found]), 5) || "0").join(", ")} µm, radius ${numberText(radius[found], 2)} µm`].join("\n");
    placeTip(this.tip, this.canvas, px, py);
  }

  listen() {
    const canvas = this.canvas;
    const at = (event) => { const box = canvas.getBoundingClientRect(); return [event.clientX - box.left, event.clientY - box.top]; };
    canvas.addEventListener("pointerdown", (event) => { canvas.setPointerCapture(event.pointerId); this.pointers.set(event.pointerId, at(event)); });
    canvas.addEventListener("pointermove", (event) => {
      const [px, py] = at(event), last = this.pointers.get(event.pointerId);
      if (!last) { this.hover(px, py); return; }
      this.tip.hidden = true;
      if (this.pointers.size > 1) {
        const other = [...this.pointers].find(([id]) => id !== event.pointerId)[1];
        const spread = (p) => Math.hypot(p[0] - other[0], p[1] - other[1]) || 1;
        this.zoomBy(spread([px, py]) / spread(last));
      } else if (this.mode === "solid" && !event.shiftKey) {
        this.turn(px - last[0], py - last[1]);
      } else {
        this.move(px - last[0], py - last[1]);
      }
      this.pointers.set(event.pointerId, [px, py]);
    });
    for (const name of ["pointerup", "pointercancel"]) canvas.addEventListener(name, (event) => this.pointers.delete(event.pointerId));
    canvas.addEventListener("pointerleave", () => { this.tip.hidden = true; });
    canvas.addEventListener("wheel", (event) => {
      if (document.activeElement !== canvas && !event.ctrlKey) return;  // an unfocused picture lets the page scroll
      event.preventDefault();
      this.zoomBy(Math.exp(-event.deltaY * (event.ctrlKey ? 0.01 : 0.0016)));
    }, { passive: false });
    canvas.addEventListener("keydown", (event) => this.keyPressed(event));
  }

  keyPressed(event) {
    const turns = { ArrowLeft: [-12, 0], ArrowRight: [12, 0], ArrowUp: [0, -12], ArrowDown: [0, 12] };
    const moveCut = (by) => { this.part("depth").value = Number(this.part("depth").value) + by; this.redraw(); };
    const actions = {
      " ": () => this.togglePlay(), Home: () => { this.pause(); this.goTo(0); }, End: () => { this.pause(); this.goTo(this.stored.frames.length - 1); },
      ArrowLeft: () => { this.pause(); this.goTo(this.time - 1); }, ArrowRight: () => { this.pause(); this.goTo(this.time + 1); },
      ArrowUp: () => moveCut(10), ArrowDown: () => moveCut(-10),
      "+": () => this.zoomBy(1.3), "=": () => this.zoomBy(1.3), "-": () => this.zoomBy(1 / 1.3), 0: () => this.reset(),
    };
    const turn = event.shiftKey && this.mode === "solid" ? turns[event.key] : null;
    const action = turn ? () => this.turn(...turn) : actions[event.key];
    if (!action || event.ctrlKey || event.metaKey) return;
    event.preventDefault();
    action();
  }

  tableRows() {
    const { kind, levels } = this.frame;
    const minute = this.stored.frames[this.time].minute;
    const rows = this.stored.kinds.map(({ title }, k) => {
      const mine = [];
      kind.forEach((own, i) => { if (own === k) mine.push(i); });
      return [minute, title, mine.length, ...levels.map((values) => (mine.length ? mine.reduce((sum, i) => sum + values[i], 0) / mine.length : ""))];
    });
    return [["Minute", "Type and state", "Cells drawn", ...this.stored.substances.map(({ name, unit }) => `Mean ${name}${behind(", ", unit)}`)], ...rows.filter((row) => row[2] > 0)];
  }

  svg() {
    return inLightTheme(() => {
      const { width, height } = this.geometry();
      const shown = this.project();
      const discs = Array.from({ length: shown.n }, (_, k) => `<circle cx="${shown.x[k].toFixed(1)}" cy="${shown.y[k].toFixed(1)}" r="${shown.r[k].toFixed(1)}" fill="${cssOf(mix(palette.card, this.pixelOfCell(shown.cell[k]), 1 - FOG * (1 - shown.near[k])))}"/>`);
      const { lines, words } = this.marks();
      const marks = [...lines.map(([kind, x1, y1, x2, y2]) => `<line x1="${x1.toFixed(1)}" y1="${y1.toFixed(1)}" x2="${x2.toFixed(1)}" y2="${y2.toFixed(1)}" stroke="${kind === "box" ? palette.css.faint : palette.css.ink}" stroke-width="${kind === "bar" ? 3 : 1}"/>`),
        ...words.map(([x, y, text]) => `<text x="${x.toFixed(1)}" y="${y.toFixed(1)}" font-size="12">${escapeXml(text)}</text>`)];
      const keys = this.substance >= 0 ? [[palette.css.ink, `${this.stored.substances[this.substance].name}: ${this.stored.substances[this.substance].range.map((end) => numberText(end, 3)).join(" to ")}${behind(" ", this.stored.substances[this.substance].unit)}`]]
        : this.groups.map(([name, code]) => [cssOf(categoryPixel(code)), name]);
      const legend = keys.map(([color, name], k) => `<circle cx="${width + 14}" cy="${24 + 18 * k}" r="5" fill="${color}"/><text x="${width + 26}" y="${28 + 18 * k}" font-size="12">${escapeXml(name)}</text>`);
      const when = `<text x="16" y="24" font-size="13">${escapeXml(this.clock(this.stored.frames[this.time].minute))}. Simulated: what the scenario implies, no measurement.</text>`;
      return `<svg xmlns="${SVG_NS}" viewBox="0 0 ${width + 210} ${Math.max(height, keys.length * 18 + 40)}" font-family="Inter, Helvetica, Arial, sans-serif"><rect width="100%" height="100%" fill="#fff"/>${discs.join("")}${marks.join("")}${legend.join("")}${when}</svg>`;
    });
  }
}

/** A disc with a darker rim, in device pixels. */
function stampCell(target, width, height, cx, cy, radius, pixel) {
  const r = Math.max(radius, 0.8);
  if (!(cx + r >= 0 && cx - r < width && cy + r >= 0 && cy - r < height)) return;
  const rim = r > 2.5 ? mix(pixel, 0xff000000, 0.3) : pixel;
  const inner = r - Math.max(1, r * 0.12);
  const top = Math.max(0, Math.ceil(cy - r)), bottom = Math.min(height - 1, Math.floor(cy + r));
  for (let row = top; row <= bottom; ++row) {
    const dy = row - cy;
    const half = Math.sqrt(r * r - dy * dy);
    const within = inner * inner - dy * dy;
    const innerHalf = within > 0 && r > 2.5 ? Math.sqrt(within) : -1;
    const from = Math.max(0, Math.ceil(cx - half)), to = Math.min(width - 1, Math.floor(cx + half));
    const base = row * width;
    for (let column = from; column <= to; ++column) target[base + column] = innerHalf >= 0 && Math.abs(column - cx) <= innerHalf ? pixel : innerHalf < 0 && r <= 2.5 ? pixel : rim;
  }
}
