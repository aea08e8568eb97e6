/** What the owner's components ask of the browser. */

const FOCUS_FRAMES = 60;

/** Gives the focus to what a selector names; waits some frames for what is still on its way over the circuit. */
export function focus(selector, frames = FOCUS_FRAMES) {
  const element = document.querySelector(selector);
  if (element !== null) element.focus();
  else if (frames > 0) requestAnimationFrame(() => focus(selector, frames - 1));
}

/** Which run is selected on the page, and after which update each run is at the playhead; null where there is no Stage. */
export function playhead() {
  const state = window.batchviz?.state();
  return state === undefined ? null
    : { selected: state.selected, updates: Object.fromEntries(Object.entries(state.drawn).map(([run, point]) => [run, Math.floor(point.update) || 0])) };
}

let takesFork = null;

/** Stage asks for forks in an event (fork.ts); the newest dialog hears of them. Who listens says so, so that nobody waits for what cannot come. */
export function takeForks(dialog) {
  if (takesFork === null) {
    document.addEventListener("batchviz:fork", (event) => {
      event.preventDefault();
      const { run, update, set = {} } = event.detail;
      void takesFork.invokeMethodAsync("OpenAt", run, update, Object.fromEntries(Object.entries(set).map(([key, value]) => [key, String(value)])));
    });
  }
  takesFork = dialog;
}

/** Stage can take a fork back that was made on this page (panels/history.ts). */
export function forked(run) {
  document.dispatchEvent(new CustomEvent("batchviz:forked", { detail: { run } }));
}

/** Sends the file that was chosen to the library; says what became of it. */
export async function upload(input) {
  const file = input.files[0];
  if (file === undefined) return null;
  try {
    const answer = await fetch("/api/recordings/import", { method: "POST", body: file, credentials: "same-origin", headers: { "Content-Type": "application/octet-stream" } });
    return answer.ok ? { id: (await answer.json()).id } : { refusal: await answer.text() };
  } catch {
    return { refusal: document.documentElement.lang.startsWith("zh") ? "文件未能发送；请重试。" : "The file could not be sent; try again." };
  } finally {
    input.value = "";
  }
}

/** Takes files that are dropped onto an element as if they had been chosen in an input. */
export function takeDrops(place, input) {
  if (place.dataset.drops !== undefined) return;
  place.dataset.drops = "";
  place.addEventListener("dragover", (event) => {
    if (event.dataTransfer.types.includes("Files")) event.preventDefault();
  });
  place.addEventListener("drop", (event) => {
    if (event.dataTransfer.files.length === 0) return;
    event.preventDefault();
    input.files = event.dataTransfer.files;
    input.dispatchEvent(new Event("change", { bubbles: true }));
  });
}

/** Offers a text as a file to keep. */
export function save(name, text) {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(new Blob([text], { type: "application/json" }));
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 60_000);
}

/** Writes to the clipboard, by the old way where the page is not on a secure origin (a plain http address in a network). */
export async function copy(text) {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    return copyFromField(text);
  }
}

function copyFromField(text) {
  const field = document.createElement("textarea");
  field.value = text;
  field.style.position = "fixed";
  field.style.opacity = "0";
  const back = document.activeElement;
  document.body.append(field);
  field.select();
  const done = document.execCommand("copy");
  field.remove();
  back?.focus();
  return done;
}
