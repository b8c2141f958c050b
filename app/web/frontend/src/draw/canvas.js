// The sheet in OpenSeadragon with Annotorious on it. Annotorious draws and edits; nothing is ever stored from its events.
import { createOSDAnnotator } from "@annotorious/openseadragon";
import { mountPlugin } from "@annotorious/plugin-tools";
import "@pixi/unsafe-eval";
import OpenSeadragon from "openseadragon";
import * as shapes from "./shapes.js";

const CROWD = 200; // shapes, from which on lines are thin: wider ones are scaled anew at every step of the zoom
const COLOURS = { machine: "#c8181e", people: "#1559b0" };
const TOOLS = { box: "rectangle", polygon: "polygon", ellipse: "ellipse", hole: "polygon", part: "polygon" };
const MARGIN = 0.6;

export function canDraw() {
  const canvas = document.createElement("canvas");
  return Boolean(canvas.getContext("webgl2") ?? canvas.getContext("webgl"));
}

export class Canvas {
  /** `heard` is told: `drawn(tool, shape)`, `edited(shape)` of the selected one, `picked(id or null)`. */
  constructor(holder, info, heard) {
    this.heard = heard;
    this.silent = false;
    this.tool = "";
    this.kinds = new Map();
    this.ids = new Map(); // under which id Annotorious has what was put
    this.puts = 0;
    this.expected = null; // what the program has selected
    this.viewer = OpenSeadragon({
      element: holder,
      tileSources: [info],
      drawer: "canvas",
      showNavigationControl: false,
      animationTime: matchMedia("(prefers-reduced-motion: reduce)").matches ? 0 : 0.5,
      maxZoomPixelRatio: 8,
      gestureSettingsMouse: { clickToZoom: false, dblClickToZoom: false },
      gestureSettingsTouch: { dblTapToZoom: false },
    });
    this.viewer.innerTracker.keyHandler = null; // keys are ours: a, r, f, d would pan, turn and mirror
    this.viewer.innerTracker.keyDownHandler = null;
    this.opened = new Promise((opened, failed) => {
      this.viewer.addOnceHandler("open", opened);
      this.viewer.addOnceHandler("open-failed", ({ message }) => failed(new Error(message)));
    });
    this.annotator = createOSDAnnotator(this.viewer, {
      drawingEnabled: false,
      ...(matchMedia("(pointer: fine)").matches && { drawingMode: "click" }),
      style: (one) => this.style(one),
    });
    mountPlugin(this.annotator);
    holder.addEventListener("keydown", (event) => {
      if ((event.ctrlKey || event.metaKey) && "zy".includes(event.key.toLowerCase())) event.stopImmediatePropagation();
    }, true); // Annotorious would undo what is stored
    this.watched = new MutationObserver(() => quiet(holder));
    this.watched.observe(holder, { childList: true, subtree: true });
    this.listen();
  }

  listen() {
    this.annotator.on("createAnnotation", (made) => {
      if (this.silent || !this.tool) return;
      setTimeout(() => this.taken(made)); // Annotorious selects it when this event is over
    });
    this.annotator.on("selectionChanged", () => {
      const picked = this.selected(); // the event comes late, and after others
      if (this.silent || this.tool || picked === this.expected) return;
      this.expected = picked;
      this.heard.picked(picked);
    });
    this.annotator.state.store.observe(({ changes }) => {
      if (this.silent) return;
      const change = changes.updated.find(({ newValue }) => keyOf(newValue) === this.selected());
      if (change) this.heard.edited(change.newValue.target.selector);
    });
  }

  taken({ id, target }) {
    const tool = this.tool;
    this.stop();
    this.quietly(() => this.annotator.removeAnnotation(id));
    this.heard.drawn(tool, shapes.tidy(target.selector));
  }

  style(one) {
    const colour = COLOURS[this.kinds.get(keyOf(one))] ?? COLOURS.people;
    return { fill: colour, fillOpacity: 0.08, stroke: colour, strokeOpacity: 1, strokeWidth: this.kinds.size > CROWD ? 1 : 2 };
  }

  quietly(work) {
    const before = this.silent;
    this.silent = true;
    try {
      return work();
    } finally {
      this.silent = before;
    }
  }

  /** The key of what is selected, or null. */
  selected() {
    const selected = this.annotator.state.selection.selected[0];
    return selected ? keyOf(selected) : null;
  }

  /** Show those: `id`, `layer` and `shape` of each. */
  show(items) {
    this.kinds = new Map(items.map(({ id, layer }) => [id, layer]));
    this.ids = new Map();
    this.quietly(() => this.annotator.setAnnotations(items.map(({ id, shape }) => core(id, shape)), true));
  }

  /** Put a shape in the place of what stands under that key, selected for editing; without one it goes. */
  put(key, shape, layer = "people") {
    this.expected = shape ? key : null;
    const old = this.ids.get(key) ?? key;
    this.quietly(() => {
      this.annotator.setSelected();
      if (this.annotator.getAnnotationById(old)) this.annotator.removeAnnotation(old);
      if (!shape) return;
      this.puts += 1;
      const id = `${key} ${this.puts}`; // another one each time: under the same the editor of the shape before would stay
      this.ids.set(key, id);
      this.kinds.set(key, layer);
      this.annotator.addAnnotation(core(id, shape));
      this.annotator.setSelected(id, true);
    });
  }

  select(id) {
    this.expected = id;
    this.quietly(() => this.annotator.setSelected(id ? (this.ids.get(id) ?? id) : undefined, true));
  }

  /** With `held` a click elsewhere does not take the selection away. */
  hold(held) {
    this.annotator.setModalSelect(held && !this.tool); // which would select while one draws
  }

  filter(test) {
    this.quietly(() => this.annotator.setFilter((one) => test(keyOf(one))));
  }

  /** Begin to draw with that tool. */
  draw(tool) {
    this.tool = tool;
    this.hold(false);
    this.quietly(() => {
      this.annotator.setDrawingTool(TOOLS[tool]);
      this.annotator.setDrawingEnabled(true);
    });
  }

  stop() {
    if (!this.tool) return;
    this.tool = "";
    this.quietly(() => {
      this.annotator.cancelDrawing();
      this.annotator.setDrawingEnabled(false);
    });
  }

  /** Bring a shape into view. */
  look(shape) {
    const { x, y, w, h } = shapes.boxOf(shape);
    const margin = MARGIN * Math.max(w, h, 40);
    const box = this.viewer.viewport.imageToViewportRectangle(x - margin, y - margin, w + 2 * margin, h + 2 * margin);
    this.viewer.viewport.fitBounds(box);
  }

  whole() {
    this.viewer.viewport.goHome();
  }

  zoom(by) {
    this.viewer.viewport.zoomBy(by);
    this.viewer.viewport.applyConstraints();
  }

  pan(dx, dy) {
    const bounds = this.viewer.viewport.getBounds();
    this.viewer.viewport.panBy(new OpenSeadragon.Point(dx * bounds.width, dy * bounds.height));
    this.viewer.viewport.applyConstraints();
  }

  /** The middle of what is seen, as x, y, width and height in canvas units. */
  middle(share) {
    const { x, y, width, height } = this.viewer.viewport.viewportToImageRectangle(this.viewer.viewport.getBounds());
    const size = this.viewer.world.getItemAt(0).getContentSize();
    const [left, top] = [Math.max(0, x), Math.max(0, y)];
    const [right, bottom] = [Math.min(size.x, x + width), Math.min(size.y, y + height)];
    const [w, h] = [(right - left) * share, (bottom - top) * share];
    return [left + (right - left - w) / 2, top + (bottom - top - h) / 2, w, h].map(Math.round);
  }

  visible(shown) {
    this.annotator.setVisible(shown);
  }

  destroy() {
    this.watched.disconnect();
    this.annotator.destroy();
    this.viewer.destroy();
  }
}

// Handles are buttons without a name, on which no key does anything: the list of corners is there instead.
function quiet(holder) {
  for (const part of holder.querySelectorAll("svg [role=button], svg[tabindex='0'], svg [tabindex='0']")) {
    part.removeAttribute("role");
    part.setAttribute("tabindex", "-1");
    part.setAttribute("aria-hidden", "true");
  }
}

const keyOf = ({ id }) => id.split(" ")[0];
const core = (id, selector) => ({ id, bodies: [], target: { annotation: id, selector } });
