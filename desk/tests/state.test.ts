import { beforeEach, describe, expect, it } from "vitest";
import type { SnapshotConversation } from "../src/client/frames";
import { DeskState, TYPING_MS } from "../src/client/state";
import { CONVERSATION, conversation, entry, HOME, hash, message, snapshot } from "./frames";

let state: DeskState;

function greet(...conversations: SnapshotConversation[]): void {
  const moment = state.now();
  state.applySnapshot(snapshot(conversations), moment, state.resumable());
}

const texts = () => state.thread(HOME).slice(0, 100).map((one) => one.text);
const known = () => state.conversations.get(CONVERSATION)!;

beforeEach(() => {
  state = new DeskState();
  greet({ ...conversation(2), entries: [entry(1), entry(2)] });
});

describe("versions", () => {
  it("keeps the next version and applies its entry", () => {
    state.apply(message(3, entry(3)), 0);
    expect([known().version, texts(), state.isBehind()]).toEqual([3, ["text 1", "text 2", "text 3"], false]);
  });

  it("applies an entry that came too early, keeps the old version, and says that something is missing", () => {
    state.apply(message(4, entry(4)), 0);
    expect([known().version, texts().at(-1), state.isBehind()]).toEqual([2, "text 4", true]);
    expect(state.resumable()).toEqual({ [CONVERSATION]: 2 });
  });

  it("goes on over what came ahead as soon as the missing one is here", () => {
    for (const number of [5, 4, 3]) state.apply(message(number, entry(number)), 0);
    expect([known().version, state.isBehind()]).toEqual([5, false]);
    expect(texts()).toEqual([1, 2, 3, 4, 5].map((number) => `text ${number}`));
  });

  it("applies an announcement that came twice once", () => {
    for (const version of [3, 3, 2]) state.apply(message(version, entry(3)), 0);
    expect([known().version, texts().length]).toEqual([3, 3]);
  });

  it("learns from a status and from a state that something is missing, and keeps its version", () => {
    state.apply(
      { event: "message.status", conversation: CONVERSATION, version: 5, entry: "x", status: "failed", reason: "r" },
      0,
    );
    expect([known().version, state.isBehind()]).toEqual([2, true]);
    state.apply({ event: "conversation", ...conversation(6) }, 0);
    expect([known().version, known().heard]).toEqual([2, 6]);
  });

  it("keeps the higher version when a frame overtakes the snapshot", () => {
    const moment = state.now();
    state.apply(message(3, entry(3)), 0);
    state.applySnapshot(snapshot([{ ...conversation(2), entries: [] }]), moment, { [CONVERSATION]: 2 });
    expect([known().version, texts().length]).toEqual([3, 3]);
  });

  it("counts a version that is announced with more only when all entries have come", () => {
    greet({ ...conversation(9), entries: [], more: true });
    expect(state.resumable()).toEqual({ [CONVERSATION]: 2 });
    state.apply({ event: "entries", conversation: CONVERSATION, version: 9, entries: [entry(3)], more: true }, 0);
    expect(known().version).toBe(2);
    state.apply({ event: "entries", conversation: CONVERSATION, version: 9, entries: [entry(4)], more: false }, 0);
    expect([known().version, texts().length, state.isBehind()]).toEqual([9, 4, false]);
  });
});

describe("state of a conversation", () => {
  it.each([
    ["a lower turn", { turn: 1, state: "wrapping" as const }, "active"],
    ["the same turn and an earlier state", { turn: 2, state: "offered" as const }, "active"],
    ["the same turn and a later state", { turn: 2, state: "paused" as const }, "paused"],
    ["a higher turn", { turn: 3, state: "offered" as const }, "offered"],
  ])("of %s", (_, change, expected) => {
    state.apply({ event: "conversation", ...conversation(2, change) }, 0);
    expect(known().view.state).toBe(expected);
  });

  it("leaves the list once it is with somebody else or resolved", () => {
    expect(state.mine()).toHaveLength(1);
    state.apply({ event: "conversation", ...conversation(2, { turn: 3, state: "queued", holder: null }) }, 0);
    expect(state.mine()).toHaveLength(0);
  });

  it("is forgotten when a snapshot no longer has it, unless it came after the hello", () => {
    const moment = state.now();
    const other = conversation(1, { conversation: "h-2.0", customer: { id: "h-2", name: "Noor" } });
    state.apply({ event: "ack", id: "accept", conversation: { ...other, entries: [entry(7)] } }, 0);
    state.applySnapshot(snapshot([]), moment, {});
    expect([...state.conversations.keys()]).toEqual(["h-2.0"]);
  });

  it("takes its thread along when its customer turns out to be another one's other half", () => {
    state.apply({ event: "conversation", ...conversation(4, { customer: { id: "h-0", name: "Mina" } }) }, 0);
    expect(state.thread("h-0").length).toBe(2);
    expect(state.thread(HOME).length).toBe(0);
  });
});

describe("resume", () => {
  it("takes only the statuses of entries it knows when nothing was missed", () => {
    const ours = entry(3, { direction: "outbound", status: "sent", text: "ours" });
    state.apply(message(3, ours), 0);
    state.apply(message(4, entry(4, { kind: "reaction", target: hash(3), emoji: "👍" })), 0);
    greet({ ...conversation(4), entries: [{ ...ours, status: "delivered" }] });
    const shown = state.thread(HOME).find(ours.id);
    expect([shown?.status, shown?.reactions?.length]).toEqual(["delivered", 1]);
  });

  it("fills the gap and stops being behind", () => {
    state.apply(message(5, entry(5)), 0);
    greet({ ...conversation(5), entries: [1, 2, 3, 4, 5].map((number) => entry(number)) });
    expect([known().version, state.isBehind(), texts().length]).toEqual([5, false, 5]);
  });
});

describe("offers, presence, typing, reading", () => {
  it("shows an offer until it has ended", () => {
    const offer = {
      offer: `${CONVERSATION}.3`,
      conversation: CONVERSATION,
      customer: { id: HOME, name: "Mina" },
      channel: "telegram",
      queue: "support",
      requirement: "",
      preview: "Hello",
      waiting_since: "",
      expires_at: "",
    };
    state.apply({ event: "offer", ...offer }, 0);
    expect(state.offers.size).toBe(1);
    state.apply({ event: "offer.ended", offer: offer.offer, conversation: CONVERSATION, reason: "timed_out" }, 0);
    expect(state.offers.size).toBe(0);
  });

  it("believes that the customer is writing for a while, or until the message is here", () => {
    state.apply({ event: "typing", conversation: CONVERSATION, from: "customer" }, 100);
    expect(known().typing).toEqual({ from: "customer", until: 100 + TYPING_MS });
    state.apply(message(3, entry(3)), 200);
    expect(known().typing).toBeNull();
  });

  it("counts what is unread until it was read here or in another tab", () => {
    expect(state.unread(known())).toBe(2);
    state.apply({ event: "read", conversation: CONVERSATION, by: "ana" }, 0);
    expect(state.unread(known())).toBe(0);
    state.apply(message(3, entry(3)), 0);
    expect(state.unread(known())).toBe(1);
  });

  it("says since when the customer waits for an answer", () => {
    expect(state.waitingSince(known())).toBe(entry(1).sent_at);
    state.apply(message(3, entry(3, { direction: "outbound", status: "queued" })), 0);
    expect(state.waitingSince(known())).toBeNull();
    state.apply(message(4, entry(4)), 0);
    expect(state.waitingSince(known())).toBe(entry(4).sent_at);
  });
});
