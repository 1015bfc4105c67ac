/** `<throughline-chat account="…">`: a button in the corner of a page, and the chat that it opens. */

import { html, LitElement, nothing, type PropertyValues, type TemplateResult } from "lit";
import type { Socket } from "../client/connection";
import { choose } from "../i18n/languages";
import { BrowserMemory } from "../client/storage";
import { AttachedFiles } from "./attached";
import type { Entry } from "../client/frames";
import { type Acts, icon, renderEntry, renderPending, renderQuote, summary } from "./bubbles";
import { type Introduction, renderIntroduction } from "./intro";
import type { Identity } from "./sign-in";
import { Pictures } from "./pictures";
import { inkUpon, styles } from "./styles";
import { Words } from "./texts";
import { type Happening, VisitorClient } from "./visitor";

const NEAR_PX = 80;

export class ThroughlineChat extends LitElement {
  static override styles = styles;
  static override properties = {
    account: {},
    api: {},
    lang: {},
    theme: { reflect: true },
    identity: {},
    open: { type: Boolean, reflect: true },
  };
  /** Where the API is, unless the element says so itself: the script's own place, or what it was told when uploaded. */
  static home = "";

  declare account: string;
  declare api: string | null;
  declare theme: string | null;
  /** A signed word of the company's own back end on who its user is; or a function that fetches one each time. */
  declare identity: Identity | null;
  declare open: boolean;

  private client: VisitorClient | null = null;
  /** For whom everything is that stands below, up to the draft. */
  private person: object | null = null;
  private attached: AttachedFiles | null = null;
  private pictures: Pictures | null = null;
  /** The entry that what is being written answers. */
  private answered: string | null = null;
  private news = "";
  private isFileGone = false;
  /** The field that has the draft, and whose draft that is. */
  private drafted: [HTMLTextAreaElement | null, string] = [null, ""];
  private words = new Words("en");
  private isAtEnd = true;
  /** Whether the caret is to be taken to where one writes, once that is there. */
  private wantsFocus = false;
  private readonly stops: (() => void)[] = [];
  private readonly watch = new IntersectionObserver((seen) => {
    for (const { isIntersecting, target } of seen) {
      if (isIntersecting) void this.pictures?.load((target as HTMLElement).dataset.file!);
    }
  });

  constructor() {
    super();
    this.open = false;
    this.identity = null;
  }

  override connectedCallback(): void {
    super.connectedCallback();
    const hurry = () => this.client?.hurry();
    const look = () => {
      if (document.visibilityState === "visible") hurry();
      this.looked();
    };
    window.addEventListener("online", hurry);
    document.addEventListener("visibilitychange", look);
    this.stops.push(
      () => window.removeEventListener("online", hurry),
      () => document.removeEventListener("visibilitychange", look),
    );
    if (this.hasUpdated) this.begin();
  }

  override disconnectedCallback(): void {
    super.disconnectedCallback();
    for (const stop of this.stops.splice(0)) stop();
    this.watch.disconnect();
    this.client?.end();
    this.client = null;
  }

  protected override willUpdate(changed: PropertyValues): void {
    const { documentElement } = document;
    const wanted = [this.lang, documentElement.lang, ...navigator.languages];
    this.words = new Words(choose(wanted.filter(Boolean)));
    if (changed.has("account") || changed.has("api") || this.client === null) this.begin();
    else if (changed.has("identity")) this.identify(this.client);
    if (changed.has("open") && this.open) {
      this.isAtEnd = true;
      this.client?.enter();
    }
  }

  private begin(): void {
    this.client?.end();
    this.client = null;
    if (!this.account || !this.isConnected) return;
    const memory = new BrowserMemory(() => localStorage);
    const client = new VisitorClient({
      api: (this.api ?? ThroughlineChat.home).replace(/\/+$/, ""),
      account: this.account,
      socket: (address, token) => new WebSocket(address, ["throughline.v1", token]) as Socket,
      memory,
      timers: {
        now: () => Date.now(),
        later: (ms, action) => setTimeout(action, ms),
        cancel: (timer) => clearTimeout(timer as number),
        random: () => Math.random(),
      },
      lock: async (name, action) => {
        if (navigator.locks) await navigator.locks.request(name, action);
        else await action();
      },
      fetching: (...given) => fetch(...given),
    });
    this.client = client;
    this.welcome(client);
    client.listen((happening) => this.happened(happening));
    this.identify(client);
  }

  /** A word of the page that does not come keeps no later one waiting. */
  private identify(client: VisitorClient): void {
    void client.identify(this.identity).then(() => (this.client === client ? client.begin() : undefined));
  }

  /** Whoever was here before leaves nothing to the person who is here now. */
  private welcome(client: VisitorClient): void {
    if (this.person === client.person) return;
    this.person = client.person;
    this.attached = new AttachedFiles(client.rest, () => this.requestUpdate());
    this.pictures = new Pictures((id) => client.file(id), () => this.requestUpdate());
    this.answered = null;
    this.news = "";
    this.isFileGone = false;
  }

  private happened({ arrived }: Happening): void {
    const client = this.client!;
    this.welcome(client);
    if (arrived !== null) {
      const name = arrived.author || this.words.say("us");
      this.news = this.words.say("said", { name, text: arrived.text || summary(arrived as Entry, this.words) });
    }
    if (client.view === "identity") this.dispatchEvent(new Event("throughline-identity", { bubbles: true }));
    if (this.open) client.enter();
    this.requestUpdate();
  }

  // ------------------------------------------------------------ what the visitor does

  private async show(): Promise<void> {
    this.open = this.wantsFocus = true;
    void this.client?.refresh();
    await this.updateComplete;
    if (this.wantsFocus) this.find(".head button")?.focus();
  }

  private async hide(): Promise<void> {
    this.open = this.wantsFocus = false;
    await this.updateComplete;
    this.find<HTMLElement>(".launcher")?.focus();
  }

  /** Keys that are meant for us are not for the shortcuts of the page. */
  private pressed(event: KeyboardEvent): void {
    event.stopPropagation();
    if (event.key !== "Escape" || event.isComposing) return;
    if (this.answeredEntry === undefined) void this.hide();
    else this.answer(null);
  }

  private introduce({ told, message }: Introduction): void {
    const client = this.client!;
    if (message) {
      client.write(message);
      client.draft = "";
    }
    this.wantsFocus = true;
    client.introduce(told);
  }

  private say(text: string, files: AttachedFiles["ready"] = [], replyTo?: string): void {
    if (!this.client || (!text.trim() && files.length === 0)) return;
    this.isAtEnd = true;
    for (const file of files) if (file.picture) this.pictures?.keep(file.id, file.picture);
    this.client.write(text, files, replyTo);
  }

  /** What is written next answers this entry; null: none. */
  private answer(entry: Entry | null): void {
    this.answered = entry?.id ?? null;
    this.requestUpdate();
    this.find(".composer textarea")?.focus();
  }

  private submit(event?: Event): void {
    event?.preventDefault();
    const field = this.find<HTMLTextAreaElement>(".composer textarea");
    if (!field || this.attached?.isUnready) return;
    this.say(field.value, this.attached?.ready, this.answeredEntry?.id);
    field.value = this.client!.draft = "";
    this.answered = null;
    if (this.attached) this.attached.files = [];
    this.requestUpdate();
    field.focus();
  }

  private typed(event: KeyboardEvent): void {
    if (event.key !== "Enter" || event.shiftKey || event.isComposing) return;
    event.preventDefault();
    this.submit();
  }

  private wrote(event: Event): void {
    this.client!.draft = (event.target as HTMLTextAreaElement).value;
    this.client!.type();
  }

  private chose(event: Event): void {
    const input = event.target as HTMLInputElement;
    const allowed = this.client?.chat?.attachments;
    if (allowed) void this.attached?.add(input.files ?? [], allowed);
    input.value = "";
  }

  private async openFile(attachment: string): Promise<void> {
    this.isFileGone = false;
    try {
      const link = document.createElement("a");
      const address = await this.client!.rest.attachment(attachment);
      Object.assign(link, { href: address, target: "_blank", rel: "noopener noreferrer" });
      link.click();
    } catch {
      this.isFileGone = true;
    }
    this.requestUpdate();
  }

  private scrolled(event: Event): void {
    const log = event.target as HTMLElement;
    this.isAtEnd = log.scrollHeight - log.scrollTop - log.clientHeight < NEAR_PX;
    if (this.isAtEnd) this.looked();
    if (log.scrollTop < NEAR_PX && this.client?.hasEarlier) void this.loadEarlier(log);
  }

  /** What stands in view stays there while older messages are put above it. */
  private async loadEarlier(log: HTMLElement): Promise<void> {
    const below = log.scrollHeight - log.scrollTop;
    await this.client?.loadEarlier().catch(() => undefined);
    await this.updateComplete;
    log.scrollTop = log.scrollHeight - below;
  }

  /** Tell the agent what has been seen, as far as somebody looks. */
  private looked(): void {
    if (!this.client) return;
    const isSeen = this.open && document.visibilityState === "visible" && this.isAtEnd;
    this.client.tellSeen(isSeen ? "read" : "received");
  }

  // ------------------------------------------------------------ what the visitor sees

  protected override updated(): void {
    const colour = this.client?.chat?.colour ?? "";
    const ink = inkUpon(colour);
    const root = this.find<HTMLElement>(".root");
    if (root && ink !== null) {
      root.style.setProperty("--account", colour);
      root.style.setProperty("--on-account", ink);
    }
    const log = this.find<HTMLElement>(".log");
    if (log && this.isAtEnd) log.scrollTop = log.scrollHeight;
    this.looked();
    this.restoreDraft();
    this.focusField();
    this.watch.disconnect();
    for (const one of this.renderRoot.querySelectorAll(".coming")) this.watch.observe(one);
  }

  /** The field is empty after a reload or when the chat opens, and another person's when the page says who it is now. */
  private restoreDraft(): void {
    const field = this.find<HTMLTextAreaElement>(".composer textarea");
    const place = this.client?.place ?? "";
    if (field === this.drafted[0] && place === this.drafted[1]) return;
    this.drafted = [field, place];
    if (field) field.value = this.client!.draft;
  }

  /** Who opened the chat can write at once, also where the form or the thread came a moment later. */
  private focusField(): void {
    const field = this.wantsFocus ? this.find("form.intro :is(input, select, textarea), .composer textarea") : null;
    if (field === null) return;
    this.wantsFocus = false;
    field.focus();
  }

  protected override render(): TemplateResult | typeof nothing {
    if (!this.client) return nothing;
    const { language, direction } = this.words;
    return html`<div
      class="root ${this.open ? "open" : ""}"
      lang=${language}
      dir=${direction}
      @keydown=${this.pressed}
      @keyup=${stop}
      @keypress=${stop}
    >
      ${this.open ? this.renderPanel() : this.renderLauncher()}
      <p class="hidden" role="status" aria-live="polite">${this.news}</p>
    </div>`;
  }

  private renderLauncher(): TemplateResult {
    const count = this.client!.unread;
    const label = count ? this.words.say("open_unread", { count }) : this.words.say("open");
    return html`<button class="launcher" type="button" aria-haspopup="dialog" aria-label=${label} @click=${this.show}>
      ${icon("chat")} ${count ? html`<span class="badge" aria-hidden="true">${count}</span>` : nothing}
    </button>`;
  }

  private renderPanel(): TemplateResult {
    const { words } = this;
    const client = this.client!;
    const title = client.chat?.title || words.say("title");
    return html`<div class="panel" role="dialog" aria-labelledby="title">
      <div class="head">
        <div>
          <h2 id="title"><bdi>${title}</bdi></h2>
          ${client.view === "chat" ? this.renderState() : nothing}
        </div>
        <button class="icon" type="button" aria-label=${words.say("close")} @click=${this.hide}>${icon("close")}</button>
      </div>
      ${this.renderView()}
    </div>`;
  }

  private renderState(): TemplateResult | typeof nothing {
    const { state, agent } = this.client!.conversation;
    if (state === "none" || !this.client!.chat?.open) return nothing;
    if (state === "assigned") return html`<p>${this.words.say("assigned", { name: agent || this.words.say("us") })}</p>`;
    return html`<p>${this.words.say(state === "ended" ? "ended" : "waiting")}</p>`;
  }

  private renderView(): TemplateResult {
    const client = this.client!;
    const { view, chat } = client;
    if (view === "form" && chat) {
      return renderIntroduction(chat, this.words, client.signIn.told, client.pending().length === 0, client, (given) => this.introduce(given));
    }
    if (view !== "chat" && view !== "form") {
      return html`<p class="middle" role="status">${this.words.say(view)}</p>`;
    }
    return html`${this.renderNotices()}${this.renderLog()}${this.renderFiles()}${this.renderAnswered()}${this.renderComposer()}`;
  }

  private renderNotices(): TemplateResult {
    const client = this.client!;
    const lost = html`<div class="notice" role="status">
      <span>${this.words.say("cut_off")}</span>
      <button type="button" @click=${() => client.hurry()}>${this.words.say("try_now")}</button>
    </div>`;
    return html`${client.isCutOff ? lost : nothing}
    ${this.isFileGone ? html`<p class="notice" role="alert">${this.words.say("file_gone")}</p>` : nothing}
    ${client.chat?.open ? nothing : html`<p class="notice">${this.words.say("closed")}</p>`}`;
  }

  private renderLog(): TemplateResult {
    const { words } = this;
    const client = this.client!;
    const entries = client.entries;
    const pending = client.pending();
    const isEmpty = entries.length + pending.length === 0;
    const pictures = this.pictures!;
    for (const { parcel } of pending) pictures.sent(parcel.messageId, parcel.attachments);
    const acts: Acts = {
      open: (attachment) => void this.openFile(attachment),
      say: (text) => this.say(text),
      answer: (entry) => this.answer(entry),
      again: (key) => client.outbox.again(key),
      discard: (key) => void client.outbox.withdraw(key),
      named: (digest) => client.thread.named(digest),
      picture: ({ ready, id, content_type }, message, index) =>
        ready ? pictures.look(pictures.paintedAs(message, index, id), content_type) : null,
      uploaded: (id) => pictures.look(id, null),
    };
    const { typing } = client;
    const typist = typing?.from ? words.say("typing", { name: typing.from }) : words.say("typing_us");
    return html`<div class="log" role="region" aria-label=${words.say("log")} tabindex="0" @scroll=${this.scrolled}>
      ${client.hasEarlier
        ? html`<button class="aside" type="button" @click=${() => this.loadEarlier(this.find(".log")!)}>
            ${words.say("earlier")}
          </button>`
        : html`<p class="aside">${isEmpty ? words.say("empty") : words.say("beginning")}</p>`}
      ${entries.map((entry, at) =>
        renderEntry(entry, entries[at - 1], at === entries.length - 1, client.readUntil, words, acts),
      )}
      ${pending.map((one) => renderPending(one, client.connection.isOpen, words, acts))}
      ${typing ? html`<p class="aside typing">${typist}</p>` : nothing}
    </div>`;
  }

  private renderFiles(): TemplateResult | typeof nothing {
    const files = this.attached?.files ?? [];
    if (files.length === 0) return nothing;
    const size = this.words.size(this.client?.chat?.attachments.max_bytes ?? 0);
    return html`<ul class="files">
      ${files.map(
        (file) =>
          html`<li>
            ${file.picture}<span><bdi>${file.name}</bdi> ${this.renderFileState(file.state, size)}</span>
            <button
              type="button"
              aria-label=${this.words.say("remove", { name: file.name })}
              @click=${() => this.attached?.remove(file)}
            >×</button>
          </li>`,
      )}
    </ul>`;
  }

  private renderFileState(state: AttachedFiles["files"][number]["state"], size: string): TemplateResult | typeof nothing {
    if (state === "ready") return nothing;
    return html`<em class=${state === "uploading" ? "" : "bad"} role="status">${this.words.say(state, { size })}</em>`;
  }

  private get answeredEntry(): Entry | undefined {
    return this.answered === null ? undefined : this.client?.thread.find(this.answered);
  }

  private renderAnswered(): TemplateResult | typeof nothing {
    const entry = this.answeredEntry;
    if (entry === undefined) return nothing;
    return html`<div class="files answered" id="answered">
      ${renderQuote(entry, this.words)}
      <button type="button" aria-label=${this.words.say("no_reply")} @click=${() => this.answer(null)}>×</button>
    </div>`;
  }

  private renderComposer(): TemplateResult {
    const { words } = this;
    const accepted = this.client?.chat?.attachments.content_types.join(",") ?? "";
    return html`<form class="composer" @submit=${this.submit}>
      <button class="icon" type="button" aria-label=${words.say("attach")} @click=${() => this.find("input[type=file]")?.click()}>
        ${icon("clip")}
      </button>
      <input type="file" multiple hidden accept=${accepted} tabindex="-1" @change=${this.chose} />
      <textarea
        rows="2"
        maxlength="16000"
        dir="auto"
        aria-label=${words.say("write")}
        aria-describedby=${this.answeredEntry ? "answered" : nothing}
        placeholder=${words.say("write")}
        @keydown=${this.typed}
        @input=${this.wrote}
      ></textarea>
      <button class="icon" aria-label=${words.say("send")} ?disabled=${this.attached?.isUnready ?? false}>${icon("send")}</button>
    </form>`;
  }

  private find<T extends HTMLElement = HTMLElement>(selector: string): T | null {
    return this.renderRoot.querySelector<T>(selector);
  }
}

function stop(event: Event): void {
  event.stopPropagation();
}
