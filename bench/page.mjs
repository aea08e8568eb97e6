// node bench/page.mjs [--updates 1000000] [--seconds 120] [--gc 60] [--soak 30] [--resolution 129]
// The page in playback, 8 runs with a 129 × 129 surface: processor time of its scripts per frame, pauses of the garbage
// collector in a minute, and with --soak so many minutes of memory. Build first (dotnet build src/BatchViz). Prints one line of JSON last.
import { cpus } from 'node:os';
import { readFileSync } from 'node:fs';
import { gzipSync } from 'node:zlib';
import { join } from 'node:path';
import { Browser, eightRuns, option, serve, sleep, top } from './chromium.mjs';

const updates = Number(option('updates', 1_000_000)), seconds = Number(option('seconds', 120)), gcSeconds = Number(option('gc', 60));
const soakMinutes = Number(option('soak', 0)), resolution = Number(option('resolution', 129));

const at = (sorted, share) => sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))];
const round = (x, digits = 2) => Number(x.toFixed(digits));

/** Everything that Chromium's trace says of a span of time in the page. */
async function trace(browser, act) {
  const events = [];
  let complete;
  const done = new Promise(resolve => (complete = resolve));
  const listen = (method, params) => {
    if (method === 'Tracing.dataCollected') events.push(...params.value);
    if (method === 'Tracing.tracingComplete') complete();
  };
  browser.listeners.push(listen);
  await browser.send('Tracing.start', { transferMode: 'ReportEvents', traceConfig: { includedCategories: ['devtools.timeline', 'v8', 'disabled-by-default-v8.gc', '__metadata'] } });
  await act();
  await browser.send('Tracing.end');
  await done;
  browser.listeners.splice(browser.listeners.indexOf(listen), 1);
  return events;
}

/** The thread that runs the page's scripts: the one with most animation frames. */
function mainThread(events) {
  const count = new Map();
  for (const e of events) if (e.name === 'FireAnimationFrame') count.set(`${e.pid}/${e.tid}`, (count.get(`${e.pid}/${e.tid}`) ?? 0) + 1);
  return [...count].sort((a, b) => b[1] - a[1])[0]?.[0];
}

/** Milliseconds of script per frame: the animation frame's, and of whatever else ran since the one before. `tdur` is the thread's processor time. */
function scriptTimes(events) {
  const main = mainThread(events);
  const own = events.filter(e => `${e.pid}/${e.tid}` === main && e.ph === 'X' && ['FireAnimationFrame', 'FunctionCall', 'EvaluateScript', 'v8.callFunction'].includes(e.name)).sort((a, b) => a.ts - b.ts);
  const times = [];
  let until = 0, sum = 0;
  for (const e of own) {
    if (e.ts < until) continue; // inside the one before
    until = e.ts + e.dur;
    sum += (e.tdur ?? e.dur) / 1000;
    if (e.name !== 'FireAnimationFrame') continue;
    times.push(sum);
    sum = 0;
  }
  return times.sort((a, b) => a - b);
}

/** Pauses in milliseconds: what the collector does on the page's own thread, without the part that other threads do meanwhile. */
function pauses(events) {
  const main = mainThread(events);
  return events.filter(e => `${e.pid}/${e.tid}` === main && e.ph === 'X' && /^(MinorGC|MajorGC|V8\.GC_(SCAVENGER|MARK_COMPACTOR|MC_INCREMENTAL)$|V8\.GCScavenger|V8\.GCFinalizeMC)/.test(e.name)).map(e => ({ name: e.name, ms: e.dur / 1000, processor: (e.tdur ?? e.dur) / 1000 })).sort((a, b) => b.ms - a.ms);
}

const heap = async browser => {
  await browser.send('HeapProfiler.collectGarbage');
  return (await browser.send('Runtime.getHeapUsage')).usedSize / 2 ** 20;
};

const bundle = gzipSync(readFileSync(join(top, 'src/BatchViz.Stage/obj/out/web/js/stage.js')), { level: 9 }).length / 1024;
const server = await serve({ ...eightRuns(updates), landscape: { resolution } });
const out = { machine: `${cpus().length} × ${cpus()[0].model}`, updates, resolution: server.manifest.plane.resolution, scriptKiB: round(bundle, 1) };
const browser = await Browser.start();
await browser.send('HeapProfiler.enable');
await browser.send('Page.navigate', { url: server.viewer });
await sleep(1);
for (let i = 0; i < 120 && !(await browser.evaluate('!!window.batchviz?.state().grid && !window.batchviz.state().busy').catch(() => false)); i++) await sleep(0.5);
await sleep(5); // compilation and the first pictures
const restart = `(() => { document.querySelector('[aria-label="To the start"]').click(); const play = document.querySelector('[data-stage=transport] .play'); if (!window.batchviz.state().playing) play.click(); })()`;
await browser.evaluate(restart);
await sleep(2);

const playing = await trace(browser, () => sleep(seconds)); // a frame callback of our own would be counted among the page's
const times = scriptTimes(playing);
out.script = { frames: times.length, p50: round(at(times, 0.5)), p95: round(at(times, 0.95)), max: round(at(times, 1)) };
console.log(`script time per frame in playback, ms of processor time: p50 ${out.script.p50}, p95 ${out.script.p95}, max ${out.script.max} (${out.script.frames} frames, ${out.resolution} × ${out.resolution} surface)`);

await browser.evaluate(restart);
const collected = pauses(await trace(browser, () => sleep(gcSeconds)));
out.gc = { seconds: gcSeconds, collections: collected.length, longest: round(collected[0]?.ms ?? 0), processor: round(Math.max(0, ...collected.map(pause => pause.processor))) };
console.log(`garbage collection in ${gcSeconds} s of playback: ${out.gc.collections} pauses, the longest ${out.gc.longest} ms by the wall; at most ${out.gc.processor} ms of processor time`);

if (soakMinutes > 0) {
  const sizes = [];
  for (let minute = 0; minute <= soakMinutes; minute++) {
    await browser.evaluate(restart);
    sizes.push(round(await heap(browser)));
    console.log(`  minute ${minute}: ${sizes.at(-1)} MiB in use after a collection`);
    if (minute < soakMinutes) await sleep(60);
  }
  const later = sizes.slice(Math.min(2, sizes.length - 1));
  out.soak = { minutes: soakMinutes, first: later[0], last: later.at(-1), largest: Math.max(...later) };
}
await browser.stop();
await server.stop();
console.log(`the page's own script: ${out.scriptKiB} KiB compressed`);
console.log(JSON.stringify(out));
process.exit(0);
