/** What one person likes, kept in this browser. */

import { choose, type Language } from "../i18n";
import type { Memory } from "../client/storage";

const PREFIX = "throughline.settings.";

export class Settings {
  constructor(private readonly memory: Memory) {}

  /** The language they chose, or null. */
  get language(): Language | null {
    const kept = this.memory.read(`${PREFIX}language`);
    return kept ? choose([kept]) : null;
  }

  set language(wanted: Language | null) {
    this.memory.write(`${PREFIX}language`, wanted);
  }

  get sound(): boolean {
    return this.memory.read(`${PREFIX}sound`) !== "off";
  }

  set sound(on: boolean) {
    this.memory.write(`${PREFIX}sound`, on ? null : "off");
  }

  get notifications(): boolean {
    return this.memory.read(`${PREFIX}notifications`) === "on";
  }

  set notifications(on: boolean) {
    this.memory.write(`${PREFIX}notifications`, on ? "on" : null);
  }
}
