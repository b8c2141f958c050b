// The page on which people draw: the editor over the form, which works alone where there is no WebGL.
import { canDraw } from "./draw/canvas.js";
import { Editor } from "./draw/editor.js";
import { listen } from "./draw/keys.js";
import { SegmentStore } from "./draw/segments.js";
import { Refused } from "./draw/store.js";

export { Editor, listen };

const root = document.querySelector("[data-draw]");
if (root && !root.hasAttribute("data-elsewhere")) start();

async function start() {
  const missing = root.querySelector("[data-part=missing]");
  if (!canDraw()) return missing.removeAttribute("hidden");
  const editor = new Editor(root, "segments" in root.dataset ? ofSegments() : ofStatements());
  try {
    await editor.open();
  } catch (error) {
    if (!(error instanceof Refused)) throw error;
    root.classList.remove("drawing");
    missing.textContent = `${error.message} The numbers below can be kept without it.`;
    return missing.removeAttribute("hidden");
  }
  root.querySelector("form").addEventListener("submit", (event) => {
    event.preventDefault();
    editor.keep();
  });
  root.addEventListener("click", (event) => clicked(event, editor));
  for (const box of root.querySelectorAll("[data-layer]")) box.addEventListener("change", () => filter(editor));
  addEventListener("beforeunload", (event) => editor.dirty && event.preventDefault());
  listen(editor, root);
}

function ofStatements() {
  const { next, pages } = root.dataset;
  return { kept: (key) => (next ? location.assign(next) : stay(key, pages)) };
}

function ofSegments() {
  const { api, image, canvas, me, pagesOf } = root.dataset;
  return { store: new SegmentStore(api, image, canvas, me), kept: (key) => location.assign(`${pagesOf}${key}`) };
}

// Another address for what was kept, so that a reload shows it again.
function stay(key, page) {
  history.replaceState(null, "", `${page}?annotation=${key}`);
}

function filter(editor) {
  const shown = new Set([...root.querySelectorAll("[data-layer]:checked")].map((box) => box.dataset.layer));
  editor.sheet.filter((key) => shown.has(editor.items.get(key)?.layer ?? "people"));
}

function clicked(event, editor) {
  const button = event.target.closest("button");
  if (!button) return;
  const { tool, pick, turn, do: what } = button.dataset;
  if (tool) editor.take(tool, event.detail > 0); // 0: by a key
  if (pick) editor.picked(pick);
  if (turn) editor.attempt(() => editor.turn(Number(turn)));
  const doing = {
    back: () => editor.attempt(() => editor.putBack()),
    remove: () => editor.remove(),
    undo: () => editor.back(),
    anew: () => editor.picked("new"),
    fit: () => (editor.now.shape ? editor.sheet.look(editor.now.shape) : editor.sheet.whole()),
    in: () => editor.sheet.zoom(1.4),
    out: () => editor.sheet.zoom(1 / 1.4),
  };
  doing[what]?.();
}
