// Annotorious draws by PixiJS, which it brings inside its own file and which compiles functions from text: under a policy without
// 'unsafe-eval' nothing is drawn (annotorious#514). Pixi has a part that does without, @pixi/unsafe-eval, and would patch another
// copy. So the class that it patches is taken out of Annotorious's file. Where that file has changed, the build fails.
import { readFile } from "node:fs/promises";

const anchor = /(\w+)\.extension = \{\s*type: (\w+)\.RendererSystem,\s*name: "shader"\s*\};/g;
const marks = ["systemCheck()", "syncUniforms("]; // what the class has that is patched

export const annotorious = {
  name: "annotorious",
  setup({ onLoad, onResolve }) {
    onLoad({ filter: /@annotorious\/openseadragon\/dist\/annotorious-openseadragon\.es\.js$/ }, async ({ path }) => {
      const source = await readFile(path, "utf8");
      const found = [...source.matchAll(anchor)];
      const lacking = marks.filter((mark) => !source.includes(mark));
      if (found.length !== 1 || lacking.length) {
        throw new Error(`annotorious.mjs: the shader system of PixiJS was found ${found.length} times, without ${lacking.join(", ") || "no mark"}.`);
      }
      return { contents: `${source}\nexport { ${found[0][1]} as ShaderSystem };\n`, loader: "js" };
    });
    onResolve({ filter: /^@pixi\/core$/ }, ({ importer }) =>
      importer.includes("@pixi/unsafe-eval") ? { path: "pixi-of-annotorious", namespace: "pixi" } : undefined);
    onLoad({ filter: /.*/, namespace: "pixi" }, () => ({
      contents: `
        export { ShaderSystem } from "@annotorious/openseadragon";
        export const utils = { deprecation() {} };`,
      resolveDir: import.meta.dirname,
    }));
  },
};
