/** One sentence when something is missing or wrong; silent when all is well. */
import { tr } from "../language.ts";
import type { Manifest } from "../manifest.ts";
import { inReadersLanguage } from "../serverMessages.ts";
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
  if (stage.problem !== null) return ["error", inReadersLanguage(stage.problem)];
  if (stage.connection === "reconnecting")
    return [
      "error",
      tr("The connection is lost; trying again. What was recorded stays here.", "连接已断开，正在重试。已有的记录仍保留在此。"),
    ];
  if (stage.connection === "refused")
    return [
      "error",
      tr(
        "This browser watches in too many windows already; close one of them, and this one goes on.",
        "此浏览器打开的窗口过多；关闭其中一个后，本窗口将继续。",
      ),
    ];
  if (stage.connection === "offline") return sayOffline(stage);
  if (manifest === null) return ["wait", tr("Connecting to the training…", "正在连接训练…")];
  if (manifest.recording?.problem) return ["error", inReadersLanguage(manifest.recording.problem)];
  if (manifest.plane === null && manifest.settled)
    return [
      "wait",
      tr(
        "No plane goes through what these runs left: they have too few weights at a finite loss.",
        "这些运行留下的有限损失的权重太少，无法确定平面。",
      ),
    ];
  if (manifest.plane === null)
    return [
      "wait",
      tr(
        "The first slice of the landscape appears after a few updates of every run; it is cut through the paths they take.",
        "每个运行完成几次更新后会出现第一个地形切面；它沿各运行的路径切出。",
      ),
    ];
  if (stage.grid === null)
    return ["wait", tr("Computing the landscape: the loss at every point of the slice.", "正在计算损失地形：切面上每一点的损失。")];
  return ["note", stage.note ?? sayRecording(manifest)];
}

/** What a reader of the recording should know; what is wrong with it is said at once, above. */
function sayRecording({ recording }: Manifest): string {
  if (!recording) return "";
  const [first, ...more] = recording.damages;
  if (first !== undefined)
    return more.length === 0
      ? inReadersLanguage(first)
      : tr(`${first} (and ${more.length} more)`, `${inReadersLanguage(first)}（另有 ${more.length} 处）`);
  return recording.kept
    ? ""
    : tr("Not recorded: what is shown here is forgotten when another experiment begins.", "未录制：另一个实验开始后，这里的内容将丢失。");
}

/** Nothing is on its way: what is not here will not come. */
function sayOffline({ manifest, grid, note }: Stage): [Kind, string] {
  if (manifest === null) return ["wait", tr("Unpacking the recording…", "正在解开录制…")];
  if (manifest.plane === null || grid === null) return ["wait", tr("This recording holds no landscape.", "此录制不含损失地形。")];
  return ["note", note ?? ""];
}
