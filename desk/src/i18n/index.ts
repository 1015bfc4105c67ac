/** The language of the page: its texts, direction, numbers, dates. */

import { ar } from "./ar";
import { type Catalogue, en } from "./en";
import { fa } from "./fa";
import { id } from "./id";
import { isRightToLeft, type Language, localeOf } from "./languages";
import { formatMessage, type Values } from "./messages";

export type Key = keyof Catalogue;
export { choose, LANGUAGES, type Language } from "./languages";
export const CATALOGUES: Record<Language, Catalogue> = { en, ar, fa, id };

const changed = new EventTarget();
let current: Language = "en";

export function language(): Language {
  return current;
}

export function locale(): string {
  return localeOf(current);
}

export function setLanguage(wanted: Language): void {
  current = wanted;
  document.documentElement.lang = wanted;
  document.documentElement.dir = isRightToLeft(wanted) ? "rtl" : "ltr";
  changed.dispatchEvent(new Event("change"));
}

export function onLanguage(listener: () => void): () => void {
  changed.addEventListener("change", listener);
  return () => changed.removeEventListener("change", listener);
}

export function t(key: Key, values: Values = {}): string {
  return formatMessage(CATALOGUES[current][key], current, values);
}

/** The text of a key that is made from data, or null: a word of the configuration or of a later server. */
export function tIfKnown(key: string, values: Values = {}): string | null {
  return key in en ? t(key as Key, values) : null;
}
