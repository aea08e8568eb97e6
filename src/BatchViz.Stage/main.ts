/** The page that a server gives: it follows the training and fetches history. The place to start reading. */
import { Client } from "./client.ts";
import { mountModules } from "./modules.ts";
import { expose } from "./probe.ts";
import { Stage } from "./stage.ts";

const stage = new Stage();
const client = new Client(stage);
stage.remote = client;
mountModules(stage);
expose(stage, client);
void client.start();
