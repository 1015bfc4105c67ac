import { expect, it } from "vitest";
import { contentOf, extentOf, isWrittenOut, maySend, problemOf, quickProblemOf, type Writing } from "../src/client/writing";
import { Uploads } from "../src/client/uploads";
import { arrived, file, ORDER, PICTURED, way } from "./written";

const NO_FILES = await arrived();
const PICTURE = await arrived(file("dot.png", "image/png"));
const FILM = await arrived(file("film.mp4", "video/mp4"));
const COMING = new Uploads(
  () => new Promise(() => undefined),
  () => undefined,
);
COMING.add([file("late.png", "image/png")]);

const QUICK = [{ kind: "reply", text: " Today " } as const];
const FILLED = { name: "order", parameters: [" Maya ", "7731"] };
const WITH_TEMPLATES = way({ templates: [ORDER, PICTURED] });
const OVER = way({ templates: [ORDER], open: false, closed_because: "window_closed" });

function writing(what: Partial<Writing> = {}): Writing {
  return { text: "", quick: null, template: null, via: null, isNote: false, way: way(), uploads: NO_FILES, ...what };
}

const note = (what: Partial<Writing>) => writing({ isNote: true, way: null, ...what });

it.each<[string, boolean, Writing]>([
  ["words", true, writing({ text: "Hello" })],
  ["words before the ways are known", true, writing({ text: "Hello", way: null })],
  ["nothing", false, writing({ text: " \n" })],
  ["a file alone", true, writing({ uploads: PICTURE })],
  ["a file that has not arrived", false, writing({ text: "Hello", uploads: COMING })],
  ["a file that the way cannot carry", false, writing({ text: "Hello", uploads: FILM })],
  ["too many words", false, writing({ text: "a".repeat(16_001) })],
  ["words on a closed way", false, writing({ text: "Hello", way: OVER })],
  ["quick replies under words", true, writing({ text: "When?", quick: QUICK })],
  ["quick replies under nothing", false, writing({ uploads: PICTURE, quick: QUICK })],
  ["a filled template on a way whose window has closed", true, writing({ template: FILLED, way: OVER })],
  ["a template with an empty place", false, writing({ template: { name: "order", parameters: ["Maya"] }, way: WITH_TEMPLATES })],
  ["a template with a file it does not want", false, writing({ template: FILLED, way: WITH_TEMPLATES, uploads: PICTURE })],
  ["a template with the picture at its head", true, writing({ template: { name: "pictured", parameters: [] }, way: WITH_TEMPLATES, uploads: PICTURE })],
  ["a template without the picture at its head", false, writing({ template: { name: "pictured", parameters: [] }, way: WITH_TEMPLATES })],
  ["a note, whatever else is laid ready", true, note({ text: "He called", quick: QUICK, template: FILLED, uploads: COMING })],
  ["a note without words", false, note({ uploads: PICTURE })],
])("knows of %s that it may go out: %s", (_what, may, one) => {
  expect(maySend(one)).toBe(may);
});

it("says what is amiss, the file before the text", () => {
  const long = "a".repeat(16_001);
  expect(problemOf(writing({ text: long, uploads: FILM }))).toEqual({ what: "upload_kind", name: "film.mp4" });
  expect(problemOf(writing({ text: long }))).toEqual({ what: "too_long", limit: 16_000 });
  expect(problemOf(note({ text: "Hello", uploads: FILM }))).toBeNull();
});

it("says what is amiss with quick replies, once one is written", () => {
  expect(quickProblemOf(writing({ quick: [{ kind: "reply", text: " " }] }))).toBeNull();
  expect(quickProblemOf(writing({ quick: QUICK }))).toBe("no_text");
  expect(quickProblemOf(writing({ quick: [...QUICK, ...QUICK] }))).toBe("same");
  expect(quickProblemOf(writing({ text: "When?", quick: QUICK }))).toBeNull();
});

it("writes quick replies out where the way has no buttons of their kind, and counts them with the text", () => {
  const [sms, buttons] = [way({ segments: true, quick_replies: [] }), way({ segments: true })];
  expect([sms, buttons].map((one) => isWrittenOut(writing({ quick: QUICK, way: one })))).toEqual([true, false]);
  expect(extentOf(writing({ text: "When?", quick: QUICK, way: buttons }))).toEqual({ unit: "segments", count: 1, left: 155 });
  expect(extentOf(writing({ text: "When?", quick: QUICK, way: sms }))).toEqual({ unit: "segments", count: 1, left: 145 });
});

it("counts neither nothing, nor a note, nor what a template stands in place of", () => {
  const sms = way({ segments: true, templates: [ORDER] });
  expect(extentOf(writing({ way: sms }))).toBeNull();
  expect(extentOf(note({ text: "He called" }))).toBeNull();
  expect(extentOf(writing({ text: "Hello", template: FILLED, way: sms }))).toBeNull();
});

it("sends words with their files and quick replies, the way that is shown", () => {
  expect(contentOf(writing({ text: " When? ", quick: QUICK, uploads: PICTURE }))).toEqual({
    kind: "message",
    text: "When?",
    quickReplies: [{ kind: "reply", text: "Today" }],
    via: "whatsapp/1000|tel:+491",
    attachments: ["dot.png"],
    names: ["dot.png"],
  });
  expect(contentOf(writing({ uploads: PICTURE, via: "sms/1|tel:+491" }))).toMatchObject({ text: null, via: "sms/1|tel:+491" });
});

it("sends a template alone, as it reads", () => {
  expect(contentOf(writing({ text: "Kept", quick: QUICK, template: FILLED, way: OVER }))).toEqual({
    kind: "message",
    text: "Hi Maya, order 7731",
    template: { name: "order", parameters: ["Maya", "7731"] },
    via: "whatsapp/1000|tel:+491",
    attachments: [],
    names: [],
  });
});

it("sends a note no way, and without what is laid ready for a reply", () => {
  expect(contentOf(note({ text: " He called ", quick: QUICK, uploads: PICTURE, via: "sms/1|tel:+491" }))).toEqual({
    kind: "note",
    text: "He called",
    via: null,
    attachments: [],
    names: [],
  });
});
