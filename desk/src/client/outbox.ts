/**
 * What an agent (or a visitor) has sent and the server has not acknowledged. It outlives reloads and lost connections, and goes out once.
 *
 * The id is drawn at the first attempt and kept before the frame leaves: the same frame twice has one effect. Several
 * tabs share one outbox; whoever sends holds a lock, and repeating is harmless.
 */

import { RefusedError } from "./connection";
import type { Ack } from "./frames";
import { uuid4, uuid7 } from "./ids";
import type { FilledTemplate, QuickReply } from "./prepared";
import { type Memory, readJson } from "./storage";

export interface Parcel {
  /** Ours, for the screen; the message's own id is `messageId`. */
  key: string;
  kind: "message" | "note";
  conversation: string;
  customer: string;
  text: string | null;
  via: string | null;
  attachments: string[];
  /** Names of the attachments, to show. */
  names: string[];
  /** Laid ready under the text. */
  quickReplies?: QuickReply[];
  /** The entry it answers, where a visitor chose one. */
  replyTo?: string;
  /** In place of words of one's own; `text` is then how it reads, to show. */
  template?: FilledTemplate;
  writtenAt: string;
  /** The version its author had seen: nobody else's answer after it goes unnoticed. Null: it is sent whatever came. */
  seenVersion: number | null;
  messageId: string | null;
  attempts: number;
  failed: { code: string; message: string; version: number | null } | null;
}

export interface Carrier {
  ask(action: string, fields: Record<string, unknown>, how: { id: string }): Promise<Ack>;
  readonly isOpen: boolean;
}

export type Lock = (name: string, action: () => Promise<void>) => Promise<void>;

const ACTIONS = { message: "message.send", note: "note.add" } as const;

export class Outbox {
  private readonly prefix: string;
  private written = 0;
  private readonly underWay = new Map<string, Promise<void>>();

  constructor(
    agent: string,
    private readonly memory: Memory,
    private readonly carrier: Carrier,
    private readonly lock: Lock,
    private readonly changed: (acknowledged: Ack | null, parcel: Parcel | null) => void,
    private readonly fields: (parcel: Parcel, messageId: string) => Record<string, unknown>,
  ) {
    this.prefix = `throughline.outbox.${agent}/`;
  }

  /** Oldest first. Each has a place of its own in the memory, so that two tabs do not write over one another. */
  parcels(): Parcel[] {
    const keys = this.memory.keys().filter((key) => key.startsWith(this.prefix));
    const parcels = keys.sort().map((key) => readJson(this.memory, key, isParcel));
    return parcels.filter((parcel) => parcel !== null);
  }

  of(conversation: string): Parcel[] {
    return this.parcels().filter((parcel) => parcel.conversation === conversation);
  }

  put(parcel: Omit<Parcel, "key" | "messageId" | "attempts" | "failed">): void {
    this.keep({ ...parcel, key: this.nextKey(), messageId: null, attempts: 0, failed: null });
    this.changed(null, null);
    void this.flush();
  }

  /** Take back what was not sent; returns it, so that its words can be written anew. Null: it is under way already. */
  withdraw(key: string): Parcel | null {
    const parcel = this.parcels().find((one) => one.key === key);
    if (parcel === undefined || (parcel.attempts > 0 && parcel.failed === null)) return null;
    this.forget(key);
    this.changed(null, null);
    return parcel;
  }

  /**
   * Send what failed once more: as something new, under a new id; but what was held back because somebody else answered
   * goes under its own id, now that this was seen.
   */
  again(key: string): void {
    const failed = this.parcels().find((one) => one.key === key)?.failed;
    const seen = failed?.code === "conflict" ? (failed.version ?? null) : null;
    if (seen === null) this.update(key, { failed: null, messageId: null, attempts: 0, seenVersion: null });
    else this.update(key, { failed: null, seenVersion: seen });
    this.changed(null, null);
    void this.flush();
  }

  /** Let another outbox have what is here. What may have been taken already is not sent again unasked. */
  handTo(other: Outbox): void {
    for (const parcel of this.parcels()) {
      this.forget(parcel.key);
      other.keep(inDoubt(parcel));
    }
  }

  /** Whoever sends from now on is somebody else: hold back what may have been taken already, all but these messages. */
  holdBack(except: ReadonlySet<string>): void {
    for (const parcel of this.parcels()) if (!except.has(parcel.messageId ?? "")) this.keep(inDoubt(parcel));
  }

  /** Send what there is, conversation by conversation in the order it was written. */
  async flush(): Promise<void> {
    if (!this.carrier.isOpen) return;
    await Promise.all([...new Set(this.parcels().map((one) => one.conversation))].map((one) => this.flushOne(one)));
  }

  private flushOne(conversation: string): Promise<void> {
    const before = this.underWay.get(conversation) ?? Promise.resolve();
    const mine = before.then(() => this.lock(`${this.prefix}${conversation}`, () => this.drain(conversation)));
    this.underWay.set(conversation, mine);
    return mine;
  }

  private async drain(conversation: string): Promise<void> {
    for (;;) {
      const parcel = this.of(conversation).find((one) => one.failed === null);
      if (parcel === undefined || !this.carrier.isOpen) return;
      if (!(await this.deliver(parcel))) return;
    }
  }

  /** Return whether to go on with the next one. */
  private async deliver(parcel: Parcel): Promise<boolean> {
    const messageId = parcel.messageId ?? uuid7();
    const attempts = parcel.attempts + 1;
    this.update(parcel.key, { messageId, attempts });
    try {
      const ack = await this.carrier.ask(ACTIONS[parcel.kind], this.fields(parcel, messageId), { id: messageId });
      this.forget(parcel.key);
      this.changed(ack, { ...parcel, messageId });
      return true;
    } catch (error) {
      return this.refused(parcel, attempts, error);
    }
  }

  private refused(parcel: Parcel, attempts: number, error: unknown): boolean {
    const code = error instanceof RefusedError ? error.code : "internal";
    if (code === "disconnected") return false;
    if (code === "invalid_request" && attempts === 1) {
      // Refused at the very first attempt, so nothing was taken: perhaps our clock is wrong. An id without a time serves.
      this.update(parcel.key, { messageId: uuid4() });
      return true;
    }
    const message = error instanceof Error ? error.message : String(error);
    const version = error instanceof RefusedError ? error.version : null;
    this.update(parcel.key, { failed: { code, message, version } });
    this.changed(null, null);
    return true;
  }

  /** Sorts by the time it was made, also within one instant. */
  private nextKey(): string {
    this.written += 1;
    return `${Date.now()}-${String(this.written).padStart(6, "0")}-${uuid4().slice(0, 8)}`;
  }

  private update(key: string, change: Partial<Parcel>): void {
    const parcel = this.parcels().find((one) => one.key === key);
    if (parcel) this.keep({ ...parcel, ...change });
  }

  private keep(parcel: Parcel): void {
    this.memory.write(this.prefix + parcel.key, JSON.stringify(parcel));
  }

  private forget(key: string): void {
    this.memory.write(this.prefix + key, null);
  }
}

/** A parcel that somebody tried to send: only a person who sees that may have it sent again. */
function inDoubt(parcel: Parcel): Parcel {
  if (parcel.attempts === 0 || parcel.failed) return parcel;
  return { ...parcel, failed: { code: "disconnected", message: "", version: null } };
}

function isParcel(value: unknown): value is Parcel {
  const parcel = value as Partial<Parcel> | null;
  return typeof parcel?.key === "string" && typeof parcel.conversation === "string" && Array.isArray(parcel.attachments);
}
