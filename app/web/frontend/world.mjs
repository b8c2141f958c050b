// The outline of the land for maps: Natural Earth at 1:50 million (public domain, by way of world-atlas), as one SVG of a hundred
// kilobytes. A degree is a unit, and north is up; corners are rounded to a tenth of a degree, and what is smaller is left out.
import { createHash } from "node:crypto";
import { readFile, writeFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { join } from "node:path";
import { feature } from "topojson-client";

const TENTHS = 10;

// The corners without jumps over 180°, so that a ring may reach beyond it; one around the south pole is closed below it.
function unrolled(ring) {
  let shift = 0;
  const corners = ring.map(([longitude, latitude], index) => {
    const step = index ? longitude - ring[index - 1][0] : 0;
    if (Math.abs(step) > 180) shift -= Math.sign(step) * 360;
    return [longitude + shift, latitude];
  });
  return shift ? [...corners, [corners.at(-1)[0], -90], [corners[0][0], -90], corners[0]] : corners;
}

function outline(ring) {
  const corners = unrolled(ring).map(([longitude, latitude]) => [Math.round(longitude * TENTHS), Math.round(-latitude * TENTHS)]);
  const kept = corners.filter(([x, y], index) => index === 0 || x !== corners[index - 1][0] || y !== corners[index - 1][1]);
  if (kept.length < 5) return "";
  const across = kept.map(([x]) => x);
  const copies = [0, ...(Math.max(...across) > 180 * TENTHS ? [-360] : []), ...(Math.min(...across) < -180 * TENTHS ? [360] : [])];
  return copies.map((shift) => path(kept.map(([x, y]) => [x + shift * TENTHS, y]))).join("");
}

function path(corners) {
  let [before, drawn] = [corners[0], `M${corners[0].join(" ")}l`];
  for (const corner of corners.slice(1, -1)) {
    drawn += `${corner[0] - before[0]} ${corner[1] - before[1]} `;
    before = corner;
  }
  return `${drawn.trimEnd()}z`;
}

// Writes the asset; its hashed name.
export async function world(assets) {
  const land = JSON.parse(await readFile(createRequire(import.meta.url).resolve("world-atlas/land-50m.json"), "utf8"));
  const shapes = feature(land, land.objects.land).features.map(({ geometry }) => geometry);
  const rings = shapes.flatMap(({ type, coordinates }) => (type === "Polygon" ? coordinates : coordinates.flat()));
  const style = "path{fill:#c9cfc3;stroke:#7d887f;stroke-width:.6}@media(prefers-color-scheme:dark){path{fill:#2b342f;stroke:#7f8b83}}";
  const svg = `<svg xmlns="http://www.w3.org/2000/svg" viewBox="-1800 -900 3600 1800" width="3600" height="1800"><style>${style}</style>`
    + `<path vector-effect="non-scaling-stroke" d="${rings.map(outline).join("")}"/></svg>`;
  const name = `world-${createHash("sha256").update(svg).digest("hex").slice(0, 8).toUpperCase()}.svg`;
  await writeFile(join(assets, name), svg);
  return name;
}
