/** Which look is which batch size, and which fork, on the picture itself. An entry hides its runs, or shows them alone. */
import { tr } from "../language.ts";
import type { RunInfo } from "../manifest.ts";
import { Change, type Mount } from "../stage.ts";
import { el } from "./dom.ts";
import { setRunColour, swatch } from "./swatch.ts";

export const mountLegend: Mount = (element, stage) => {
  const list = el("ul", { class: "legend" });
  element.append(list);
  let made = "";
  const buttons: { button: HTMLButtonElement; runs: number[] }[] = [];

  function toggle(runs: readonly number[]): void {
    const visible = runs.some((run) => !stage.hidden.has(run));
    for (const run of runs) stage.setVisible(run, !visible);
  }

  function build(): void {
    const looks = new Map<string, RunInfo[]>();
    for (const run of stage.manifest?.runs ?? []) {
      const key = `${run.batchSize} ${stage.styles[run.index]!.marker}`;
      looks.set(key, [...(looks.get(key) ?? []), run]);
    }
    buttons.length = 0;
    list.replaceChildren(
      ...[...looks.values()]
        .sort(([a], [b]) => a!.batchSize - b!.batchSize)
        .map((runs) => {
          const run = runs[0]!,
            style = stage.styles[run.index]!,
            indices = runs.map(({ index }) => index);
          const name = run.fork ? stage.labels[run.index]!.replace("B = ", "") : String(run.batchSize);
          const button = el(
            "button",
            {
              type: "button",
              "aria-label": tr(`Runs of B = ${name}`, `B = ${name} 的运行`),
              title: tr(
                "Click: hide or show. Double click or Alt + click: this one alone. Keyboard: Enter, Shift + Enter.",
                "单击：隐藏或显示。双击或 Alt + 单击：仅显示此项。键盘：Enter、Shift + Enter。",
              ),
              onclick: (event) =>
                (event as MouseEvent).altKey || (event as MouseEvent).shiftKey ? stage.isolate(indices) : toggle(indices),
              ondblclick: (event) => (event as MouseEvent).altKey || (event as MouseEvent).shiftKey || stage.isolate(indices), // the two clicks before it have undone each other
            },
            swatch(style),
            el("span", { class: "figures" }, name),
          );
          setRunColour(button, style, stage.theme);
          buttons.push({ button, runs: indices });
          return el("li", {}, button);
        }),
    );
    if (buttons.length > 0) list.prepend(el("li", { class: "quiet" }, tr("Batch size", "批量大小")));
  }

  return {
    wants: Change.manifest | Change.theme | Change.runs,
    draw() {
      const now = `${stage.manifest?.generation} ${stage.labels.join()} ${stage.theme} ${JSON.stringify(stage.colours)}`;
      if (now !== made) {
        // not anew at every change, or the focus would be lost with the button
        made = now;
        build();
      }
      for (const { button, runs } of buttons) button.setAttribute("aria-pressed", String(runs.some((run) => !stage.hidden.has(run))));
    },
  };
};
