// The link to what is seen now: canvas, region and layers; and the same as a IIIF content state (Content State API 1.0, section 6).
const MARGIN = 0.01; // of the canvas that may be out of sight while all of it counts as seen

/** Keep the fields of the share block in step with the viewer. */
export function follow(holder, { sheet, canvas }) {
  const block = document.getElementById("share");
  const [view, state] = ["share-view", "share-state"].map((id) => document.getElementById(id));
  if (!block || !view || !state) return;
  const first = canvas();
  const tell = () => {
    if (!block.open) return;
    const xywh = seen(sheet());
    const shown = canvas();
    const query = new URLSearchParams(location.search);
    const kept = [...query].filter(([name]) => ["layer", "state"].includes(name)).map((pair) => pair.map(encodeURIComponent).join("="));
    const named = xywh || shown !== first ? [`canvas=${encodeURI(shown)}`] : [];
    const whole = [...named, ...(xywh ? [`xywh=${xywh}`] : []), ...kept].join("&");
    put(view, `${view.dataset.page}${whole && "?"}${whole}`);
    put(state, named.length ? encoded(holder.dataset.manifest, shown, xywh) : holder.dataset.manifest);
  };
  block.addEventListener("toggle", tell);
  document.addEventListener("swapped", tell);
  let osd = null;
  const listen = () => {
    if (sheet() === osd) return;
    osd = sheet();
    osd?.addHandler("animation-finish", tell);
    osd?.addHandler("open", tell);
  };
  listen();
  block.addEventListener("toggle", listen);
}

function put(field, text) {
  field.value = text;
  document.querySelector(`[data-copies="${field.id}"]`).dataset.copy = text;
}

function seen(osd) {
  if (!osd?.world.getItemAt(0)) return "";
  const whole = osd.world.getHomeBounds();
  const { x, y, width, height } = osd.viewport.getBounds(false);
  const [left, top] = [Math.max(0, Math.round(x)), Math.max(0, Math.round(y))];
  const [right, bottom] = [Math.min(whole.width, Math.round(x + width)), Math.min(whole.height, Math.round(y + height))];
  if ((right - left) * (bottom - top) > (1 - MARGIN) * whole.width * whole.height || right <= left || bottom <= top) return "";
  return `${left},${top},${right - left},${bottom - top}`;
}

function encoded(manifest, canvas, xywh) {
  const target = { id: xywh ? `${canvas}#xywh=${xywh}` : canvas, type: "Canvas", partOf: [{ id: manifest, type: "Manifest" }] };
  const state = { "@context": "http://iiif.io/api/presentation/3/context.json", type: "Annotation", motivation: ["contentState"], target };
  return btoa(encodeURIComponent(JSON.stringify(state))).replaceAll("+", "-").replaceAll("/", "_").replace(/=+$/, "");
}
