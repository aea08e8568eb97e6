/** The page that is a file: one recorded experiment, replayed without a server. docs/html-replay.md describes the file. */
import { Recorded } from "./recorded.ts";
import type { Manifest } from "./manifest.ts";
import { mountModules } from "./modules.ts";
import { expose } from "./probe.ts";
import { Stage } from "./stage.ts";

const stage = new Stage();
const recorded = new Recorded(stage);
stage.remote = recorded;
stage.connection = "offline";
mountModules(stage);
expose(stage, recorded);
const manifest = JSON.parse(document.getElementById("manifest")!.textContent) as Manifest;
const blocks = [...document.querySelectorAll("script[data-block]")].map((element) => {
  element.remove(); // unpacked it is needed no more, and it may be megabytes
  return element.textContent;
});
void recorded.start(manifest, blocks);
