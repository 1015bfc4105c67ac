/** How many SMS a text becomes (3GPP TS 23.038: 160 characters, or 153 each of several; 70 and 67 in UCS-2). */

const BASIC =
  "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà";
const EXTENDED = "^{}\\[~]|€\f";

export interface Segments {
  count: number;
  /** What fits into the last one yet, in its own units. */
  left: number;
  unicode: boolean;
}

export function segmentsOf(text: string): Segments {
  const units = gsmUnits(text);
  const [size, single, several] = units === null ? [text.length, 70, 67] : [units, 160, 153];
  if (size <= single) return { count: size > 0 ? 1 : 0, left: single - size, unicode: units === null };
  const count = Math.ceil(size / several);
  return { count, left: count * several - size, unicode: units === null };
}

/** Septets in the GSM alphabet, or null if the text has a character outside of it. */
function gsmUnits(text: string): number | null {
  let units = 0;
  for (const character of text) {
    if (BASIC.includes(character)) units += 1;
    else if (EXTENDED.includes(character)) units += 2;
    else return null;
  }
  return units;
}
