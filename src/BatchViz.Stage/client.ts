/**
 * The page's side of the network: the watching hub, the manifest, and history over HTTP. Frames say what exists; whatever
 * the store finds missing in them is fetched. Nothing here draws: it changes the stage and says what changed.
 */
import { HubConnectionBuilder, LogLevel, type HubConnection } from "@microsoft/signalr";
import type { Manifest, Session } from "./manifest.ts";
import { Change, type Remote, type Stage } from "./stage.ts";
import { decodeEvaluations, decodeFrame, decodeGrid, decodePaths, decodeTile, fromBase64, WireError, type Frame } from "./wire.ts";

const PATIENCE = [0, 1000, 2000, 5000];
/** A tile that the head still runs through is worth asking for again, but not more often than this. */
const AGAIN_AFTER = 1000;
const LANES = 4;

class Gone extends Error {}

export class Client implements Remote {
  private loadingManifest: Promise<void> | null = null;
  private control: Promise<HubConnection> | null = null;
  private readonly underway = new Set<string>();
  private readonly askedAt = new Map<string, number>();
  private readonly detail: (() => Promise<void>)[] = [];
  private lanes = 0;
  private gridWanted = "";
  /** Revision that the newest frame named: an older manifest must not bring an older plane back. */
  private revision = 0;
  /** The newest frame of a generation whose manifest is not here yet: of a held experiment there may be no other for long. */
  private early: Frame | null = null;
  private healing: ReturnType<typeof setTimeout> | null = null;

  constructor(private readonly stage: Stage) {}

  /** Fetches are on their way, so the picture may still change by itself. */
  get busy(): boolean {
    return this.loadingManifest !== null || this.underway.size > 0 || this.lanes > 0 || this.healing !== null;
  }

  async start(): Promise<void> {
    void this.watch();
    try {
      this.stage.session = await json<Session>("/api/session");
      this.stage.changed(Change.session);
    } catch {
      // Without an answer the page stays a viewer's page, which is always safe.
    }
    await this.loadManifest();
  }

  /** Keeps a stream of frames open for as long as the page lives. */
  private async watch(): Promise<never> {
    for (let attempt = 0; ; attempt++) {
      const connection = new HubConnectionBuilder().withUrl("/hubs/watch").configureLogging(LogLevel.None).build();
      try {
        await connection.start();
        attempt = 0;
        this.setConnection("connected");
        await this.readFrames(connection);
      } catch {
        // The next turn of the loop is the handling; the page says "reconnecting" meanwhile.
      }
      this.setConnection("reconnecting");
      await connection.stop().catch(() => {});
      await wait(PATIENCE[Math.min(attempt + 1, PATIENCE.length - 1)]!);
    }
  }

  private readFrames(connection: HubConnection): Promise<void> {
    return new Promise((resolve, reject) => {
      connection.onclose(() => resolve());
      connection.stream<string>("Watch").subscribe({ next: (text) => this.takeFrame(text), complete: resolve, error: reject });
    });
  }

  private setConnection(state: Stage["connection"]): void {
    if (this.stage.connection === state) return;
    this.stage.connection = state;
    this.stage.changed(Change.session);
  }

  private takeFrame(text: string): void {
    try {
      this.ingest(decodeFrame(fromBase64(text)));
    } catch (error) {
      if (!(error instanceof WireError)) throw error;
      this.stage.report(error.message);
    }
  }

  private ingest(frame: Frame): void {
    const { stage } = this;
    if (stage.manifest?.generation !== frame.generation) {
      if (this.early === null || isNewer(frame, this.early)) this.early = frame;
      void this.loadManifest();
      return;
    }
    if (frame.sequence < stage.sequence) return; // overtaken: generations are never used again, so it is no new life of the server
    const states = stage.store.runs.map((run) => run.state).join();
    const points = countPoints(stage);
    stage.sequence = frame.sequence;
    const replaned = stage.store.ingestFrame(frame);
    let changes: number = Change.data;
    if (frame.held !== stage.held || frame.watching !== stage.watching) changes |= Change.session;
    stage.held = frame.held;
    stage.watching = frame.watching;
    if (replaned || countPoints(stage) !== points) changes |= Change.landscape;
    if (stage.store.runs.map((run) => run.state).join() !== states) changes |= Change.runs;
    this.revision = frame.revision;
    if (frame.revision !== stage.manifest.revision) void this.loadManifest();
    stage.changed(changes);
    this.wantGrid(frame.plane, frame.grid, frame.resolution);
    this.heal();
  }

  private loadManifest(): Promise<void> {
    this.loadingManifest ??= this.fetchManifest().finally(() => {
      this.loadingManifest = null;
      this.afterManifest();
    });
    return this.loadingManifest;
  }

  /** Takes the frame that waited for the manifest; one that names a newer manifest than has come has it fetched again. */
  private afterManifest(): void {
    const { early, stage: { manifest } } = this;
    if (manifest === null) return; // another try is already due
    if (early !== null && early.generation <= manifest.generation) {
      this.early = null;
      if (early.generation === manifest.generation) this.ingest(early);
    }
    if (this.early !== null || this.revision > manifest.revision) void wait(AGAIN_AFTER).then(() => this.loadManifest());
  }

  private async fetchManifest(): Promise<void> {
    const { stage } = this;
    try {
      const manifest = await json<Manifest>("/api/experiments/current");
      const isNew = stage.manifest?.generation !== manifest.generation;
      if (isNew) {
        stage.begin(manifest);
        this.askedAt.clear();
        this.gridWanted = "";
        this.revision = 0;
        stage.sequence = 0;
        this.detail.length = 0;
        for (const run of stage.store.runs) run.evaluationsMissing = true;
      } else stage.takeManifest(manifest);
      const plane = manifest.revision >= this.revision ? manifest.plane : null;
      if (plane !== null && (stage.store.setPlane(plane.id) || isNew)) {
        for (const run of stage.store.runs) run.pointsMissing = true;
      }
      if (plane !== null) this.wantGrid(plane.id, plane.grid, plane.resolution);
      stage.report(manifest.error);
      this.heal();
    } catch (error) {
      stage.report(error instanceof Gone ? "No experiment has been started yet." : "The server does not answer; trying again.");
      await wait(2000);
      if (stage.manifest === null) void Promise.resolve().then(() => this.loadManifest());
    }
  }

  /** Fetches what the store lacks. Harmless to call at any time. */
  private heal(): void {
    const { store, manifest } = this.stage;
    if (manifest === null) return;
    const live = manifest.columns.filter((column) => column.live).map((column) => column.name).join("+");
    store.runs.forEach((run, r) => {
      for (const { level, index } of store.gap(r)) {
        this.fetchOnce(`tiles/${r}/${live}/${level}/${index}`, Change.data, (bytes) => store.ingestTile(decodeTile(bytes)));
      }
      if (run.evaluationsMissing) {
        this.fetchOnce(`evaluations/${r}`, Change.data, (bytes) => store.ingestEvaluations(decodeEvaluations(bytes)));
      }
      if (run.pointsMissing && store.plane !== 0) {
        this.fetchOnce(`paths/${store.plane}/${r}`, Change.landscape, (bytes) => store.ingestPath(decodePaths(bytes)));
      }
    });
  }

  /** An answer may have been written before the newest frame, and of a held experiment no other frame comes that would ask. */
  private healAgain(): void {
    if (this.healing !== null || !this.stage.store.lacking) return;
    this.healing = setTimeout(() => {
      this.healing = null;
      this.heal();
    }, AGAIN_AFTER);
  }

  private wantGrid(plane: number, grid: number, resolution: number): void {
    const address = `grids/${grid}/${resolution}`;
    if (grid === 0 || resolution === 0 || address === this.gridWanted) return;
    this.gridWanted = address;
    this.fetchOnce(address, Change.landscape, (bytes) => {
      const decoded = decodeGrid(bytes);
      if (this.gridWanted === address && decoded.plane === plane) this.stage.grid = decoded;
    });
  }

  /** One request at a time for each address, one more try after a pause when it fails. */
  private fetchOnce(path: string, change: number, take: (bytes: Uint8Array) => void): void {
    const { stage } = this;
    const generation = stage.manifest!.generation;
    const address = `/api/experiments/${generation}/${path}`;
    if (this.underway.has(address)) return;
    this.underway.add(address);
    void binary(address)
      .then((bytes) => {
        this.underway.delete(address);
        if (stage.manifest?.generation !== generation) return;
        take(bytes);
        stage.changed(change);
        this.healAgain();
      })
      .catch(async (error: unknown) => {
        if (error instanceof WireError) stage.report(error.message);
        await wait(AGAIN_AFTER);
        this.underway.delete(address);
        if (path.startsWith("grids/") && this.gridWanted === path) this.gridWanted = "";
        if (stage.manifest?.generation === generation) void this.loadManifest();
      });
  }

  /** Detail for what is zoomed into: the newest wishes first, a few at a time, old ones forgotten. */
  wantTiles(run: number, column: string, level: number, tiles: readonly number[]): void {
    const { stage } = this;
    const generation = stage.manifest?.generation;
    for (const index of tiles) {
      const address = `/api/experiments/${generation}/tiles/${run}/${column}/${level}/${index}`;
      if (performance.now() - (this.askedAt.get(address) ?? -Infinity) < AGAIN_AFTER) continue;
      this.askedAt.set(address, performance.now());
      if (this.detail.length >= 64) this.detail.shift();
      this.detail.push(async () => {
        const tile = decodeTile(await binary(address));
        if (tile.whole) this.askedAt.set(address, Infinity);
        if (stage.manifest?.generation !== tile.generation) return;
        stage.store.ingestTile(tile);
        stage.changed(Change.data);
      });
    }
    while (this.lanes < LANES && this.detail.length > 0) void this.fetchDetail();
  }

  private async fetchDetail(): Promise<void> {
    this.lanes++;
    for (let job = this.detail.pop(); job !== undefined; job = this.detail.pop()) {
      await job().catch(() => {}); // the chart goes on with coarser buckets and asks again
    }
    this.lanes--;
  }

  stepOnce(): void {
    void this.command("StepOnce");
  }

  private async command(method: string, ...values: unknown[]): Promise<void> {
    try {
      this.control ??= this.connectControl();
      await (await this.control).invoke(method, ...values);
      this.stage.report(null);
    } catch {
      this.control = null;
      this.stage.report("The server did not carry that out; try again.");
    }
  }

  private async connectControl(): Promise<HubConnection> {
    const connection = new HubConnectionBuilder().withUrl("/hubs/control").configureLogging(LogLevel.None).build();
    connection.onclose(() => (this.control = null));
    await connection.start();
    return connection;
  }
}

const isNewer = (frame: Frame, than: Frame): boolean =>
  frame.generation === than.generation ? frame.sequence >= than.sequence : frame.generation > than.generation;

const countPoints = (stage: Stage): number => stage.store.runs.reduce((sum, run) => sum + run.points.count, 0);

const wait = (milliseconds: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, milliseconds));

async function answer(address: string): Promise<Response> {
  const response = await fetch(address, { credentials: "same-origin" });
  if (response.status === 204) throw new Gone(address);
  if (!response.ok) throw new Error(`${address}: ${response.status}`);
  return response;
}

const json = async <T>(address: string): Promise<T> => (await answer(address)).json() as Promise<T>;
const binary = async (address: string): Promise<Uint8Array> => new Uint8Array(await (await answer(address)).arrayBuffer());
