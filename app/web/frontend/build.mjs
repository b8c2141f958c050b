// Bundles the pages' styles and scripts and the viewer into ../assets: hashed names, listed in manifest.json, and each
// text file compressed beside itself, so that the server only picks one.
import { readFile, readdir, rm, writeFile } from "node:fs/promises";
import { basename, join } from "node:path";
import { promisify } from "node:util";
import { brotliCompress, constants, gzip } from "node:zlib";
import { build } from "esbuild";
import { annotorious } from "./annotorious.mjs";
import { fonts } from "./fonts.mjs";
import { mirador } from "./mirador.mjs";
import { world } from "./world.mjs";

const here = import.meta.dirname;
const assets = join(here, "..", "assets");
const entries = [
  "pages.css", "pages.js", "workplace.css", "workplace.js", "draw.css", "draw.js", "embed/embed.css", "embed/embed.js", "embed/component.js",
  "review/review.css", "review/review.js", "segment.css", "segment.js",
  "search.css", "search.js",
];

async function compress(name) {
  const path = join(assets, name);
  const body = await readFile(path);
  const quality = { params: { [constants.BROTLI_PARAM_QUALITY]: body.length > 500_000 ? 10 : 11 } };
  await writeFile(`${path}.br`, await promisify(brotliCompress)(body, quality));
  await writeFile(`${path}.gz`, await promisify(gzip)(body, { level: 9 }));
}

await rm(assets, { recursive: true, force: true });
const { metafile } = await build({
  absWorkingDir: here,
  entryPoints: entries.map((name) => join(here, "src", name)),
  outdir: assets,
  entryNames: "[name]-[hash]",
  assetNames: "[name]-[hash]",
  bundle: true,
  format: "esm",
  splitting: true,
  chunkNames: "[name]-[hash]",
  jsx: "automatic",
  minify: true,
  metafile: true,
  target: "es2022",
  legalComments: "linked",
  define: { "process.env.NODE_ENV": '"production"', global: "globalThis" },
  loader: { ".woff2": "file", ".svg": "file", ".js": "jsx" },
  plugins: [fonts, annotorious, mirador(here)],
  logLevel: "warning",
});

const manifest = { "world.svg": await world(assets) };
for (const [path, { entryPoint }] of Object.entries(metafile.outputs)) {
  if (entries.some((name) => entryPoint?.endsWith(`src/${name}`))) manifest[basename(entryPoint)] = basename(path);
}
for (const name of await readdir(assets)) {
  if (/\.(css|js|txt|svg)$/.test(name)) await compress(name);
}
await writeFile(join(assets, "manifest.json"), `${JSON.stringify(manifest, null, 2)}\n`);
