/** The desk's first line: ask for the configuration, then show the page. */

import { App, type Configuration } from "./app";
import { DeskApp } from "./desk-app";

const base = new URL("./", location.href.split(/[?#]/)[0]!).href;

async function configuration(): Promise<Configuration> {
  const answer = await fetch(new URL("config.json", base), { cache: "no-store" });
  if (!answer.ok) throw new TypeError(`config.json: ${answer.status}`);
  return (await answer.json()) as Configuration;
}

/** Without a configuration the page says so, and asks again when told to. */
const nothing: Configuration = { issuer: null, client_id: null, api: "", socket: "" };

const app = new App(await configuration().catch(() => nothing), base);
const desk = new DeskApp();
desk.app = app;
document.body.append(desk);
await app.start();
