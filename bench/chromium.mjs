// What the benchmarks of the page share: the program with one experiment trained to its end, and a headless Chromium of their own.
import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';

export const top = resolve(dirname(fileURLToPath(import.meta.url)), '..');
const program = process.env.BATCHVIZ ?? join(top, 'src/BatchViz/bin/Debug/net10.0/batchviz');
const folder = mkdtempSync(join(tmpdir(), 'batchviz-bench-'));
for (const signal of ['SIGINT', 'SIGTERM']) process.once(signal, () => process.exit(1));
process.once('exit', () => rmSync(folder, { recursive: true, force: true, maxRetries: 5 }));

export const option = (name, fallback) => { const i = process.argv.indexOf(`--${name}`); return i < 0 ? fallback : process.argv[i + 1]; };
export const sleep = seconds => new Promise(done => setTimeout(done, 1000 * seconds));

/** Eight runs of 2-8-8-1. */
export const eightRuns = updates => ({
  name: 'Eight runs', data: { kind: 'moons', trainExamples: 500 }, model: { hidden: [8, 8], activation: 'tanh' }, learningRate: 0.05,
  batchSizes: [1, 2, 4, 8], seeds: [1, 2], budget: { updates },
});

/** The program with one experiment, trained to its end. */
export async function serve(experiment) {
  const file = join(folder, 'experiment.json');
  writeFileSync(file, JSON.stringify(experiment));
  const child = spawn(program, ['serve', '--urls', 'http://127.0.0.1:0', '--experiment', file, '--recordings', join(folder, 'recordings')], { stdio: ['ignore', 'pipe', 'inherit'] });
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
  return { manifest: await manifest(), viewer: links['Viewer link'], owner: links.Open, stop: () => new Promise(done => { child.once('exit', done); child.kill(); }) };
}

/** A fresh Chromium, told what to do through its debugging pipe. */
export class Browser {
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
