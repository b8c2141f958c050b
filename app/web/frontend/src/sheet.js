// What the image of a specimen goes through on its page: it stands there as a plain picture; once the page is usable it can be
// zoomed to its own pixels; then Mirador, which is six times as large, takes over at the same place. Where a part does not come,
// what was there before stays.
import OpenSeadragon from "openseadragon";

const LOOK_MS = 100;
const REST_MS = 200;
const LONGEST_MS = 15_000;

/** Make the plain picture in `holder` zoomable, then open Mirador in its place. `info` is the answer with its image information. */
export async function open(holder, info) {
  const asked = new Asked();
  try {
    const sheet = await zoomable(holder, await (await info).json());
    const mirador = await import("./viewer.js");
    const viewer = mirador.open(holder, layer(holder, "mirador"));
    await drawn(viewer.image);
    viewer.take(sheet.seen());
    sheet.close();
    for (const part of [...holder.children]) if (part.id !== "mirador") part.remove();
    holder.dataset.open = "";
    asked.again();
  } catch (error) {
    asked.follow();
    throw error;
  }
}

function layer(holder, id) {
  const part = document.createElement("div");
  part.id = id;
  part.className = "layer";
  holder.append(part);
  return part;
}

/** Resolves once it can be zoomed: `seen()` is where people have moved it to, in pixels, or null; `close()` ends it. */
async function zoomable(holder, info) {
  const zoom = OpenSeadragon({
    element: layer(holder, "zoom"),
    tileSources: [info],
    showNavigationControl: false,
    drawer: "canvas",
    immediateRender: true, // no coarser tiles before those that are wanted,
    imageLoaderLimit: 3, // and few at a time, so that on a slow network the first is there soon
    animationTime: 0.6,
    gestureSettingsMouse: { clickToZoom: false, dblClickToZoom: true },
  });
  let moved = false;
  for (const name of ["canvas-drag", "canvas-scroll", "canvas-key", "canvas-double-click", "canvas-pinch"]) {
    zoom.addOnceHandler(name, () => {
      moved = true;
      holder.dataset.moved = ""; // the plain picture below stays where it is
    });
  }
  await new Promise((opened, failed) => {
    zoom.addOnceHandler("open", opened);
    zoom.addOnceHandler("open-failed", ({ message }) => failed(new Error(message)));
  });
  holder.dataset.zoomable = "";
  await drawn(() => zoom.world.getItemAt(0));
  return { seen: () => (moved ? inPixels(zoom.viewport, info.width) : null), close: () => zoom.destroy() };
}

/** Resolves once `image()`, one of OpenSeadragon's, rests with all the tiles that it shows; or after a while, should some not come. */
async function drawn(image) {
  for (let waited = 0, rested = 0; waited < LONGEST_MS && rested < REST_MS; waited += LOOK_MS) {
    await new Promise((go) => setTimeout(go, LOOK_MS));
    rested = image()?.getFullyLoaded() ? rested + LOOK_MS : 0;
  }
}

// OpenSeadragon measures in widths of the image, Mirador in pixels of the canvas.
function inPixels(viewport, width) {
  const { x, y } = viewport.getCenter(false);
  return { x: x * width, y: y * width, zoom: viewport.getZoom(false) / width };
}

/** A click on "Show" before Mirador is there waits for it. */
class Asked {
  constructor() {
    this.link = null;
    this.listener = (event) => {
      const link = event.target.closest("[data-show]");
      if (!link || event.ctrlKey || event.metaKey || event.shiftKey) return;
      event.preventDefault();
      this.link = link;
    };
    document.addEventListener("click", this.listener);
  }

  again() {
    document.removeEventListener("click", this.listener);
    if (this.link?.isConnected) this.link.click();
  }

  follow() {
    document.removeEventListener("click", this.listener);
    if (this.link) location.assign(this.link.href);
  }
}
