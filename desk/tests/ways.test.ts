import { expect, it } from "vitest";
import type { Way } from "../src/client/frames";
import { chosenWay, closesIn, extentOn, takesTemplates, templateOn, waysAt } from "../src/client/ways";
import { ORDER, way } from "./written";

const NOW = Date.parse("2026-06-01T12:00:00Z");
const HOUR_MS = 3600_000;
const closing = (inMs: number, more: Partial<Way> = {}) => way({ window_closes_at: new Date(NOW + inMs).toISOString(), ...more });

it("closes a way at the instant its reply window ends", () => {
  const [over, open, without, barred] = [closing(0), closing(1), way(), closing(0, { open: false, closed_because: "opted_out" })];
  expect(waysAt([over, open, without, barred], NOW)).toEqual([{ ...over, open: false, closed_because: "window_closed" }, open, without, barred]);
});

it("goes the way that was chosen, else the usual one, else the first, else none", () => {
  const [first, usual, third] = [way({ via: "a" }), way({ via: "b", default: true }), way({ via: "c" })];
  expect(chosenWay([first, usual, third], "c")).toBe(third);
  expect(chosenWay([first, usual, third], "gone")).toBe(usual);
  expect(chosenWay([first, third], null)).toBe(first);
  expect(chosenWay([], "a")).toBeNull();
});

it.each<[boolean, Partial<Way>]>([
  [true, {}],
  [true, { open: false, closed_because: "window_closed" }],
  [false, { open: false, closed_because: "opted_out" }],
  [false, { open: false, closed_because: "no_channel" }],
  [false, { templates: [] }],
])("answers %s to whether a template would go: %j", (goes, more) => {
  expect(takesTemplates(way({ templates: [ORDER], ...more }))).toBe(goes);
});

it("fills a template in only where the way has it and takes it", () => {
  const filled = { name: "order", parameters: [] };
  expect(templateOn(way({ templates: [ORDER] }), filled)).toBe(ORDER);
  expect(templateOn(way({ templates: [ORDER] }), { ...filled, name: "gone" })).toBeNull();
  expect(templateOn(way({ templates: [ORDER], open: false, closed_because: "opted_out" }), filled)).toBeNull();
  expect(templateOn(way({ templates: [ORDER] }), null)).toBeNull();
  expect(templateOn(null, filled)).toBeNull();
});

it.each<[number | null, Way]>([
  [2 * HOUR_MS, closing(2 * HOUR_MS)],
  [null, closing(2 * HOUR_MS + 1)],
  [null, way()],
  [null, closing(HOUR_MS, { open: false, closed_because: "opted_out" })],
])("says %s of how soon the reply window closes", (left_ms, one) => {
  expect(closesIn(one, NOW)).toBe(left_ms);
});

it.each([
  [{ unit: "segments", count: 2, left: 145 }, way({ segments: true, text_limit: 1600 }), 161],
  [null, way({ text_limit: null }), 5000],
  [null, way({ text_limit: 100 }), 75],
  [{ unit: "characters", left: 24 }, way({ text_limit: 100 }), 76],
  [{ unit: "characters", left: 0 }, way({ text_limit: 100 }), 100],
  [{ unit: "split", count: 2 }, way({ text_limit: 100 }), 101],
] as const)("makes %j of a text's length", (extent, one, length) => {
  expect(extentOn(one, "a".repeat(length))).toEqual(extent);
});
