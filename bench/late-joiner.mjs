// node bench/late-joiner.mjs [--updates 1000000] [--zooms 30] [--skip mnist]
// Whoever comes late: bytes of history and time to the first complete picture of 8 runs; then how long it takes from a zoom to
// the exact record of a random update, on the tiny net and on MNIST. Build first (dotnet build src/BatchViz). Prints one line of JSON last.
import { spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { cpus, tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';

const option = (name, fallback) => { const i = process.argv.indexOf(`--${name}`); return i < 0 ? fallback : process.argv[i + 1]; };
const updates = Number(option('updates', 1_000_000)), zooms = Number(option('zooms', 30)), skip = option('skip', '');

const top = resolve(dirname(fileURLToPath(import.meta.url)), '..');
const program = process.env.BATCHVIZ ?? join(top, 'src/BatchViz/bin/Debug/net10.0/batchviz');
const folder = mkdtempSync(join(tmpdir(), 'batchviz-late-'));
for (const signal of ['SIGINT', 'SIGTERM']) process.once(signal, () => process.exit(1));
const sleep = seconds => new Promise(done => setTimeout(done, 1000 * seconds));

const TINY = {
  name: 'Late joiner', data: { kind: 'moons', trainExamples: 500 }, model: { hidden: [8, 8], activation: 'tanh' }, learningRate: 0.05,
  batchSizes: [1, 2, 4, 8], seeds: [1, 2], budget: { updates },
};

/** The program with one experiment, trained to its end. */
async function serve(experiment) {
  const file = join(folder, 'experiment.json');
  writeFileSync(file, JSON.stringify(experiment));
  const child = spawn(program, ['serve', '--urls', 'http://127.0.0.1:0', '--experiment', file], { stdio: ['ignore', 'pipe', 'inherit'] });
  process.once('exit', () => child.kill());
  const links = {};
  for await (const line of createInterface({ input: child.stdout })) {
    const [, name, url] = /^\s*(Open|Viewer link)\s+(\S+)/.exec(line) ?? [];
    if (name) links[name] = url;
    if (name === 'Viewer link') break;
  }
  child.stdout.resume();
  const answer = await fetch(links['Viewer link'], { redirect: 'manual' });
  const cookie = answer.headers.getSetCookie()[0].split(';')[0];
  const manifest = async () => (await fetch(new URL('/api/experiments/current', links.Open), { headers: { cookie } })).json();
  while ((await manifest()).state !== 'finished') await sleep(0.5);
  // The landscape is computed once more when the last run has ended.
  for (let last = '', same = 0; same < 6;) {
    const { plane } = await manifest(), now = `${plane?.grid} ${plane?.resolution}`;
    same = plane && now === last ? same + 1 : 0;
    last = now;
    await sleep(0.5);
  }
  return { manifest: await manifest(), viewer: links['Viewer link'], stop: () => new Promise(done => { child.once('exit', done); child.kill(); }) };
}

/** A fresh Chromium, told what to do through its debugging pipe. */
class Browser {
  #next = 0; #waiting = new Map(); #rest = ''; #child; #profile = mkdtempSync(join(folder, 'profile-'));
  listeners = [];

  static async start() {
    const browser = new Browser();
    const { targetId } = await browser.send('Target.createTarget', { url: 'about:blank' });
    browser.session = (await browser.send('Target.attachToTarget', { targetId, flatten: true })).sessionId;
    await browser.send('Network.enable');
    await browser.send('Page.enable');
    await browser.send('Runtime.enable');
    return browser;
  }

  constructor() {
    this.#child = spawn(process.env.CHROMIUM ?? 'chromium', [
      '--headless', '--remote-debugging-pipe', `--user-data-dir=${this.#profile}`, '--window-size=1440,900', '--use-angle=swiftshader', '--enable-unsafe-swiftshader',
      '--ignore-gpu-blocklist', '--no-sandbox', '--disable-quic', '--no-first-run', '--disable-background-networking', '--disable-component-update', '--disable-sync',
    ], { stdio: ['ignore', 'ignore', 'ignore', 'pipe', 'pipe'] });
    process.once('exit', () => this.#child.kill());
    this.#child.stdio[4].setEncoding('utf8').on('data', text => {
      const parts = (this.#rest + text).split('\0');
      this.#rest = parts.pop();
      for (const part of parts) this.#take(JSON.parse(part));
    });
  }

  #take({ id, method, params, result, error }) {
    if (method) for (const listen of this.listeners) listen(method, params);
    const waiting = this.#waiting.get(id);
    if (!waiting) return;
    this.#waiting.delete(id);
    if (error) waiting.reject(new Error(error.message));
    else waiting.resolve(result);
  }

  send(method, params = {}) {
    const id = ++this.#next;
    this.#child.stdio[3].write(JSON.stringify({ id, method, params, sessionId: this.session }) + '\0');
    return new Promise((resolve, reject) => this.#waiting.set(id, { resolve, reject }));
  }

  async evaluate(expression) {
    const { result, exceptionDetails } = await this.send('Runtime.evaluate', { expression, awaitPromise: true, returnByValue: true });
    if (exceptionDetails) throw new Error(exceptionDetails.exception?.description ?? exceptionDetails.text);
    return result.value;
  }

  async drag(x0, x1, y) {
    const mouse = (type, x, buttons) => this.send('Input.dispatchMouseEvent', { type, x, y, button: 'left', buttons, clickCount: 1 });
    await mouse('mouseMoved', x0, 0);
    await mouse('mousePressed', x0, 1);
    await mouse('mouseMoved', (x0 + x1) / 2, 1);
    await mouse('mouseMoved', x1, 1);
    await this.evaluate('new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done)))'); // as no hand is faster
    await mouse('mouseReleased', x1, 0);
  }

  async stop() {
    const gone = new Promise(done => this.#child.once('exit', done));
    await this.send('Browser.close').catch(() => {});
    await gone;
  }
}

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
    if (run.getAttribute('aria-pressed') !== 'true') run.click();
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
for (const [name, experiment] of [['tiny', TINY], ['mnist', JSON.parse(readFileSync(join(top, 'examples/mnist.json'), 'utf8'))]]) {
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
rmSync(folder, { recursive: true, force: true });
console.log(JSON.stringify(out));
process.exit(0);
