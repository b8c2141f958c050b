// Brings a piece of a sheet into view. Mirador lays its canvas out in canvas units, so boxes of statements need no conversion.
import { Rect } from "openseadragon";

const MARGIN = 0.15; // of the box's longer side, on each of its sides
const LEAST_SHARE = 0.08; // of the canvas's width: a point or a short line is shown with what is around it
const LOOK_MS = 50;
const LONGEST_MS = 10_000;

/**
 * `box` is `x0,y0,x1,y1` in canvas units, empty for the whole canvas; `sheet()` is OpenSeadragon, `shows()` whether it shows the
 * canvas. `margin` is left around the box, a share of its longer side.
 */
export async function focus(box, sheet, shows, margin = MARGIN) {
  for (let waited = 0; !shows() && waited < LONGEST_MS; waited += LOOK_MS) await new Promise((go) => setTimeout(go, LOOK_MS));
  const osd = sheet();
  if (!osd || !shows()) return;
  const at_once = matchMedia("(prefers-reduced-motion: reduce)").matches;
  osd.viewport.fitBounds(around(box, osd.world.getHomeBounds(), margin), at_once);
}

function around(box, whole, share) {
  if (!box) return whole;
  const [x0, y0, x1, y1] = box.split(",").map(Number);
  const margin = share && Math.max(share * Math.max(x1 - x0, y1 - y0), (LEAST_SHARE * whole.width) / 2);
  const [left, top] = [Math.max(whole.x, x0 - margin), Math.max(whole.y, y0 - margin)];
  const [right, bottom] = [Math.min(whole.x + whole.width, x1 + margin), Math.min(whole.y + whole.height, y1 + margin)];
  return new Rect(left, top, right - left, bottom - top);
}
