import { expect, it, vi } from "vitest";
import { uuid4, uuid7 } from "../src/client/ids";
import { pieces, safeAddress } from "../src/client/links";
import { segmentsOf } from "../src/client/segments";
import { day, duration } from "../src/i18n/format";

it.each([
  ["", 0, 160, false],
  ["a".repeat(160), 1, 0, false],
  ["a".repeat(161), 2, 145, false],
  ["€".repeat(80), 1, 0, false],
  ["سلام", 1, 66, true],
  ["س".repeat(71), 2, 63, true],
  ["👍".repeat(36), 2, 62, true],
])("counts the segments of %s", (text, count, left, unicode) => {
  expect(segmentsOf(text)).toEqual({ count, left, unicode });
});

it.each([
  "javascript:alert(1)",
  "data:text/html,<script>",
  "https://bank.example@evil.example/",
  "ftp://x.example",
  "//x.example",
  "http://",
])("does not link %s", (text) => {
  expect(safeAddress(text)).toBeNull();
});

it("finds addresses and leaves every character where it was", () => {
  const text = "See https://a.example/x?y=1), or (http://b.example). <b>javascript:alert(1)</b> \u202ehttps://c.example";
  expect(pieces(text).map((one) => one.text).join("")).toBe(text);
  expect(pieces(text).flatMap((one) => one.href ?? [])).toEqual([
    "https://a.example/x?y=1",
    "http://b.example/",
    "https://c.example/",
  ]);
});

it("makes ids that carry their time, and ids that do not", () => {
  const id = uuid7(1_780_000_000_000);
  expect(id).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
  expect(Number.parseInt(id.replaceAll("-", "").slice(0, 12), 16)).toBe(1_780_000_000_000);
  expect(uuid4()).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
});

it("tells a day from a duration in days, whichever was asked for first", () => {
  vi.stubGlobal("navigator", { languages: ["en-GB"] });
  expect(duration(3 * 86_400_000)).toMatch(/^3\s*days$/);
  expect(day("2026-11-25T12:00:00Z")).toContain("2026");
});
