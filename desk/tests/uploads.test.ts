import { beforeEach, expect, it } from "vitest";
import { Uploads } from "../src/client/uploads";
import { settle } from "./fakes";
import { arrived, file, ORDER, PICTURED, way } from "./written";

const PICTURE = file("dot.png", "image/png");
const PAPER = file("terms.pdf", "application/pdf");
const HUGE = { name: "film.mp4", type: "video/mp4", size: 16 * 1024 * 1024 + 1 } as File;

let asked: { name: string; arrive: (id: string) => void; fail: () => void }[];
let drawn: number;
let uploads: Uploads;

beforeEach(() => {
  [asked, drawn] = [[], 0];
  uploads = new Uploads(
    ({ name }) => new Promise((arrive, fail) => asked.push({ name, arrive, fail: () => fail(new TypeError("offline")) })),
    () => (drawn += 1),
  );
});

const seen = () => uploads.all.map((one) => [one.file.name, one.id, one.problem]);

it("uploads each file at once, and is ready when all have arrived", async () => {
  uploads.add([PICTURE, PAPER]);
  expect(asked.map((one) => one.name)).toEqual(["dot.png", "terms.pdf"]);
  asked[1]!.arrive("two");
  await settle();
  expect([seen(), uploads.areReady]).toEqual([[["dot.png", null, null], ["terms.pdf", "two", null]], false]);
  asked[0]!.arrive("one");
  await settle();
  expect([seen(), uploads.areReady, drawn]).toEqual([[["dot.png", "one", null], ["terms.pdf", "two", null]], true, 4]);
});

it("is not ready with a file that failed, until that is dropped", async () => {
  uploads.add([PICTURE]);
  asked[0]!.fail();
  await settle();
  expect([seen(), uploads.areReady]).toEqual([[["dot.png", null, "failed"]], false]);
  uploads.drop(uploads.all[0]!);
  expect([seen(), uploads.areReady]).toEqual([[], true]);
});

it("does not upload what is too large", () => {
  uploads.add([HUGE]);
  expect([seen(), asked]).toEqual([[["film.mp4", null, "too_large"]], []]);
});

it("takes ten files, and leaves out what is beyond them", () => {
  uploads.add(Array.from({ length: 8 }, () => PICTURE));
  uploads.add([PAPER, PAPER, HUGE]);
  expect([uploads.all.length, asked.length]).toEqual([10, 10]);
});

it("brings nothing back that arrives after it was put away", async () => {
  uploads.add([PICTURE]);
  uploads.clear();
  uploads.add([PAPER]);
  asked[0]!.arrive("one");
  await settle();
  expect(seen()).toEqual([["terms.pdf", null, null]]);
});

it("finds the first file that a way cannot carry", async () => {
  const both = await arrived(PICTURE, PAPER);
  expect(both.unfitFor(way({ attachments: ["image", "document"] }))).toBeNull();
  expect(both.unfitFor(way({ attachments: ["image"] }))?.file).toBe(PAPER);
  expect(both.unfitFor(way({ attachments: [] }))?.file).toBe(PICTURE);
});

it("is the head of a template that wants one of its kind, or none", async () => {
  const [none, picture, paper, both] = [await arrived(), await arrived(PICTURE), await arrived(PAPER), await arrived(PICTURE, PICTURE)];
  expect([none, picture, paper, both].map((one) => one.areHeadOf(PICTURED))).toEqual([false, true, false, false]);
  expect([none, picture].map((one) => one.areHeadOf(ORDER))).toEqual([true, false]);
});
