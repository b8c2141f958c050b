// What moves on the pages: regions marked data-live are fetched again while work is under way, and when something changes that
// data-events names. Server-sent events tell of it; where those do not come through, the page asks every few seconds. Without this
// script every page still works.

const SOONEST_MS = 1500;
const POLL_MS = 5000;
const IDLE_MS = 20000;

let events = null;
let deaf = false; // the server lets no more clients listen: then this one asks now and then
let timer = 0;
let last = 0;

// What the page wants to hear of, as the query of /api/events; while work is under way how far that is.
function wanted() {
  const named = document.querySelector("[data-events]")?.dataset.events;
  return named ?? (busy() ? "type=progress" : "");
}

function busy() {
  return document.querySelector("[data-running]:not([data-running='0'])") !== null;
}

// Pictures further down the page are asked for when they come near; the browser's own loading="lazy" asks for all of them at once
// where the network is slow. Without this script they stand in <noscript>.
const near = new IntersectionObserver((seen) => {
  for (const { isIntersecting, target } of seen) {
    if (!isIntersecting) continue;
    near.unobserve(target);
    target.src = target.dataset.later;
  }
}, { rootMargin: "400px" });

function watch(part) {
  for (const picture of part.querySelectorAll("img[data-later]")) near.observe(picture);
}

function swap(old, fresh) {
  const focused = old.contains(document.activeElement) ? document.activeElement : null;
  for (const { id, open } of old.querySelectorAll("details[id]")) {
    fresh.querySelector(`#${CSS.escape(id)}`)?.toggleAttribute("open", open);
  }
  for (const plain of fresh.querySelectorAll("noscript")) plain.remove();
  old.replaceWith(fresh);
  watch(fresh);
  if (!focused) return;
  const same = focused.id ? `#${CSS.escape(focused.id)}` : focused.getAttribute("href") && `[href="${CSS.escape(focused.getAttribute("href"))}"]`;
  if (same) fresh.querySelector(same)?.focus({ preventScroll: true });
}

// What the server wrote, whichever pictures have been asked for since.
function told(part) {
  const copy = part.cloneNode(true);
  for (const plain of copy.querySelectorAll("noscript")) plain.remove();
  for (const picture of copy.querySelectorAll("img[data-later]")) picture.removeAttribute("src");
  for (const fold of [copy, ...copy.querySelectorAll("details[id]")]) fold.removeAttribute("open");
  return copy.outerHTML;
}

// Nobody's unsent words are swapped away; a form that was sent is empty again.
function isBeingWritten(part) {
  const fields = [...part.querySelectorAll("textarea, input:not([type='hidden'], [type='checkbox'])")];
  return fields.some((field) => field.value !== field.defaultValue || field === document.activeElement);
}

function take(page) {
  for (const { id } of page.querySelectorAll("[data-live][id]")) {
    if (!document.getElementById(id)) return location.reload(); // the first specimen is in: the page has parts it had not
  }
  for (const old of document.querySelectorAll("[data-live][id]")) {
    const fresh = page.getElementById(old.id);
    if (fresh && !isBeingWritten(old) && told(fresh) !== told(old)) swap(old, document.adoptNode(fresh));
  }
  document.dispatchEvent(new Event("swapped"));
}

document.addEventListener("fresh", ({ detail }) => take(detail));

async function refresh() {
  last = Date.now();
  try {
    const response = await fetch(location.href, { headers: { Accept: "text/html" } });
    if (!response.ok) return;
    const page = new DOMParser().parseFromString(await response.text(), "text/html");
    take(page);
  } catch {
    // The server is away; the next turn asks again.
  } finally {
    plan();
  }
}

function plan(soon = false) {
  clearTimeout(timer);
  if (document.hidden) return close();
  listen();
  const wait = soon ? Math.max(0, SOONEST_MS - (Date.now() - last)) : busy() ? POLL_MS : IDLE_MS;
  timer = setTimeout(refresh, wait);
}

function listen() {
  const query = wanted();
  if (!query) return close();
  if (events || deaf) return;
  events = new EventSource(new URL(`../api/events?${query}`, import.meta.url));
  for (const name of ["progress", "change", "reset"]) events.addEventListener(name, () => plan(true));
  events.addEventListener("error", () => {
    deaf = events?.readyState === EventSource.CLOSED;
    if (deaf) close();
  });
}

function close() {
  events?.close();
  events = null;
}

if (document.querySelector("[data-live]")) {
  document.addEventListener("visibilitychange", () => plan(true));
  addEventListener("pagehide", close);
  plan();
}

// Layers are switched without leaving the page; the address says which are on.
document.addEventListener("change", async ({ target }) => {
  const form = target.closest("form[data-layers]");
  if (!form) return;
  const boxes = [...form.querySelectorAll("input[type='checkbox']")];
  const usual = boxes.every((box) => box.checked === !["rejected", "superseded"].includes(box.value));
  const query = new URLSearchParams(location.search);
  for (const name of ["findings", "finding"]) query.delete(name); // what is shown has other pages now
  for (const name of ["layer", "state"]) {
    query.delete(name);
    const of_name = boxes.filter((box) => box.name === name);
    if (usual || of_name.every((box) => box.checked === !["rejected", "superseded"].includes(box.value))) continue;
    const on = of_name.filter((box) => box.checked).map((box) => box.value);
    for (const value of on.length ? on : ["none"]) query.append(name, value);
  }
  history.replaceState(null, "", `${location.pathname}${query.size ? `?${query}` : ""}`);
  await refresh();
});

if (matchMedia("(max-width: 60rem)").matches) document.getElementById("fold")?.removeAttribute("open");

document.addEventListener("keydown", (event) => {
  if (event.key !== "/" || event.target.closest("input, textarea, select, [contenteditable], #viewer")) return;
  const box = document.getElementById("q");
  if (!box) return;
  event.preventDefault();
  box.focus();
});

// The code of an invitation stands behind the #, which browsers send to nobody; it leaves the address bar at once.
const coded = document.querySelector("[data-from-fragment]");
if (coded && location.hash.length > 1) {
  coded.value = location.hash.slice(1);
  history.replaceState(null, "", location.pathname);
  document.getElementById("name")?.focus();
}

document.addEventListener("click", async (event) => {
  const button = event.target.closest("[data-copy]");
  if (!button) return;
  await navigator.clipboard.writeText(button.dataset.copy);
  button.textContent = "Copied";
});

// What the first view does not show is fetched when all that it shows is there.
async function more() {
  watch(document);
  const sheet = document.querySelector("#viewer[data-image]");
  if (!sheet) return;
  const info = fetch(`${sheet.dataset.image}/info.json`);
  (await import("./sheet.js")).open(sheet, info);
}

if (document.readyState === "complete") more();
else addEventListener("load", more, { once: true });
