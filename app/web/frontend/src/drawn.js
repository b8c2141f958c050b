// What Mirador draws is what the page lists: with layers off, of what it fetched only that; and what the page lists beyond it (a
// statement of this minute, or one that was rejected and is looked at) from the page itself.
import { receiveAnnotation } from "mirador/state/actions/index";

const fetched = new Map(); // address of a page of annotations -> what was fetched
const SEGMENTS = /\/annotations\/segments(\/[^/]*)?\.json$/; // of the address of a page of annotations
const OWN = "urn:lectotype:listed-on-the-page";
let store = null;

/** Draw what the page lists in the viewer with that store, now and whenever the page has changed. */
export function attend(viewers) {
  store = viewers;
  document.addEventListener("swapped", redraw);
  redraw();
}

/** Keep what came, and leave in it what is listed. */
export function admit(address, page) {
  if (!Array.isArray(page?.items) || fetched.get(address)?.admitted === page) return;
  fetched.set(address, { items: page.items });
  page.items = listed(page.items, address);
  if (store) setTimeout(redraw); // what this page brought need not come from the specimen's page any more
}

function redraw() {
  const { annotations } = store.getState();
  for (const [canvas, pages] of Object.entries(annotations)) {
    for (const [address, { json }] of Object.entries(pages)) {
      const known = fetched.get(address);
      if (!known || !json || address === OWN) continue;
      const items = listed(known.items, address);
      if (items.length === json.items.length && items.every((one, place) => one === json.items[place])) continue;
      const page = { ...json, items };
      fetched.set(address, { items: known.items, admitted: page });
      store.dispatch(receiveAnnotation(canvas, address, page));
    }
  }
  const beyond = new Map();
  for (const item of ofPage()) beyond.set(item.target.source, [...(beyond.get(item.target.source) ?? []), item]);
  for (const canvas of new Set([...beyond.keys(), ...Object.keys(annotations).filter((one) => annotations[one][OWN])])) {
    const items = beyond.get(canvas) ?? [];
    if (!items.length && !annotations[canvas]?.[OWN]?.json.items.length) continue;
    const page = { "@context": "http://iiif.io/api/presentation/3/context.json", id: OWN, type: "AnnotationPage", items };
    fetched.set(OWN, { items, admitted: page });
    store.dispatch(receiveAnnotation(canvas, OWN, page));
  }
}

function cards() {
  return [...document.querySelectorAll("#findings [data-iri]")];
}

// A page that was not chosen from lists all, or the oldest where there are very many.
// Talk about a statement is read beside it and not drawn over it; and segments, which lie where the statements that found them lie,
// stand as links to their pages.
function listed(items, address) {
  if (SEGMENTS.test(new URL(address).pathname)) return [];
  const talk = new Set([...document.querySelectorAll("[data-said]")].map((comment) => comment.dataset.said));
  for (const comment of document.getElementById("findings")?.dataset.beside?.split(" ") ?? []) talk.add(comment);
  const silent = items.filter(({ id }) => !talk.has(id));
  if (!document.querySelector("#findings[data-chosen]")) return silent;
  const on = new Set(cards().map((card) => card.dataset.iri));
  return silent.filter(({ id }) => on.has(id));
}

function ofPage() {
  const known = new Set([...fetched].flatMap(([address, { items }]) => (address === OWN ? [] : items.map(({ id }) => id))));
  return cards().filter((card) => !known.has(card.dataset.iri) && !card.classList.contains("nothing")).map(item).filter(Boolean);
}

function item(card) {
  const shown = card.querySelector("[data-box]");
  if (!shown?.dataset.box || !shown.dataset.canvas) return null;
  const [x0, y0, x1, y1] = shown.dataset.box.split(",").map(Number);
  const box = { type: "FragmentSelector", value: `xywh=${Math.floor(x0)},${Math.floor(y0)},${Math.max(1, Math.ceil(x1 - x0))},${Math.max(1, Math.ceil(y1 - y0))}` };
  const selector = card.dataset.ends ? [box, line(card.dataset.ends)] : [box];
  const value = card.querySelector(".says")?.innerText.trim() ?? "";
  return {
    id: card.dataset.iri,
    type: "Annotation",
    motivation: "commenting",
    body: [{ type: "TextualBody", value, format: "text/plain" }],
    target: { type: "SpecificResource", source: shown.dataset.canvas, selector },
  };
}

function line(ends) {
  const [x0, y0, x1, y1] = ends.split(",");
  return { type: "SvgSelector", value: `<svg xmlns="http://www.w3.org/2000/svg"><path stroke="#e0393e" fill="none" d="M ${x0} ${y0} L ${x1} ${y1}"/></svg>` };
}
