// A canvas of many points that can be moved, zoomed, pointed at and lassoed. Pixels are written by hand: 100,000 discs take
// some milliseconds without any graphics card, where one canvas call a disc would take ten times as long.

const GRID = 160;          // cells of the lookup grid, a side
const HOVER_PX = 10;
const VECTOR_LIMIT = 20_000;  // above this an SVG holds the points as a picture

/** Fixed shuffle of 0..n-1, so that no group always lies on top. */
function shuffled(n) {
  const order = Uint32Array.from({ length: n }, (_, i) => i);
  let state = 0x9e3779b9;
  for (let i = n - 1; i > 0; --i) {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    const j = Math.floor((state / 4294967296) * (i + 1));
    [order[i], order[j]] = [order[j], order[i]];
  }
  return order;
}

/** Disc of a radius in device pixels as [dx, dy, alpha 0..255] with a smooth rim. */
function discStamp(radius) {
  const stamp = [];
  const reach = Math.ceil(radius + 0.5);
  for (let dy = -reach; dy <= reach; ++dy) {
    for (let dx = -reach; dx <= reach; ++dx) {
      const alpha = Math.round(255 * Math.max(0, Math.min(1, radius + 0.5 - Math.hypot(dx, dy))));
      if (alpha > 0) stamp.push([dx, dy, alpha]);
    }
  }
  return stamp;
}

class PointView {
  /** x, y: fractions 0..1 (NaN = not drawn). keepAspect: one scale for both axes. margins in CSS pixels. */
  constructor(canvas, { keepAspect, margins, onHover, onLasso, overlay, underlay }) {
    Object.assign(this, { canvas, keepAspect, margins, onHover, onLasso, overlay, underlay });
    this.context = canvas.getContext("2d", { willReadFrequently: true });  // pixels are ours: keep them on the processor
    this.x = this.y = new Float32Array(0);
    this.pixels = new Uint32Array(0);
    this.order = new Uint32Array(0);
    this.dimmed = null;       // Uint8Array: 1 = drawn pale and first
    this.view = { x: 0.5, y: 0.5, zoom: 1 };
    this.lassoMode = false;
    this.lasso = [];          // fractions
    this.pointers = new Map();
    this.scheduled = false;
    this.listen();
    new ResizeObserver(() => this.redraw()).observe(canvas);
  }

  setPoints(x, y) {
    this.x = x;
    this.y = y;
    if (this.order.length !== x.length) this.order = shuffled(x.length);
    this.grid = null;
    this.redraw();
  }

  /** pixels: one colour a point; order: indices, last on top. */
  setColors(pixels, order, dimmed) {
    this.pixels = pixels;
    this.order = order;
    this.dimmed = dimmed;
    this.redraw();
  }

  redraw() {
    if (printing) { this.draw(); return; }
    if (this.scheduled) return;
    this.scheduled = true;
    requestAnimationFrame(() => { this.scheduled = false; this.draw(); });
  }

  /** CSS-pixel geometry of the current view. */
  frame() {
    const { left, right, top, bottom } = this.margins;
    const width = Math.max(1, this.canvas.clientWidth - left - right);
    const height = Math.max(1, this.canvas.clientHeight - top - bottom);
    const side = Math.min(width, height);
    const sx = (this.keepAspect ? side : width) * this.view.zoom;
    const sy = (this.keepAspect ? side : height) * this.view.zoom;
    return { left, top, width, height, sx, sy, ox: left + width / 2 - this.view.x * sx, oy: top + height / 2 - this.view.y * sy };
  }

  pointRadius() {
    const { width, height } = this.frame();
    const byCrowd = Math.sqrt((width * height) / Math.max(1, this.x.length)) * 0.27;
    return Math.max(0.75, Math.min(3.4, byCrowd)) * this.view.zoom ** 0.35;
  }

  draw() {
    const ratio = Math.min(devicePixelRatio || 1, 2);
    const width = Math.round(this.canvas.clientWidth * ratio);
    const height = Math.round(this.canvas.clientHeight * ratio);
    if (width === 0 || height === 0) return;
    if (this.canvas.width !== width || this.canvas.height !== height) {
      this.canvas.width = width;
      this.canvas.height = height;
      this.image = null;
    }
    const started = performance.now();
    this.image ??= this.context.createImageData(width, height);
    const target = new Uint32Array(this.image.data.buffer);
    target.fill(palette.card);
    const frame = this.frame();
    this.underlay?.(target, width, height, frame, ratio);
    this.stampPoints(target, width, height, frame, ratio);
    this.context.putImageData(this.image, 0, 0);
    this.context.save();
    this.context.scale(ratio, ratio);
    this.overlay?.(this.context, frame);
    this.drawLasso(frame);
    this.context.restore();
    this.canvas.dataset.drawMs = (performance.now() - started).toFixed(1);
  }

  stampPoints(target, width, height, frame, ratio) {
    const stamp = discStamp(this.pointRadius() * ratio);
    const reach = stamp.length ? Math.max(...stamp.map(([dx]) => dx)) : 0;
    const xLow = frame.left * ratio, xHigh = (frame.left + frame.width) * ratio, yLow = frame.top * ratio, yHigh = (frame.top + frame.height) * ratio;
    const offsets = Int32Array.from(stamp, ([dx, dy]) => dy * width + dx);
    const alphas = Int32Array.from(stamp, ([, , alpha]) => alpha);
    const pass = (pale) => {
      for (let k = 0; k < this.order.length; ++k) {
        const i = this.order[k];
        if (this.dimmed && (this.dimmed[i] === 1) !== pale) continue;
        const px = Math.round((frame.ox + this.x[i] * frame.sx) * ratio);
        const py = Math.round((frame.oy + this.y[i] * frame.sy) * ratio);
        // Written as "inside" tests, which NaN fails.
        const inside = px >= xLow - reach && px <= xHigh + reach && py >= yLow - reach && py <= yHigh + reach && px >= reach && py >= reach && px < width - reach && py < height - reach;
        if (!inside) continue;
        const base = py * width + px;
        const color = pale ? palette.dim : this.pixels[i];
        for (let s = 0; s < offsets.length; ++s) {
          const at = base + offsets[s];
          target[at] = alphas[s] === 255 ? color : mixFast(target[at], color, alphas[s]);
        }
      }
    };
    if (this.dimmed) pass(true);
    pass(false);
  }

  drawLasso(frame) {
    if (this.lasso.length < 2) return;
    const context = this.context;
    context.beginPath();
    this.lasso.forEach(([x, y], k) => context[k ? "lineTo" : "moveTo"](frame.ox + x * frame.sx, frame.oy + y * frame.sy));
    context.closePath();
    context.lineWidth = 1.8;
    context.setLineDash([5, 4]);
    context.strokeStyle = palette.css.ink;
    context.stroke();
    context.setLineDash([]);
  }

  fractionAt(px, py) {
    const frame = this.frame();
    return [(px - frame.ox) / frame.sx, (py - frame.oy) / frame.sy];
  }

  /** Index of the nearest point within HOVER_PX, or -1. */
  pick(px, py) {
    this.grid ??= lookupGrid(this.x, this.y);
    const frame = this.frame();
    const [fx, fy] = this.fractionAt(px, py);
    const rx = HOVER_PX / frame.sx, ry = HOVER_PX / frame.sy;
    let best = -1, bestDistance = HOVER_PX ** 2;
    this.grid.visit(fx - rx, fx + rx, fy - ry, fy + ry, (i) => {
      if (this.dimmed?.[i]) return;
      const distance = ((this.x[i] - fx) * frame.sx) ** 2 + ((this.y[i] - fy) * frame.sy) ** 2;
      if (distance < bestDistance) { bestDistance = distance; best = i; }
    });
    return best;
  }

  move(dx, dy) {
    const frame = this.frame();
    this.view.x = Math.max(-0.5, Math.min(1.5, this.view.x - dx / frame.sx));
    this.view.y = Math.max(-0.5, Math.min(1.5, this.view.y - dy / frame.sy));
    this.redraw();
  }

  /** Zooms so that the point under (px, py) stays where it is. */
  zoomAt(factor, px, py) {
    const [fx, fy] = this.fractionAt(px, py);
    this.view.zoom = Math.max(0.5, Math.min(80, this.view.zoom * factor));
    const [nx, ny] = this.fractionAt(px, py);
    this.view.x += fx - nx;
    this.view.y += fy - ny;
    this.redraw();
  }

  zoomBy(factor) { this.zoomAt(factor, this.canvas.clientWidth / 2, this.canvas.clientHeight / 2); }
  reset() { this.view = { x: 0.5, y: 0.5, zoom: 1 }; this.redraw(); }

  setLassoMode(on) {
    this.lassoMode = on;
    this.canvas.classList.toggle("lasso", on);
  }

  clearLasso() { this.lasso = []; this.redraw(); }

  finishLasso() {
    const inside = this.lasso.length > 2 ? insidePolygon(this.lasso, this.x, this.y) : null;
    if (!inside) this.lasso = [];
    this.redraw();
    this.onLasso?.(inside);
  }

  listen() {
    const canvas = this.canvas;
    const at = (event) => { const box = canvas.getBoundingClientRect(); return [event.clientX - box.left, event.clientY - box.top]; };
    canvas.addEventListener("pointerdown", (event) => {
      canvas.setPointerCapture(event.pointerId);
      this.pointers.set(event.pointerId, at(event));
      this.drawing = this.onLasso && (this.lassoMode || event.shiftKey) && this.pointers.size === 1;
      if (this.drawing) this.lasso = [this.fractionAt(...at(event))];
    });
    canvas.addEventListener("pointermove", (event) => this.pointerMoved(event, at(event)));
    const release = (event) => {
      if (!this.pointers.delete(event.pointerId)) return;
      if (this.drawing) { this.drawing = false; this.finishLasso(); }
    };
    canvas.addEventListener("pointerup", release);
    canvas.addEventListener("pointercancel", release);
    canvas.addEventListener("pointerleave", () => this.onHover?.(-1, 0, 0));
    canvas.addEventListener("dblclick", (event) => this.zoomAt(2, ...at(event)));
    canvas.addEventListener("wheel", (event) => {
      if (document.activeElement !== canvas && !event.ctrlKey) return;  // an unfocused map lets the page scroll
      event.preventDefault();
      this.zoomAt(Math.exp(-event.deltaY * (event.ctrlKey ? 0.01 : 0.0016)), ...at(event));
    }, { passive: false });
    canvas.addEventListener("keydown", (event) => this.keyPressed(event));
  }

  pointerMoved(event, [px, py]) {
    const last = this.pointers.get(event.pointerId);
    if (!last) { this.onHover?.(this.pick(px, py), px, py); return; }
    if (this.drawing) {
      this.lasso.push(this.fractionAt(px, py));
      this.redraw();
    } else if (this.pointers.size === 1) {
      this.onHover?.(-1, 0, 0);
      this.move(px - last[0], py - last[1]);
    } else {
      const other = [...this.pointers].find(([id]) => id !== event.pointerId)[1];
      const spread = (p) => Math.hypot(p[0] - other[0], p[1] - other[1]) || 1;
      this.zoomAt(spread([px, py]) / spread(last), (px + other[0]) / 2, (py + other[1]) / 2);
    }
    this.pointers.set(event.pointerId, [px, py]);
  }

  keyPressed(event) {
    const step = 40;
    const actions = {
      ArrowLeft: () => this.move(step, 0), ArrowRight: () => this.move(-step, 0), ArrowUp: () => this.move(0, step), ArrowDown: () => this.move(0, -step),
      "+": () => this.zoomBy(1.3), "=": () => this.zoomBy(1.3), "-": () => this.zoomBy(1 / 1.3), 0: () => this.reset(),
    };
    const action = actions[event.key];
    if (!action || event.ctrlKey || event.metaKey) return;
    event.preventDefault();
    action();
  }

  /** The points as SVG marks: one path a colour, or a picture when there are too many. */
  svgPoints(frame) {
    const marks = [];
    if (this.x.length > VECTOR_LIMIT) {
      return `<image x="0" y="0" width="${this.canvas.clientWidth}" height="${this.canvas.clientHeight}" href="${this.canvas.toDataURL("image/png")}"/>`;
    }
    const paths = new Map();
    const add = (pale) => {
      for (const i of this.order) {
        if (this.dimmed && (this.dimmed[i] === 1) !== pale) continue;
        const px = frame.ox + this.x[i] * frame.sx, py = frame.oy + this.y[i] * frame.sy;
        if (!(px >= frame.left && px <= frame.left + frame.width && py >= frame.top && py <= frame.top + frame.height)) continue;
        const color = cssOf(pale ? palette.dim : this.pixels[i]);
        if (!paths.has(color)) paths.set(color, []);
        paths.get(color).push(`M${px.toFixed(1)} ${py.toFixed(1)}h0`);
      }
    };
    if (this.dimmed) add(true);
    add(false);
    for (const [color, path] of paths) marks.push(`<path d="${path.join("")}" stroke="${color}" stroke-width="${(this.pointRadius() * 2).toFixed(2)}" stroke-linecap="round" fill="none"/>`);
    return marks.join("");
  }
}

/** below * (255 - alpha) + color * alpha, channel by channel in two multiplications. */
function mixFast(below, color, alpha) {
  const rest = 255 - alpha;
  const redBlue = (((below & 0xff00ff) * rest + (color & 0xff00ff) * alpha) / 256) & 0xff00ff;
  const green = ((((below >> 8) & 0xff) * rest + ((color >> 8) & 0xff) * alpha) >> 8) << 8;
  return (0xff000000 | redBlue | green) >>> 0;
}

/** Points sorted into a square grid of fractions. */
function lookupGrid(x, y) {
  const cellOf = (value) => Math.max(0, Math.min(GRID - 1, Math.floor(value * GRID)));
  const starts = new Uint32Array(GRID * GRID + 1);
  const drawn = (i) => x[i] === x[i] && y[i] === y[i];
  for (let i = 0; i < x.length; ++i) if (drawn(i)) ++starts[cellOf(y[i]) * GRID + cellOf(x[i]) + 1];
  for (let c = 0; c < GRID * GRID; ++c) starts[c + 1] += starts[c];
  const items = new Uint32Array(x.length);
  const next = starts.slice();
  for (let i = 0; i < x.length; ++i) if (drawn(i)) items[next[cellOf(y[i]) * GRID + cellOf(x[i])]++] = i;
  return {
    visit(xLow, xHigh, yLow, yHigh, each) {
      for (let row = cellOf(yLow); row <= cellOf(yHigh); ++row) {
        for (let k = starts[row * GRID + cellOf(xLow)]; k < starts[row * GRID + cellOf(xHigh) + 1]; ++k) each(items[k]);
      }
    },
  };
}

/** Uint8Array: 1 = inside the polygon (even-odd rule). */
function insidePolygon(polygon, x, y) {
  const inside = new Uint8Array(x.length);
  const xs = polygon.map(([px]) => px), ys = polygon.map(([, py]) => py);
  const [xLow, xHigh, yLow, yHigh] = [Math.min(...xs), Math.max(...xs), Math.min(...ys), Math.max(...ys)];
  for (let i = 0; i < x.length; ++i) {
    if (!(x[i] >= xLow && x[i] <= xHigh && y[i] >= yLow && y[i] <= yHigh)) continue;
    let odd = 0;
    for (let a = 0, b = polygon.length - 1; a < polygon.length; b = a++) {
      if (ys[a] > y[i] !== ys[b] > y[i] && x[i] < ((xs[b] - xs[a]) * (y[i] - ys[a])) / (ys[b] - ys[a]) + xs[a]) odd ^= 1;
    }
    inside[i] = odd;
  }
  return inside;
}
