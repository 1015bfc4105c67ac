/** The desk as a model: who is signed in, what is looked at, what is said to the person. Components draw it. */

import { nameOfAccount, readable } from "../client/accounts";
import { refreshCentre } from "../client/centre";
import { DeskClient, type Happening } from "../client/client";
import { RefusedError, type Socket } from "../client/connection";
import { Drafts } from "../client/drafts";
import type { CannedAnswer, ChannelAccount, Colleague, CustomerCard, CustomerName, OfferView, QueueView, Way } from "../client/frames";
import { type Draft, packed, unpacked } from "../client/prepared";
import { DeskRest, RestError } from "../client/rest";
import { Session, SignInError } from "../client/session";
import type { Known } from "../client/state";
import { BrowserMemory, type Memory } from "../client/storage";
import { choose, type Key, setLanguage, t, tIfKnown } from "../i18n";
import { channelName } from "../i18n/format";
import { Ring } from "./ring";
import { Settings } from "./settings";

export interface Configuration {
  issuer: string | null;
  client_id: string | null;
  discovery?: string;
  scope?: string;
  api: string;
  socket: string;
}

export type View = "conversations" | "team";
export type Phase = "starting" | "signed_out" | "signed_in";

/** A thread that is looked at: a conversation of ours, or one that a supervisor reads. */
export interface Looked {
  conversation: string;
  customer: string;
}

export interface Said {
  text: string;
  kind: "info" | "error";
}

const SAID_MS = 8_000;

/** Entries after which the customer's card says something else: what they agree to, how they are reached. */
const CHANGES_CARD = new Set(["consent", "identity"]);

export class App {
  phase: Phase = "starting";
  /** Why nobody is signed in, to be told on the page for signing in. */
  why: { key: Key; values?: Record<string, string> } | null = null;
  view: View = "conversations";
  looked: Looked | null = null;
  /** On a small screen one pane is shown at a time. */
  pane: "list" | "thread" | "card" = "list";
  /** The caret is to go where one writes, once that is drawn. */
  wantsCaret = false;
  said: Said | null = null;
  client: DeskClient | null = null;
  queues: QueueView[] = [];
  colleagues: Colleague[] = [];
  accounts: ChannelAccount[] = [];
  readonly memory: Memory = new BrowserMemory(() => localStorage);
  readonly settings = new Settings(this.memory);
  readonly ring = new Ring();
  private readonly drafts = new Drafts(this.memory, () => this.now);

  private session: Session | null = null;
  private readonly changes = new Set<() => void>();
  private readonly ticks = new Set<() => void>();
  private drawing = false;
  private saying: ReturnType<typeof setTimeout> | null = null;
  private readonly cards = new Map<string, CustomerCard | "failed">();
  private readonly waysKnown = new Map<string, { ways: Way[]; version: number }>();

  constructor(
    private readonly configuration: Configuration,
    private readonly base: string,
  ) {
    setLanguage(this.settings.language ?? choose(navigator.languages));
    setInterval(() => this.tick(), 1_000);
    this.drafts.forgetOld();
  }

  /** Take up a sign-in that is under way or was kept in this tab. */
  async start(): Promise<void> {
    const { issuer, client_id } = this.configuration;
    if (!issuer || !client_id) return this.signedOut("sign_in.unconfigured");
    const config = { ...this.configuration, issuer, client_id };
    this.session = new Session(config, new BrowserMemory(() => sessionStorage), this.base);
    const address = new URL(location.href);
    if (Session.isAnswer(address)) {
      history.replaceState(null, "", this.base);
      try {
        await this.session.finish(address);
      } catch (error) {
        return this.signInFailed(error);
      }
    }
    if (this.session.claims) this.signedIn(this.session.claims.sub);
    else this.signedOut(null);
  }

  async signIn(): Promise<void> {
    try {
      if (this.session) location.assign(await this.session.begin());
    } catch (error) {
      this.signInFailed(error);
    }
  }

  signOut(): void {
    this.drafts.forget(`${this.me}/`);
    this.end();
    this.session?.forget();
    this.signedOut(null);
  }

  get now(): number {
    return Date.now();
  }

  get state() {
    return this.client?.state ?? null;
  }

  get isSupervisor(): boolean {
    return this.state?.me?.role === "supervisor";
  }

  get me(): string {
    return this.state?.agent?.agent ?? this.session?.claims?.sub ?? "";
  }

  onChange(listener: () => void): () => void {
    this.changes.add(listener);
    return () => this.changes.delete(listener);
  }

  onTick(listener: () => void): () => void {
    this.ticks.add(listener);
    return () => this.ticks.delete(listener);
  }

  /** Draw again, once a frame however much has changed. A page that is not seen gets no frames, so it is timed. */
  changed(): void {
    if (this.drawing) return;
    this.drawing = true;
    const draw = () => {
      this.drawing = false;
      for (const listener of this.changes) listener();
    };
    if (document.hidden) setTimeout(draw, 200);
    else requestAnimationFrame(draw);
  }

  say(text: string, kind: Said["kind"] = "info"): void {
    this.said = { text, kind };
    if (this.saying) clearTimeout(this.saying);
    this.saying = setTimeout(() => this.unsay(), SAID_MS);
    this.changed();
  }

  unsay(): void {
    this.said = null;
    this.changed();
  }

  /** What to tell a person about something that did not work. */
  explain(error: unknown): string {
    if (error instanceof TypeError) return t("error.unreachable");
    const code = error instanceof RefusedError || error instanceof RestError ? error.code : "internal";
    if (code === "disconnected") return t("error.unreachable");
    if (/unavailable|throttled|retryable/.test(code)) return t("error.busy");
    return tIfKnown(`error.${code}`) ?? tIfKnown(`reason.${code}`, { message: String((error as Error).message) }) ?? t("error.other", { code });
  }

  /** Do something and say what happened if it fails; returns whether it worked. */
  async attempt(action: () => Promise<unknown>): Promise<boolean> {
    try {
      await action();
      return true;
    } catch (error) {
      this.say(this.explain(error), "error");
      return false;
    }
  }

  // ------------------------------------------------------------ what is looked at

  look(conversation: string, customer: string): void {
    this.looked = { conversation, customer };
    this.view = "conversations";
    this.pane = "thread";
    this.client?.read(conversation);
    void this.refreshCard(customer, conversation);
    this.changed();
  }

  /** Go on from a conversation that is no longer ours: to the next of mine, on a narrow screen to the list. */
  leave(conversation: string): void {
    if (this.looked?.conversation !== conversation) return;
    const next = this.state?.mine().find((known) => known.view.conversation !== conversation && known.view.state !== "paused");
    if (next && window.innerWidth > 900) return this.look(next.view.conversation, next.view.customer.id);
    this.looked = null;
    this.showPane("list");
  }

  show(view: View): void {
    this.view = view;
    this.changed();
  }

  showPane(pane: App["pane"]): void {
    this.pane = pane;
    this.changed();
  }

  /** The conversation that is looked at as far as it is ours or known. */
  get lookedAt(): Known | null {
    return this.looked ? (this.state?.conversations.get(this.looked.conversation) ?? null) : null;
  }

  /** Look at the conversation above or below the present one. */
  step(by: 1 | -1): void {
    const mine = this.state?.mine() ?? [];
    if (mine.length === 0) return;
    this.wantsCaret = true;
    const at = mine.findIndex((known) => known.view.conversation === this.looked?.conversation);
    const next = mine[(at + by + mine.length) % mine.length] ?? mine[0]!;
    this.look(next.view.conversation, next.view.customer.id);
  }

  // ------------------------------------------------------------ offers

  async accept(offer: OfferView): Promise<void> {
    const accepted = await this.attempt(() => this.client!.ask("offer.accept", { offer: offer.offer }));
    if (accepted) this.wantsCaret = true;
    if (accepted) this.look(offer.conversation, this.state?.conversations.get(offer.conversation)?.view.customer.id ?? offer.customer.id);
  }

  async reject(offer: OfferView): Promise<void> {
    await this.attempt(() => this.client!.ask("offer.reject", { offer: offer.offer }));
  }

  /** What is offered, the one that ends first at the beginning. */
  get offers(): OfferView[] {
    return [...(this.state?.offers.values() ?? [])].sort((a, b) => (a.expires_at < b.expires_at ? -1 : 1));
  }

  get firstOffer(): OfferView | null {
    return this.offers[0] ?? null;
  }

  /** Make a supervisor the holder of a conversation, if it is still where they saw it (at `turn`, or asked for now). */
  async takeOver(conversation: string, turn?: number): Promise<boolean> {
    return await this.attempt(async () => {
      const seen = turn ?? (await this.client!.rest.conversation(conversation)).turn;
      await this.client!.ask("conversation.take_over", { conversation, turn: seen });
      const known = this.state?.conversations.get(conversation);
      if (known) this.look(conversation, known.view.customer.id);
    });
  }

  // ------------------------------------------------------------ drafts

  draft(conversation: string): Draft {
    return unpacked(this.drafts.read(`${this.me}/${conversation}`));
  }

  keepDraft(conversation: string, draft: Draft): void {
    this.drafts.keep(`${this.me}/${conversation}`, packed(draft));
  }

  // ------------------------------------------------------------ what REST knows

  card(customer: string): CustomerCard | "failed" | null {
    return this.cards.get(customer) ?? null;
  }

  async refreshCard(customer: string, conversation: string): Promise<void> {
    try {
      const isMine = this.state?.isMine(conversation);
      const card = await this.client!.rest.customer(customer, isMine ? null : conversation);
      this.cards.set(customer, card);
    } catch {
      this.cards.set(customer, "failed");
    }
    this.changed();
  }

  keepCard(card: CustomerCard): void {
    this.cards.set(card.customer, card);
    this.changed();
  }

  /** How the customer can be answered, as the server said for this state of the conversation; null until it has. */
  ways(known: Known): Way[] | null {
    const kept = this.waysKnown.get(known.view.conversation);
    if (kept?.version !== known.version) void this.refreshWays(known, known.version);
    return kept?.ways ?? null;
  }

  /** Who a customer is: as their card says, as they call themselves, else the number or address they use. */
  whoIs(customer: CustomerName, identifier?: string | null): string {
    const found = this.card(customer.id);
    const card = found === "failed" ? null : found;
    const given = card?.name ?? customer.name ?? card?.conversation?.customer.name ?? this.calledInThread(customer.id);
    const addresses = [identifier, ...(card?.identifiers ?? []).map((one) => one.identifier)];
    return given ?? addresses.map(readable).find((one) => one !== null) ?? t("card.unknown");
  }

  /** What a customer was called where they last wrote, as far as that is known here. */
  private calledInThread(customer: string): string | null {
    const thread = this.state?.thread(customer);
    const last = thread?.slice(Math.max(0, thread.length - 50), thread.length) ?? [];
    return last.findLast((one) => one.direction === "inbound" && one.author)?.author ?? null;
  }

  async answers(conversation: string): Promise<CannedAnswer[]> {
    return await this.client!.rest.answers(conversation);
  }

  /** Queues with what waits in them, colleagues, our accounts: for transfers, dispositions, names. */
  async refreshCentre(): Promise<void> {
    await refreshCentre(this, this.client!.rest).finally(() => this.changed());
  }

  /** An agent's name, or the id where it is not known. */
  nameOf(agent: string): string {
    return this.colleagues.find((one) => one.agent === agent)?.name ?? agent;
  }

  /** How many contacts of a class of work are with this agent; the server tells that only with their presence. */
  load(work: string): number {
    const queues = new Set(this.queues.filter((one) => one.work_class === work).map((one) => one.queue));
    const held = (this.state?.mine() ?? []).filter((one) => one.view.state !== "paused").map((one) => one.view.queue);
    return [...held, ...this.offers.map((offer) => offer.queue)].filter((queue) => queues.has(queue)).length;
  }

  /** What we call our own end of a way where its channel has several; null where there is nothing to tell apart. */
  accountOf(end: { channel: string; account: string }): string | null {
    return nameOfAccount(this.accounts, end.channel, end.account);
  }

  /** The channel of our own end of a way, with the account where there are several. */
  nameOfEnd(end: { channel: string; account: string }): string {
    const account = this.accountOf(end);
    return account ? t("channel.account", { channel: channelName(end.channel), account }) : channelName(end.channel);
  }

  private async refreshWays(known: Known, version: number): Promise<void> {
    const id = known.view.conversation;
    const before = this.waysKnown.get(id);
    this.waysKnown.set(id, { ways: before?.ways ?? [], version });
    const ways = await this.client!.rest.ways(id).catch(() => null);
    if (ways === null) return;
    this.waysKnown.set(id, { ways, version });
    this.changed();
  }

  // ------------------------------------------------------------ signing in and out

  private signedIn(subject: string): void {
    const session = this.session!;
    const token = (renew: boolean) => session.token(renew);
    const rest = new DeskRest(absolute(this.configuration.api, this.base), token);
    const address = absolute(this.configuration.socket, this.base).replace(/^http/, "ws");
    this.client = new DeskClient({
      subject,
      socket: (given) => new WebSocket(address, ["throughline.v1", given]) as unknown as Socket,
      rest,
      token,
      memory: this.memory,
      timers: {
        now: () => Date.now(),
        later: (ms, action) => setTimeout(action, ms),
        cancel: (timer) => clearTimeout(timer as ReturnType<typeof setTimeout>),
        random: () => Math.random(),
      },
      lock: oneTabAtATime,
    });
    this.phase = "signed_in";
    this.why = null;
    this.client.listen((happening) => this.happened(happening));
    this.client.start();
    this.keepToken();
    this.changed();
  }

  private happened(happening: Happening): void {
    switch (happening.kind) {
      case "signed_out":
        this.end();
        this.signedOut("sign_in.expired");
        return;
      case "offer":
        this.offered();
        break;
      case "offer.ended":
        this.offerEnded(happening.reason);
        break;
      case "inbound":
        this.inbound(happening.conversation, happening.entry);
        break;
      case "changed":
        this.arrive();
        break;
    }
    this.changed();
  }

  /** Once the first snapshot is here: speak the agent's language, show the first conversation. */
  private arrive(): void {
    const { state } = this;
    if (!state?.ready) return;
    if (state.offers.size === 0) this.ring.stop();
    if (!this.arrived) {
      this.arrived = true;
      if (this.settings.language === null && state.me?.language) setLanguage(choose([state.me.language]));
      void this.refreshCentre().catch(() => undefined);
      const first = state.mine()[0];
      if (first && this.looked === null && window.innerWidth > 900) this.look(first.view.conversation, first.view.customer.id);
    }
    if (this.looked && this.isLookedAt(this.looked.conversation)) this.client?.read(this.looked.conversation);
  }

  private arrived = false;

  private offered(): void {
    const offer = this.firstOffer;
    if (offer === null) return;
    const name = this.whoIs(offer.customer, offer.identifier);
    const how = { sound: this.settings.sound, notify: this.settings.notifications, body: offer.preview ?? channelName(offer.channel) };
    this.ring.start(t("offer.ring", { name }), how);
  }

  private offerEnded(reason: string): void {
    if ((this.state?.offers.size ?? 0) === 0) this.ring.stop();
    if (reason === "timed_out") this.say(t("offer.passed"));
    if (reason === "gone") this.say(t("offer.gone"));
  }

  private inbound(conversation: string, entry: string): void {
    if (CHANGES_CARD.has(entry) && this.looked?.conversation === conversation) void this.refreshCard(this.looked.customer, conversation);
    if (this.settings.sound && !this.isLookedAt(conversation)) this.ring.tick();
  }

  private isLookedAt(conversation: string): boolean {
    return this.looked?.conversation === conversation && this.view === "conversations" && document.visibilityState === "visible";
  }

  /** Get a new token, and a socket that bears it, before the old one ends. */
  private keepToken(): void {
    const ends = this.session?.expiresAt;
    if (!ends || !this.session?.canRenew) return;
    const wait_ms = Math.max(1_000, Math.min(ends - Date.now() - 120_000, 2 ** 31 - 1));
    setTimeout(async () => {
      if (this.phase !== "signed_in") return;
      const token = await this.session?.token(true).catch(() => null);
      if (token) this.client?.connection.replace();
      this.keepToken();
    }, wait_ms);
  }

  private signInFailed(error: unknown): void {
    if (!(error instanceof SignInError)) return this.signedOut("sign_in.unreachable");
    this.signedOut("sign_in.failed", { code: error.message });
  }

  private signedOut(key: Key | null, values?: Record<string, string>): void {
    this.phase = "signed_out";
    this.why = key ? { key, values } : null;
    this.changed();
  }

  private end(): void {
    this.ring.stop();
    this.client?.stop();
    this.client = null;
    this.arrived = false;
    this.looked = null;
    this.cards.clear();
    this.waysKnown.clear();
  }

  private tick(): void {
    for (const listener of this.ticks) listener();
  }

}

function absolute(address: string, base: string): string {
  return new URL(address, address.startsWith("/") || address === "" ? new URL(base).origin : base).href.replace(/\/$/, "");
}

function oneTabAtATime(name: string, action: () => Promise<void>): Promise<void> {
  if (!("locks" in navigator)) return action();
  return navigator.locks.request(name, action);
}
