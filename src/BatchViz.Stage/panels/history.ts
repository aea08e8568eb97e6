/** The page's address follows what is set, and is followed when it changes; undo and redo. */
import { apply, sayAwaited, write } from "../address.ts";
import { tr } from "../language.ts";
import { Change, type Mount } from "../stage.ts";
import { Undo } from "../undo.ts";
import { button, icon, keysAreTaken } from "./dom.ts";
import { press, type Keys } from "./keys.ts";

const SETTLE = 300;
const NOTE_SECONDS = 12;

/** What keys do anywhere but in a field, which has its own history. Nothing to take back is no reason to leave the key to the browser. */
export const HISTORY_KEYS: Keys<Pick<Undo, "undo" | "redo">> = [
  { keys: ["Ctrl+z"], words: tr("Undo", "撤销"), act: (undo) => void undo.undo() },
  { keys: ["Ctrl+Shift+z"], also: ["Ctrl+y"], words: tr("Redo", "重做"), act: (undo) => void undo.redo() },
];

/** The fragment is where the skip link leads: a place on the page, no moment. */
const isPlace = (): boolean => location.hash !== "" && document.getElementById(location.hash.slice(1)) !== null;

export const mountHistory: Mount = (element, stage) => {
  const undo = new Undo(stage);
  const tell = (words: string): void => {
    stage.say(words);
    setTimeout(() => stage.say(null), 1000 * NOTE_SECONDS);
  };
  const back = button(tr("Undo (Ctrl+Z)", "撤销 (Ctrl+Z)"), icon("undo"), () => undo.undo()),
    on = button(tr("Redo (Ctrl+Shift+Z)", "重做 (Ctrl+Shift+Z)"), icon("redo"), () => undo.redo());
  element.append(back, on);
  document.addEventListener("keydown", (event) => {
    if (event.target instanceof HTMLInputElement || event.target instanceof HTMLTextAreaElement || keysAreTaken()) return;
    if (press(HISTORY_KEYS, event, undo)) event.preventDefault();
  });

  // A fork that was made on this page (wwwroot/js/owner.js) is taken back for everyone.
  document.addEventListener("batchviz:forked", (event) => {
    const { run } = (event as CustomEvent<{ run: string }>).detail;
    undo.did({
      undo() {
        stage.remote.undoFork(run);
        tell(
          tr(
            "The fork is undone: its run trains no more and is hidden; what it has made stays recorded. Redo goes on with it.",
            "已撤销分叉：该运行不再训练并已隐藏；其已有记录保留。重做可继续。",
          ),
        );
      },
      redo() {
        stage.remote.redoFork(run);
        tell(tr("The fork is back and goes on where it was.", "分叉已恢复，并从原处继续。"));
      },
    });
    stage.changed(Change.session);
  });

  let shown = location.hash,
    generation = -1,
    awaited = "",
    timer: ReturnType<typeof setTimeout> | undefined;
  const take = (): void => {
    const told = isPlace() ? [] : apply(stage, location.hash);
    if (told.length === 0) return;
    tell(told.join(" "));
  };
  const follow = (): void => {
    const fragment = write(stage);
    if (fragment === shown) return;
    shown = fragment;
    history.replaceState(history.state, "", `${location.pathname}${location.search}${fragment}`);
  };
  addEventListener("hashchange", () => {
    if (location.hash === shown) return;
    if (isPlace()) return history.replaceState(history.state, "", `${location.pathname}${location.search}${shown}`);
    shown = location.hash;
    if (stage.manifest !== null) take();
  });
  return {
    wants: Change.all & ~Change.detail,
    draw(changes, now) {
      if (stage.manifest === null) return;
      if (stage.manifest.generation !== generation) {
        // The first experiment is the one that the address speaks of; a later one begins anew.
        if (generation < 0) take();
        generation = stage.manifest.generation;
        undo.forget();
      } else if (changes & ~(Change.data | Change.moment | Change.camera | Change.size | Change.cursor)) undo.note(now);
      back.disabled = !undo.canUndo;
      on.disabled = !undo.canRedo;
      const sentence = sayAwaited(stage);
      if (sentence !== awaited) stage.say((awaited = sentence) || null);
      timer ??= setTimeout(() => {
        timer = undefined;
        follow();
      }, SETTLE);
    },
  };
};
