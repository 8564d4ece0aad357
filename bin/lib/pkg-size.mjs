// Fails if the script and WebAssembly that each page with an island loads are larger than the limit. Files that a split build
// makes for a lazy island are printed, but not counted: only the page with that island loads them.
// usage: node pkg-size.mjs FOLDER LIMIT   (bytes after brotli at its highest quality)
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { brotliCompressSync, constants } from "node:zlib";

const [folder, limit] = [process.argv[2], Number(process.argv[3])];
const files = readdirSync(folder).filter((name) => /\.(js|wasm)$/.test(name));
if (!files.some((name) => name.endsWith(".wasm"))) {
  console.error(`no WebAssembly in ${folder}`);
  process.exit(1);
}
let sum = 0;
for (const name of files) {
  const raw = readFileSync(join(folder, name));
  const size = brotliCompressSync(raw, {
    params: { [constants.BROTLI_PARAM_QUALITY]: 11, [constants.BROTLI_PARAM_SIZE_HINT]: raw.length },
  }).length;
  const lazy = name.startsWith("split_");
  console.log(`${name}: ${raw.length} bytes, ${size} after brotli${lazy ? ", lazy" : ""}`);
  if (!lazy) sum += size;
}
console.log(`script and WebAssembly: ${sum} bytes after brotli, at most ${limit}`);
if (sum > limit) {
  console.error("too large");
  process.exit(1);
}
