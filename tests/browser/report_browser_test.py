#!/usr/bin/python3
"""Opens a report in headless Chromium and uses it as a reader would.

Usage: report_browser_test.py REPORT.html [FOLDER]   (screenshots go to FOLDER when given)
Needs Debian's python3-selenium and chromium-driver. Nothing here may touch the network.
"""
import csv
import io
import pathlib
import sys
import tempfile
import time

from selenium import webdriver
from selenium.webdriver.chrome.service import Service
from selenium.webdriver.common.action_chains import ActionChains
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.support.ui import Select, WebDriverWait

WIDE, NARROW = (1400, 1000), (390, 844)

# Every text element smaller than large print must reach 4.5:1 against what lies behind it (WCAG 2.1 AA).
CONTRAST = """
const channel = (v) => (v /= 255) <= 0.03928 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4;
const light = ([r, g, b]) => 0.2126 * channel(r) + 0.7152 * channel(g) + 0.0722 * channel(b);
const parse = (text) => (text.match(/[\\d.]+/g) ?? []).map(Number);
const behind = (e) => { for (; e; e = e.parentElement) { const c = parse(getComputedStyle(e).backgroundColor); if (c.length === 3 || c[3] > 0.9) return c; } return [255, 255, 255]; };
const poor = [];
for (const e of document.querySelectorAll('body *')) {
  if (e.closest('svg') || e.closest('[hidden]') || !e.offsetParent || e.disabled) continue;
  if (![...e.childNodes].some((n) => n.nodeType === 3 && n.textContent.trim())) continue;
  const a = light(parse(getComputedStyle(e).color)), b = light(behind(e));
  const ratio = (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
  if (ratio < 4.5) poor.push(`${e.tagName}.${e.className} "${e.textContent.trim().slice(0, 30)}" ${ratio.toFixed(2)}`);
}
return poor;
"""

# What assistive technology needs: names for controls, ids only once, labels that point somewhere.
NAMES = """
const found = [];
const ids = [...document.querySelectorAll('[id]')].map((e) => e.id);
for (const id of new Set(ids.filter((id, i) => ids.indexOf(id) !== i))) found.push('id twice: ' + id);
for (const e of document.querySelectorAll('button, select, input, canvas, svg[role=img], [role=region], nav')) {
  const name = e.getAttribute('aria-label') || e.textContent.trim() || e.labels?.[0]?.textContent.trim() || e.title || e.getAttribute('aria-labelledby');
  if (!name && !e.closest('[aria-hidden=true]')) found.push('no name: ' + e.outerHTML.slice(0, 80));
}
for (const a of document.querySelectorAll('a[href^="#"]')) if (!document.getElementById(a.hash.slice(1))) found.push('link to nowhere: ' + a.hash);
let level = 0;
for (const h of document.querySelectorAll('h1, h2, h3, h4')) { const n = Number(h.tagName[1]); if (n > level + 1) found.push('heading skips a level: ' + h.textContent); level = n; }
return found;
"""

# Numbers and titles of axes that lie on each other, or reach out of their picture.
AXES = """
const found = [];
for (const svg of document.querySelectorAll('svg[role=img]')) {
  const edge = svg.getBoundingClientRect();
  const texts = [...svg.querySelectorAll('.tick, .axis-title')].map((e) => [e, e.getBoundingClientRect()]).filter(([, box]) => box.width > 0);
  const where = svg.closest('figure')?.id;
  texts.forEach(([text, box], i) => {
    if (box.left < edge.left - 1 || box.right > edge.right + 1) found.push(`${where}: '${text.textContent}' reaches out of the picture`);
    for (const [other, its] of texts.slice(i + 1)) {
      if (box.left < its.right - 1 && its.left < box.right - 1 && box.top < its.bottom - 2 && its.top < box.bottom - 2) found.push(`${where}: '${text.textContent}' lies on '${other.textContent}'`);
    }
  });
}
return found;
"""

# Colour of the pixel of each kind and how many differ from the card: a drawn canvas has many.
COUNT_PIXELS = """
const canvas = document.querySelector(arguments[0]);
const { data, width, height } = canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height);
const kinds = new Map();
for (let i = 0; i < data.length; i += 4) { const key = (data[i] << 16) | (data[i + 1] << 8) | data[i + 2]; kinds.set(key, (kinds.get(key) ?? 0) + 1); }
return { kinds: kinds.size, drawn: width * height - Math.max(...kinds.values()), signature: [...kinds].sort((a, b) => b[1] - a[1]).slice(0, 6).join(' ') };
"""


class ReportPage:
    def __init__(self, report, folder):
        self.report = pathlib.Path(report).resolve()
        self.shots = pathlib.Path(folder) if folder else None
        self.downloads = tempfile.TemporaryDirectory()
        self.failures = []
        options = webdriver.ChromeOptions()
        options.binary_location = "/usr/bin/chromium"
        for flag in ("--headless=new", "--no-sandbox", "--disable-gpu", "--hide-scrollbars", "--disable-dev-shm-usage", f"--window-size={WIDE[0]},{WIDE[1]}"):
            options.add_argument(flag)
        options.add_experimental_option("prefs", {"download.default_directory": self.downloads.name, "download.prompt_for_download": False})
        options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
        self.browser = webdriver.Chrome(service=Service("/usr/bin/chromedriver"), options=options)
        self.browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": [{"name": "prefers-reduced-motion", "value": "reduce"}]})

    def open(self, width, height):
        self.browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": width < 600})
        self.browser.get(self.report.as_uri())
        WebDriverWait(self.browser, 60).until(lambda b: b.execute_script("return document.documentElement.dataset.ready") == "true")

    def run(self, script, *arguments):
        return self.browser.execute_script(script, *arguments)

    def find(self, selector):
        return self.browser.find_element(By.CSS_SELECTOR, selector)

    def click(self, element):
        """element: a selector or an element; brought to the middle of the window first, clear of what sticks to its edges."""
        element = self.find(element) if isinstance(element, str) else element
        self.run("arguments[0].scrollIntoView({block: 'center', behavior: 'instant'})", element)
        element.click()

    def has(self, selector):
        return bool(self.browser.find_elements(By.CSS_SELECTOR, selector))

    def go_to(self, selector):
        self.run("document.querySelector(arguments[0]).scrollIntoView({block: 'center', behavior: 'instant'})", selector)
        self.settle()

    def settle(self):
        """Two frames: what was asked for has been drawn."""
        self.browser.execute_async_script("const done = arguments[0]; requestAnimationFrame(() => requestAnimationFrame(() => setTimeout(done, 30)));")

    def check(self, truth, words):
        if not truth:
            self.failures.append(words)
            print(f"  FAILED {words}")

    def shot(self, name):
        if self.shots:
            self.shots.mkdir(parents=True, exist_ok=True)
            self.browser.save_screenshot(str(self.shots / f"{name}.png"))

    def downloaded(self, name):
        path = pathlib.Path(self.downloads.name) / name
        for _ in range(100):
            if path.exists() and path.stat().st_size > 0:
                return path.read_text(encoding="utf-8")
            time.sleep(0.05)
        self.check(False, f"no download of {name}")
        return ""

    def visit_everything(self):
        """Brings every view near the screen, so that each has started."""
        for figure in self.browser.find_elements(By.CSS_SELECTOR, "figure.plot, #violin-view"):
            if figure.is_displayed():
                self.run("arguments[0].scrollIntoView({block: 'center', behavior: 'instant'})", figure)
                self.settle()

    def console_is_clean_and_network_unused(self):
        # With the policy in force, a blocked script, style or request is an entry of the console.
        for entry in self.browser.get_log("browser"):
            self.check(entry["level"] not in ("SEVERE", "WARNING"), f"console: {entry['message']}")
        for entry in self.browser.get_log("performance"):
            message = entry["message"]
            if '"Network.requestWillBeSent"' in message:
                url = message.split('"url":"', 1)[-1].split('"', 1)[0]
                self.check(url.startswith(("file:", "data:", "blob:")), f"network: {url}")


def fits_its_width(page):
    for size in (WIDE, NARROW):
        page.open(*size)
        page.visit_everything()
        wide = page.run("return document.documentElement.scrollWidth")
        page.check(wide <= size[0], f"the page is {wide} px wide in a window of {size[0]}")
        for fault in page.run(AXES)[:10]:
            page.check(False, f"in a window of {size[0]}: {fault}")
        page.shot(f"width_{size[0]}")
        page.console_is_clean_and_network_unused()


def reads_well(page):
    page.open(*WIDE)
    page.visit_everything()
    for theme in ("light", "dark"):
        page.click(f"[data-theme-choice={theme}]")
        page.settle()
        for poor in page.run(CONTRAST)[:10]:
            page.check(False, f"contrast in {theme}: {poor}")
        page.go_to(next((view for view in ("#map-view", "#player-view") if page.has(view)), "main"))
        page.shot(f"map_{theme}")
    page.click("[data-theme-choice=light]")
    for problem in page.run(NAMES)[:10]:
        page.check(False, problem)
    for figure in page.browser.find_elements(By.CSS_SELECTOR, "figure.chart"):
        if figure.is_displayed():
            page.check(figure.find_elements(By.CSS_SELECTOR, "details.data"), f"no table behind {figure.get_attribute('id')}")
            page.check(figure.find_elements(By.CSS_SELECTOR, ".chart-tools button"), f"no SVG download of {figure.get_attribute('id')}")


def map_works(page):
    page.open(*WIDE)
    if not page.has("#map-view"):
        return
    page.go_to("#map-canvas")
    first = page.run(COUNT_PIXELS, "#map-canvas")
    page.check(first["drawn"] > 500 and first["kinds"] > 4, f"the map is empty: {first}")
    draw_ms = float(page.find("#map-canvas").get_attribute("data-draw-ms"))
    print(f"  map: one draw takes {draw_ms} ms")
    page.check(draw_ms < 250, f"one draw takes {draw_ms} ms")

    colors = Select(page.find("#map-color"))
    numeric = next((o.text for o in colors.options if "ounts per cell" in o.text or "score" in o.text), None)
    if numeric:
        colors.select_by_visible_text(numeric)
        page.settle()
        page.check(page.run(COUNT_PIXELS, "#map-canvas")["signature"] != first["signature"], "another colouring leaves the map as it was")
        page.check(page.has("#map-legend .gradient"), "numbers have no scale in the legend")
    if page.find("#map-gene").is_enabled():
        gene = page.run("return document.querySelector('#gene-list option').value")
        page.find("#map-gene").send_keys(gene, Keys.ENTER)
        page.settle()
        page.check(page.find(".legend-title").text == gene, f"gene {gene} is not shown")
        page.find("#map-gene").clear()
        page.find("#map-gene").send_keys("NO-SUCH-GENE", Keys.ENTER)
        page.settle()
        page.check("NO-SUCH-GENE" in page.find("#map-selection").text, "an unknown gene is passed over in silence")
        page.find("#map-gene").clear()
    colors.select_by_index(0)
    page.settle()

    legend = page.browser.find_elements(By.CSS_SELECTOR, "#map-legend button")
    page.check(len(legend) > 0, "the legend is empty")
    before = page.run(COUNT_PIXELS, "#map-canvas")["signature"]
    legend[-1].send_keys(Keys.ENTER)  # by keyboard
    page.settle()
    page.check(page.run(COUNT_PIXELS, "#map-canvas")["signature"] != before, "highlighting by the legend changes nothing")
    page.check(page.run("return document.activeElement.getAttribute('aria-pressed')") == "true", "focus is lost after highlighting")
    page.browser.switch_to.active_element.send_keys(Keys.ENTER)

    lasso_counts_cells(page)
    zoom_works(page)
    page.check("not quantitative" in page.find("#map-view figcaption").text, "the caption is missing")
    page.click("#map-view .chart-tools button")
    page.check("<svg" in page.downloaded("map.svg") and "not quantitative" in page.downloaded("map.svg"), "the SVG of the map is not one")


def lasso_counts_cells(page):
    canvas = page.find("#map-canvas")
    width, height = canvas.size["width"], canvas.size["height"]
    page.click("#map-lasso")
    page.go_to("#map-canvas")
    steps = [(-0.49, -0.49), (0.49, -0.49), (0.49, 0.49), (-0.49, 0.49), (-0.49, -0.48)]
    chain = ActionChains(page.browser, duration=40).move_to_element_with_offset(canvas, int(steps[0][0] * width), int(steps[0][1] * height)).click_and_hold()
    for x, y in steps[1:]:
        chain.move_to_element_with_offset(canvas, int(x * width), int(y * height))
    chain.release().perform()
    page.settle()
    text = page.find("#map-selection").text
    n_cells = page.run("return JSON.parse(document.getElementById('data-map').textContent).n")
    page.check(f"{n_cells:,} cells selected" in text, f"a lasso around everything says: {text[:60]!r}, of {n_cells}")
    page.shot("lasso")
    page.click("#map-selection button")
    names = list(csv.reader(io.StringIO(page.downloaded("selected_cells.csv"))))
    page.check(len(names) == n_cells + 1, f"{len(names) - 1} names were downloaded for {n_cells} cells")
    page.click(page.browser.find_elements(By.CSS_SELECTOR, "#map-selection button")[-1])
    page.check(page.find("#map-selection").text == "", "Clear leaves the selection")
    page.click("#map-lasso")


def zoom_works(page):
    before = page.run(COUNT_PIXELS, "#map-canvas")["drawn"]
    canvas = page.find("#map-canvas")
    canvas.send_keys("+", "+", "+", Keys.ARROW_LEFT)
    page.settle()
    page.check(page.run(COUNT_PIXELS, "#map-canvas")["drawn"] != before, "keys do not zoom the map")
    canvas.send_keys("0")
    page.settle()
    page.check(page.run(COUNT_PIXELS, "#map-canvas")["drawn"] == before, "0 does not show all again")
    seen = page.run("""const canvas = document.querySelector('#map-canvas'), box = canvas.getBoundingClientRect(), tip = document.querySelector('#map-view .tip');
        for (let y = 10; y < box.height; y += 6) for (let x = 10; x < box.width; x += 6) {
          canvas.dispatchEvent(new PointerEvent('pointermove', { pointerId: 99, clientX: box.left + x, clientY: box.top + y }));
          if (!tip.hidden) return tip.textContent;
        }
        return '';""")
    page.check(":" in seen, "pointing at cells shows nothing")


def player_works(page):
    page.open(*WIDE)
    if not page.has("#player-view"):
        return
    page.go_to("#player-canvas")
    canvas = page.find("#player-canvas")
    drawn = lambda: int(canvas.get_attribute("data-drawn"))
    signature = lambda: page.run(COUNT_PIXELS, "#player-canvas")["signature"]
    stored = page.run("const { frames, flat, kinds, substances } = JSON.parse(document.getElementById('data-player').textContent); return { flat, kinds, substances, minutes: frames.map((f) => f.minute), n: frames.map((f) => f.n) }")
    page.check(page.run(COUNT_PIXELS, "#player-canvas")["drawn"] > 500 and drawn() > 0, "the player is empty")
    page.check(page.find("#player-clock").text != "", "the player does not say when")
    page.shot("player")

    # The slider, as a hand on the keyboard moves it.
    last = signature()
    page.find("#player-time").send_keys(Keys.HOME)
    page.settle()
    page.check(page.find("#player-clock").text.startswith("0 "), f"the slider does not reach the start: {page.find('#player-clock').text}")
    first = signature()
    page.check(first != last, "the slider leaves the picture as it was")
    page.find("#player-time").send_keys(Keys.ARROW_RIGHT)
    page.settle()
    page.check(page.run("return Number(document.querySelector('#player-time').value)") == 1 and signature() != first, "one step of the slider is not one frame")
    canvas.send_keys(Keys.END)
    page.settle()
    page.check(signature() == last, "End does not show the last frame again")
    canvas.send_keys(Keys.HOME, Keys.SPACE)
    for _ in range(200):
        if page.run("return Number(document.querySelector('#player-time').value)") >= min(2, len(stored["n"]) - 1):
            break
        time.sleep(0.05)
    else:
        page.check(False, "space does not play")
    canvas.send_keys(Keys.END)
    page.settle()
    page.check(page.find("#player-play").text == "Play", "reaching the end leaves the player playing")

    if stored["substances"]:
        Select(page.find("#player-color")).select_by_visible_text(stored["substances"][0]["name"])
        page.settle()
        page.check(signature() != last and page.has("#player-legend .gradient"), "a substance does not colour the cells")
        Select(page.find("#player-color")).select_by_index(0)
        page.settle()
    legend = [b for b in page.browser.find_elements(By.CSS_SELECTOR, "#player-legend button") if b.is_displayed()]
    counts = sum(int(b.find_element(By.CSS_SELECTOR, ".count").text.replace(",", "")) for b in legend)
    page.check(counts == stored["n"][-1], f"the legend counts {counts} of {stored['n'][-1]} cells")
    legend[0].send_keys(Keys.ENTER)
    page.settle()
    page.check(legend[0].get_attribute("aria-pressed") == "true", "the legend does not highlight")
    legend[0].send_keys(Keys.ENTER)
    page.settle()
    if not stored["flat"]:
        in_slice = drawn()
        page.check(0 < in_slice < stored["n"][-1], f"the slice cuts {in_slice} of {stored['n'][-1]} cells")
        canvas.send_keys(Keys.ARROW_UP, Keys.ARROW_UP)
        page.settle()
        page.check(signature() != last, "keys do not move the cut")
        Select(page.find("#player-mode")).select_by_value("solid")
        page.settle()
        page.check(drawn() == stored["n"][-1], f"3-D draws {drawn()} of {stored['n'][-1]} cells")
        before = signature()
        ActionChains(page.browser, duration=40).move_to_element(canvas).click_and_hold().move_by_offset(90, 30).release().perform()
        page.settle()
        page.check(signature() != before, "dragging does not turn the tissue")
        turned = signature()
        canvas.send_keys(Keys.SHIFT, Keys.ARROW_LEFT)
        canvas.send_keys(Keys.NULL)
        page.settle()
        page.check(signature() != turned, "Shift and an arrow do not turn the tissue")
        page.shot("player_3d")
    draw_ms = float(canvas.get_attribute("data-draw-ms"))
    print(f"  player: one draw of {drawn()} cells takes {draw_ms} ms")
    page.check(draw_ms < 250, f"one draw takes {draw_ms} ms")
    canvas.send_keys("0")
    page.settle()
    seen = page.run("""const canvas = document.querySelector('#player-canvas'), box = canvas.getBoundingClientRect(), tip = document.querySelector('#player-view .tip');
        for (let y = 10; y < box.height; y += 6) for (let x = 10; x < box.width; x += 6) {
          canvas.dispatchEvent(new PointerEvent('pointermove', { pointerId: 99, clientX: box.left + x, clientY: box.top + y }));
          if (!tip.hidden) return tip.textContent;
        }
        return '';""")
    page.check("µm" in seen, "pointing at cells shows nothing")
    page.click("#player-view .chart-tools button")
    svg = page.downloaded("frame.svg")
    page.check("<circle" in svg and "no measurement" in svg, "the SVG of a frame is not one")
    page.click("#player-view details.data summary")
    page.settle()
    page.check(page.has("#player-view details.data tbody tr"), "the table behind the frame is empty")


def removed_cells_work(page):
    page.open(*WIDE)
    if not page.has("#removed-view") or not page.find("#removed-view").is_displayed():
        return
    page.go_to("#removed-canvas")
    page.check(page.run(COUNT_PIXELS, "#removed-canvas")["drawn"] > 300, "the view of removed cells is empty")
    page.check(len(page.browser.find_elements(By.CSS_SELECTOR, "#removed-legend button")) >= 1, "reasons have no legend")
    page.shot("removed")
    page.click("#removed-view details.data summary")
    page.settle()
    page.check(page.has("#removed-view details.data tbody tr"), "the table behind the removed cells is empty")


def markers_work(page):
    page.open(*WIDE)
    if not page.has("#marker-table"):
        return
    page.go_to("#violin-view")
    page.check(page.has("#violin-drawing svg polygon"), "no violin is drawn")
    page.shot("violin")
    if page.find("#heatmap-view").is_displayed():
        page.go_to("#heatmap-view")
        page.check(page.run(COUNT_PIXELS, "#heatmap-canvas")["kinds"] > 20, "the heatmap is empty")
        page.shot("heatmap")
    page.go_to("#marker-table")
    headings = lambda: [e.text for e in page.browser.find_elements(By.CSS_SELECTOR, "#marker-table th")]
    column = lambda n: [e.text for e in page.browser.find_elements(By.CSS_SELECTOR, f"#marker-table tbody td:nth-child({n})")]
    page.check("log10 p" not in headings(), "p values show before they are asked for")
    auc = [float(text) for text in column(4)]
    page.check(auc == sorted(auc, reverse=True), "rows do not start ranked by AUC")
    page.click("#marker-p")
    page.check("log10 p" in headings() and "descriptive" in page.find("#p-note").text, "p values come without their explanation")
    page.click(page.browser.find_elements(By.CSS_SELECTOR, "#marker-table th .sort")[4])
    ranks = [float(text) for text in column(5) if text]
    page.check(ranks == sorted(ranks), "minimum rank does not sort")
    gene = column(2)[0].split(" ")[0]
    page.find("#marker-search").send_keys(gene.lower())
    page.check(column(2) and all(gene.upper() in text.upper() for text in column(2)), "the search finds other genes")
    page.click("#marker-csv")
    rows = list(csv.reader(io.StringIO(page.downloaded("markers_shown.csv"))))
    page.check(rows[0][:5] == ["cluster", "gene", "gene_id", "auc", "min_rank"] and len(rows) > 1, "the CSV of markers lacks its columns")
    page.shot("markers")
    link = page.browser.find_elements(By.CSS_SELECTOR, "#marker-table .link")
    if link:
        page.click(link[0])
        page.settle()
        page.check(page.find("#violin-gene").get_attribute("value").upper() == gene.upper(), "a gene of the table does not reach the violins")


def seeds_lead_to_their_pages(page):
    page.open(*WIDE)
    if not page.has("#seeds"):
        return
    rows = page.browser.find_elements(By.CSS_SELECTOR, "#seeds tbody tr")
    links = [e.get_attribute("href") for e in page.browser.find_elements(By.CSS_SELECTOR, "#seeds tbody th a")]
    page.check(len(links) == len(rows) > 0, f"{len(links)} of {len(rows)} seeds lead to a page")
    page.check(page.has("#population polygon.spread"), "the spread over seeds is not drawn")
    for number in range(len(links)):
        seed = page.browser.find_elements(By.CSS_SELECTOR, "#seeds tbody th a")[number]
        name = seed.text
        page.click(seed)
        WebDriverWait(page.browser, 60).until(lambda b: b.current_url == links[number] and b.execute_script("return document.documentElement.dataset.ready") == "true")
        page.check(page.has("#player-view"), f"the page of seed {name} has no player")
        page.check(f"seed {name}" in page.find("header .meta").text, f"the link of seed {name} leads to {page.find('header .meta').text!r}")
        page.browser.back()
        WebDriverWait(page.browser, 60).until(lambda b: b.execute_script("return document.documentElement.dataset.ready") == "true" and b.current_url == page.report.as_uri())


def downloads_work(page):
    page.open(*WIDE)
    charts = [f for f in page.browser.find_elements(By.CSS_SELECTOR, "figure.chart:not(.plot):not(#violin-view)") if f.is_displayed()]
    if charts:
        chart = charts[0]
        page.click(chart.find_element(By.CSS_SELECTOR, ".chart-tools button"))
        svg = page.downloaded(chart.get_attribute("data-file") + ".svg")
        page.check("class=" not in svg and "fill=" in svg and "xmlns" in svg, "the SVG of a chart does not stand alone")
    table = page.run("return [...document.querySelectorAll('main table[data-file]')].find((table) => !table.closest('details:not([open])'))")
    page.click(page.run("return arguments[0].closest('.table-scroll').nextElementSibling.querySelector('button')", table))
    page.check(len(page.downloaded(table.get_attribute("data-file") + ".csv").splitlines()) > 1, "the CSV of a table is empty")


def reads_without_scripts(page):
    page.browser.execute_cdp_cmd("Emulation.setScriptExecutionDisabled", {"value": True})
    page.browser.get(page.report.as_uri())
    text = page.find("main").text
    for words in ("no measurement", "What this cannot tell", "Use the result") if page.has("#evidence") else ("usable", "Methods", "Use the result"):
        page.check(words in text, f"without scripts the page lacks {words!r}")
    for view, section in (("#map-view", "#map"), ("#player-view", "#player")):
        page.check(not page.has(view) or page.has(f"{section} noscript"), f"without scripts there is no still picture in {section}")
    page.shot("without_scripts")
    page.browser.execute_cdp_cmd("Emulation.setScriptExecutionDisabled", {"value": False})


def main():
    if len(sys.argv) < 2 or not pathlib.Path(sys.argv[1]).is_file():
        print("Usage: report_browser_test.py REPORT.html [FOLDER]: the report does not exist." if len(sys.argv) > 1 else __doc__, file=sys.stderr)
        return 64
    page = ReportPage(sys.argv[1], sys.argv[2] if len(sys.argv) > 2 else None)
    try:
        for test in (fits_its_width, reads_well, map_works, player_works, removed_cells_work, markers_work, seeds_lead_to_their_pages, downloads_work, reads_without_scripts):
            print(test.__name__.replace("_", " "))
            test(page)
            page.console_is_clean_and_network_unused()
    finally:
        page.browser.quit()
    print(f"{len(page.failures)} failed" if page.failures else "all passed")
    return 1 if page.failures else 0


if __name__ == "__main__":
    sys.exit(main())
