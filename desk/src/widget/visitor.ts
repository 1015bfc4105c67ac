/**
 * The visitor's side of the protocol as a whole: sign-in, connection, thread, outbox. The widget looks at it and is told
 * of changes.
 */

import type {
  VisitorAckEvent,
  VisitorConversation,
  VisitorConversationEvent,
  VisitorEntry,
  VisitorMessageEvent,
  VisitorMessageStatusEvent,
  VisitorReadEvent,
  VisitorSnapshotEvent,
  VisitorThread,
  VisitorTold,
  VisitorTypingEvent,
  WebChat,
} from "../client/api";
import { delay_ms } from "../client/backoff";
import { Connection, type ConnectionState, type Socket, type Timers } from "../client/connection";
import { Drafts } from "../client/drafts";
import type { Entry } from "../client/frames";
import { type Lock, Outbox, type Parcel } from "../client/outbox";
import { Rest, RestError } from "../client/rest";
import type { Memory } from "../client/storage";
import { orderOf, Thread } from "../client/thread";
import { EARLY_MS, type Identity, saidBy, SignIn, subjectOf } from "./sign-in";

type Frame =
  | VisitorAckEvent
  | VisitorMessageEvent
  | VisitorMessageStatusEvent
  | VisitorConversationEvent
  | VisitorTypingEvent
  | VisitorReadEvent;

export interface Surroundings {
  api: string;
  account: string;
  socket(address: string, token: string): Socket;
  memory: Memory;
  timers: Timers;
  lock: Lock;
  fetching: typeof fetch;
}

export interface Happening {
  /** A message of the company's that was not here before. */
  arrived: VisitorEntry | null;
}

/** What of the visitor's own is on its way: acknowledged or not yet, but not on the thread as seen from here. */
export interface Pending {
  parcel: Parcel;
  acknowledged: boolean;
}

/** What stands in front of the visitor: a form to fill in, the chat, or why there is none. */
export type View = "loading" | "unreachable" | "refused" | "identity" | "form" | "chat";

const TYPING_EVERY_MS = 3_000;
const TYPING_SHOWN_MS = 8_000;
const PAGE = 50;
const SEEN_AT_ONCE = 50;
const OWN = "own";

export class VisitorClient {
  readonly connection: Connection<string | null, VisitorSnapshotEvent, Frame>;
  readonly signIn: SignIn;
  readonly rest: Rest;
  /** Another object for each person that this has been. */
  person = {};
  outbox: Outbox;
  thread = new Thread(OWN);
  chat: WebChat | null = null;
  conversation: VisitorConversation = { state: "none", agent: null };
  /** Until when the agent has read. */
  readUntil = "";
  /** Who is writing to us, and until when that is shown. */
  typing: { from: string | null; until: number } | null = null;
  private failures = 0;
  private failure: "unreachable" | "refused" | null = null;
  private refreshing: Promise<void> | null = null;
  private loading: Promise<void> | null = null;
  private identifying: object | null = null;
  private renewal: unknown = null;
  private typedAt = 0;
  private stopped = true;
  /** Whether the state of the conversation came by itself since `hello` was sent: the answer may be older. */
  private isStateNew = false;
  private settling: Parcel[] = [];
  private readonly drafts: Drafts;
  private readonly said = { received: new Set<string>(), read: new Set<string>() };
  private readonly listeners = new Set<(happening: Happening) => void>();

  constructor(private readonly around: Surroundings) {
    const { api, account, memory, timers, lock, fetching } = around;
    const path = `${api}/webchat/${encodeURIComponent(account)}`;
    const place = `throughline.visitor.${api}/${account}`;
    this.signIn = new SignIn(`${path}/visitors`, place, memory, timers, lock, fetching);
    this.signIn.anew = () => {
      this.outbox.holdBack(this.connection.disown());
      this.clear();
      this.changed();
    };
    this.rest = new Rest(api, (renew) => this.signIn.token(renew), fetching);
    this.connection = new Connection<string | null, VisitorSnapshotEvent, Frame>(
      {
        open: (token) => around.socket(this.signIn.socket, token),
        token: (renew) => this.signIn.token(renew),
        whyNot: () => this.whyNot(),
        timers,
      },
      {
        greeting: () => this.greeting(),
        snapshot: (frame, _moment, asked) => this.welcomed(frame, asked),
        frame: (frame) => this.take(frame),
        state: (state) => this.became(state),
        signedOut: () => this.lockedOut(),
      },
    );
    this.outbox = this.outboxOf("");
    this.drafts = new Drafts(memory, () => timers.now());
    this.drafts.forgetOld();
  }

  // ------------------------------------------------------------ coming and going

  /** Learn what the account shows, and connect if the visitor was here before. */
  async begin(): Promise<void> {
    this.stopped = false;
    if (this.chat === null) await this.refresh();
    if (this.signIn.isKnown) this.connection.start();
  }

  end(): void {
    this.stopped = true;
    this.around.timers.cancel(this.renewal);
    this.connection.stop();
  }

  /** The visitor looks at the chat: connect if nothing has to be asked before. */
  enter(): void {
    if (this.view === "chat") this.connection.start();
  }

  /** The visitor has filled in the form. */
  introduce(told: VisitorTold): void {
    this.signIn.told = told;
    this.signIn.wanted = null;
    this.connection.start();
    this.changed();
  }

  /** The page says who its user is, or that nobody is signed in any more. What it said last holds. */
  async identify(identity: Identity | null): Promise<void> {
    const mine = (this.identifying = {});
    const subject = subjectOf(await saidBy(identity).catch(() => null));
    if (this.identifying !== mine) return;
    if (identity === null && this.signIn.identity !== null) this.drafts.forget(this.placeOf("")); // for nobody to find
    if (subject !== this.signIn.subject) this.becomeAnother(subject);
    this.signIn.identity = identity;
    this.signIn.wanted = null;
    if (!this.stopped && this.signIn.isKnown) this.connection.start();
    this.changed();
  }

  private becomeAnother(subject: string): void {
    const before = this.signIn.subject ? null : this.outbox;
    const { draft } = this;
    if (before) this.draft = "";
    this.connection.stop();
    this.signIn.become(subject);
    this.clear();
    this.outbox = this.outboxOf(subject);
    before?.handTo(this.outbox);
    if (before && draft) this.draft = draft;
  }

  private clear(): void {
    this.person = {};
    this.thread = new Thread(OWN);
    this.settling = [];
    this.conversation = { state: "none", agent: null };
    this.readUntil = "";
    this.typing = null;
  }

  get view(): View {
    if (this.failure !== null && this.chat === null) return this.failure;
    if (this.chat === null) return "loading";
    if (this.signIn.wanted !== null) return this.signIn.wanted;
    if (this.connection.state === "refused") return "refused";
    const isAsked = this.chat.pre_chat.length > 0 || !this.chat.open;
    return isAsked && !this.signIn.isKnown && this.signIn.told === null ? "form" : "chat";
  }

  /** Whether a connection that there was is gone, or one that is wanted does not come. */
  get isCutOff(): boolean {
    return this.connection.state === "waiting";
  }

  /** The network came back, the page is looked at again, or somebody pressed the button: do not wait any longer. */
  hurry(): void {
    if (this.stopped || this.connection.state === "refused") return;
    if (this.chat === null) void this.refresh();
    this.connection.hurry();
  }

  /** Ask what the account shows now, again and again until it is told. */
  refresh(): Promise<void> {
    this.refreshing ??= this.ask().finally(() => (this.refreshing = null));
    return this.refreshing;
  }

  private async ask(): Promise<void> {
    const { api, account, fetching, timers } = this.around;
    try {
      const answer = await fetching(`${api}/webchat/${encodeURIComponent(account)}`, { credentials: "omit" });
      this.failure = answer.ok ? null : answer.status === 403 || answer.status === 404 ? "refused" : "unreachable";
      if (answer.ok) this.chat = (await answer.json()) as WebChat;
    } catch {
      this.failure = "unreachable";
    }
    this.changed();
    if (this.failure !== "unreachable" || this.chat !== null) return void (this.failures = 0);
    timers.later(delay_ms(this.failures, timers.random()), () => void (this.stopped || this.chat || this.begin()));
    this.failures += 1;
  }

  // ------------------------------------------------------------ writing

  write(text: string, files: readonly { id: string; name: string }[] = [], replyTo?: string): void {
    this.typedAt = 0;
    this.outbox.put({
      kind: "message",
      conversation: OWN,
      customer: OWN,
      text: text.trim() ? text : null,
      via: null,
      attachments: files.map((file) => file.id),
      names: files.map((file) => file.name),
      replyTo,
      writtenAt: new Date(this.around.timers.now()).toISOString(),
      seenVersion: null,
    });
  }

  /** What is being written, by whoever this is now. */
  get draft(): string {
    return this.drafts.read(this.place);
  }

  set draft(text: string) {
    this.drafts.keep(this.place, text);
  }

  /** Names this visitor and their account in what this browser keeps. */
  get place(): string {
    return this.placeOf(this.signIn.subject);
  }

  private placeOf(subject: string): string {
    return `visitor.${this.around.api}/${this.around.account}/${subject}`;
  }

  /** Tell the agent that the visitor is writing: at most every few seconds. */
  type(): void {
    const now = this.around.timers.now();
    if (now - this.typedAt < TYPING_EVERY_MS || !this.connection.isOpen) return;
    this.typedAt = now;
    this.connection.say("typing", {});
  }

  /** What the visitor wrote that is not on the thread yet, oldest first. */
  pending(): Pending[] {
    const settled = this.settling.map((parcel) => ({ parcel, acknowledged: true }));
    const own = this.ownIds();
    const waiting = this.outbox.of(OWN).filter((parcel) => !own.has(parcel.messageId));
    return [...settled, ...waiting.map((parcel) => ({ parcel, acknowledged: false }))];
  }

  // ------------------------------------------------------------ reading

  get entries(): Entry[] {
    return this.thread.slice(0, this.thread.length);
  }

  /** How many of the company's messages nobody has looked at. */
  get unread(): number {
    return this.unseen("read").length;
  }

  /** Tell what has come: looked at, or only here. Each is told once a connection. */
  tellSeen(status: "received" | "read"): void {
    if (!this.connection.isOpen) return;
    const fresh = this.unseen(status);
    for (let from = 0; from < fresh.length; from += SEEN_AT_ONCE) {
      const entries = fresh.slice(from, from + SEEN_AT_ONCE);
      for (const id of entries) this.said[status].add(id);
      this.connection.say(status, { entries });
    }
  }

  private unseen(status: "received" | "read"): string[] {
    const done = status === "read" ? ["read"] : ["read", "delivered"];
    const ours = this.entries.filter((entry) => entry.direction === "outbound" && entry.status !== undefined);
    const open = ours.filter((entry) => !done.includes(entry.status!)).map((entry) => entry.id);
    return open.filter((id) => !this.said[status].has(id) && !this.said.read.has(id));
  }

  get hasEarlier(): boolean {
    return typeof this.thread.before === "string";
  }

  /** Read the page before the oldest entry. */
  loadEarlier(): Promise<void> {
    this.loading ??= this.load().finally(() => (this.loading = null));
    return this.loading;
  }

  /** The bytes of a file, by a short link that shows nobody who asks. */
  async file(attachment: string): Promise<Blob> {
    const address = await this.rest.attachment(attachment);
    const answer = await this.around.fetching(address, { credentials: "omit", referrerPolicy: "no-referrer" });
    if (!answer.ok) throw new RestError(answer.status, "internal", "the file was not handed out");
    return await answer.blob();
  }

  private async load(): Promise<void> {
    const { thread } = this;
    if (typeof thread.before !== "string") return;
    const path = `/webchat/${encodeURIComponent(this.around.account)}/thread`;
    const page = await this.rest.get<VisitorThread>(path, { before: thread.before, limit: PAGE });
    thread.applyPage(page.entries.map(asEntry));
    thread.before = page.before;
    this.changed();
  }

  listen(listener: (happening: Happening) => void): () => void {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  }

  // ------------------------------------------------------------ what is heard

  private greeting(): { resume: string | null; moment: number } {
    this.isStateNew = false;
    const isAnswered = this.thread.before !== undefined; // what was announced before that says nothing of what there is
    return { resume: (isAnswered && this.thread.last?.id) || null, moment: this.around.timers.now() };
  }

  /** Take the answer to the `hello` that resumed from `asked`. Frames may have overtaken it. */
  private welcomed(frame: VisitorSnapshotEvent, asked: string | null): void {
    const isGap = asked !== null && frame.before !== null && orderOf(frame.before) > orderOf(asked);
    if (isGap) this.beginBehind(asked);
    if (isGap || asked === null) this.thread.before = frame.before;
    const known = new Set(this.entries.map((entry) => entry.id));
    for (const said of Object.values(this.said)) said.clear();
    this.thread.applyPage(frame.entries.map(asEntry));
    if (!this.isStateNew) this.conversation = frame.conversation;
    this.settle();
    const own = this.ownIds(); // what was in doubt when the visitor signed in, and did arrive
    for (const one of this.outbox.of(OWN)) if (one.failed && own.has(one.messageId)) this.outbox.withdraw(one.key);
    this.renewInTime();
    const arrived = frame.entries.filter((entry) => isNews(entry) && !known.has(entry.id)).at(-1) ?? null;
    this.changed(asked === null ? null : arrived);
  }

  /** Let go of what there is up to an entry, behind which there is a hole. */
  private beginBehind(known: string): void {
    const later = this.entries.filter((entry) => orderOf(entry.id) > orderOf(known));
    this.thread = new Thread(OWN);
    this.thread.apply(later);
  }

  private take(frame: Frame): void {
    switch (frame.event) {
      case "message":
        return this.takeMessage(frame.entry);
      case "message.status":
        this.thread.applyStatus(frame.entry, frame.status, null);
        break;
      case "conversation":
        this.isStateNew = true;
        this.conversation = { state: frame.state, agent: frame.agent };
        break;
      case "typing":
        this.showTyping(frame.from);
        break;
      case "read":
        if (frame.until > this.readUntil) this.readUntil = frame.until;
        break;
      default:
        return; // an answer, or of a later server
    }
    this.changed();
  }

  private takeMessage(entry: VisitorEntry): void {
    const isNew = this.thread.apply([asEntry(entry)]);
    if (entry.direction === "outbound") this.typing = null;
    this.settle();
    this.changed(isNew && isNews(entry) ? entry : null);
  }

  private showTyping(from: string | null): void {
    const until = this.around.timers.now() + TYPING_SHOWN_MS;
    this.typing = { from, until };
    this.around.timers.later(TYPING_SHOWN_MS, () => {
      if (this.typing?.until !== until) return;
      this.typing = null;
      this.changed();
    });
  }

  private became(state: ConnectionState): void {
    if (state === "open") void this.outbox.flush();
    this.changed();
  }

  private lockedOut(): void {
    this.connection.stop();
    if (this.signIn.wanted === "form") void this.refresh();
    this.changed();
  }

  /** The next socket is taken into service a minute before the token of this one ends. */
  private renewInTime(): void {
    const { timers } = this.around;
    timers.cancel(this.renewal);
    const left = (this.signIn.endsAt ?? 0) - timers.now();
    this.renewal = timers.later(Math.max(1000, left - EARLY_MS), () => this.connection.replace());
  }

  private async whyNot(): Promise<"unauthenticated" | "forbidden" | "unreachable"> {
    try {
      await this.rest.get(`/webchat/${encodeURIComponent(this.around.account)}/thread`, { limit: 1 });
    } catch (error) {
      if (error instanceof RestError && error.status === 401) return "unauthenticated";
      if (error instanceof RestError && error.status === 403) return "forbidden";
    }
    return "unreachable";
  }

  private outboxOf(subject: string): Outbox {
    const { memory, lock } = this.around;
    return new Outbox(
      this.placeOf(subject),
      memory,
      this.connection,
      lock,
      (ack, parcel) => this.delivered(ack !== null, parcel),
      (parcel, message_id) => ({
        message_id,
        ...(parcel.text ? { text: parcel.text } : {}),
        ...(parcel.attachments.length ? { attachments: parcel.attachments } : {}),
        ...(parcel.replyTo ? { reply_to: parcel.replyTo } : {}),
      }),
    );
  }

  private delivered(acknowledged: boolean, parcel: Parcel | null): void {
    if (acknowledged && parcel) this.settling.push(parcel);
    this.settle();
    this.changed();
  }

  /** What stands on the thread is pending no more. */
  private settle(): void {
    if (this.settling.length === 0) return;
    const own = this.ownIds();
    this.settling = this.settling.filter((parcel) => !own.has(parcel.messageId));
  }

  private ownIds(): Set<string | null | undefined> {
    return new Set(this.entries.map((entry) => (entry as Partial<VisitorEntry>).message_id));
  }

  private changed(arrived: VisitorEntry | null = null): void {
    for (const listener of this.listeners) listener({ arrived });
  }
}

function isNews(entry: VisitorEntry): boolean {
  return entry.direction === "outbound" && entry.kind === "message";
}

/** The thread keeps what agents see, too: what a visitor is not told of stays empty. Whose a reaction is, the direction says. */
function asEntry(entry: VisitorEntry): Entry {
  return { ...entry, channel: "webchat", via: `|${entry.direction}`, received_at: entry.sent_at, late: false } as Entry;
}
