import { describe, expect, it } from "vitest";
import { CATALOGUES, choose, type Key, type Language } from "../src/i18n";
import { choicesOf, closing, formatMessage } from "../src/i18n/messages";

const SOURCES = import.meta.glob<string>("../src/**/*.ts", { query: "?raw", import: "default", eager: true });
const LANGUAGES = Object.keys(CATALOGUES) as Language[];
const KEYS = Object.keys(CATALOGUES.en) as Key[];
const SAME_EVERYWHERE = /^(app\.name|channel\.)/;
/** Keys that are made from data: a channel, a status, a word of the configuration. */
const MADE = /^(channel|status|attachment|disposition|work|error|reason|view|presence\.(available|not_ready|offline|reason)|card\.evidence|conversation\.(close|transfer|pause)$)/;

function placeholders(message: string): string[] {
  return [...message.matchAll(/\{(\w+)(?:,|\})/g)].map((match) => match[1]!).sort();
}

describe.each(LANGUAGES)("%s", (language) => {
  it("has every text, and no other", () => {
    expect(Object.keys(CATALOGUES[language]).sort()).toEqual([...KEYS].sort());
    for (const key of KEYS) expect(CATALOGUES[language][key].trim(), key).not.toBe("");
  });

  it("is translated", () => {
    if (language === "en") return expect(KEYS.length).toBeGreaterThan(200);
    const same = KEYS.filter((key) => CATALOGUES[language][key] === CATALOGUES.en[key] && !SAME_EVERYWHERE.test(key));
    expect(same.filter((key) => !["attachment.video", "disposition.spam"].includes(key))).toEqual([]);
  });

  it("speaks of the same things as the English text", () => {
    for (const key of KEYS) {
      const [here, english] = [CATALOGUES[language][key], CATALOGUES.en[key]].map((text) => new Set(placeholders(text!)));
      expect(here, key).toEqual(english);
    }
  });

  it("has each plural form its language needs", () => {
    const needed = new Intl.PluralRules(language).resolvedOptions().pluralCategories;
    for (const key of KEYS) {
      const text = CATALOGUES[language][key];
      const open = text.search(/\{\w+, plural,/);
      if (open < 0) continue;
      const inside = text.slice(text.indexOf("plural,", open) + 7, closing(text, open));
      expect([...choicesOf(inside).keys()], key).toEqual(expect.arrayContaining(needed));
    }
  });
});

it("uses every text it has", () => {
  const written = Object.values(SOURCES).join("\n");
  expect(KEYS.filter((key) => !MADE.test(key) && written.split(`"${key}"`).length < LANGUAGES.length + 2)).toEqual([]);
});

it.each([
  [["de-DE", "ar-EG"], "ar"],
  [["in"], "id"],
  [["fa"], "fa"],
  [["xx", null, undefined], "en"],
])("of %s it speaks %s", (wanted, expected) => {
  expect(choose(wanted)).toBe(expected);
});

it("isolates names, counts in the language's own way, and wants every value", () => {
  const message = "{name}: {count, plural, =0 {none} one {# message} other {# messages}}";
  expect(formatMessage(message, "en", { name: "أحمد", count: 2000 })).toBe("\u2068أحمد\u2069: 2,000 messages");
  expect(formatMessage(message, "en", { name: "", count: 0 })).toContain("none");
  expect(() => formatMessage(message, "en", { count: 1 })).toThrow("name");
});
