// Mirador from its sources, without what a page of one specimen in English never shows: workspaces of several windows and
// what moves them about, sound and film, other languages. Panels that are seldom opened are fetched when they are, all others
// at once: Mirador itself fetches four files one after the other before it draws anything.
import { readFile } from "node:fs/promises";
import { basename, join } from "node:path";

const panels = ["GalleryView", "LayersPanel", "WindowSideBarCanvasPanel"];
const seldom = new RegExp(`/containers/(${panels.join("|")})$`);
const never = new RegExp(
  "/containers/(AudioViewer|CollectionDialog|SelectCollection|TextViewer|VideoViewer|WindowSideBarCollectionPanel|" +
    "WorkspaceAdd|WorkspaceControlPanel|WorkspaceElastic|WorkspaceMosaic)$",
);
const movers = /^(react-mosaic-component2|react-dnd|react-dnd-multi-backend|rdndmb-html5-to-touch|react-dnd-html5-backend)$/;

const nothing = {
  movers: `
    import { createContext } from "react";
    const within = ({ children }) => children;
    export const MosaicWindowContext = createContext({}), DndContext = createContext({}), DndProvider = within;
    export const MultiBackend = null, HTML5toTouch = null, NativeTypes = {}, useDrop = () => [{}, null];`,
  never: "export default () => null;",
};

const lazily = /const (\w+) = lazy\(\(\) => import\(('[^']+')\)\);/g;

const later = (name) => `
  import { createElement, lazy, Suspense } from "react";
  const Panel = lazy(async () => ({ default: (await import("panels")).${name} }));
  export default (props) => createElement(Suspense, { fallback: null }, createElement(Panel, props));`;

const named = (name) => `export { default as ${name} } from "mirador/containers/${name}";`;

export function mirador(root) {
  const source = join(root, "node_modules", "mirador", "src");
  const replaced = (path, namespace) => ({ path, namespace, sideEffects: false });
  return {
    name: "mirador",
    setup({ onLoad, onResolve }) {
      onResolve({ filter: movers }, ({ path }) => replaced(path, "movers"));
      onResolve({ filter: never }, ({ path }) => replaced(path, "never"));
      onResolve({ filter: seldom }, ({ path, namespace }) => (namespace === "panels" ? undefined : replaced(basename(path), "later")));
      onResolve({ filter: /^panels$/ }, ({ path }) => ({ path, namespace: "panels" }));
      onResolve({ filter: /^mirador\// }, ({ path }) => ({ path: `${join(source, path.slice("mirador/".length))}.js`, sideEffects: false }));
      for (const [namespace, contents] of Object.entries(nothing)) {
        onLoad({ filter: /.*/, namespace }, () => ({ contents, resolveDir: source }));
      }
      onLoad({ filter: /mirador\/src\/components\/(App|PrimaryWindow|WindowViewer)\.jsx$/ }, async ({ path }) => ({
        contents: (await readFile(path, "utf8")).replaceAll(lazily, "import $1 from $2;"),
        loader: "jsx",
      }));
      onLoad({ filter: /mirador\/src\/components\/WorkspaceArea\.jsx$/ }, async ({ path }) => {
        const source = await readFile(path, "utf8");
        if (!source.includes("styled('main'")) throw new Error("WorkspaceArea.jsx is no <main> any more: look at its roles");
        return { contents: source.replace("styled('main'", "styled('div'"), loader: "jsx" }; // a page has one <main>
      });
      onLoad({ filter: /.*/, namespace: "later" }, ({ path }) => ({ contents: later(path), resolveDir: source }));
      onLoad({ filter: /.*/, namespace: "panels" }, () => ({ contents: panels.map(named).join("\n"), resolveDir: source }));
      onLoad({ filter: /mirador\/src\/locales\/.*\.json$/ }, ({ path }) =>
        path.includes("/locales/en/") ? undefined : { contents: "{}", loader: "json" });
    },
  };
}
