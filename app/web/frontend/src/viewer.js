// Mirador, set up for one specimen: its annotations open beside the sheet and drawn on it, search inside it ready.
import { viewer as makeViewer } from "mirador/init";
import { OSDReferences } from "mirador/plugins/OSDReferences";
import { addOrUpdateCompanionWindow, selectAnnotation, setCanvas, updateViewport } from "mirador/state/actions/index";
import { admit, attend } from "./drawn.js";
import { focus } from "./focus.js";
import { follow } from "./share.js";

// By default Mirador shows commenting and tagging only; here everything that was said is shown.
const MOTIVATIONS = [
  "assessing", "bookmarking", "calibrating", "classifying", "commenting", "describing", "editing", "highlighting",
  "identifying", "linking", "measuring", "moderating", "questioning", "replying", "segmenting", "supplementing",
  "tagging", "transcribing",
];
const WINDOW = "specimen";

const font = '"Alegreya Sans", "Gill Sans", "Segoe UI", sans-serif';
const shades = {
  light: {
    mode: "light",
    primary: { main: "#1f5a3d" },
    secondary: { main: "#1f5a3d" },
    shades: { dark: "#e6e8e0", main: "#fcfcf9", light: "#f1f2ec" },
  },
  dark: {
    mode: "dark",
    primary: { main: "#8ccfa8" },
    secondary: { main: "#8ccfa8" },
    background: { paper: "#1b211e", default: "#121614" },
    shades: { dark: "#0c0f0d", main: "#1b211e", light: "#232b27" },
  },
};
const RED = "#e0393e";
const drawn = {
  annotations: {
    default: { strokeStyle: RED, globalAlpha: 0.85 },
    hovered: { strokeStyle: "#1769c4", globalAlpha: 1 },
    selected: { strokeStyle: "#1769c4", globalAlpha: 1 },
  },
};

function theme(name) {
  return { palette: { ...shades[name], ...drawn }, typography: { fontFamily: font } };
}

// Mirador draws a path that names no colour in black, which a black background swallows.
function colour(_url, { annotationId, annotationJson }) {
  for (const item of annotationJson?.items ?? []) {
    for (const selector of [item.target?.selector ?? []].flat()) {
      if (selector.type === "SvgSelector") selector.value = selector.value.replaceAll("<path ", `<path stroke="${RED}" `);
    }
  }
  if (annotationJson) admit(annotationId, annotationJson);
}

/**
 * Open it in `place`, a layer of `holder`. Of what it returns, `image()` is the image that it shows (OpenSeadragon's), once there is
 * one, and `take(seen)` has it answer to the page; `seen` is where people have moved the sheet to before, in pixels, or null.
 */
export function open(holder, place) {
  const { manifest, canvas, query } = holder.dataset;
  const narrow = isNarrow();
  const dark = matchMedia("(prefers-color-scheme: dark)").matches;
  const viewer = makeViewer({
    id: place.id,
    selectedTheme: dark ? "dark" : "light",
    themes: { light: theme("light"), dark: theme("dark") },
    requests: { postprocessors: [colour] },
    annotations: { htmlSanitizationRuleSet: "iiif", filteredMotivations: MOTIVATIONS },
    window: {
      allowClose: false,
      allowMaximize: false,
      allowFullscreen: true,
      defaultView: "single",
      highlightAllAnnotations: true,
      sideBarOpen: !narrow,
      sideBarPanel: "annotations",
      defaultSidebarPanelWidth: 280,
    },
    windows: [
      {
        id: WINDOW,
        manifestId: manifest,
        ...(canvas && { canvasId: canvas }),
        ...(query && { defaultSearchQuery: query }),
        ...(narrow && { sideBarOpen: false }),
      },
    ],
    workspace: { allowNewWindows: false, showZoomControls: true, type: "single" },
    workspaceControlPanel: { enabled: false },
  });
  new MutationObserver(() => mend(holder)).observe(holder, { childList: true, subtree: true });
  const sheet = () => OSDReferences.get(WINDOW)?.current;
  return {
    image: () => OSDReferences.get(WINDOW)?.current?.world.getItemAt(0),
    take: (seen) => {
      document.addEventListener("click", (event) => show(event, viewer, holder));
      if (seen) viewer.store.dispatch(updateViewport(WINDOW, seen));
      else if (holder.dataset.box) focus(holder.dataset.box, sheet, () => Boolean(sheet()?.world.getItemAt(0)), 0);
      holder.desk = { sheet, canvas: () => viewer.store.getState().windows[WINDOW].canvasId };
      holder.dispatchEvent(new Event("desk"));
      follow(holder, holder.desk);
      attend(viewer.store);
    },
  };
}

// Mirador takes itself for the whole page, and its tabs carry an attribute that their role does not allow; screen readers
// trip over both.
function mend(holder) {
  holder.querySelector(".mirador-viewer:not([role])")?.setAttribute("role", "group"); // no longer a <main>, see mirador.mjs
  holder.querySelector("div.MuiTabs-root[aria-orientation]")?.removeAttribute("aria-orientation");
}

// A finding's own link leads to its annotation; with the viewer here, it shows it on the sheet instead. Beside a narrow sheet
// there is no room for the list.
function show(event, viewer, holder) {
  const link = event.target.closest("[data-show]");
  if (!link || event.ctrlKey || event.metaKey || event.shiftKey) return;
  event.preventDefault();
  const { canvas, box, show: annotation } = link.dataset;
  const { store } = viewer;
  const sheet = () => OSDReferences.get(WINDOW)?.current;
  const before = store.getState().windows[WINDOW].canvasId;
  const old = canvas && before && canvas !== before ? sheet()?.world.getItemAt(0) : null;
  if (canvas) store.dispatch(setCanvas(WINDOW, canvas));
  if (!isNarrow()) store.dispatch(addOrUpdateCompanionWindow(WINDOW, { content: "annotations", position: "left" }));
  store.dispatch(selectAnnotation(WINDOW, annotation));
  holder.scrollIntoView({ block: "nearest" });
  focus(box, sheet, () => {
    const image = sheet()?.world.getItemAt(0);
    return Boolean(image) && image !== old;
  });
}

function isNarrow() {
  return matchMedia("(max-width: 48rem)").matches;
}
