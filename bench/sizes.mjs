// node bench/sizes.mjs
// What a viewer's and an owner's page load besides data: scripts, style sheets, fonts and the page itself, as they are and compressed as the server of a
// published program sends them (gzip, level 9). Style sheets count with what they import. Build first (dotnet build src/BatchViz). Prints one line of JSON last.
import { gzipSync } from 'node:zlib';
import { serve } from './chromium.mjs';

const smallExperiment = {
  name: 'Small', data: { kind: 'moons', trainExamples: 100 }, model: { hidden: [4] }, learningRate: 0.1, batchSizes: [8, 32], budget: { epochs: 1 },
};
const host = await serve(smallExperiment);

/** The page behind a link, opened without following where a cookie is set. */
async function open(link) {
  const answer = await fetch(link, { redirect: 'manual' });
  const cookie = answer.headers.getSetCookie()[0]?.split(';')[0] ?? '';
  const page = await fetch(new URL('/', link), { headers: { cookie } });
  return { cookie, text: await page.text() };
}

const matches = (text, pattern) => [...text.matchAll(pattern)].map(match => match[1]);

/** All that a page names, and what its style sheets import, with the bytes of each. */
async function load(link) {
  const { cookie, text } = await open(link);
  const files = new Map([['/', { kind: 'page', bytes: Buffer.from(text) }]]);
  async function take(address, base, kind) {
    const url = new URL(address, base);
    if (files.has(url.pathname)) return;
    const answer = await fetch(url, { headers: { cookie } });
    if (!answer.ok) throw new Error(`${url.pathname}: ${answer.status}`);
    const bytes = Buffer.from(await answer.arrayBuffer());
    files.set(url.pathname, { kind, bytes });
    if (kind === 'styles') for (const imported of matches(bytes.toString(), /@import\s+(?:url\()?['"]([^'"]+)['"]/g)) await take(imported, url, 'styles');
  }
  const base = new URL('/', link);
  for (const address of matches(text, /<script[^>]*\ssrc="([^"]+)"/g)) await take(address, base, 'scripts');
  for (const address of matches(text, /<link[^>]*\srel="stylesheet"[^>]*\shref="([^"]+)"/g)) await take(address, base, 'styles');
  for (const address of matches(text, /<link[^>]*\srel="preload"[^>]*\shref="([^"]+)"/g)) await take(address, base, 'fonts');
  return files;
}

/** A font is compressed already. */
const compressed = ({ kind, bytes }) => (kind === 'fonts' ? bytes.length : gzipSync(bytes, { level: 9 }).length);

function report(name, files) {
  console.log(`\n${name}`);
  const sums = {};
  for (const [path, file] of files) {
    const gzip = compressed(file);
    const sum = sums[file.kind] ??= { bytes: 0, gzip: 0 };
    sum.bytes += file.bytes.length;
    sum.gzip += gzip;
    console.log(`  ${file.kind.padEnd(8)} ${String(file.bytes.length).padStart(9)} ${String(gzip).padStart(8)}  ${path}`);
  }
  sums.all = { bytes: 0, gzip: 0 };
  for (const [kind, sum] of Object.entries(sums)) if (kind !== 'all') { sums.all.bytes += sum.bytes; sums.all.gzip += sum.gzip; }
  for (const [kind, sum] of Object.entries(sums)) console.log(`  ${kind.padEnd(8)} ${String(sum.bytes).padStart(9)} ${String(sum.gzip).padStart(8)}  in all`);
  return sums;
}

const viewer = report("a viewer's page", await load(host.viewer)), owner = report("an owner's page", await load(host.owner));
const more = owner.all.gzip - viewer.all.gzip;
console.log(`\nAn owner's page: ${more} bytes more, compressed.`);
console.log(JSON.stringify({ viewer, owner, ownerMoreGzip: more }));
await host.stop();
