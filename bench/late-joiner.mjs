// node bench/late-joiner.mjs [--updates 1000000] [--zooms 30] [--skip mnist]
// Whoever comes late: bytes of history and time to the first complete picture of 8 runs; then how long it takes from a zoom to
// the exact record of a random update, on the tiny net and on MNIST. Build first (dotnet build src/BatchViz). Prints one line of JSON last.
import { readFileSync, writeFileSync } from 'node:fs';
import { cpus } from 'node:os';
import { join } from 'node:path';
import { Browser, eightRuns, option, serve, sleep, top } from './chromium.mjs';

const updates = Number(option('updates', 1_000_000)), zooms = Number(option('zooms', 30)), skip = option('skip', '');

/** Runs in the page from its very beginning: notes when everything that exists is on the screen. */
const WATCH = `(() => {
  const look = () => {
    const s = window.batchviz?.state();
    const whole = s && !s.busy && s.grid && Object.keys(s.heads).length > 0 && Object.entries(s.heads).every(([id, head]) => head === EXPECTED[id]) && s.charts.loss > 0 && s.charts.gradient > 0;
    if (whole) requestAnimationFrame(() => (window.painted = performance.now()));
    else requestAnimationFrame(look);
  };
  requestAnimationFrame(look);
})()`;

async function join8({ manifest, viewer }) {
  const browser = await Browser.start(), bytes = {}, kind = new Map();
  browser.listeners.push((method, params) => {
    if (method === 'Network.requestWillBeSent') kind.set(params.requestId, /\/api\/experiments\/\d+\/(\w+)/.exec(params.request.url)?.[1] ?? (params.request.url.includes('/api/') ? 'manifest' : 'page'));
    if (method === 'Network.loadingFinished') bytes[kind.get(params.requestId)] = (bytes[kind.get(params.requestId)] ?? 0) + params.encodedDataLength;
    if (method === 'Network.webSocketFrameReceived') bytes.frames = (bytes.frames ?? 0) + params.response.payloadData.length;
  });
  const heads = Object.fromEntries(manifest.runs.map(run => [run.id, run.updates]));
  await browser.send('Page.addScriptToEvaluateOnNewDocument', { source: WATCH.replace('EXPECTED', JSON.stringify(heads)) });
  await browser.send('Page.navigate', { url: viewer });
  let painted = null;
  for (let i = 0; i < 300 && painted === null; i++) {
    await sleep(0.1);
    painted = await browser.evaluate('window.painted ?? null').catch(() => null);
  }
  if (painted === null) throw new Error(`The picture was not complete after 30 s: ${await browser.evaluate('JSON.stringify(window.batchviz?.state())')}`);
  const history = ['tiles', 'evaluations', 'paths', 'grids', 'manifest'].reduce((sum, name) => sum + (bytes[name] ?? 0), 0);
  return { browser, seconds: painted / 1000, history, bytes };
}

/** Zooms with the mouse, three or four drags deep, to a random update of a random run; times from the last release to its exact value under the cursor. */
async function zoomTo(browser, run, totals) {
  const box = await browser.evaluate(`(() => { const b = document.querySelector('[data-chart=loss] .u-over').getBoundingClientRect(); return [b.left, b.top, b.width, b.height]; })()`);
  const [left, topEdge, width, height] = box, y = topEdge + height / 2;
  await browser.evaluate(`(() => {
    const run = document.querySelector('[data-run="${run.id}"]');
    if (run.getAttribute('aria-selected') !== 'true') run.click();
    document.querySelector('[data-chart=loss] .u-over').dispatchEvent(new MouseEvent('dblclick', { bubbles: true }));
  })()`);
  await browser.evaluate('window.batchviz.idle()');
  let x = left + 20 + Math.random() * (width - 40), span = totals;
  for (; ;) {
    const last = span / width * 14 * (run.updates / totals) < 400;
    if (last) await browser.evaluate(`(() => {
      const over = document.querySelector('[data-chart=loss] .u-over'), out = document.querySelector('[data-chart=loss] output');
      window.shown = null;
      document.addEventListener('mouseup', () => {
        const start = performance.now();
        const look = () => (/update/.test(out.textContent) ? requestAnimationFrame(() => (window.shown = [performance.now() - start, out.textContent])) : requestAnimationFrame(look));
        requestAnimationFrame(look);
      }, { once: true });
    })()`);
    await browser.drag(x - 7, x + 7, y);
    span *= 14 / width;
    if (last) break;
    await browser.evaluate('window.batchviz.idle()');
    x = left + width * (0.3 + 0.4 * Math.random());
  }
  for (let i = 0; i < 400; i++) {
    const shown = await browser.evaluate('window.shown');
    if (shown) return shown;
    await sleep(0.05);
  }
  if (process.env.SHOT) writeFileSync(process.env.SHOT, Buffer.from((await browser.send("Page.captureScreenshot")).data, "base64"));
  throw new Error(`No exact record of ${run.id} after 20 s: ${await browser.evaluate('JSON.stringify(window.batchviz.state())')}`);
}

async function zoomAll(browser, manifest) {
  await browser.evaluate(`document.querySelector('[aria-label="To the end"]').click()`);
  const axis = await browser.evaluate('window.batchviz.state().axis');
  const times = [];
  for (let i = 0; i < zooms; i++) {
    const run = manifest.runs[i % manifest.runs.length];
    const total = await browser.evaluate('window.batchviz.state().total');
    const [time, words] = await zoomTo(browser, run, total);
    times.push(time);
    console.log(`  ${time.toFixed(0).padStart(5)} ms  ${words}`);
  }
  times.sort((a, b) => a - b);
  const at = share => Math.round(times[Math.min(times.length - 1, Math.floor(share * times.length))]);
  return { axis, zooms, p50: at(0.5), p95: at(0.95), max: at(1) };
}

const sayJoined = (name, joined) =>
  console.log(`${name}: history ${(joined.history / 1024).toFixed(0)} KiB (${Object.entries(joined.bytes).map(([k, v]) => `${k} ${(v / 1024).toFixed(0)}`).join(', ')}), painted after ${joined.seconds.toFixed(2)} s`);
const sayZoomed = (name, zoomed) =>
  console.log(`${name}: from a zoom to the exact record, ms: p50 ${zoomed.p50}, p95 ${zoomed.p95}, max ${zoomed.max} (${zoomed.zooms} zooms by ${zoomed.axis})`);
const out = { machine: `${cpus().length} × ${cpus()[0].model}`, updates };
for (const [name, experiment] of [['tiny', eightRuns(updates)], ['mnist', JSON.parse(readFileSync(join(top, 'examples/mnist.json'), 'utf8'))]]) {
  if (name === skip) continue;
  delete experiment.$schema;
  const server = await serve(experiment);
  try {
    const { browser, ...joined } = await join8(server);
    sayJoined(name, joined);
    const zoomed = await zoomAll(browser, server.manifest);
    await browser.stop();
    sayZoomed(name, zoomed);
    out[name] = { ...joined, zoom: zoomed };
  } finally {
    await server.stop();
  }
}
console.log(JSON.stringify(out));
process.exit(0);
