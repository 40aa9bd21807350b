// Numbers as people read them, scales, and small SVG helpers, after svg.cpp.

function numberText(value, digits) {
  if (!Number.isFinite(value)) return "";
  if (value === 0) return "0";
  const size = Math.abs(value);
  if (size < 1e-3 || size >= 1e7) return value.toExponential(digits - 1);
  const decimals = Math.max(0, digits - 1 - Math.floor(Math.log10(size)));
  return Number(value.toFixed(decimals)).toLocaleString("en-US", { maximumFractionDigits: decimals });
}

const countText = (count) => count.toLocaleString("en-US");
const shareText = (part, whole) => (whole > 0 ? `${numberText((100 * part) / whole, 3)} %` : "");

/** Round numbers between low and high, about `wanted` of them. */
function niceTicks(low, high, wanted) {
  const rough = (high - low) / Math.max(1, wanted - 1);
  const power = 10 ** Math.floor(Math.log10(rough));
  const lead = rough / power;
  const step = power * (lead >= 5 ? 5 : lead >= 2 ? 2 : 1);
  const ticks = [];
  for (let k = Math.ceil(low / step - 1e-9); k * step <= high + step * 1e-9; ++k) ticks.push(k * step);
  return ticks;
}

/** Ticks 1, 10, 100 ... between two values of log(1 + v), with 2 and 5 where the range is short. */
function logTicks(low, high) {
  const ticks = [];
  const leads = high - low < 6 ? [1, 2, 5] : [1];
  for (let power = 1; power <= Math.expm1(high); power *= 10) {
    for (const lead of leads) if (Math.log1p(power * lead) >= low && Math.log1p(power * lead) <= high) ticks.push(power * lead);
  }
  return ticks;
}

function svgElement(name, attributes, text) {
  const element = document.createElementNS(SVG_NS, name);
  for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value);
  if (text !== undefined) element.textContent = text;
  return element;
}

function quantile(sorted, share) {
  if (sorted.length === 0) return NaN;
  const at = share * (sorted.length - 1);
  const low = Math.floor(at);
  return sorted[low] + (sorted[Math.min(low + 1, sorted.length - 1)] - sorted[low]) * (at - low);
}

const escapeXml = (text) => text.replace(/[&<>"']/g, (c) => ({ "&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;", "'": "&#39;" })[c]);

/** Runs once the element comes near the screen: views below the fold cost nothing until then. Printing runs all. */
function whenNear(element, work) {
  let done = false;
  const run = () => { if (!done) { done = true; observer.disconnect(); work(); } };
  const observer = new IntersectionObserver((entries) => { if (entries.some((entry) => entry.isIntersecting)) run(); }, { rootMargin: "600px" });
  observer.observe(element);
  addEventListener("beforeprint", run);
}
