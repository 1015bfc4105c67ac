/** What a way of writing to a customer allows at this moment. */

import type { Template, Way } from "./frames";
import type { FilledTemplate } from "./prepared";
import { segmentsOf } from "./segments";

const SOON_MS = 2 * 3600_000;

/** How much a text is for a way: SMS segments, messages it is split into, or characters that are left. */
export type Extent = { unit: "segments"; count: number; left: number } | { unit: "split"; count: number } | { unit: "characters"; left: number };

/** The ways as they are at an instant: a reply window closes while one looks on. */
export function waysAt(ways: readonly Way[], now: number): Way[] {
  return ways.map((way) => {
    const isOver = way.open && way.window_closes_at !== null && Date.parse(way.window_closes_at) <= now;
    return isOver ? { ...way, open: false, closed_because: "window_closed" } : way;
  });
}

/** The way that was chosen, else the usual one, else any; null where there is none. */
export function chosenWay(ways: readonly Way[], via: string | null): Way | null {
  return ways.find((way) => way.via === via) ?? ways.find((way) => way.default) ?? ways[0] ?? null;
}

/** Whether a template would go this way now: also when the reply window has closed. */
export function takesTemplates(way: Way): boolean {
  return way.templates.length > 0 && (way.open || way.closed_because === "window_closed");
}

/** The template that is being filled in, if the way has it and would take it now. */
export function templateOn(way: Way | null, filled: FilledTemplate | null): Template | null {
  if (!filled || !way || !takesTemplates(way)) return null;
  return way.templates.find((one) => one.name === filled.name) ?? null;
}

/** The milliseconds until the reply window closes, if that is soon; else null. */
export function closesIn(way: Way, now: number): number | null {
  if (!way.open || !way.window_closes_at) return null;
  const left_ms = Date.parse(way.window_closes_at) - now;
  return left_ms > SOON_MS ? null : left_ms;
}

/** What is worth knowing of a text's length on this way, or null. */
export function extentOn(way: Way, text: string): Extent | null {
  if (way.segments) {
    const { count, left } = segmentsOf(text);
    return { unit: "segments", count, left };
  }
  if (!way.text_limit) return null;
  const count = Math.ceil(text.length / way.text_limit);
  if (count > 1) return { unit: "split", count };
  const left = way.text_limit - text.length;
  return left < way.text_limit / 4 ? { unit: "characters", left } : null;
}
