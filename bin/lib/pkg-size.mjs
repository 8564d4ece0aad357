// Fails if the script and WebAssembly of a release build are larger than the limit.
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
  console.log(`${name}: ${raw.length} bytes, ${size} after brotli`);
  sum += size;
}
console.log(`script and WebAssembly: ${sum} bytes after brotli, at most ${limit}`);
if (sum > limit) {
  console.error("too large");
  process.exit(1);
}
