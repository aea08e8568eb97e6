// node pack-fashion-mnist.mjs FROM TO: makes the four IDX files of FROM/0.json to 9.json (a list of rows of 784 bytes for each class), gzipped, whole or not at all.
// The package keeps two runs of each class, 1,000 and 6,000 rows with an empty row behind each (of class 0, where rows without a label went): they are taken
// for the test and the training split. The order across classes is lost in it, so both are put into one fixed random order.
import { mkdir, readFile, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { gzip } from 'node:zlib';

const [from, to] = process.argv.slice(2), PIXELS = 784, TEST = 1000, ALL = 7000, CLOSE = 0x5d;
const splits = { t10k: [], train: [] };
for (let label = 0; label < 10; label++) {
  const pixels = bytesOf(await readFile(join(from, `${label}.json`)), `${label}.json`);
  if (pixels.length !== ALL * PIXELS) throw new Error(`${label}.json does not hold ${ALL} images of ${PIXELS} pixels`);
  for (let i = 0; i < ALL; i++) (i < TEST ? splits.t10k : splits.train).push([label, pixels.subarray(i * PIXELS, (i + 1) * PIXELS)]);
}

// A linear congruential generator (Knuth's MMIX), of which the upper half is used.
let state = 1n;
const below = bound => {
  state = (state * 6364136223846793005n + 1442695040888963407n) & 0xffffffffffffffffn;
  return Number(((state >> 32n) * BigInt(bound)) >> 32n);
};
const header = (...sizes) => {
  const bytes = Buffer.alloc(4 + 4 * sizes.length);
  bytes.set([0, 0, 8, sizes.length]);
  sizes.forEach((size, i) => bytes.writeUInt32BE(size, 4 + 4 * i));
  return bytes;
};
const files = {};
for (const [name, examples] of Object.entries(splits)) {
  for (let i = examples.length - 1; i > 0; i--) {
    const j = below(i + 1);
    [examples[i], examples[j]] = [examples[j], examples[i]];
  }
  files[`${name}-images-idx3-ubyte`] = Buffer.concat([header(examples.length, 28, 28), ...examples.map(([, pixels]) => pixels)]);
  files[`${name}-labels-idx1-ubyte`] = Buffer.concat([header(examples.length), Uint8Array.from(examples.map(([label]) => label))]);
}
await mkdir(to, { recursive: true });
await Promise.all(Object.entries(files).map(([name, bytes]) => pack(name, bytes)));

// All numbers of {"data":[[0,255,…],[],…]}, a byte each. JSON.parse alone takes as long for the 55 million as all of this, while somebody waits for the first page.
function bytesOf(json, name) {
  const start = json.indexOf('[', json.indexOf('"data"')), bytes = new Uint8Array(ALL * PIXELS);
  let count = 0, value = -1;
  for (let i = start; i < json.length; i++) {
    const digit = json[i] - 0x30;
    if (digit >= 0 && digit <= 9) value = value < 0 ? digit : 10 * value + digit;
    else {
      if (value >= 0) bytes[count++] = value;
      if (value > 255 || count > bytes.length || (json[i] === CLOSE && count % PIXELS !== 0)) throw new Error(`${name} does not hold ${ALL} images of ${PIXELS} pixels`);
      value = -1;
    }
  }
  return bytes.subarray(0, count);
}

async function pack(name, bytes) {
  const target = join(to, name + '.gz');
  await writeFile(target + '.new', await promisify(gzip)(bytes, { level: 6 }));
  await rename(target + '.new', target);
}
