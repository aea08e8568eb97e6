/** One sentence when something is missing or wrong; silent when all is well. */
import type { Manifest } from "../manifest.ts";
import { Change, type Mount, type Stage } from "../stage.ts";
import { el, setAttribute, setText } from "./dom.ts";

type Kind = "wait" | "error" | "note";

export const mountStatus: Mount = (element, stage) => {
  const sentence = el("p", { role: "status" });
  element.append(sentence);
  return {
    wants: Change.manifest | Change.session | Change.landscape | Change.data,
    draw() {
      const [kind, text] = say(stage);
      setText(sentence, text);
      setAttribute(sentence, "data-kind", kind);
      sentence.hidden = text === "";
    },
  };
};

function say(stage: Stage): [Kind, string] {
  const { manifest } = stage;
  if (stage.problem !== null) return ["error", stage.problem];
  if (stage.connection === "reconnecting") return ["error", "The connection is lost; trying again. What was recorded stays here."];
  if (stage.connection === "offline") return sayOffline(stage);
  if (manifest === null) return ["wait", "Connecting to the training…"];
  if (manifest.recording?.problem) return ["error", manifest.recording.problem];
  if (manifest.state === "preparing") return ["wait", `Preparing ${manifest.data.name}: reading the data and drawing the initial weights.`];
  if (manifest.state === "failed") return ["error", manifest.error ?? "The experiment failed."];
  if (manifest.plane === null) return ["wait", "The first slice of the landscape appears after a few updates of every run; it is cut through the paths they take."];
  if (stage.grid === null) return ["wait", "Computing the landscape: the loss at every point of the slice."];
  return ["note", stage.note ?? sayRecording(manifest)];
}

/** What a reader of the recording should know; what is wrong with it is said at once, above. */
function sayRecording({ recording }: Manifest): string {
  if (!recording) return "";
  const [first, ...more] = recording.damages;
  if (first !== undefined) return more.length === 0 ? first : `${first} (and ${more.length} more)`;
  return recording.kept ? "" : "Not recorded: what is shown here is forgotten when another experiment begins.";
}

/** Nothing is on its way: what is not here will not come. */
function sayOffline({ manifest, grid, note }: Stage): [Kind, string] {
  if (manifest === null) return ["wait", "Unpacking the recording…"];
  if (manifest.plane === null || grid === null) return ["wait", "This recording holds no landscape."];
  return ["note", note ?? ""];
}
