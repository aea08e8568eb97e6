/**
 * Keys as tables: a handler works through its own, and the sheet of help.ts shows all of them, so that neither knows a key that the other
 * does not. Pure.
 */
import { tr } from "../language.ts";

export interface Row<T> {
  /** As `KeyboardEvent.key` has them, letters small, with "Ctrl+" (or ⌘) and with "Shift+" where that makes a difference. */
  readonly keys: readonly string[];
  /** What the sheet shows in their place. */
  readonly shown?: readonly string[];
  /** Other keys for the same, which the sheet leaves out. */
  readonly also?: readonly string[];
  readonly words: string;
  /** False: not now, the key is free for others. */
  act(on: T, key: string): boolean | void;
}
export type Keys<T> = readonly Row<T>[];

export type Pressed = Pick<KeyboardEvent, "key" | "shiftKey" | "ctrlKey" | "metaKey" | "altKey">;

/** What was pressed, as `keys` has it, the closest name first. Alt is the browser's. */
function namesOf({ key, shiftKey, ctrlKey, metaKey, altKey }: Pressed): readonly string[] {
  const small = key.length === 1 ? key.toLowerCase() : key,
    control = ctrlKey || metaKey ? "Ctrl+" : "";
  return altKey ? [] : shiftKey ? [`${control}Shift+${small}`, control + small] : [control + small];
}

/** Does what the table says; false where it says nothing. */
export function press<T>(table: Keys<T>, event: Pressed, on: T): boolean {
  for (const name of namesOf(event)) {
    const row = table.find(({ keys, also }) => keys.includes(name) || also?.includes(name));
    if (row !== undefined) return row.act(on, name) !== false;
  }
  return false;
}

const NAMES: Readonly<Record<string, string>> = {
  " ": tr("Space", "空格"),
  ArrowLeft: "←",
  ArrowRight: "→",
  ArrowUp: "↑",
  ArrowDown: "↓",
  Escape: "Esc",
  PageUp: tr("Page up", "上翻页"),
  PageDown: tr("Page down", "下翻页"),
  "-": "−",
};

/** A key's name on the sheet. */
export function written(key: string): string {
  for (const control of ["Ctrl+", "Shift+"]) if (key.startsWith(control)) return control + written(key.slice(control.length));
  return NAMES[key] ?? (/^[a-z]$/.test(key) ? key.toUpperCase() : key);
}
