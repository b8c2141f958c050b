// npm's iiif-processor as an HTTP server: node iiif-processor.mjs PORT FOLDER PROCESSES; the identifier is the file's name.
import cluster from "node:cluster";
import { createReadStream } from "node:fs";
import { createServer } from "node:http";
import path from "node:path";
import { Processor } from "iiif-processor";
import sharp from "sharp";

const [port, folder, processes] = process.argv.slice(2);

const streamResolver = async ({ id }) => createReadStream(path.join(folder, path.basename(id)));
const sizes = new Map();

// All levels of the pyramid, read once, as its documentation advises: then it need not open the file to learn them.
async function dimensionFunction({ id }) {
  if (!sizes.has(id)) {
    const file = path.join(folder, path.basename(id));
    const { width, height, pages = 1 } = await sharp(file, { limitInputPixels: false }).metadata();
    const levels = Array.from({ length: pages }, (_, page) => ({ width: width >> page, height: height >> page }));
    sizes.set(id, levels);
  }
  return sizes.get(id);
}

async function answer(request, response) {
  try {
    const processor = new Processor(`http://${request.headers.host}${request.url}`, streamResolver, { dimensionFunction });
    const result = await processor.execute();
    if (result.type !== "content") {
      response.writeHead(result.statusCode ?? 303, result.location ? { Location: result.location } : {}).end(result.message);
      return;
    }
    response.writeHead(200, {
      "Content-Type": result.contentType,
      "Access-Control-Allow-Origin": "*",
      Link: [`<${result.canonicalLink}>;rel="canonical"`, `<${result.profileLink}>;rel="profile"`],
    });
    response.end(result.body);
  } catch (error) {
    response.writeHead(error.statusCode ?? 500).end(error.message);
  }
}

if (cluster.isPrimary) {
  for (let number = 0; number < Number(processes); number += 1) cluster.fork();
  process.on("SIGTERM", () => process.exit(0));
} else {
  createServer(answer).listen(Number(port), "127.0.0.1");
}
