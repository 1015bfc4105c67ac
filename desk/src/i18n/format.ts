/** Dates, durations, sizes, names of languages and channels, in the language of the page. */

import { language, locale, tIfKnown } from "./index";

const made = new Map<string, unknown>();

function cached<T>(key: string, make: () => T): T {
  const whole = `${language()} ${key}`;
  if (!made.has(whole)) made.set(whole, make());
  return made.get(whole) as T;
}

export function clock(iso: string): string {
  return cached("clock", () => new Intl.DateTimeFormat(locale(), { hour: "2-digit", minute: "2-digit" })).format(new Date(iso));
}

export function day(iso: string): string {
  const format = () => new Intl.DateTimeFormat(locale(), { weekday: "long", day: "numeric", month: "long", year: "numeric" });
  return cached("day", format).format(new Date(iso));
}

export function date(iso: string): string {
  return cached("date", () => new Intl.DateTimeFormat(locale(), { dateStyle: "medium" })).format(new Date(iso));
}

export function moment(iso: string): string {
  const format = () => new Intl.DateTimeFormat(locale(), { dateStyle: "medium", timeStyle: "short" });
  return cached("moment", format).format(new Date(iso));
}

/** The clock for today, the whole moment for any other day. */
export function when(iso: string, now_ms: number): string {
  return sameDay(iso, new Date(now_ms).toISOString()) ? clock(iso) : moment(iso);
}

export function sameDay(a: string, b: string): boolean {
  return new Date(a).toDateString() === new Date(b).toDateString();
}

/** How long, in its largest fitting unit: 45 sec, 12 min, 3 hr, 2 days. */
export function duration(ms: number): string {
  const seconds = Math.max(0, Math.round(ms / 1000));
  if (seconds < 60) return inUnit(seconds, "second");
  if (seconds < 3600) return inUnit(Math.floor(seconds / 60), "minute");
  if (seconds < 86_400) {
    const minutes = Math.floor((seconds % 3600) / 60);
    const hours = inUnit(Math.floor(seconds / 3600), "hour");
    return minutes && seconds < 4 * 3600 ? `${hours} ${inUnit(minutes, "minute")}` : hours;
  }
  return inUnit(Math.floor(seconds / 86_400), "day");
}

function inUnit(value: number, unit: "second" | "minute" | "hour" | "day"): string {
  return cached(`in ${unit}`, () => new Intl.NumberFormat(locale(), { style: "unit", unit, unitDisplay: "short" })).format(value);
}

export function number(value: number): string {
  return cached("number", () => new Intl.NumberFormat(locale())).format(value);
}

export function size(bytes: number): string {
  const [value, unit] = bytes < 1_000_000 ? [bytes / 1000, "kilobyte"] : [bytes / 1_000_000, "megabyte"];
  const format = () => new Intl.NumberFormat(locale(), { style: "unit", unit, maximumFractionDigits: 1 });
  return cached(unit, format).format(value);
}

export function languageName(tag: string): string {
  try {
    return cached("languages", () => new Intl.DisplayNames(language(), { type: "language" })).of(tag) ?? tag;
  } catch {
    return tag;
  }
}

export function channelName(channel: string): string {
  return tIfKnown(`channel.${channel}`) ?? channel;
}

/** A word of the configuration: in our language if we know it, else as the configuration writes it. */
export function word(kind: "disposition" | "presence.reason" | "work" | "card.evidence", value: string): string {
  return tIfKnown(`${kind}.${value}`) ?? value.replaceAll("_", " ");
}
