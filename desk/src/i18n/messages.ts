/** The part of ICU's message syntax that the catalogues use: `{name}`, and `{count, plural, =0 {…} one {…} other {# …}}`. */

export type Values = Record<string, string | number>;

const OPEN_ISOLATE = "\u2068";
const CLOSE_ISOLATE = "\u2069";

/** Fill a message in. Words are isolated, so that a name in another direction does not disturb the sentence. */
export function formatMessage(message: string, language: string, values: Values): string {
  let shown = "";
  let at = 0;
  while (at < message.length) {
    const open = message.indexOf("{", at);
    if (open < 0) return shown + message.slice(at);
    const close = closing(message, open);
    shown += message.slice(at, open) + filled(message.slice(open + 1, close), language, values);
    at = close + 1;
  }
  return shown;
}

function filled(inside: string, language: string, values: Values): string {
  const [name = "", kind] = inside.split(",", 2).map((part) => part.trim());
  const value = values[name];
  if (value === undefined) throw new Error(`a message wants ${name}`);
  if (kind === "plural") return plural(inside.slice(inside.indexOf("plural,") + 7), Number(value), language, values);
  return typeof value === "number" ? inNumbers(value, language) : OPEN_ISOLATE + value + CLOSE_ISOLATE;
}

function plural(text: string, count: number, language: string, values: Values): string {
  const choices = choicesOf(text);
  const chosen = choices.get(`=${count}`) ?? choices.get(new Intl.PluralRules(language).select(count)) ?? choices.get("other");
  if (chosen === undefined) throw new Error("a plural has no other");
  return formatMessage(chosen.replaceAll("#", inNumbers(count, language)), language, values);
}

/** The branches of a plural by their names, e.g. `one`, `other`, `=0`. */
export function choicesOf(text: string): Map<string, string> {
  const choices = new Map<string, string>();
  let at = 0;
  for (;;) {
    const open = text.indexOf("{", at);
    if (open < 0) return choices;
    const close = closing(text, open);
    choices.set(text.slice(at, open).trim(), text.slice(open + 1, close));
    at = close + 1;
  }
}

/** Where the brace that opens at `open` is closed. */
export function closing(text: string, open: number): number {
  let depth = 0;
  for (let at = open; at < text.length; at += 1) {
    if (text[at] === "{") depth += 1;
    if (text[at] === "}") depth -= 1;
    if (depth === 0) return at;
  }
  throw new Error(`a brace is not closed in ${text}`);
}

function inNumbers(value: number, language: string): string {
  return new Intl.NumberFormat(language).format(value);
}
