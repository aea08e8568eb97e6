/** Viewers without a browser: the npm client, the page's own decoder and store, and nothing else. For tests and bench/stream. */
import { spawn, type ChildProcess } from "node:child_process";
import { mkdtempSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import type { HubConnection } from "@microsoft/signalr";
import { hubConnection } from "../../src/BatchViz.Stage/hub.ts";
import { columnIndex, type Manifest } from "../../src/BatchViz.Stage/manifest.ts";
import { TimelineStore } from "../../src/BatchViz.Stage/store.ts";
import { decodeFrame, decodeTile } from "../../src/BatchViz.Stage/wire.ts";

const PROGRAM = process.env["BATCHVIZ"] ?? join(import.meta.dirname, "../../src/BatchViz/bin/Debug/net10.0/batchviz");

/** The real program in a process of its own, with the two cookies that its links give. */
export class Server {
  private constructor(
    private readonly child: ChildProcess,
    readonly url: string,
    readonly owner: string,
    readonly viewer: string,
    private readonly viewerLink: string,
  ) {}

  static async start(experiment: object, program = PROGRAM): Promise<Server> {
    const folder = mkdtempSync(join(tmpdir(), "batchviz-")),
      file = join(folder, "experiment.json");
    writeFileSync(file, JSON.stringify(experiment));
    const child = spawn(
      program,
      ["serve", "--urls", "http://127.0.0.1:0", "--experiment", file, "--recordings", join(folder, "recordings")],
      { stdio: ["ignore", "pipe", "inherit"] },
    );
    const links: Record<string, string> = {};
    for await (const line of createInterface({ input: child.stdout! })) {
      const [, name, url] = /^\s*(Open|Owner link|Viewer link)\s+(\S+)/.exec(line) ?? [];
      if (name !== undefined) links[name] = url!;
      if (name === "Viewer link") break;
    }
    child.stdout!.resume();
    if (links["Viewer link"] === undefined) throw new Error("The program ended before it listened.");
    return new Server(
      child,
      links["Open"]!.replace(/\/$/, ""),
      await cookie(links["Owner link"]!),
      await cookie(links["Viewer link"]),
      links["Viewer link"],
    );
  }

  /** Of one more person: each has few connections. */
  join(): Promise<string> {
    return cookie(this.viewerLink);
  }

  async manifest(): Promise<Manifest> {
    return (await this.get("current")).json() as Promise<Manifest>;
  }

  /** As somebody; only an owner may ask as fast as it goes. */
  async tile(generation: number, run: number, columns: string, level: number, index: number, who = this.owner): Promise<Uint8Array> {
    return new Uint8Array(await (await this.get(`${generation}/tiles/${run}/${columns}/${level}/${index}`, who)).arrayBuffer());
  }

  /** Asks again where the page would: 204 is nothing yet, or no longer what it was. */
  private async get(path: string, who = this.owner): Promise<Response> {
    while (true) {
      const answer = await persistently(() => fetch(`${this.url}/api/experiments/${path}`, { headers: { cookie: who } }));
      if (!answer.ok) throw new Error(`${path}: ${answer.status}`);
      if (answer.status !== 204) return answer;
      await sleep(0.1);
    }
  }

  /** Calls a method of the controlling hub as the owner. */
  async control(method: string, ...values: unknown[]): Promise<void> {
    const hub = hubConnection(`${this.url}/hubs/control`, { headers: { cookie: this.owner } });
    await persistently(() => hub.start());
    await hub.invoke(method, ...values);
    await hub.stop();
  }

  async stop(): Promise<void> {
    const gone = new Promise((resolve) => this.child.once("exit", resolve));
    this.child.kill("SIGTERM");
    await gone;
  }
}

/** One viewer: takes frames as they come and fetches tiles for what it missed. */
export class Viewer {
  frames = 0;
  gaps = 0;
  readonly store: TimelineStore;
  private hub: HubConnection | null = null;
  private finished = false;
  private cookie = "";
  private readonly live: string;
  private healing: Promise<void> | null = null;

  constructor(
    private readonly server: Server,
    private readonly manifest: Manifest,
  ) {
    const columns = manifest.columns.filter((c) => c.live);
    this.live = columns.map((c) => c.name).join("+");
    this.store = new TimelineStore(
      manifest.runs.length,
      columns.map((c) => columnIndex(manifest, c.name)),
    );
  }

  async start(): Promise<void> {
    this.cookie = await this.server.join();
    await this.watch();
  }

  /**
   * Again when the connection is closed, as a page does: in a process with a hundred viewers on a busy machine pings come later than a
   * server waits for them.
   */
  private async watch(): Promise<void> {
    const hub = hubConnection(`${this.server.url}/hubs/watch`, { headers: { cookie: this.cookie } });
    await persistently(() => hub.start());
    if (this.finished) return hub.stop();
    this.hub = hub;
    hub.onclose(() => {
      if (!this.finished) void this.watch();
    });
    hub.stream<Uint8Array>("Watch").subscribe({ next: (bytes) => this.take(bytes), complete: () => {}, error: () => {} });
  }

  /** Everything that the runs have made is here. */
  get whole(): boolean {
    return this.store.runs.every((run) => run.head === run.made);
  }

  async finish(): Promise<void> {
    this.finished = true;
    await this.hub?.stop();
    while (!this.whole) await this.heal();
  }

  private take(bytes: Uint8Array): void {
    this.frames++;
    this.store.ingestFrame(decodeFrame(bytes));
    if (!this.whole) void this.heal();
  }

  private heal(): Promise<void> {
    this.healing ??= this.fetchGaps().finally(() => (this.healing = null));
    return this.healing;
  }

  private async fetchGaps(): Promise<void> {
    for (let run = 0; run < this.store.runs.length; run++) {
      for (const { level, index } of this.store.gap(run)) {
        this.gaps++;
        this.store.ingestTile(decodeTile(await this.server.tile(this.manifest.generation, run, this.live, level, index, this.cookie)));
      }
    }
  }
}

export { Buckets } from "../../src/BatchViz.Stage/store.ts";

export const sleep = (seconds: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, 1000 * seconds));

/** Waits for what will happen; the test's own time limit is for what does not. */
export async function until(happened: () => boolean): Promise<void> {
  while (!happened()) await sleep(0.05);
}

/**
 * Five batch sizes of a net that train for longer than any test runs, on whatever machine: a budget in seconds counts those that a lane has
 * trained. In step by examples, so that none is far ahead.
 */
export const ENDLESS = {
  name: "Moons without end",
  data: { kind: "moons", trainExamples: 500 },
  model: { hidden: [64, 64], activation: "tanh" },
  learningRate: 0.05,
  batchSizes: [1, 8, 32, 128, "full"],
  budget: { seconds: 86_400 },
  pace: "examples",
};

/**
 * Tries again for a while what the network broke off: a server closes a connection that has been silent, perhaps just when it is used
 * again.
 */
async function persistently<T>(work: () => Promise<T>): Promise<T> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await work();
    } catch (error) {
      if (attempt === 20) throw error;
      await sleep(0.5);
    }
  }
}

async function cookie(link: string): Promise<string> {
  const answer = await persistently(() => fetch(link, { redirect: "manual" }));
  return answer.headers.getSetCookie()[0]!.split(";")[0]!;
}
