/**
 * Everything said with one customer, in the provider's order, whatever order it arrived in.
 *
 * Entries are kept sorted by the time and hash inside their id, so a late one takes its place. Edits, deletions and
 * reactions that were announced one by one are folded onto the message they are about as soon as both are known; until
 * then they stand as entries of their own.
 */

import type { DeliveryStatus, Entry } from "./frames";

const RANK: Record<DeliveryStatus, number> = {
  queued: 0,
  sending: 1,
  retrying: 2,
  unknown: 3,
  sent: 4,
  failed: 5,
  delivered: 6,
  read: 7,
};
/** Kinds of entries that are about another one, and are folded onto it. */
export const FOLDED: ReadonlySet<string> = new Set(["edit", "deletion", "reaction"]);
const DIGEST = /[0-9a-f]{22}$/;

/** The part of an entry's id it is ordered by: provider time and hash, then the home. */
export function orderOf(id: string): string {
  const hash = id.lastIndexOf(".");
  const time = id.lastIndexOf(".", hash - 1);
  return time < 0 ? id : `${id.slice(time + 1)}.${id.slice(0, time)}`;
}

/** The part of an entry's id by which others speak of it (`target`, `reply_to`). */
export function digestOf(id: string): string {
  return DIGEST.exec(id)?.[0] ?? id.slice(id.lastIndexOf(".") + 1);
}

/** Whether a status may follow another one: it never moves backwards. */
export function rises(from: DeliveryStatus | undefined, to: DeliveryStatus): boolean {
  return from === undefined || RANK[to] > RANK[from];
}

/** What was told of a message of ours on its way, and by what names the provider's reports speak of it since. */
interface Told {
  status: DeliveryStatus;
  reason: string | null;
  names: string[];
}

interface Kept {
  order: string;
  entry: Entry;
}

export class Thread {
  /** Counts every change, so that a view knows when to look again. */
  revision = 0;
  /** What to ask for the page before the oldest known: undefined not asked yet, null the beginning is here. */
  before: string | null | undefined = undefined;

  private readonly kept: Kept[] = [];
  private readonly byId = new Map<string, Entry>();
  private readonly byDigest = new Map<string, string>();
  /** What is about a message, by that message's digest, or by what else it was called while that is not known. */
  private readonly about = new Map<string, Map<string, Entry>>();
  /** Statuses that overtook the entry they are about. */
  private readonly early = new Map<string, Told>();

  constructor(public customer: string) {}

  get length(): number {
    return this.kept.length;
  }

  /** The entry at a place, oldest first, with what was said about it folded in. */
  at(index: number): Entry | undefined {
    const kept = this.kept[index];
    return kept && this.folded(kept.entry);
  }

  slice(from: number, to: number): Entry[] {
    return this.kept.slice(from, to).map((kept) => this.folded(kept.entry));
  }

  has(id: string): boolean {
    return this.byId.has(id);
  }

  find(id: string): Entry | undefined {
    const entry = this.byId.get(id);
    return entry && this.folded(entry);
  }

  /** The message that a `target` or `reply_to` names, if it is known. */
  named(digest: string): Entry | undefined {
    const id = this.byDigest.get(digest);
    return id === undefined ? undefined : this.find(id);
  }

  indexOf(id: string): number {
    const order = orderOf(id);
    const place = this.placeOf(order);
    return this.kept[place]?.order === order ? place : -1;
  }

  /** The newest entry of the customer's or ours. */
  get last(): Entry | undefined {
    return this.at(this.kept.length - 1);
  }

  /** The newest entry that went over a channel: no note. */
  get lastSaid(): Entry | undefined {
    return this.kept.findLast((one) => one.entry.direction !== "internal")?.entry;
  }

  /** How many of the newest entries came from the customer after `since` (an order, see `orderOf`). */
  inboundSince(since: string): number {
    let count = 0;
    for (let index = this.kept.length - 1; index >= 0; index -= 1) {
      const kept = this.kept[index]!;
      if (kept.order <= since) break;
      if (kept.entry.direction === "inbound") count += 1;
    }
    return count;
  }

  /**
   * Take what was announced, as it was written. An entry that is known is replaced; `late`, the higher status and what
   * the server has folded onto it stay.
   */
  apply(entries: readonly Entry[]): boolean {
    let isNew = false;
    for (const entry of entries) isNew = this.applyOne({ ...entry, ...foldedOnto(this.byId.get(entry.id)) }) || isNew;
    if (entries.length > 0) this.revision += 1;
    return isNew;
  }

  /**
   * Take entries as the server has folded them: all there is from the first of them up to `to`, an order (see `orderOf`;
   * default: that of the last one). What is about others up to there and is not among them has been folded.
   */
  applyPage(entries: readonly Entry[], to: string = orderOf(entries.at(-1)?.id ?? "")): void {
    const first = entries[0];
    if (first) this.dropFolded(orderOf(first.id), to, new Set(entries.map((entry) => entry.id)));
    for (const entry of entries) this.applyOne(entry);
    this.revision += 1;
  }

  /** Let a message of ours rise to a status; one that comes before its entry waits for it. */
  applyStatus(id: string, status: DeliveryStatus, reason: string | null, names: readonly string[] = []): void {
    const entry = this.byId.get(id);
    if (entry === undefined) {
      const early = this.early.get(id);
      const told = early && !rises(early.status, status) ? early : { status, reason };
      this.early.set(id, { ...told, names: together(early?.names, names) });
      return;
    }
    const known = named(entry, names);
    this.replace(rises(entry.status, status) ? { ...known, status, reason: reason ?? undefined } : known);
    this.learn(known);
    this.revision += 1;
  }

  /** Take only the status of entries that are known; take the others whole. Their edits and reactions are not told. */
  applyStatuses(entries: readonly Entry[]): void {
    const unknown = entries.filter((entry) => !this.byId.has(entry.id));
    for (const entry of entries) {
      if (entry.status && this.byId.has(entry.id)) this.applyStatus(entry.id, entry.status, entry.reason ?? null, entry.names);
    }
    this.apply(unknown);
  }

  /** The order of the newest entry there is, also of what was folded onto others. */
  get end(): string {
    const about = [...this.about.values()].flatMap((some) => [...some.keys()].map(orderOf));
    return [this.kept.at(-1)?.order ?? "", ...about].reduce((last, order) => (order > last ? order : last));
  }

  /** Take over everything of a customer who was found to be the same person. */
  absorb(other: Thread): void {
    this.apply(other.kept.map((kept) => kept.entry));
    for (const some of other.about.values()) this.apply([...some.values()]);
  }

  private applyOne(given: Entry): boolean {
    if (FOLDED.has(given.kind) && given.target) return this.applyAbout(given, given.target);
    const known = this.byId.get(given.id);
    const entry = this.withEarlier(given, known);
    if (known) this.replace(entry);
    else this.insert(entry);
    this.learn(entry);
    return known === undefined;
  }

  /** Know a message by every name others may give it, and fold onto it what was said about it under any of them. */
  private learn(entry: Entry): void {
    const own = digestOf(entry.id);
    for (const name of [own, ...(entry.names ?? [])]) {
      this.byDigest.set(name, entry.id);
      const some = this.about.get(name);
      for (const id of some?.keys() ?? []) this.remove(id);
      if (some === undefined || name === own) continue;
      this.about.set(own, new Map([...(this.about.get(own) ?? []), ...some]));
      this.about.delete(name);
    }
  }

  private withEarlier(given: Entry, known: Entry | undefined): Entry {
    const entry = { ...given, late: Boolean(given.late || known?.late) };
    if (known?.deleted && !entry.deleted) {
      return { ...known, late: entry.late };
    }
    const before = [known, this.early.get(given.id)];
    for (const one of before) {
      if (one?.status && entry.status && rises(entry.status, one.status)) {
        entry.status = one.status;
        entry.reason = one.reason ?? undefined;
      }
    }
    this.early.delete(given.id);
    return named(entry, together(...before.map((one) => one?.names)));
  }

  private applyAbout(entry: Entry, named: string): boolean {
    const id = this.byDigest.get(named);
    const target = id === undefined ? named : digestOf(id);
    const some = this.about.get(target) ?? new Map<string, Entry>();
    const isNew = !some.has(entry.id);
    some.set(entry.id, entry);
    this.about.set(target, some);
    if (!this.byDigest.has(target)) {
      if (this.byId.has(entry.id)) this.replace(entry);
      else this.insert(entry);
    }
    return isNew;
  }

  private dropFolded(from: string, to: string, present: ReadonlySet<string>): void {
    for (const [target, some] of this.about) {
      for (const id of [...some.keys()]) {
        const order = orderOf(id);
        if (order < from || order > to || present.has(id)) continue;
        some.delete(id); // the server has folded it: what it is about says so itself
        this.remove(id);
      }
      if (some.size === 0) this.about.delete(target);
    }
  }

  private insert(entry: Entry): void {
    const order = orderOf(entry.id);
    const last = this.kept.at(-1);
    const place = last === undefined || last.order < order ? this.kept.length : this.placeOf(order);
    this.kept.splice(place, 0, { order, entry });
    this.byId.set(entry.id, entry);
  }

  private replace(entry: Entry): void {
    this.byId.set(entry.id, entry);
    const place = this.indexOf(entry.id);
    if (place >= 0) this.kept[place]!.entry = entry;
  }

  private remove(id: string): void {
    const place = this.indexOf(id);
    if (place >= 0) this.kept.splice(place, 1);
    this.byId.delete(id);
  }

  private placeOf(order: string): number {
    let low = 0;
    let high = this.kept.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (this.kept[middle]!.order < order) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  private folded(entry: Entry): Entry {
    if (entry.kind === "edit") return this.isTakenBack(entry.target) ? withheld(entry) : entry;
    const some = FOLDED.has(entry.kind) ? undefined : this.about.get(digestOf(entry.id));
    if (some === undefined || some.size === 0) return entry;
    const about = [...some.values()].sort((a, b) => (orderOf(a.id) < orderOf(b.id) ? -1 : 1));
    if (about.some((one) => one.kind === "deletion")) return withheld(entry);
    return reacted(edited(entry, about), about);
  }

  /** Whether a message that is not known was taken back: its words are not to be read from its edits either. */
  private isTakenBack(target: string | undefined): boolean {
    return [...(this.about.get(target ?? "")?.values() ?? [])].some((one) => one.kind === "deletion");
  }
}

function together(...some: (readonly string[] | undefined)[]): string[] {
  return [...new Set(some.flatMap((names) => names ?? []))];
}

function named(entry: Entry, names: readonly string[]): Entry {
  const all = together(entry.names, names);
  return all.length > 0 ? { ...entry, names: all } : entry;
}

/** What a page has told of an entry and no announcement tells; files of its own may have become ready since. */
function foldedOnto(known: Entry | undefined): Partial<Entry> {
  const { id, edited_at, text, attachments, reactions } = known ?? {};
  const areOfEdit = attachments?.some((file) => !file.id.startsWith(`${id}.`));
  return {
    ...(edited_at === undefined ? {} : { edited_at, text }),
    ...(areOfEdit ? { attachments } : {}),
    ...(reactions === undefined ? {} : { reactions }),
  };
}

function withheld(entry: Entry): Entry {
  const { text: _text, attachments: _attachments, location: _location, details: _details, ...bare } = entry;
  const { edited_at: _edited, reactions: _reactions, ...rest } = bare;
  return { ...rest, deleted: true };
}

function edited(entry: Entry, about: readonly Entry[]): Entry {
  const last = about.filter((one) => one.kind === "edit").at(-1);
  if (last === undefined || (entry.edited_at !== undefined && entry.edited_at >= last.sent_at)) return entry;
  return {
    ...entry,
    text: last.text,
    edited_at: last.sent_at,
    ...(last.attachments?.length ? { attachments: last.attachments } : {}),
  };
}

function reacted(entry: Entry, about: readonly Entry[]): Entry {
  const reactions = about.filter((one) => one.kind === "reaction");
  if (reactions.length === 0) return entry;
  const latest = new Map((entry.reactions ?? []).map((one) => [one.by, one.emoji]));
  for (const one of reactions) latest.set(personOf(one), one.emoji ?? "");
  const shown = [...latest].filter(([, emoji]) => emoji).map(([by, emoji]) => ({ by, emoji }));
  return { ...entry, reactions: shown };
}

function personOf(entry: Entry): string {
  return entry.via?.split("|")[1] ?? entry.author ?? entry.direction;
}
