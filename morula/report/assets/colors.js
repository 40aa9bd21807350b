// Theme, palette and number ramp. Colours are read from the style sheet, so that there is one palette.

const N_COLORS = 20;
const palette = { categories: [], ramp: [], zero: 0, dim: 0, card: 0, css: {} };
const themeListeners = [];
let printing = false;  // views then draw at once: no animation frame comes before the paper

/** "#rrggbb" -> 0xAABBGGRR, the byte order of canvas pixels. */
function pixelOf(hex) {
  const value = parseInt(hex.slice(1), 16);
  return ((255 << 24) | ((value & 255) << 16) | (value & 0xff00) | (value >> 16)) >>> 0;
}

const cssOf = (pixel) => `#${[pixel & 255, (pixel >> 8) & 255, (pixel >> 16) & 255].map((part) => part.toString(16).padStart(2, "0")).join("")}`;

function mix(a, b, share) {
  const part = (shift) => Math.round(((a >> shift) & 255) * (1 - share) + ((b >> shift) & 255) * share) << shift;
  return ((255 << 24) | part(0) | part(8) | part(16)) >>> 0;
}

/** 256 colours between the ten steps of the ramp. */
function fillRamp(steps) {
  return Uint32Array.from({ length: 256 }, (_, i) => {
    const at = (i / 255) * (steps.length - 1);
    const low = Math.min(steps.length - 2, Math.floor(at));
    return mix(steps[low], steps[low + 1], at - low);
  });
}

function readPalette() {
  const style = getComputedStyle(document.documentElement);
  const css = (name) => style.getPropertyValue(name).trim();
  palette.categories = Array.from({ length: N_COLORS }, (_, i) => pixelOf(css(`--c${i}`)));
  palette.ramp = fillRamp(Array.from({ length: 10 }, (_, i) => pixelOf(css(`--r${i}`))));
  for (const name of ["zero", "dim", "kept"]) palette[name] = pixelOf(css(`--${name}`));
  palette.card = pixelOf(css("--card").length === 4 ? "#ffffff" : css("--card"));
  for (const name of ["ink", "soft", "faint", "rule", "card", "bg", "accent", "focus"]) palette.css[name] = css(`--${name}`);
}

const categoryPixel = (code) => (code < 0 ? palette.zero : palette.categories[code % N_COLORS]);
const rampPixel = (share) => palette.ramp[Math.max(0, Math.min(255, Math.round(share * 255)))];

function onThemeChange(listener) { themeListeners.push(listener); }

const systemDark = matchMedia("(prefers-color-scheme: dark)");
let themeChoice = "auto";

function applyTheme() {
  document.documentElement.dataset.theme = themeChoice === "auto" ? (systemDark.matches ? "dark" : "light") : themeChoice;
  readPalette();
  for (const listener of themeListeners) listener();
}

/** Runs `work` with the light colours of a printed page, then puts the reader's back. */
function inLightTheme(work) {
  const before = document.documentElement.dataset.theme;
  document.documentElement.dataset.theme = "light";
  readPalette();
  try {
    return work();
  } finally {
    document.documentElement.dataset.theme = before;
    readPalette();
  }
}

function startTheme() {
  const remember = (choice) => { try { localStorage.setItem("morula-theme", choice); } catch { /* pages opened from disk may have no storage */ } };
  try { themeChoice = localStorage.getItem("morula-theme") ?? "auto"; } catch { /* as above */ }
  if (!["auto", "light", "dark"].includes(themeChoice)) themeChoice = "auto";
  const buttons = [...document.querySelectorAll("[data-theme-choice]")];
  const show = () => { for (const button of buttons) button.setAttribute("aria-pressed", String(button.dataset.themeChoice === themeChoice)); };
  for (const button of buttons) {
    button.addEventListener("click", () => { themeChoice = button.dataset.themeChoice; remember(themeChoice); show(); applyTheme(); });
  }
  systemDark.addEventListener("change", applyTheme);
  let beforePrint = null;
  addEventListener("beforeprint", () => { printing = true; beforePrint = themeChoice; themeChoice = "light"; applyTheme(); });
  addEventListener("afterprint", () => { printing = false; themeChoice = beforePrint ?? themeChoice; applyTheme(); });
  show();
  applyTheme();
}
