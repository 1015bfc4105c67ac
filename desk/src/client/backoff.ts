/** How long to wait before another try: growing, randomised, at most half a minute. */

export const FIRST_MS = 400;
export const MOST_MS = 30_000;

export function delay_ms(failures: number, random: number): number {
  const ceiling = Math.min(MOST_MS, FIRST_MS * 2 ** Math.min(failures, 12));
  return Math.round(ceiling / 2 + (ceiling / 2) * random);
}
