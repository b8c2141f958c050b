// The page for frames of other pages. It works where there are no cookies, no storage, no new windows and no full screen.
import OpenSeadragon from "openseadragon";
import { gestures } from "./gestures.js";
import { overlay } from "./overlay.js";

const scene = JSON.parse(document.getElementById("scene").textContent);
const holder = document.getElementById("viewer");
const controls = document.getElementById("controls");
const still = matchMedia("(prefers-reduced-motion: reduce)").matches;
const MOST_HEIGHT = 900;
const LEAST_HEIGHT = 240;
const STEP = 1.6; // of a button or a key
const PAN = 0.15; // of what is seen

tell();
addEventListener("resize", tell);
for (const part of document.querySelectorAll("details")) part.addEventListener("toggle", tell);
open();

function open() {
  const zoom = document.createElement("div");
  zoom.id = "zoom";
  holder.querySelector("img").after(zoom);
  const viewer = OpenSeadragon({
    element: zoom,
    tileSources: [scene.info],
    showNavigationControl: false,
    keyboardNavEnabled: false,
    drawer: "canvas",
    immediateRender: true,
    animationTime: still ? 0 : 0.6,
    springStiffness: 7,
    visibilityRatio: 0.5,
    maxZoomPixelRatio: 4,
    gestureSettingsMouse: { clickToZoom: false, dblClickToZoom: true },
    gestureSettingsTouch: { clickToZoom: false, dblClickToZoom: true },
    gestureSettingsPen: { clickToZoom: false, dblClickToZoom: true },
  });
  viewer.canvas.setAttribute("role", "group");
  viewer.canvas.setAttribute("aria-label", holder.dataset.name);
  viewer.addOnceHandler("open", () => {
    const shapes = overlay(viewer, scene);
    list(viewer, shapes);
    if (scene.box) viewer.viewport.fitBounds(inWidths(scene.box, 0), true);
    viewer.addOnceHandler("tile-drawn", () => holder.querySelector("img").remove());
    buttons(viewer);
    holder.dataset.open = "";
  });
  viewer.addOnceHandler("open-failed", () => zoom.remove()); // the plain picture stays
  gestures(viewer, holder);
  viewer.canvas.addEventListener("keydown", (event) => key(viewer, event));
}

/** OpenSeadragon measures in widths of the canvas; `around` widens the box by that part of its longer side. */
function inWidths([x, y, width, height], around) {
  const margin = around * Math.max(width, height, scene.width / 20);
  return new OpenSeadragon.Rect(
    (x - margin) / scene.width, (y - margin) / scene.width, (width + 2 * margin) / scene.width, (height + 2 * margin) / scene.width,
  );
}

function buttons(viewer) {
  controls.hidden = false;
  const full = controls.querySelector('[data-do="full"]');
  full.hidden = !document.fullscreenEnabled;
  controls.addEventListener("click", (event) => {
    const what = event.target.closest("[data-do]")?.dataset.do;
    if (what === "full") document.fullscreenElement ? document.exitFullscreen() : holder.requestFullscreen();
    else if (what) act(viewer, what);
  });
}

function act(viewer, what) {
  const { viewport } = viewer;
  if (what === "all") viewport.goHome(still);
  else viewport.zoomBy(what === "larger" ? STEP : 1 / STEP, null, still);
  viewport.applyConstraints(still);
}

const KEYS = { "+": "larger", "=": "larger", "-": "smaller", _: "smaller", 0: "all", Home: "all" };
const MOVES = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };

function key(viewer, event) {
  if (event.ctrlKey || event.metaKey || event.altKey) return;
  if (KEYS[event.key]) act(viewer, KEYS[event.key]);
  else if (MOVES[event.key]) {
    const [x, y] = MOVES[event.key];
    const seen = viewer.viewport.getBounds(true);
    viewer.viewport.panBy(new OpenSeadragon.Point(x * seen.width * PAN, y * seen.height * PAN), still);
    viewer.viewport.applyConstraints(still);
  } else return;
  event.preventDefault();
}

/** Each finding that has a place gets a button that goes there. */
function list(viewer, shapes) {
  const findings = document.getElementById("findings");
  if (!findings) return;
  const word = findings.dataset.word;
  for (const item of findings.querySelectorAll("[data-around]")) {
    const button = document.createElement("button");
    button.type = "button";
    button.textContent = word;
    button.setAttribute("aria-label", `${word}: ${item.querySelector(".says").textContent}`);
    button.addEventListener("click", () => {
      shapes.show(item.dataset.key);
      viewer.viewport.fitBoundsWithConstraints(inWidths(item.dataset.around.split(",").map(Number), 0.4), still);
      holder.scrollIntoView({ block: "nearest", behavior: still ? "auto" : "smooth" });
    });
    item.append(" ", button);
  }
}

/** Tell the page around how high all of this would like to be; it holds nothing secret, so whoever it is may know. */
function tell() {
  if (parent === window) return;
  const picture = Math.max(LEAST_HEIGHT, Math.min(MOST_HEIGHT, (innerWidth * scene.height) / scene.width));
  const height = Math.ceil(picture + document.getElementById("about").offsetHeight);
  parent.postMessage({ type: "lectotype-size", height }, "*");
}
