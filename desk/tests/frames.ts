/** Frames as the server makes them, short to write down. */

import type { ConversationView, Entry, ServerFrame, Snapshot, SnapshotConversation } from "../src/client/frames";

export const HOME = "h-1f";
export const CONVERSATION = `${HOME}.0123456789`;

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

export function conversation(version: number, more: Partial<ConversationView> = {}): ConversationView {
  return {
    conversation: CONVERSATION,
    version,
    turn: 2,
    state: "active",
    customer: { id: HOME, name: "Mina" },
    queue: "support",
    requirement: "",
    opened_at: new Date(1_780_000_000_000).toISOString(),
    via: "telegram/demo|telegram:70011",
    vias: [],
    language: "en",
    holder: "ana",
    disposition: null,
    until: null,
    ...more,
  };
}

export function snapshot(conversations: SnapshotConversation[], more: Partial<Snapshot> = {}): Snapshot {
  const now = { presence: "available" as const, reason: null, since: null, next: null };
  const agent = { agent: "ana", name: "Ana", ...now, capacity: { chat: 3 }, load: {} };
  const rest = { teams: ["front"], skills: {}, language: null, not_ready_reasons: [] };
  const me = { agent: "ana", name: "Ana", role: "agent" as const, ...rest };
  return { event: "snapshot", id: "hello", me, agent, offers: [], conversations, ...more };
}

export function message(version: number, announced: Entry, more: object = {}): ServerFrame {
  return { event: "message", conversation: CONVERSATION, version, entry: announced, ...more } as ServerFrame;
}
