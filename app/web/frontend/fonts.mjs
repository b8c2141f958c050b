// Fonts in the smallest pieces that a first view needs. Of each Latin font there are two files: `basic`, which every page
// needs, and the rest of Latin-1, which a browser fetches when a page has a character of it (CSS Fonts 4, unicode-range).
// Of the typographic features those are kept that the pages use.
import { readFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import subsetFont from "subset-font";

const features = ["kern", "lnum", "tnum", "ccmp", "locl"];
const basic = [[0x20, 0x7e], 0xa0, [0xb0, 0xb2], 0xb5, 0xb7, 0xd7, 0xe9, [0x2013, 0x2014], [0x2018, 0x2019], [0x201c, 0x201d], 0x2026, 0x2190, 0x2192, 0x2212];
const latin = [[0xa1, 0xff], 0x131, [0x152, 0x153], [0x2bb, 0x2bc], 0x2c6, 0x2da, 0x2dc, [0x2000, 0x206f], 0x20ac, 0x2122, 0x2191, 0x2193, 0x2215];

const hex = (point) => point.toString(16).toUpperCase();
const range = (points) => points.map((one) => (Array.isArray(one) ? `U+${one.map(hex).join("-")}` : `U+${hex(one)}`)).join(",");

function characters(points) {
  const all = points.flatMap((one) => (Array.isArray(one) ? Array.from({ length: one[1] - one[0] + 1 }, (_, i) => one[0] + i) : [one]));
  return String.fromCodePoint(...all);
}

// The @font-face rules of one of Fontsource's style sheets, the Latin ones in two. Rules that come later go first where
// ranges overlap.
function rules(css) {
  const woff2 = css.replaceAll(/,\s*url\([^)]*\.woff\) format\('woff'\)/g, "");
  return woff2.replaceAll(/@font-face \{[^}]*-latin-\d+-[^}]*\}/g, (rule) =>
    [["latin", latin], ["basic", basic]]
      .map(([name, points]) => rule.replace(".woff2)", `.woff2?${name})`).replace(/unicode-range: [^;]*/, `unicode-range: ${range(points)}`))
      .join("\n"));
}

export const fonts = {
  name: "fonts",
  setup({ onLoad, onResolve }) {
    onLoad({ filter: /@fontsource.*\.css$/ }, async ({ path }) => ({ contents: rules(await readFile(path, "utf8")), loader: "css" }));
    onResolve({ filter: /\.woff2\?(basic|latin)$/ }, ({ path, importer }) => {
      const [file, part] = path.split("?");
      return { path: join(dirname(importer), file), namespace: "font", suffix: `?${part}` };
    });
    onLoad({ filter: /.*/, namespace: "font" }, async ({ path, suffix }) => ({
      contents: await subsetFont(await readFile(path), characters(suffix === "?basic" ? basic : latin), {
        targetFormat: "woff2",
        keepFeatures: features,
        noHinting: true,
      }),
      loader: "file",
    }));
  },
};
