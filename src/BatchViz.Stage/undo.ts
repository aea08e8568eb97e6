/** Undo and redo of a viewer's choices: rows of states, each as the table of address.ts writes them. */
import { FIELDS } from "./address.ts";
import type { Stage } from "./stage.ts";

type State = Readonly<Record<string, string>>;

const MOST = 100;
/** Changes of the same choice within this time are one step: a window that is being dragged. */
const TOGETHER = 800;

export class Undo {
  private past: State[] = [];
  private future: State[] = [];
  private now: State;
  private lastKeys = "";
  private lastTime = -Infinity;

  constructor(private readonly stage: Stage) {
    this.now = read(stage);
  }

  get canUndo(): boolean {
    return this.past.length > 0;
  }

  get canRedo(): boolean {
    return this.future.length > 0;
  }

  /** Another experiment: nothing of the old one can come back. */
  forget(): void {
    this.past = [];
    this.future = [];
    this.now = read(this.stage);
  }

  /** Looks whether a choice has changed. True when there is something new to take back. */
  note(time: number): boolean {
    const state = read(this.stage), keys = changedKeys(this.now, state).join();
    if (keys === "") return false;
    const together = keys === this.lastKeys && time - this.lastTime < TOGETHER && this.past.length > 0;
    if (!together) this.past.push(this.now);
    if (this.past.length > MOST) this.past.shift();
    this.future = [];
    this.now = state;
    this.lastKeys = keys;
    this.lastTime = time;
    return true;
  }

  /** Takes back the newest choice, also one that no frame has drawn yet. */
  undo(): boolean {
    this.note(performance.now());
    return this.move(this.past, this.future);
  }

  redo(): boolean {
    return this.move(this.future, this.past);
  }

  private move(from: State[], to: State[]): boolean {
    const state = from.pop();
    if (state === undefined) return false;
    to.push(this.now);
    for (const key of changedKeys(this.now, state)) FIELDS[key]!.set(this.stage, state[key]!);
    this.now = read(this.stage); // a run that is no more cannot be selected again
    this.lastKeys = "";
    return true;
  }
}

function read(stage: Stage): State {
  const state: Record<string, string> = {};
  for (const [key, field] of Object.entries(FIELDS)) if (field.undo) state[key] = field.get(stage);
  return state;
}

const changedKeys = (a: State, b: State): string[] => Object.keys(b).filter((key) => a[key] !== b[key]);
