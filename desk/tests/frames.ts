/** Entries by hand, for what can be shown and no scenario has. What the server really says is in `recorded.ts`. */

import type { Entry } from "../src/client/frames";

const HOME = "h-1f";

export function hash(number: number): string {
  return number.toString(16).padStart(22, "0");
}

export function entry(number: number, more: Partial<Entry> = {}): Entry {
  const sent_ms = 1_780_000_000_000 + number * 1000;
  const sent_at = new Date(sent_ms).toISOString();
  return {
    id: `${HOME}.${sent_ms}.${hash(number)}`,
    kind: "message",
    direction: "inbound",
    channel: "telegram",
    via: "telegram/demo|telegram:70011",
    type: "text",
    text: `text ${number}`,
    sent_at,
    received_at: sent_at,
    late: false,
    ...more,
  };
}
