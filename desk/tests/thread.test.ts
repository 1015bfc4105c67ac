import { beforeEach, describe, expect, it } from "vitest";
import { orderOf, Thread } from "../src/client/thread";
import { entry, HOME, hash } from "./frames";

let thread: Thread;
const texts = () => thread.slice(0, thread.length).map((one) => one.text);

beforeEach(() => {
  thread = new Thread(HOME);
});

describe("order", () => {
  it("is the provider's, whatever order entries come in", () => {
    for (const number of [3, 1, 4, 2]) thread.apply([entry(number, { late: number < 3 })]);
    expect(texts()).toEqual(["text 1", "text 2", "text 3", "text 4"]);
    expect(thread.at(0)?.late).toBe(true);
  });

  it("does not depend on the home an entry stands in", () => {
    const elsewhere = entry(2);
    thread.apply([entry(3), { ...elsewhere, id: elsewhere.id.replace(HOME, "h-aaa") }, entry(1)]);
    expect(texts()).toEqual(["text 1", "text 2", "text 3"]);
  });

  it("follows the provider's own number within one instant", () => {
    const at = (order: string) => `${HOME}.1780000000000.${order}`;
    expect(orderOf(at(`0000000001-${hash(9)}`)) < orderOf(at(`0000000002-${hash(1)}`))).toBe(true);
  });

  it("has each entry once, and keeps what it knew of it", () => {
    thread.apply([entry(1, { late: true })]);
    thread.apply([entry(1), entry(1, { text: "again" })]);
    expect([thread.length, thread.at(0)?.text, thread.at(0)?.late]).toEqual([1, "again", true]);
  });
});

describe("status", () => {
  const ours = entry(1, { direction: "outbound", status: "queued" });

  it("never moves backwards", () => {
    thread.apply([ours]);
    for (const status of ["delivered", "sent", "failed"] as const) thread.applyStatus(ours.id, status, null);
    expect(thread.at(0)?.status).toBe("delivered");
  });

  it("that overtakes its entry waits for it", () => {
    thread.applyStatus(ours.id, "sent", null);
    thread.apply([ours]);
    expect(thread.at(0)?.status).toBe("sent");
  });

  it("stays when the entry is announced again with an older one", () => {
    thread.apply([{ ...ours, status: "read" }, ours]);
    expect(thread.at(0)?.status).toBe("read");
  });

  it("of a failure brings its reason", () => {
    thread.apply([ours]);
    thread.applyStatus(ours.id, "failed", "blocked");
    expect([thread.at(0)?.status, thread.at(0)?.reason]).toEqual(["failed", "blocked"]);
  });
});

describe("what is said about a message", () => {
  const edit = entry(5, { kind: "edit", target: hash(1), text: "better" });
  const like = entry(6, { kind: "reaction", target: hash(1), emoji: "👍" });

  it.each([
    ["after it", [entry(1), edit, like]],
    ["before it", [like, edit, entry(1)]],
  ])("is folded onto it when it comes %s", (_, given) => {
    for (const one of given) thread.apply([one]);
    expect(thread.length).toBe(1);
    expect(thread.at(0)).toMatchObject({ text: "better", edited_at: edit.sent_at, reactions: [{ emoji: "👍" }] });
  });

  it("counts by its own time, not by its arrival", () => {
    const second = entry(7, { kind: "edit", target: hash(1), text: "best" });
    thread.apply([entry(1), second, edit]);
    expect(thread.at(0)?.text).toBe("best");
  });

  it("stays a readable entry as long as the message is not known", () => {
    thread.apply([edit]);
    expect([thread.length, thread.at(0)?.kind, thread.hasOrphans]).toEqual([1, "edit", true]);
  });

  it("withholds everything once the message was taken back", () => {
    thread.apply([entry(1), edit, entry(8, { kind: "deletion", target: hash(1) })]);
    expect(thread.at(0)).not.toHaveProperty("text");
    expect(thread.at(0)?.deleted).toBe(true);
    thread.apply([entry(1)]);
    expect(thread.at(0)?.text).toBeUndefined();
  });

  it("is taken away with an empty reaction", () => {
    thread.apply([entry(1), like, entry(9, { kind: "reaction", target: hash(1) })]);
    expect(thread.at(0)?.reactions).toEqual([]);
  });

  it("disappears as an entry once the server says in which message it was folded", () => {
    const ours = entry(2, { direction: "outbound", status: "sent" });
    const about = entry(4, { kind: "reaction", target: "f".repeat(22), emoji: "❤" }); // by the provider's id
    thread.apply([ours, about]);
    expect(thread.length).toBe(2);
    thread.applyPage([entry(1), { ...ours, reactions: [{ emoji: "❤", by: "telegram:1" }] }, entry(5)]);
    expect(texts()).toEqual(["text 1", "text 2", "text 5"]);
    expect(thread.at(1)?.reactions).toHaveLength(1);
  });
});

it("joins two threads of one person in order", () => {
  const other = new Thread("h-2");
  other.apply([entry(2), entry(4)]);
  thread.apply([entry(1), entry(3)]);
  thread.absorb(other);
  expect(texts()).toEqual(["text 1", "text 2", "text 3", "text 4"]);
});
