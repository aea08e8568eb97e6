/**
 * Undo and redo: of a viewer's choices, rows of states as the table of address.ts writes them, and of actions that somebody else carries
 * out.
 */
import { FIELDS } from "./address.ts";
import type { Stage } from "./stage.ts";

type State = Readonly<Record<string, string>>;

/** Something that was done and can be taken back and done again. */
export interface UndoableAction {
  undo(): void;
  redo(): void;
}

type Step = { readonly state: State } | { readonly action: UndoableAction };

const MOST = 100;
/** Changes of the same choice within this time are one step: a window that is being dragged. */
const TOGETHER = 800;

export class Undo {
  private past: Step[] = [];
  private future: Step[] = [];
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
    const state = read(this.stage),
      keys = changedKeys(this.now, state).join();
    if (keys === "") return false;
    const together = keys === this.lastKeys && time - this.lastTime < TOGETHER && this.past.length > 0;
    if (!together) this.push({ state: this.now });
    this.future = [];
    this.now = state;
    this.lastKeys = keys;
    this.lastTime = time;
    return true;
  }

  /** Something was done that is no choice of this table. */
  did(action: UndoableAction): void {
    this.note(performance.now());
    this.push({ action });
    this.future = [];
    this.lastKeys = "";
  }

  /** Takes back the newest choice, also one that no frame has drawn yet. */
  undo(): boolean {
    this.note(performance.now());
    return this.move(this.past, this.future, "undo");
  }

  redo(): boolean {
    return this.move(this.future, this.past, "redo");
  }

  private push(step: Step): void {
    this.past.push(step);
    if (this.past.length > MOST) this.past.shift();
  }

  private move(from: Step[], to: Step[], way: keyof UndoableAction): boolean {
    const step = from.pop();
    if (step === undefined) return false;
    this.lastKeys = "";
    if ("action" in step) {
      to.push(step);
      step.action[way]();
      return true;
    }
    to.push({ state: this.now });
    for (const key of changedKeys(this.now, step.state)) FIELDS[key]!.set(this.stage, step.state[key]!);
    this.now = read(this.stage); // a run that is no more cannot be selected again
    return true;
  }
}

function read(stage: Stage): State {
  const state: Record<string, string> = {};
  for (const [key, field] of Object.entries(FIELDS)) if (field.undo) state[key] = field.get(stage);
  return state;
}

const changedKeys = (a: State, b: State): string[] => Object.keys(b).filter((key) => a[key] !== b[key]);
