/** The widget's first line: where the API is, then the element. */

import { ThroughlineChat } from "./chat";

/** `make upload` writes the API's address in here; without that it is where the script lies. */
const told = { api: "throughline:api" };

const script = document.currentScript instanceof HTMLScriptElement ? document.currentScript.src : location.href;
ThroughlineChat.home = told.api.startsWith("http") ? told.api : new URL(".", script).href;
if (!customElements.get("throughline-chat")) customElements.define("throughline-chat", ThroughlineChat);
