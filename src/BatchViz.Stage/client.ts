/**
 * The page's side of the network: the watching hub, the manifest, and history over HTTP. Frames say what exists; whatever
 * the store finds missing in them is fetched. Nothing here draws: it changes the stage and says what changed.
 */
import { tr } from "./language.ts";
import type { HubConnection } from "@microsoft/signalr";
import type { Answer, Boundary, Examples, Keyframes, Line, Points, Probes } from "./answers.ts";
import type { BatchAnswer } from "./batch.ts";
import { whole } from "./format.ts";
import { hubConnection } from "./hub.ts";
import { COLUMN, type Manifest, type Session } from "./manifest.ts";
import type { MomentsAnswer } from "./moments.ts";
import { Change, type Remote, type Stage } from "./stage.ts";
import { decodeEvaluations, decodeFrame, decodeGrid, decodePaths, decodeTile, WireError, type Frame } from "./wire.ts";

const PATIENCE = [0, 1000, 2000, 5000];
/** In what the SignalR client says of an answer that was refused: this browser watches in too many windows. */
const TOO_MANY = /\b429\b/;
/** A tile that the head still runs through is worth asking for again, but not more often than this. */
const AGAIN_AFTER = 1000;
/** A tile that could not be had is asked for less and less often, up to this. */
const SELDOM = 60_000;
const LANES = 4;
/** Drawn side by side over the same records: who asks for one has the others brought along, since they are recomputed together. */
const TOGETHER: readonly RegExp[] = [new RegExp(`^(${COLUMN.loss}|${COLUMN.gradientNorm})$`), /^gradientNorm\d+$/, /^gradientShare\d+$/];
/** Frames with runs that no manifest has named yet, kept until one does. */
const MOST_EARLY = 100;

class Gone extends Error {}
class Refused extends Error {
  constructor(
    address: string,
    readonly status: number,
  ) {
    super(`${address}: ${status}`);
  }
}

/** When a tile may be asked for again, in the page's milliseconds, and how often in a row it could not be had. */
interface Asked {
  next: number;
  failures: number;
}

/** Detail that a chart would like. */
interface Wish {
  run: number;
  columns: readonly string[];
  address: string;
}

export class Client implements Remote {
  private loadingManifest: Promise<void> | null = null;
  private control: Promise<HubConnection> | null = null;
  private readonly underway = new Set<string>();
  private readonly asked = new Map<string, Asked>();
  /** What is being recomputed for this page, and not here yet. */
  private asking = 0;
  private readonly detail: Wish[] = [];
  /** What is being fetched of it. */
  private readonly lanes: Wish[] = [];
  private moveOn = new AbortController();
  private zoom: Stage["zoom"] = null;
  private gridWanted = "";
  /** Revision that the newest frame named: an older manifest must not bring an older plane back. */
  private revision = 0;
  /** The newest frame of a generation whose manifest is not here yet: of a held experiment there may be no other for long. */
  private early: Frame | null = null;
  /** Frames of this generation with runs that its manifest does not name yet. */
  private ofNewRuns: Frame[] = [];
  private healing: ReturnType<typeof setTimeout> | null = null;

  constructor(private readonly stage: Stage) {}

  /** Fetches are on their way, so the picture may still change by itself. */
  get busy(): boolean {
    return this.loadingManifest !== null || this.underway.size > 0 || this.lanes.length > 0 || this.asking > 0 || this.healing !== null;
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
      const connection = hubConnection("/hubs/watch");
      try {
        await connection.start();
        attempt = 0;
        this.setConnection("connected");
        await this.readFrames(connection);
        this.setConnection("reconnecting");
      } catch (error) {
        // The next turn of the loop is the handling; the page says meanwhile what is the matter.
        this.setConnection(TOO_MANY.test(String(error)) ? "refused" : "reconnecting");
      }
      await connection.stop().catch(() => {});
      await wait(PATIENCE[Math.min(attempt + 1, PATIENCE.length - 1)]!);
    }
  }

  private readFrames(connection: HubConnection): Promise<void> {
    return new Promise((resolve, reject) => {
      connection.onclose(() => resolve());
      connection.stream<Uint8Array>("Watch").subscribe({ next: (bytes) => this.takeFrame(bytes), complete: resolve, error: reject });
    });
  }

  private setConnection(state: Stage["connection"]): void {
    if (this.stage.connection === state) return;
    this.stage.connection = state;
    this.stage.changed(Change.session);
  }

  private takeFrame(bytes: Uint8Array): void {
    try {
      this.ingest(decodeFrame(bytes));
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
    let changes: number = frame.runs.length > 0 ? Change.data : 0; // a heartbeat draws nothing anew
    if (frame.held !== stage.held || frame.watching !== stage.watching) changes |= Change.session;
    stage.held = frame.held;
    stage.watching = frame.watching;
    if (replaned || countPoints(stage) !== points) changes |= Change.landscape;
    if (stage.store.runs.map((run) => run.state).join() !== states) changes |= Change.runs;
    this.revision = frame.revision;
    const known = stage.store.runs.length;
    if (this.ofNewRuns.length < MOST_EARLY && frame.runs.some((part) => part.run >= known)) this.ofNewRuns.push(frame);
    if (frame.revision !== stage.manifest.revision) void this.loadManifest();
    if (changes !== 0) stage.changed(changes);
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
    const {
      early,
      stage: { manifest },
    } = this;
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
      const known = isNew ? 0 : stage.store.runs.length;
      if (isNew) {
        stage.begin(manifest);
        this.asked.clear();
        this.gridWanted = "";
        this.revision = 0;
        stage.sequence = 0;
        this.detail.length = 0;
        this.ofNewRuns = [];
      } else stage.takeManifest(manifest);
      const joined = stage.store.runs.slice(known);
      for (const run of joined) run.evaluationsMissing = true;
      const plane = manifest.revision >= this.revision ? manifest.plane : null;
      const replaned = plane !== null && stage.store.setPlane(plane.id);
      for (const run of replaned ? stage.store.runs : joined) run.pointsMissing = true;
      for (const frame of this.ofNewRuns.splice(0)) stage.store.ingestLate(frame, known);
      if (plane !== null) this.wantGrid(plane.id, plane.grid, plane.resolution);
      stage.report(manifest.error);
      this.heal();
    } catch (error) {
      stage.report(
        error instanceof Gone
          ? tr("No experiment has been started yet.", "尚未开始任何实验。")
          : tr("The server does not answer; trying again.", "服务器没有应答，正在重试。"),
      );
      await wait(2000);
      if (stage.manifest === null) void Promise.resolve().then(() => this.loadManifest());
    }
  }

  /** Fetches what the store lacks. Harmless to call at any time. */
  private heal(): void {
    const { store, manifest } = this.stage;
    if (manifest === null) return;
    const live = manifest.columns
      .filter((column) => column.live)
      .map((column) => column.name)
      .join("+");
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
    if (stage.zoom !== this.zoom) this.forgetWishes();
    const together = TOGETHER.find((names) => names.test(column));
    const columns =
      together === undefined ? [column] : stage.manifest!.columns.map(({ name }) => name).filter((name) => together.test(name));
    for (const index of tiles) {
      const address = `/api/experiments/${generation}/tiles/${run}/${columns.join("+")}/${level}/${index}`;
      const asked = this.asked.get(address) ?? { next: -Infinity, failures: 0 };
      if (performance.now() < asked.next) continue;
      asked.next = Infinity;
      this.asked.set(address, asked);
      if (this.detail.length >= 64) this.asked.delete(this.detail.shift()!.address);
      this.detail.push({ run, columns, address });
    }
    while (this.lanes.length < LANES && this.detail.length > 0) void this.fetchDetail();
  }

  loading(column: string): boolean {
    return [...this.lanes, ...this.detail].some(({ columns }) => columns.includes(column));
  }

  /** The window moved: the server need not recompute what nobody looks at any more. What is still wanted is asked for anew. */
  private forgetWishes(): void {
    this.zoom = this.stage.zoom;
    for (const { address } of this.detail.splice(0)) this.asked.delete(address);
    this.moveOn.abort();
    this.moveOn = new AbortController();
  }

  private async fetchTile(wish: Wish): Promise<void> {
    const { address } = wish,
      {
        stage,
        moveOn: { signal },
      } = this;
    const asked = this.asked.get(address)!;
    try {
      const tile = decodeTile(await binary(address, signal));
      asked.failures = 0;
      if (!tile.whole) asked.next = performance.now() + AGAIN_AFTER;
      if (stage.manifest?.generation === tile.generation) stage.store.ingestTile(tile);
    } catch (error) {
      if (signal.aborted) return void this.asked.delete(address);
      // The chart goes on with coarser buckets. What the server will not make is not asked for again; the rest later.
      if (error instanceof Refused && error.status === 404) return;
      const pause = Math.min(SELDOM, AGAIN_AFTER * 2 ** asked.failures++);
      asked.next = performance.now() + pause;
      setTimeout(() => this.tellDetail(wish), pause + 50);
    }
  }

  private async fetchDetail(): Promise<void> {
    while (this.detail.length > 0) {
      const ofSelected = this.detail.findIndex(({ run }) => run === this.stage.selected);
      const [wish] = this.detail.splice(ofSelected, 1) as [Wish]; // −1: the newest
      this.lanes.push(wish);
      await this.fetchTile(wish);
      this.lanes.splice(this.lanes.indexOf(wish), 1);
      this.tellDetail(wish);
    }
  }

  /** Detail is for those that asked; that of what axes are measured by, seconds and the FLOPs of searches, moves everything. */
  private tellDetail({ columns }: Wish): void {
    this.stage.changed(columns.some((name) => name === COLUMN.seconds || name === COLUMN.flops) ? Change.data : Change.detail);
  }

  batch = (run: number, update: number, cancel: AbortSignal): Promise<BatchAnswer> =>
    this.ask<BatchAnswer>(`batches/${run}/${update}`, cancel);

  async moments(run: number, update: number, plane: number, cancel: AbortSignal): Promise<MomentsAnswer> {
    const refusal = this.whyNoWeights(run, update);
    if (refusal !== null) return refusal;
    try {
      return await this.ask<MomentsAnswer>(`moments/${run}/${update}/${plane}`, cancel);
    } catch (error) {
      if (error instanceof Refused && error.status === 404)
        return { error: tr("There are no gradients of this update.", "没有这次更新的梯度。") };
      throw error;
    }
  }

  /** Why nothing can be computed from the weights after this update: the one with which a run diverged leaves none. */
  private whyNoWeights(run: number, update: number): { error: string } | null {
    const { state, made } = this.stage.store.runs[run]!;
    if (state !== "diverged" || update < made) return null;
    const label = this.stage.labels[run]!;
    return {
      error: tr(
        `${label} diverged at update ${whole(made)}: there are no weights after it.`,
        `${label} 在第 ${whole(made)} 次更新时发散：此后没有权重。`,
      ),
    };
  }

  /** Asks once; 202 is how far it is, 409 a sentence why not. */
  private async ask<T>(path: string, cancel: AbortSignal): Promise<T | { error: string }> {
    const address = `/api/experiments/${this.stage.manifest!.generation}/${path}`;
    this.asking++;
    try {
      const response = await fetch(address, { credentials: "same-origin", signal: cancel });
      if (response.status === 204) return { error: tr("Another experiment has begun.", "另一个实验已经开始。") };
      if (!response.ok && response.status !== 409) throw new Refused(address, response.status);
      return (await response.json()) as T;
    } finally {
      this.asking--;
    }
  }

  line = (runA: number, runB: number, cancel: AbortSignal): Promise<Answer<Line>> =>
    this.ask<Answer<Line>>(`lines/${runA}/${runB}`, cancel);

  probes = (run: number, cancel: AbortSignal): Promise<Answer<Probes>> => this.ask<Answer<Probes>>(`probes/${run}`, cancel);

  keyframes = (run: number, cancel: AbortSignal): Promise<Answer<Keyframes>> => this.ask<Answer<Keyframes>>(`keyframes/${run}`, cancel);

  examples = (split: "train" | "test", indices: readonly number[], cancel: AbortSignal): Promise<Answer<Examples>> =>
    this.ask<Answer<Examples>>(`examples/${split}/${indices.join("+")}`, cancel);

  async boundary(run: number, update: number, cancel: AbortSignal): Promise<Answer<Boundary>> {
    return this.whyNoWeights(run, update) ?? (await this.ask<Answer<Boundary>>(`boundary/${run}/${update}?n=65`, cancel));
  }

  points = (split: "train" | "test", cancel: AbortSignal): Promise<Answer<Points>> => this.ask<Answer<Points>>(`points/${split}`, cancel);

  stepOnce(): void {
    void this.command("StepOnce");
  }

  undoFork(run: string): void {
    void this.command("UndoFork", run);
  }

  redoFork(run: string): void {
    void this.command("RedoFork", run);
  }

  private async command(method: string, ...values: unknown[]): Promise<void> {
    try {
      this.control ??= this.connectControl();
      await (await this.control).invoke(method, ...values);
      this.stage.report(null);
    } catch {
      this.control = null;
      this.stage.report(tr("The server did not carry that out; try again.", "服务器未能执行，请重试。"));
    }
  }

  private async connectControl(): Promise<HubConnection> {
    const connection = hubConnection("/hubs/control");
    connection.onclose(() => (this.control = null));
    await connection.start();
    return connection;
  }
}

const isNewer = (frame: Frame, than: Frame): boolean =>
  frame.generation === than.generation ? frame.sequence >= than.sequence : frame.generation > than.generation;

const countPoints = (stage: Stage): number => stage.store.runs.reduce((sum, run) => sum + run.points.count, 0);

const wait = (milliseconds: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, milliseconds));

async function answer(address: string, signal?: AbortSignal): Promise<Response> {
  const response = await fetch(address, { credentials: "same-origin", ...(signal && { signal }) });
  if (response.status === 204) throw new Gone(address);
  if (!response.ok) throw new Refused(address, response.status);
  return response;
}

const json = async <T>(address: string): Promise<T> => (await answer(address)).json() as Promise<T>;
const binary = async (address: string, signal?: AbortSignal): Promise<Uint8Array> =>
  new Uint8Array(await (await answer(address, signal)).arrayBuffer());
