/**
 * What an agent's screen knows, made of frames alone: no clock, no network, no page.
 *
 * The rules are those of docs/protocol.md, "Versions, loss, reconnecting". `isBehind` says that something is missing;
 * whoever owns the connection then waits half a second and sends `hello` with `resumable()`.
 */

import type {
  Ack,
  AgentView,
  ConversationView,
  Entry,
  Me,
  OfferView,
  ServerFrame,
  Snapshot,
  SnapshotConversation,
} from "./frames";
import { FOLDED, orderOf, Thread } from "./thread";

const STANDS = ["offered", "active", "wrapping", "paused"];
const MINE = new Set(["active", "wrapping", "paused"]);

export interface Known {
  view: ConversationView;
  /** Everything announced up to here is on the thread. */
  version: number;
  /** The highest version heard of. */
  heard: number;
  /** The order of the newest entry this agent has read. */
  readTo: string;
  /** Who is writing, and until when that is to be believed (epoch ms by whoever applied it). */
  typing: { from: string; until: number } | null;
  /** Versions whose entries are here although an earlier one is missing. */
  ahead: Set<number>;
  /** Edits, deletions and reactions by the version that announced them: an answer may be older and not have them yet. */
  about: Map<number, Entry>;
  /** Whether what is answered are only ours, for their status. */
  statusesOnly: boolean;
  /** What has come of an answer with `more`; it counts once all of it is here. */
  parts: Entry[];
  /** When it came to be known, as a number that only grows. */
  knownAt: number;
}

export const TYPING_MS = 6_000;

export class DeskState {
  agent: AgentView | null = null;
  me: Me | null = null;
  /** Whether a snapshot was ever applied. */
  ready = false;
  readonly offers = new Map<string, OfferView>();
  readonly conversations = new Map<string, Known>();
  private readonly threads = new Map<string, Thread>();
  /**
   * Announcements of conversations that are not known (yet): of an offer, or ahead of the answer that brings them. Once
   * the offer has passed, only the version of the newest.
   */
  private readonly early = new Map<string, { version: number; entry: Entry | null }[]>();
  /** When offers came by themselves, as a number that only grows: an older answer does not undo that. */
  private readonly offeredAt = new Map<string, number>();
  /** When offers ended, as a number that only grows; one that comes after its end does not ring. */
  private readonly ended = new Map<string, number>();
  private moment = 0;

  /** A number that only grows: take it when a `hello` is sent, and give it to `applySnapshot`. */
  now(): number {
    this.moment += 1;
    return this.moment;
  }

  /** The thread of a customer, empty if nothing is known. */
  thread(customer: string): Thread {
    let thread = this.threads.get(customer);
    if (thread === undefined) {
      thread = new Thread(customer);
      this.threads.set(customer, thread);
    }
    return thread;
  }

  /** Conversations this agent holds, oldest first. */
  mine(): Known[] {
    const me = this.agent?.agent;
    return [...this.conversations.values()]
      .filter((known) => known.view.holder === me && MINE.has(known.view.state))
      .sort((a, b) => (a.view.opened_at < b.view.opened_at ? -1 : 1));
  }

  isMine(conversation: string): boolean {
    const view = this.conversations.get(conversation)?.view;
    return view !== undefined && view.holder === this.agent?.agent && MINE.has(view.state);
  }

  /** What `hello` is to resume: each conversation with the version that is complete here. */
  resumable(): Record<string, number> {
    const known = [...this.conversations.values()].filter((one) => one.version > 0 && this.isMine(one.view.conversation));
    return Object.fromEntries(known.slice(0, 100).map((one) => [one.view.conversation, one.version]));
  }

  /** Whether something was announced that did not come. */
  isBehind(): boolean {
    return [...this.conversations.values()].some((known) => known.version < known.heard && this.isMine(known.view.conversation));
  }

  /** How many of the customer's entries this agent has not read. */
  unread(known: Known): number {
    return this.thread(known.view.customer.id).inboundSince(known.readTo);
  }

  markRead(conversation: string): void {
    const known = this.conversations.get(conversation);
    const last = known && this.thread(known.view.customer.id).last;
    if (known && last) known.readTo = orderOf(last.id) > known.readTo ? orderOf(last.id) : known.readTo;
  }

  /** Since when the customer has been waiting for an answer, or null if the last word is ours; one that failed is none. */
  waitingSince(known: Known): string | null {
    const thread = this.thread(known.view.customer.id);
    let since: string | null = null;
    for (let index = thread.length - 1; index >= 0; index -= 1) {
      const entry = thread.at(index)!;
      if (entry.direction === "outbound" && entry.status !== "failed") break;
      if (entry.direction === "inbound" && entry.kind === "message") since = entry.sent_at;
      if (entry.sent_at < known.view.opened_at && since !== null) break;
    }
    return since;
  }

  apply(frame: ServerFrame, now_ms: number): void {
    switch (frame.event) {
      case "message":
        return this.applyMessage(frame.conversation, frame.version, frame.entry);
      case "message.status":
        return this.applyStatus(frame);
      case "conversation":
        return this.applyView(frame, frame.version);
      case "entries":
        return this.applyEntries(frame);
      case "offer":
        this.offeredAt.set(frame.offer, this.now());
        return this.addOffer(frame);
      case "offer.ended":
        this.offers.delete(frame.offer);
        this.offeredAt.delete(frame.offer);
        this.ended.set(frame.offer, this.now());
        if (frame.reason !== "accepted") this.forgetEarly(frame.conversation);
        return;
      case "presence":
        return this.takeAgent(withoutEvent(frame));
      case "typing":
        return this.applyTyping(frame.conversation, frame.from, now_ms);
      case "read":
        if (frame.by === this.agent?.agent) this.markRead(frame.conversation);
        return;
      case "ack":
        return this.applyAck(frame);
      default:
        return; // snapshots come with the moment they were asked for; errors concern whoever asked
    }
  }

  /** Take the answer to the `hello` that was sent at `askedAt` with these versions. */
  applySnapshot(frame: Snapshot, askedAt: number, asked: Readonly<Record<string, number>>): void {
    this.ready = true;
    this.takeAgent(frame.agent);
    this.me = frame.me;
    for (const offer of this.offers.keys()) if ((this.offeredAt.get(offer) ?? 0) < askedAt) this.offers.delete(offer);
    for (const offer of frame.offers) this.addOffer(offer);
    for (const conversation of frame.conversations) this.applyWhole(conversation, asked[conversation.conversation]);
    const present = new Set(frame.conversations.map((one) => one.conversation));
    for (const [id, known] of this.conversations) {
      if (!present.has(id) && known.knownAt < askedAt) this.conversations.delete(id);
    }
    for (const [offer, endedAt] of this.ended) if (endedAt < askedAt) this.ended.delete(offer);
    this.early.clear();
  }

  private addOffer(offer: OfferView): void {
    if (!this.ended.has(offer.offer)) this.offers.set(offer.offer, offer);
  }

  /** Frames overtake one another: of two the higher version is the present one. */
  private takeAgent(given: AgentView): void {
    if (this.agent && given.version < this.agent.version) return;
    this.agent = given;
  }

  private applyAck(frame: Ack): void {
    const given = frame.conversation;
    if (given && typeof given === "object" && given.conversation) {
      if (isWhole(given)) this.applyWhole(given, undefined);
      else this.applyPart(given as Partial<ConversationView> & { conversation: string });
    }
  }

  /** Take a conversation with its entries. `asked` is the version it was resumed from. */
  private applyWhole(given: SnapshotConversation, asked: number | undefined): void {
    const { entries, more, ...view } = given;
    this.applyView(view, null);
    const known = this.conversations.get(view.conversation);
    if (known === undefined) return;
    known.knownAt = this.now();
    known.heard = Math.max(known.heard, view.version);
    known.statusesOnly = asked === view.version;
    known.parts = [];
    if (!more) this.takeEntries(known, entries, view.version);
  }

  private applyEntries(frame: { conversation: string; version: number; entries: Entry[]; more: boolean }): void {
    const known = this.conversations.get(frame.conversation);
    if (known === undefined) return;
    known.parts.push(...frame.entries);
    if (!frame.more) this.takeEntries(known, known.parts.splice(0), frame.version);
  }

  /** Take all that was answered at a version. One that is older than what is known brings nothing but statuses. */
  private takeEntries(known: Known, entries: readonly Entry[], version: number): void {
    const thread = this.thread(known.view.customer.id);
    if (known.statusesOnly || version < known.version) thread.applyStatuses(entries);
    else thread.applyPage(entries, thread.end);
    for (const [announced, entry] of known.about) {
      if (announced > version) thread.apply([entry]);
      else known.about.delete(announced);
    }
    this.keep(known, version);
  }

  private applyMessage(conversation: string, version: number, entry: Entry): void {
    const known = this.conversations.get(conversation);
    if (known === undefined) return this.keepForLater(conversation, version, entry);
    const thread = this.thread(known.view.customer.id);
    const isAbout = FOLDED.has(entry.kind);
    if (version <= known.version && (isAbout || thread.has(entry.id))) return; // it is on the thread, perhaps folded
    thread.apply([entry]);
    if (isAbout) known.about.set(version, entry);
    if (entry.direction === "inbound") known.typing = null;
    known.heard = Math.max(known.heard, version);
    if (version > known.version) known.ahead.add(version);
    this.keep(known, known.version);
  }

  private keepForLater(conversation: string, version: number, entry: Entry): void {
    this.early.set(conversation, [...(this.early.get(conversation) ?? []), { version, entry }]);
  }

  private forgetEarly(conversation: string): void {
    const newest = Math.max(0, ...(this.early.get(conversation) ?? []).map(({ version }) => version));
    if (newest > 0) this.early.set(conversation, [{ version: newest, entry: null }]);
  }

  private applyStatus(frame: {
    conversation: string;
    version: number;
    entry: string;
    status: Entry["status"] & string;
    reason: string | null;
    names: string[];
  }): void {
    const known = this.conversations.get(frame.conversation);
    if (known === undefined) return;
    this.thread(known.view.customer.id).applyStatus(frame.entry, frame.status, frame.reason, frame.names);
    known.heard = Math.max(known.heard, frame.version);
  }

  private applyPart(given: Partial<ConversationView> & { conversation: string }): void {
    const known = this.conversations.get(given.conversation);
    if (known && given.turn !== undefined) this.applyView({ ...known.view, ...given }, given.version ?? null);
  }

  private applyView(given: ConversationView, heard: number | null): void {
    const view = withoutEvent(given);
    const known = this.conversations.get(view.conversation);
    if (known === undefined) {
      const fresh: Known = {
        view,
        version: 0,
        heard: heard ?? 0,
        readTo: "",
        typing: null,
        ahead: new Set(),
        about: new Map(),
        statusesOnly: false,
        parts: [],
        knownAt: this.now(),
      };
      this.conversations.set(view.conversation, fresh);
      const early = this.early.get(view.conversation) ?? [];
      this.early.delete(view.conversation);
      for (const { version, entry } of early) {
        if (entry) this.applyMessage(view.conversation, version, entry);
        else fresh.heard = Math.max(fresh.heard, version);
      }
      return;
    }
    if (heard !== null) known.heard = Math.max(known.heard, heard);
    if (isOlder(view, known.view)) return;
    const before = known.view.customer.id;
    known.view = view;
    known.knownAt = this.now();
    if (before !== view.customer.id) this.join(before, view.customer.id);
  }

  private join(from: string, into: string): void {
    const joined = this.threads.get(from);
    if (joined === undefined) return;
    this.thread(into).absorb(joined);
    this.threads.delete(from);
  }

  private applyTyping(conversation: string, from: string, now_ms: number): void {
    const known = this.conversations.get(conversation);
    if (known) known.typing = { from, until: now_ms + TYPING_MS };
  }

  /** Everything up to `version` is here; go on over what came ahead of it. */
  private keep(known: Known, version: number): void {
    known.version = Math.max(known.version, version);
    known.heard = Math.max(known.heard, known.version);
    while (known.ahead.delete(known.version + 1)) known.version += 1;
    for (const ahead of known.ahead) if (ahead <= known.version) known.ahead.delete(ahead);
  }
}

function isWhole(given: object): given is SnapshotConversation {
  return "entries" in given && "customer" in given;
}

function isOlder(given: ConversationView, known: ConversationView): boolean {
  if (given.turn !== known.turn) return given.turn < known.turn;
  if (given.state === known.state) return given.version < known.version;
  const [a, b] = [STANDS.indexOf(given.state), STANDS.indexOf(known.state)];
  return a >= 0 && b >= 0 && a < b;
}

function withoutEvent<T extends object>(frame: T): T {
  const { event: _event, ...rest } = frame as T & { event?: unknown };
  return rest as unknown as T;
}
