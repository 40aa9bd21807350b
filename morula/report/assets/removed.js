// Every cell that came in, by two quality measures: the removed ones coloured by reason, with axes that follow the zoom.

class RemovedPanel {
  constructor(figure) {
    const stored = readIsland("data-qc");
    if (!stored) { figure.hidden = true; return; }
    Object.assign(this, {
      figure, stored, removed: readCodes(stored.removed), sample: readCodes(stored.sample), reasons: ["kept", ...stored.reasons],
      metrics: stored.metrics.map((metric) => ({ ...metric, numbers: readNumbers(metric) })), highlighted: new Set(),
    });
    this.tip = figure.querySelector(".tip");
    this.canvas = figure.querySelector("canvas");
    this.view = new PointView(this.canvas, {
      keepAspect: false, margins: { left: 62, right: 26, top: 14, bottom: 46 }, onHover: (i, px, py) => this.hover(i, px, py), overlay: (context, frame) => this.drawAxes(context, frame),
    });
    this.buildControls();
    this.refreshTable = tableOnDemand(figure, "removed_cells", () => this.tableRows());
    svgMakers.set(figure.id, () => this.svg());
    onThemeChange(() => this.recolor());
    this.place();
  }

  buildControls() {
    const find = (name) => this.figure.querySelector(`#removed-${name}`);
    const mito = this.metrics.findIndex((metric) => /mt|mito/.test(metric.name));
    for (const [name, initial] of [["x", 0], ["y", mito > 0 ? mito : 1]]) {
      find(name).replaceChildren(...this.metrics.map((metric, m) => new Option(metric.title, m, false, m === initial)));
      this[`${name}Metric`] = this.metrics[initial];
      find(name).addEventListener("change", () => { this[`${name}Metric`] = this.metrics[find(name).value]; this.view.reset(); this.place(); });
    }
    find("sample").replaceChildren(new Option("all", -1), ...this.stored.samples.map((sample, s) => new Option(sample, s)));
    find("sample").closest("label").hidden = this.stored.samples.length < 2;
    find("sample").addEventListener("change", () => this.place());
    this.sampleSelect = find("sample");
    this.legend = find("legend");
  }

  /** Axis of a metric: fractions of its range, logarithmic where the metric asks for it. */
  axis(metric) {
    const low = metric.low, span = metric.high - metric.low || 1, pad = 0.02;
    return {
      metric, fraction: (value) => pad + (((metric.log ? Math.log1p(value) : value) - low) / span) * (1 - 2 * pad),
      ticks: (from, to) => {
        const place = (fraction) => low + ((fraction - pad) / (1 - 2 * pad)) * span;
        return metric.log ? logTicks(Math.max(place(from), 0), place(to)) : niceTicks(place(from), place(to), 6);
      },
    };
  }

  place() {
    const chosen = Number(this.sampleSelect.value);
    this.xAxis = this.axis(this.xMetric);
    this.yAxis = this.axis(this.yMetric);
    const shown = (i) => chosen < 0 || this.sample[i] === chosen;
    this.view.setPoints(Float32Array.from(this.xMetric.numbers, (value, i) => (shown(i) ? this.xAxis.fraction(value) : NaN)), Float32Array.from(this.yMetric.numbers, (value) => 1 - this.yAxis.fraction(value)));
    this.recolor();
    this.refreshTable();
  }

  colorOf(reason) { return reason === 0 ? palette.kept : palette.categories[[5, 0, 1, 3, 2, 7, 8][(reason - 1) % 7]]; }

  recolor() {
    const n = this.removed.length;
    const base = shuffled(n);
    const order = Uint32Array.from([...base.filter((i) => this.removed[i] === 0), ...base.filter((i) => this.removed[i] !== 0)]);
    const dimmed = this.highlighted.size ? Uint8Array.from(this.removed, (reason) => (this.highlighted.has(reason) ? 0 : 1)) : null;
    this.view.setColors(Uint32Array.from(this.removed, (reason) => this.colorOf(reason)), order, dimmed);
    const counts = this.reasons.map(() => 0);
    for (const reason of this.removed) ++counts[reason];
    const seen = this.reasons.map((_, reason) => reason).filter((reason) => counts[reason] > 0);
    this.legend.replaceChildren(...seen.map((reason, place) => legendButton(cssOf(this.colorOf(reason)), this.reasons[reason], counts[reason], this.highlighted.has(reason), () => {
      if (!this.highlighted.delete(reason)) this.highlighted.add(reason);
      this.recolor();
      this.legend.children[place].focus();
    })));
  }

  hover(i, px, py) {
    this.tip.hidden = i < 0;
    if (i < 0) return;
    this.tip.textContent = [this.reasons[this.removed[i]], this.stored.samples[this.sample[i]], ...this.metrics.map((metric) => `${metric.title}: ${numberText(metric.log ? Math.round(metric.numbers[i]) : metric.numbers[i], metric.log ? 7 : 3)}`)].filter(Boolean).join("\n");
    placeTip(this.tip, this.canvas, px, py);
  }

  /** Ticks inside the frame as [pixel, text], for x and y. */
  axisTicks(frame) {
    const xFrom = (frame.left - frame.ox) / frame.sx, xTo = (frame.left + frame.width - frame.ox) / frame.sx;
    const yFrom = 1 - (frame.top + frame.height - frame.oy) / frame.sy, yTo = 1 - (frame.top - frame.oy) / frame.sy;
    const inside = (value, low, size) => value >= low - 0.5 && value <= low + size + 0.5;
    return {
      x: this.xAxis.ticks(xFrom, xTo).map((tick) => [frame.ox + this.xAxis.fraction(tick) * frame.sx, numberText(tick, 4)]).filter(([px]) => inside(px, frame.left, frame.width)),
      y: this.yAxis.ticks(yFrom, yTo).map((tick) => [frame.oy + (1 - this.yAxis.fraction(tick)) * frame.sy, numberText(tick, 4)]).filter(([py]) => inside(py, frame.top, frame.height)),
    };
  }

  drawAxes(context, frame) {
    const { left, top, width, height } = frame;
    context.fillStyle = palette.css.card;  // points that reach past the frame are covered
    context.fillRect(0, top + height + 3, this.canvas.clientWidth, 60);
    context.fillRect(0, 0, left - 3, this.canvas.clientHeight);
    context.strokeStyle = palette.css.faint;
    context.lineWidth = 1;
    context.strokeRect(left - 2.5, top - 0.5, width + 5, height + 3);
    context.font = "11.5px Inter, system-ui, sans-serif";
    context.fillStyle = palette.css.faint;
    const ticks = this.axisTicks(frame);
    context.textAlign = "center";
    for (const [px, text] of ticks.x) context.fillText(text, px, top + height + 18);
    context.textAlign = "right";
    for (const [py, text] of ticks.y) context.fillText(text, left - 8, py + 4);
    context.fillStyle = palette.css.soft;
    context.font = "12px Inter, system-ui, sans-serif";
    context.textAlign = "center";
    context.fillText(this.xMetric.title, left + width / 2, top + height + 38);
    context.save();
    context.translate(15, top + height / 2);
    context.rotate(-Math.PI / 2);
    context.fillText(this.yMetric.title, 0, 0);
    context.restore();
  }

  tableRows() {
    const median = (reason, metric) => quantile(Float32Array.from([...metric.numbers].filter((_, i) => this.removed[i] === reason)).sort(), 0.5);
    return [["Cells", "Number", ...this.metrics.map((metric) => `Median: ${metric.title}`)], ...this.reasons.map((name, reason) => [name, this.removed.reduce((sum, r) => sum + (r === reason), 0), ...this.metrics.map((metric) => median(reason, metric))])];
  }

  svg() {
    return inLightTheme(() => {
      this.recolor();
      this.view.draw();
      const frame = this.view.frame();
      const { clientWidth: width, clientHeight: height } = this.canvas;
      const ticks = this.axisTicks(frame);
      const text = (x, y, anchor, words, more = "") => `<text x="${x}" y="${y}" text-anchor="${anchor}" font-size="12" fill="#55606b" ${more}>${escapeXml(words)}</text>`;
      const marks = [
        ...ticks.x.map(([px, words]) => text(px, frame.top + frame.height + 18, "middle", words)), ...ticks.y.map(([py, words]) => text(frame.left - 8, py + 4, "end", words)),
        text(frame.left + frame.width / 2, frame.top + frame.height + 38, "middle", this.xMetric.title), `<g transform="translate(15 ${frame.top + frame.height / 2}) rotate(-90)">${text(0, 0, "middle", this.yMetric.title)}</g>`,
        ...this.reasons.map((name, reason) => `<circle cx="${width + 14}" cy="${24 + 18 * reason}" r="5" fill="${cssOf(this.colorOf(reason))}"/>${text(width + 26, 28 + 18 * reason, "start", name)}`),
      ];
      return `<svg xmlns="${SVG_NS}" viewBox="0 0 ${width + 220} ${height}" font-family="Inter, Helvetica, Arial, sans-serif"><rect width="100%" height="100%" fill="#fff"/>${this.view.svgPoints(frame)}<rect x="${frame.left}" y="${frame.top}" width="${frame.width}" height="${frame.height}" fill="none" stroke="#66707a"/>${marks.join("")}</svg>`;
    });
  }
}
