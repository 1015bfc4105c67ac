import { beforeEach, expect, it } from "vitest";
import { Drafts, isDraftOf } from "../src/client/drafts";
import { MapMemory } from "../src/client/storage";

const DAY_MS = 24 * 3600 * 1000;
let now: number;
let memory: MapMemory;
let drafts: Drafts;

beforeEach(() => {
  now = 1_780_000_000_000;
  memory = new MapMemory();
  drafts = new Drafts(memory, () => now);
});

it("keeps what is written, at its own place, until it is empty", () => {
  drafts.keep("ana/one", "Dear Mina, 10 10");
  drafts.keep("ana/two", "Hello");
  drafts.keep("ana/two", "");
  expect(["one", "two", "three"].map((one) => drafts.read(`ana/${one}`))).toEqual(["Dear Mina, 10 10", "", ""]);
});

it("writes nothing that stands there already", () => {
  drafts.keep("ana/one", "Hello");
  const kept = memory.read("throughline.draft.ana/one");
  now += DAY_MS;
  drafts.keep("ana/one", "Hello");
  expect(memory.read("throughline.draft.ana/one")).toBe(kept);
});

it("forgets one person's, and leaves the others'", () => {
  drafts.keep("ana/one", "A");
  drafts.keep("budi/one", "B");
  drafts.forget("ana/");
  expect([drafts.read("ana/one"), drafts.read("budi/one")]).toEqual(["", "B"]);
});

it("forgets after a week, and nothing else that is kept here", () => {
  memory.write("throughline.outbox.ana/1", "{}");
  drafts.keep("ana/old", "Old");
  now += 4 * DAY_MS;
  drafts.keep("ana/new", "New");
  now += 4 * DAY_MS;
  expect([drafts.read("ana/old"), drafts.read("ana/new")]).toEqual(["", "New"]);
  drafts.forgetOld();
  expect(memory.keys()).toEqual(["throughline.outbox.ana/1", "throughline.draft.ana/new"]);
});

it.each([
  [true, "throughline.draft.ana/one"],
  [false, "throughline.draft.ana/two"],
  [false, "throughline.draft.ana/some-one"],
  [false, "throughline.outbox.ana/one"],
  [false, null],
])("answers %s to whether a draft of the conversation is kept at %s", (is, key) => {
  expect(isDraftOf(key, "one")).toBe(is);
});
