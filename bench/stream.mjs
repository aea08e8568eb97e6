// node bench/stream.mjs [--clients 100] [--seconds 20] [--rounds 3]
// What watching costs: lane processor time per update with and without viewers, interleaved on one server in one run.
// Build first (dotnet build src/BatchViz). Prints one line of JSON last.
import { build } from 'esbuild';
import { cpus } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';

const option = (name, fallback) => { const i = process.argv.indexOf(`--${name}`); return i < 0 ? fallback : Number(process.argv[i + 1]); };
const clients = option('clients', 100), seconds = option('seconds', 20), rounds = option('rounds', 3);

const top = resolve(dirname(fileURLToPath(import.meta.url)), '..');
process.env.BATCHVIZ ??= join(top, 'src/BatchViz/bin/Debug/net10.0/batchviz');
// Beneath node_modules, since the client looks there for its WebSocket when it starts.
const bundle = join(top, 'node_modules/.cache/batchviz/swarm.mjs');
await build({
  entryPoints: [join(top, 'tests/BatchViz.Stage.Tests/swarm.ts')], outfile: bundle, bundle: true, platform: 'node', format: 'esm', logLevel: 'warning',
  banner: { js: "import { createRequire } from 'node:module'; const require = createRequire(import.meta.url);" },
});
const { Buckets, ENDLESS, Server, Viewer, sleep } = await import(pathToFileURL(bundle).href);

// Large enough to train for minutes before as many records are made as memory keeps.
const server = await Server.start({ ...ENDLESS, model: { hidden: [384, 384], activation: 'tanh' }, budget: { seconds: 3600 } });
for (const failure of ['uncaughtException', 'unhandledRejection']) process.on(failure, async error => { console.error(error); await server.stop(); process.exit(1); });
const manifest = await server.manifest();
const B = manifest.runs.map(run => run.batchSize);

/** Updates made and lane seconds spent, by run, from the newest evaluation of the manifest's clock: the seconds column of history. */
async function standing() {
  const probe = new Viewer(server, manifest);
  await probe.start();
  await sleep(0.5);
  await probe.finish();
  const column = manifest.columns.findIndex(c => c.name === 'seconds'), out = new Buckets();
  return probe.store.runs.map((run, r) => {
    probe.store.at(r, column, run.made, out);
    return { updates: run.made, seconds: out.last[0] };
  });
}

const spent = { alone: B.map(() => ({ updates: 0, seconds: 0 })), watched: B.map(() => ({ updates: 0, seconds: 0 })) };
let frames = 0, gaps = 0;
for (let round = 0; round < rounds; round++) {
  for (const kind of round % 2 ? ['watched', 'alone'] : ['alone', 'watched']) {
    const viewers = Array.from({ length: kind === 'watched' ? clients : 0 }, () => new Viewer(server, manifest));
    await Promise.all(viewers.map(v => v.start()));
    await sleep(2);
    const before = await standing();
    await sleep(seconds);
    const after = await standing();
    after.forEach((a, r) => { spent[kind][r].updates += a.updates - before[r].updates; spent[kind][r].seconds += a.seconds - before[r].seconds; });
    for (const v of viewers) { frames += v.frames; gaps += v.gaps; }
    await Promise.all(viewers.map(v => v.finish()));
  }
}
await server.stop();

const cells = B.map((batch, r) => {
  const per = kind => 1e6 * spent[kind][r].seconds / spent[kind][r].updates;
  return { batch, aloneMicroseconds: per('alone'), watchedMicroseconds: per('watched'), ratio: per('watched') / per('alone') };
});
const total = kind => spent[kind].reduce((sum, s, r) => sum + s.seconds / s.updates * spent.alone[r].updates, 0);
console.log('     B   alone µs  watched µs  ratio');
for (const c of cells) console.log(`${String(c.batch).padStart(6)} ${c.aloneMicroseconds.toFixed(3).padStart(10)} ${c.watchedMicroseconds.toFixed(3).padStart(11)} ${c.ratio.toFixed(3).padStart(6)}`);
console.log(JSON.stringify({ machine: `${cpus().length} × ${cpus()[0].model}`, clients, seconds, rounds, frames, gaps, cells, ratio: total('watched') / total('alone') }));
