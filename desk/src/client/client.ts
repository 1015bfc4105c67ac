/** The desk's side of the protocol as a whole: connection, state, outbox. Components look at it and are told of changes. */

import { Connection, type ConnectionState, type Socket, type Timers } from "./connection";
import type { Ack, ServerFrame, Snapshot } from "./frames";
import { type Lock, Outbox, type Parcel } from "./outbox";
import { DeskRest, RestError } from "./rest";
import { DeskState, type Known } from "./state";
import type { Memory } from "./storage";

export interface Surroundings {
  subject: string;
  socket: (token: string) => Socket;
  rest: DeskRest;
  token: (renew: boolean) => Promise<string | null>;
  memory: Memory;
  timers: Timers;
  lock: Lock;
}

export type Happening =
  | { kind: "changed" }
  | { kind: "offer"; offer: string }
  | { kind: "inbound"; conversation: string; entry: string }
  | { kind: "offer.ended"; offer: string; reason: string }
  | { kind: "signed_out" };

export const GAP_MS = 500;
const READ = "throughline.read.";
const TYPING_EVERY_MS = 3_000;
const PAGE = 50;

export class DeskClient {
  readonly state = new DeskState();
  readonly connection: Connection;
  readonly outbox: Outbox;
  readonly rest: DeskRest;
  /** When a connection was last lost, to be told quietly. */
  lostAt: number | null = null;
  private readonly listeners = new Set<(happening: Happening) => void>();
  private gap: unknown = null;
  private readonly typed = new Map<string, number>();
  private readonly loading = new Map<string, Promise<void>>();

  constructor(private readonly around: Surroundings) {
    this.rest = around.rest;
    this.connection = new Connection(
      { open: around.socket, token: around.token, whyNot: () => this.whyNot(), timers: around.timers },
      {
        greeting: () => ({ resume: this.state.resumable(), moment: this.state.now() }),
        snapshot: (frame, moment, asked) => this.takeSnapshot(frame, moment, asked),
        frame: (frame) => this.take(frame),
        state: (state) => this.connectionBecame(state),
        signedOut: () => this.tell({ kind: "signed_out" }),
      },
    );
    const delivered = (ack: Ack | null, parcel: Parcel | null) => this.delivered(ack, parcel);
    this.outbox = new Outbox(around.subject, around.memory, this.carrier(), around.lock, delivered, fieldsOf);
  }

  start(): void {
    this.connection.start();
  }

  stop(): void {
    this.around.timers.cancel(this.gap);
    this.connection.stop();
  }

  listen(listener: (happening: Happening) => void): () => void {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  }

  ask(action: string, fields: Record<string, unknown>): Promise<Ack> {
    return this.connection.ask(action, fields);
  }

  /** Tell the agent's other screens, at most every three seconds a conversation. */
  typing(conversation: string): void {
    const now = this.around.timers.now();
    if (now - (this.typed.get(conversation) ?? 0) < TYPING_EVERY_MS) return;
    this.typed.set(conversation, now);
    this.connection.say("typing", { conversation });
  }

  /** What there is was read; tells the other screens if that is news. */
  read(conversation: string): void {
    const known = this.state.conversations.get(conversation);
    if (known === undefined || this.state.unread(known) === 0) return;
    this.state.markRead(conversation);
    this.around.memory.write(READ + conversation, known.readTo);
    this.connection.say("read", { conversation });
    this.changed();
  }

  /** Load the page before the oldest known one; at most one request at a time for a customer. */
  older(customer: string, conversation?: string): Promise<void> {
    const before = this.state.thread(customer).before;
    if (before === null) return Promise.resolve();
    return this.once(customer, () => this.loadPage(customer, before, conversation));
  }

  /** For views that are not made of frames (a supervisor's). */
  changed(): void {
    this.tell({ kind: "changed" });
  }

  private once(customer: string, load: () => Promise<void>): Promise<void> {
    const running = this.loading.get(customer);
    if (running) return running;
    const mine = load().finally(() => this.loading.delete(customer));
    this.loading.set(customer, mine);
    return mine;
  }

  private async loadPage(customer: string, before: string | undefined, conversation?: string): Promise<void> {
    const { end } = this.state.thread(customer);
    const page = await this.rest.thread(customer, { before, limit: PAGE, conversation });
    const thread = this.state.thread(customer);
    if (before === undefined) thread.applyPage(page.entries, end);
    else thread.applyPage(page.entries);
    if (before !== undefined || thread.before === undefined) thread.before = page.before;
    this.changed();
  }

  private takeSnapshot(frame: Snapshot, moment: number, asked: Record<string, number>): void {
    const before = new Set(this.state.offers.keys());
    this.state.applySnapshot(frame, moment, asked);
    for (const known of this.state.mine()) this.recall(known);
    this.lostAt = null;
    this.changed();
    this.ring(before);
  }

  private ring(before: ReadonlySet<string>): void {
    for (const offer of this.state.offers.keys()) if (!before.has(offer)) this.tell({ kind: "offer", offer });
  }

  private take(frame: ServerFrame): void {
    const before = new Set(this.state.offers.keys());
    this.state.apply(frame, this.around.timers.now());
    if (frame.event === "ack" && frame.conversation?.conversation) {
      const known = this.state.conversations.get(frame.conversation.conversation);
      if (known) this.recall(known);
    }
    this.changed();
    this.ring(before);
    if (frame.event === "offer.ended" && before.has(frame.offer)) this.tell({ kind: "offer.ended", offer: frame.offer, reason: frame.reason });
    if (frame.event === "read") this.remember(frame.conversation);
    if (frame.event === "message" && frame.entry.direction === "inbound") {
      this.tell({ kind: "inbound", conversation: frame.conversation, entry: frame.entry.kind });
    }
    this.mindTheGap();
  }

  /** Something may be missing: give it half a second, then ask. */
  private mindTheGap(): void {
    if (this.gap !== null || !this.state.isBehind()) return;
    this.gap = this.around.timers.later(GAP_MS, () => {
      this.gap = null;
      if (this.state.isBehind()) this.connection.hello();
    });
  }

  private recall(known: Known): void {
    const kept = this.around.memory.read(READ + known.view.conversation);
    if (kept !== null && kept > known.readTo) known.readTo = kept;
  }

  private remember(conversation: string): void {
    const known = this.state.conversations.get(conversation);
    if (known) this.around.memory.write(READ + conversation, known.readTo);
  }

  private connectionBecame(state: ConnectionState): void {
    if (state === "waiting" && this.lostAt === null) this.lostAt = this.around.timers.now();
    if (state === "open") void this.outbox.flush();
    this.changed();
  }

  private delivered(ack: Ack | null, parcel: Parcel | null): void {
    if (ack?.entry && parcel) {
      const known = this.state.conversations.get(parcel.conversation);
      this.state.thread(known?.view.customer.id ?? parcel.customer).apply([ack.entry]);
    }
    this.changed();
  }

  private carrier() {
    const connection = () => this.connection;
    return {
      ask: (action: string, fields: Record<string, unknown>, how: { id: string }) => connection().ask(action, fields, how),
      get isOpen() {
        return connection().isOpen;
      },
    };
  }

  private async whyNot(): Promise<"unauthenticated" | "forbidden" | "unreachable"> {
    try {
      await this.rest.queues();
    } catch (error) {
      if (error instanceof RestError && error.status === 401) return "unauthenticated";
      if (error instanceof RestError && error.status === 403) return "forbidden";
    }
    return "unreachable";
  }

  private tell(happening: Happening): void {
    for (const listener of this.listeners) listener(happening);
  }
}

/** What the server is told of a message or a note. */
function fieldsOf(parcel: Parcel, messageId: string): Record<string, unknown> {
  const { conversation, text, via, attachments, quickReplies, template, seenVersion } = parcel;
  if (parcel.kind === "note") return { conversation, note_id: messageId, text };
  return {
    conversation,
    message_id: messageId,
    ...(text && !template ? { text } : {}),
    ...(template ? { template } : {}),
    ...(quickReplies?.length ? { quick_replies: quickReplies } : {}),
    ...(via ? { via } : {}),
    ...(attachments.length ? { attachments } : {}),
    ...(seenVersion === null ? {} : { seen_version: seenVersion }),
  };
}
