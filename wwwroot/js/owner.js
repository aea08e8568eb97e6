/** What the owner's components ask of the browser. */

export function show(dialog) {
  dialog.showModal();
}

export function close(dialog) {
  dialog.close();
}

/** Which run is selected on the page, and after which update each run is at the playhead; null where there is no Stage. */
export function playhead() {
  const state = window.batchviz?.state();
  return state === undefined ? null
    : { selected: state.selected, updates: Object.fromEntries(Object.entries(state.drawn).map(([run, point]) => [run, Math.floor(point.update) || 0])) };
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
  // Inside the open dialog, if any: nothing outside of it can be selected.
  const back = document.activeElement;
  (document.querySelector("dialog[open]") ?? document.body).append(field);
  field.select();
  const done = document.execCommand("copy");
  field.remove();
  back?.focus();
  return done;
}
