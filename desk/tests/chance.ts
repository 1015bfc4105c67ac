/** Chance that can be repeated: the same seed, the same course. */
export class Chance {
  private state: number;

  constructor(readonly seed: number) {
    this.state = (seed + 1) * 0x9e3779b9;
  }

  /** A number from 0 up to, but not including, 1. */
  next(): number {
    this.state = (this.state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(this.state ^ (this.state >>> 15), 1 | this.state);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  }

  below(limit: number): number {
    return Math.floor(this.next() * limit);
  }

  happens(probability: number): boolean {
    return this.next() < probability;
  }

  /** Once, or sometimes twice. */
  doubled<T>(one: T): T[] {
    return this.happens(0.25) ? [one, one] : [one];
  }

  /** In any order at all. */
  shuffled<T>(given: readonly T[]): T[] {
    return this.sorted(given, () => this.next());
  }

  /** Each a few places from where it was. */
  jumbled<T>(given: readonly T[]): T[] {
    return this.sorted(given, (place) => place + this.below(6));
  }

  /** The first of them, and the rest. */
  parted<T>(given: readonly T[]): [T[], T[]] {
    const place = this.below(given.length + 1);
    return [given.slice(0, place), given.slice(place)];
  }

  private sorted<T>(given: readonly T[], rank: (place: number) => number): T[] {
    const ranked = given.map((value, place) => ({ value, rank: rank(place) }));
    return ranked.sort((a, b) => a.rank - b.rank).map(({ value }) => value);
  }
}
