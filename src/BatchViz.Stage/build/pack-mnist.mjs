// node pack-mnist.mjs FROM TO NAME...: gzips each FROM/NAME to TO/NAME.gz, whole or not at all.
import { mkdir, readFile, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { gzip } from 'node:zlib';

const [from, to, ...names] = process.argv.slice(2);
await mkdir(to, { recursive: true });
await Promise.all(names.map(async name => {
  const packed = await promisify(gzip)(await readFile(join(from, name)), { level: 6 });
  const target = join(to, name + '.gz');
  await writeFile(target + '.new', packed);
  await rename(target + '.new', target);
}));
