// Starts the page: theme, contents, copy buttons, and each view as it comes near the screen.

function followContents() {
  const links = new Map([...document.querySelectorAll(".contents a")].map((link) => [link.hash.slice(1), link]));
  const seen = new Set();
  const observer = new IntersectionObserver((entries) => {
    for (const entry of entries) entry.isIntersecting ? seen.add(entry.target.id) : seen.delete(entry.target.id);
    const current = [...links.keys()].find((id) => seen.has(id));
    for (const [id, link] of links) id === current ? link.setAttribute("aria-current", "true") : link.removeAttribute("aria-current");
  }, { rootMargin: "-10% 0px -60% 0px" });
  for (const section of document.querySelectorAll("main > section")) observer.observe(section);
  const contents = document.querySelector(".contents details");
  const narrow = matchMedia("(max-width: 1000px)");
  const fold = () => { contents.open = !narrow.matches; };
  narrow.addEventListener("change", fold);
  fold();
  contents.addEventListener("click", (event) => { if (narrow.matches && event.target.closest("a")) contents.open = false; });
}

function startCopyButtons() {
  for (const button of document.querySelectorAll("button.copy")) {
    const words = button.textContent;
    button.addEventListener("click", async () => {
      const source = button.dataset.copy ? document.getElementById(button.dataset.copy) : button.parentElement.querySelector("code");
      button.textContent = (await copyText(source)) ? "Copied" : "Press Ctrl+C";
      setTimeout(() => { button.textContent = words; }, 1800);
    });
  }
}

/** Pages opened from disk may not write the clipboard: then the text is selected for the reader to copy. */
async function copyText(element) {
  try {
    await navigator.clipboard.writeText(element.innerText);
    return true;
  } catch {
    getSelection().selectAllChildren(element);
    return false;
  }
}

function startViews() {
  const data = openReportData();
  const markers = readIsland("data-markers");
  const figure = (id) => document.getElementById(id);
  let map = null, violin = null;
  if (figure("map-view") && data.map && data.obs.length > 0) whenNear(figure("map-view"), () => { map ??= new MapPanel(figure("map-view"), data); });
  const player = readIsland("data-player");
  if (player) whenNear(figure("player-view"), () => new TissuePlayer(figure("player-view"), player));
  if (figure("removed-view")) whenNear(figure("removed-view"), () => new RemovedPanel(figure("removed-view")));
  if (!markers) return;
  const makeViolin = () => { violin ??= new ViolinPanel(figure("violin-view"), data, markers.gene[0]); };
  whenNear(figure("violin-view"), makeViolin);
  whenNear(figure("heatmap-view"), () => new HeatmapPanel(figure("heatmap-view"), data, markers.heatmap));
  new MarkerTable(figure("marker-table"), markers, {
    holdsGene: (name) => data.findGene(name) !== null,
    onGene: (name) => {
      makeViolin();
      violin.showGene(name);
      if (data.map && data.obs.length > 0) map ??= new MapPanel(figure("map-view"), data);
      map?.chooseGene(name);
      figure("map-view")?.scrollIntoView({ block: "center" });
    },
  });
}

startTheme();
followContents();
addDownloadButtons();
startCopyButtons();
startViews();
document.documentElement.dataset.ready = "true";
