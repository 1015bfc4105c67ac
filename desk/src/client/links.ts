/** A text as pieces to show: words, and addresses that are safe to follow. Nothing of it is ever read as markup. */

export interface Piece {
  text: string;
  href: string | null;
}

const ADDRESS = /https?:\/\/[^\s<>"'`\u0000-\u001f\u200e\u200f\u202a-\u202e\u2066-\u2069]+/giu;
const TRAILING = /[.,;:!?)\]}»”’]+$/u;

export function pieces(text: string): Piece[] {
  const found: Piece[] = [];
  let from = 0;
  for (const match of text.matchAll(ADDRESS)) {
    const shown = match[0].replace(TRAILING, "");
    const href = safeAddress(shown);
    if (href === null) continue;
    if (match.index > from) found.push({ text: text.slice(from, match.index), href: null });
    found.push({ text: shown, href });
    from = match.index + shown.length;
  }
  if (from < text.length) found.push({ text: text.slice(from), href: null });
  return found;
}

/** The address if it is http or https and hides no user name before its host, else null. */
export function safeAddress(text: string): string | null {
  try {
    const url = new URL(text);
    const isSafe = (url.protocol === "https:" || url.protocol === "http:") && !url.username && !url.password;
    return isSafe ? url.href : null;
  } catch {
    return null;
  }
}
