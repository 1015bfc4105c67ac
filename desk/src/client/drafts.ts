/** What is being written and was not sent yet: kept in this browser, over reloads, for a week. */

import type { Memory } from "./storage";

const PREFIX = "throughline.draft.";
const LIFE_MS = 7 * 24 * 3600 * 1000;

export class Drafts {
  constructor(
    private readonly memory: Memory,
    private readonly now: () => number,
  ) {}

  read(place: string): string {
    const kept = this.memory.read(PREFIX + place) ?? "";
    return this.isOld(kept) ? "" : kept.slice(kept.indexOf(" ") + 1);
  }

  keep(place: string, text: string): void {
    if (text && text === this.read(place)) return; // other tabs would take it for news
    this.memory.write(PREFIX + place, text ? `${this.now()} ${text}` : null);
  }

  /** Forget whatever was written at places that begin so. */
  forget(places: string): void {
    this.forgetWhere((key) => key.startsWith(PREFIX + places));
  }

  forgetOld(): void {
    this.forgetWhere((key) => this.isOld(this.memory.read(key) ?? ""));
  }

  private forgetWhere(isOne: (key: string) => boolean): void {
    for (const key of this.memory.keys()) if (key.startsWith(PREFIX) && isOne(key)) this.memory.write(key, null);
  }

  private isOld(kept: string): boolean {
    return !(Number.parseInt(kept, 10) > this.now() - LIFE_MS);
  }
}

/** Whether a key of the browser's memory is that of somebody's draft in this conversation. */
export function isDraftOf(key: string | null, conversation: string): boolean {
  return key !== null && key.startsWith(PREFIX) && key.endsWith(`/${conversation}`);
}
