import { describe, expect, it, vi } from "vitest";
import type { Entry } from "../src/client/frames";
import { Thread } from "../src/client/thread";
import { type Acts, renderEntry, renderPending, summary } from "../src/widget/bubbles";
import type { Picture } from "../src/widget/pictures";
import { type Key, Words } from "../src/widget/texts";
import { entry, hash } from "./frames";

vi.stubGlobal("navigator", { languages: ["en-GB"] });
const words = new Words("en");
const FILE = { id: "f.0", kind: "image", name: "light.png", content_type: "image/png", size_bytes: 9, ready: true, failed: null } as const;
const PLACE = { latitude: 25.2, longitude: 55.27, name: null, address: null };

/** What a template says, with what only listeners hear. */
function said(value: unknown): string {
  return markup(value).replaceAll(/<[^>]*>/g, " ").replaceAll(/\s+/g, " ").trim();
}

function markup(value: unknown): string {
  if (Array.isArray(value)) return value.map(markup).join("");
  if (typeof value !== "object" || value === null) return ["string", "number"].includes(typeof value) ? String(value) : "";
  const { strings, values } = value as { strings: string[]; values: unknown[] };
  return strings.map((text, at) => text + markup(values[at])).join("");
}

function acts(thread = new Thread("own"), picture: Picture = null): Acts {
  const none = () => undefined;
  const looks = { named: (digest: string) => thread.named(digest), picture: () => picture, uploaded: () => picture };
  return { open: none, say: none, answer: none, again: none, discard: none, ...looks };
}

function shown(one: Entry, around = acts()): string {
  return said(renderEntry(one, { ...one, id: "before" }, true, "", words, around));
}

describe("every kind of entry", () => {
  const silent = { text: undefined, direction: "outbound", author: "Ana" } as const;

  it.each<[string, Partial<Entry>, string]>([
    ["a message", { text: "Hello" }, "Hello"],
    ["a button that was pressed", { kind: "postback", text: "Yes" }, "Yes"],
    ["one that was edited", { text: "Hello!", edited_at: "2026-11-25T10:00:00.000Z" }, "Hello! .* edited"],
    ["one that was deleted", { deleted: true }, "This message was deleted"],
    ["one too large to be sent", { withheld: true }, "This cannot be shown here"],
    ["one with nothing in it", {}, "This cannot be shown here"],
    ["an edit of a message that is not here", { kind: "edit", target: hash(1), text: "Red" }, "Red .* edited"],
    ["a deletion of a message that is not here", { kind: "deletion", target: hash(1) }, "This message was deleted"],
    ["a reaction to a message that is not here", { kind: "reaction", target: hash(1), emoji: "👍" }, "👍"],
    ["one of a kind that a later server may know", { kind: "form", text: "Fill this in" }, "Fill this in"],
    ["one of such a kind without words", { kind: "form" }, "This cannot be shown here"],
    ["a place", { location: PLACE }, "A place 25.2, 55.27"],
    ["a place with its name and words", { text: "Here", location: { ...PLACE, name: "The shop", address: "Dune St" } }, "Here The shop Dune St 25.2"],
    ["a file", { attachments: [{ ...FILE, content_type: "application/pdf", name: "bill.pdf" }] }, "bill.pdf"],
    ["a file without a name", { attachments: [{ ...FILE, name: null }] }, "File"],
    ["a file that never came", { attachments: [{ ...FILE, ready: false, failed: "too_large" }] }, "light.png This cannot be shown here"],
    ["reactions", { text: "Hello", reactions: [{ by: "inbound", emoji: "👍" }, { by: "outbound", emoji: "🎉" }] }, "You: 👍 Us: 🎉"],
  ])("can be read: %s", (_, more, expected) => {
    expect(shown(entry(7, { ...silent, ...more }))).toMatch(new RegExp(expected));
  });

  it("says nothing of a reaction that was taken away again", () => {
    expect(shown(entry(7, { ...silent, kind: "reaction", target: hash(1) }))).toBe("");
  });

  it("offers neither choices nor a reply under what was deleted", () => {
    const choices = [{ kind: "reply", text: "Large" }] as const;
    expect(shown(entry(7, { text: "Which?", quick_replies: [...choices] }))).toContain("Large");
    expect(shown(entry(7, { deleted: true, quick_replies: [...choices] }))).not.toContain("Large");
    expect(markup(renderEntry(entry(7, { deleted: true }), undefined, true, "", words, acts()))).not.toContain("Reply");
  });
});

describe("pictures", () => {
  it("have their place before they are there, and their name for who does not see them", () => {
    const html = markup(renderEntry(entry(7, { attachments: [FILE] }), undefined, true, "", words, acts(undefined, "coming")));
    expect(html).toContain("picture coming");
    expect(html).toContain("light.png");
  });

  it("are files with a name where there is none", () => {
    const html = markup(renderEntry(entry(7, { attachments: [FILE] }), undefined, true, "", words, acts()));
    expect(html).not.toContain("coming");
    expect(said(html)).toContain("light.png");
  });
});

describe("an answer", () => {
  const thread = new Thread("own");
  thread.apply([entry(1, { text: "My router is dead" }), entry(2, { direction: "outbound", author: "Ana", text: "Which light blinks?" })]);

  it.each([
    [1, "In answer to: You My router is dead The red one"],
    [2, "In answer to: Ana Which light blinks? The red one"],
    [9, "The red one"],
  ])("shows the message it answers, if that is here (%s)", (number, expected) => {
    const content = shown(entry(7, { text: "The red one", reply_to: hash(number) }), acts(thread)).replace(/^You /, "");
    expect(content.startsWith(expected)).toBe(true);
  });

  it("shows it while it waits to be sent, too, with the names of its files", () => {
    const parcel = { key: "k", text: "The red one", replyTo: entry(2).id, names: ["light.png"], attachments: ["u-1"], failed: null };
    const pending = { parcel, acknowledged: false } as unknown as Parameters<typeof renderPending>[0];
    expect(said(renderPending(pending, true, words, acts(thread)))).toBe(
      "You In answer to: Ana Which light blinks? The red one light.png Sending…",
    );
  });
});

it.each<[Partial<Entry>, string]>([
  [{ text: "x".repeat(200) }, `${"x".repeat(140)}…`],
  [{ text: "👍".repeat(141) }, `${"👍".repeat(140)}…`],
  [{ text: undefined, attachments: [FILE] }, "light.png"],
  [{ text: undefined, location: PLACE }, "place" satisfies Key],
  [{ deleted: true }, "deleted" satisfies Key],
  [{ text: undefined }, "unshown" satisfies Key],
])("says a message in a few words: %#", (more, expected) => {
  const key = ["place", "deleted", "unshown"].includes(expected);
  expect(summary(entry(1, more), words)).toBe(key ? words.say(expected as Key) : expected);
});
