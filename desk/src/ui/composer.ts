import { css, html, nothing, type PropertyValues } from "lit";
import { live } from "lit/directives/live.js";
import { addressOf } from "../client/accounts";
import type { CannedAnswer, Template, Way } from "../client/frames";
import type { Parcel } from "../client/outbox";
import { type Draft, type FilledTemplate, isEmpty, isFilled, preview, type QuickReply, quickReplyProblem, written, writtenOut } from "../client/prepared";
import type { Known } from "../client/state";
import { segmentsOf } from "../client/segments";
import { t } from "../i18n";
import { duration, when } from "../i18n/format";
import { DeskElement } from "./element";
import { icon } from "./icons";
import "./quick-replies";
import type { QuickReplies } from "./quick-replies";
import { shared } from "./styles";
import "./template-picker";
import type { TemplatePicker } from "./template-picker";

const MAX_TEXT = 16_000;
const MAX_BYTES = 16 * 1024 * 1024;
const MAX_FILES = 10;
const SOON_MS = 2 * 3600_000;
/** What of the composer is kept as a draft, and where one may be writing it. */
const KEPT = ["text", "quick", "template", "via"] as const;
const WRITTEN_IN = new Set(["textarea", "tl-quick-replies", "tl-template"]);

interface Upload {
  key: number;
  file: File;
  id: string | null;
  problem: string | null;
}

/** Where one writes: it knows what the channel can carry right now, and keeps what is being written over a reload. */
export class Composer extends DeskElement {
  static override properties = {
    ...DeskElement.properties,
    known: { attribute: false },
    conversation: {},
    name: {},
    noteOnly: { type: Boolean },
    mode: { state: true },
    text: { state: true },
    via: { state: true },
    uploads: { state: true },
    answers: { state: true },
    search: { state: true },
    quick: { state: true },
    template: { state: true },
  };
  declare known: Known | null;
  declare conversation: string;
  declare name: string;
  declare noteOnly: boolean;
  declare mode: "reply" | "note";
  declare text: string;
  declare via: string | null;
  declare uploads: Upload[];
  declare answers: CannedAnswer[] | null;
  declare search: string;
  /** Rows of quick replies under the text; null: none are being laid ready. */
  declare quick: readonly QuickReply[] | null;
  /** What goes out in place of the text, which is kept meanwhile. */
  declare template: FilledTemplate | null;
  /** What had been announced when the author began: nobody else's answer after it goes unnoticed. */
  private seenVersion: number | null = null;
  private numbered = 0;
  protected override ticks = true;

  static override styles = [
    shared,
    css`
      :host {
        display: block;
        border-block-start: 1px solid var(--line);
        background: var(--surface);
        padding: 0.6rem clamp(0.75rem, 3vw, 2rem) 0.8rem;
      }
      .modes {
        display: flex;
        flex-wrap: wrap;
        align-items: center;
        gap: 0.4rem 0.6rem;
        margin-block-end: 0.45rem;
      }
      .modes .tab {
        min-block-size: 2rem;
        padding: 0.2rem 0.75rem;
        border-color: transparent;
        background: none;
        color: var(--soft);
      }
      .modes .tab[aria-pressed="true"] {
        background: var(--accent-soft);
        color: var(--accent-ink);
        font-weight: 600;
      }
      .note .modes .tab[aria-pressed="true"] {
        background: var(--note);
        color: var(--note-ink);
      }
      .way {
        display: flex;
        align-items: center;
        gap: 0.4rem;
        margin-inline-start: auto;
        font-size: 0.8125rem;
        color: var(--soft);
        min-inline-size: 0;
        max-inline-size: 100%;
      }
      .way span {
        flex: none;
      }
      .way select {
        min-inline-size: 0;
        min-block-size: 2rem;
        padding-block: 0.15rem;
        inline-size: auto;
        max-inline-size: 30rem;
        text-overflow: ellipsis;
      }
      .box {
        border: 1px solid var(--line-strong);
        border-radius: 14px;
        background: var(--field);
        padding: 0.35rem;
      }
      .box:focus-within {
        border-color: var(--accent);
        box-shadow: 0 0 0 1px var(--accent);
      }
      .note .box {
        background: var(--note);
        border-color: var(--note-line);
      }
      textarea {
        display: block;
        border: 0;
        background: none;
        resize: none;
        max-block-size: 38dvh;
        min-block-size: 3.25rem;
        padding: 0.35rem 0.55rem;
        field-sizing: content;
        line-height: 1.45;
      }
      textarea:focus-visible {
        outline: none;
      }
      .tools {
        display: flex;
        flex-wrap: wrap;
        align-items: center;
        gap: 0.25rem;
      }
      .count {
        margin-inline-start: auto;
        padding-inline: 0.5rem;
        font-size: 0.75rem;
        color: var(--soft);
      }
      .warn {
        color: var(--warn-ink);
        font-size: 0.8125rem;
        padding-block-end: 0.4rem;
      }
      .lead {
        display: flex;
        flex-wrap: wrap;
        align-items: center;
        gap: 0.3rem 0.75rem;
      }
      .bad {
        color: var(--bad-ink);
      }
      .files {
        display: flex;
        flex-wrap: wrap;
        gap: 0.35rem;
        padding: 0.25rem 0.35rem;
      }
      .files li {
        display: flex;
        align-items: center;
        gap: 0.35rem;
        max-inline-size: 100%;
        border: 1px solid var(--line);
        border-radius: 8px;
        background: var(--surface);
        padding-inline-start: 0.5rem;
        font-size: 0.8125rem;
      }
      .answers {
        border: 1px solid var(--line);
        border-radius: 12px;
        margin-block-end: 0.5rem;
        background: var(--surface);
        box-shadow: var(--shadow);
        padding: 0.5rem;
      }
      .answers ul {
        max-block-size: 14rem;
        overflow-y: auto;
        margin-block-start: 0.4rem;
      }
      .answers li button {
        inline-size: 100%;
        justify-content: flex-start;
        text-align: start;
        border-color: transparent;
        background: none;
        padding: 0.35rem 0.5rem;
      }
      .answers li span {
        min-inline-size: 0;
      }
      .answers li strong {
        flex: none;
        max-inline-size: 40%;
      }
      kbd {
        font: inherit;
        font-size: 0.75rem;
        color: var(--soft);
      }
    `,
  ];

  constructor() {
    super();
    this.mode = "reply";
    this.text = "";
    this.via = null;
    this.uploads = [];
    this.answers = null;
    this.search = "";
    this.quick = null;
    this.template = null;
    this.noteOnly = false;
  }

  override connectedCallback(): void {
    super.connectedCallback();
    window.addEventListener("storage", this.otherTabWrote);
  }

  override disconnectedCallback(): void {
    super.disconnectedCallback();
    window.removeEventListener("storage", this.otherTabWrote);
  }

  override willUpdate(changed: PropertyValues<this>): void {
    if (!changed.has("conversation")) return;
    this.recall();
    this.uploads = [];
    this.answers = null;
    this.mode = this.noteOnly ? "note" : "reply";
  }

  override updated(changed: PropertyValues<this>): void {
    if (!changed.has("conversation") && KEPT.some((name) => changed.has(name))) this.app.keepDraft(this.conversation, this.draft);
  }

  private get draft(): Draft {
    return { text: this.text, quick: this.quick, template: this.template, via: this.via };
  }

  private recall(): void {
    const draft = this.app.draft(this.conversation);
    [this.text, this.quick, this.template, this.via] = [draft.text, draft.quick, draft.template, draft.via];
    this.seenVersion = isEmpty(draft) ? null : (this.known?.version ?? null);
  }

  override render() {
    const isNote = this.mode === "note" || this.noteOnly;
    const way = isNote ? null : this.chosen;
    const template = isNote ? null : this.templateOf(way);
    const problem = isNote ? this.noteProblem : this.problem(way);
    return html`<div class=${isNote ? "note" : "reply"}>
      ${this.renderModes(isNote, way)} ${way ? this.renderWarning(way) : nothing}
      ${this.answers ? this.renderAnswers(this.answers) : nothing}
      <div class="box">
        ${template
          ? html`<tl-template
              .app=${this.app}
              .templates=${way!.templates}
              .filled=${this.template!}
              @filled=${(event: CustomEvent<FilledTemplate>) => (this.template = event.detail)}
              @away=${() => this.putAway("template")}
              @send=${this.send}
            ></tl-template>`
          : this.renderText(isNote)}
        ${!template && !isNote && this.quick
          ? html`<tl-quick-replies
              .app=${this.app}
              .rows=${this.quick}
              .problem=${this.quickProblem}
              .writtenOut=${way !== null && this.isWrittenOut(way)}
              @rows=${(event: CustomEvent<QuickReply[]>) => (this.quick = event.detail)}
              @away=${() => this.putAway("quick")}
            ></tl-quick-replies>`
          : nothing}
        ${this.uploads.length ? this.renderUploads() : nothing}
        <div class="tools">
          ${isNote ? nothing : this.renderTools(way, template)}
          <span class="count ${problem ? "bad" : ""}" role=${problem ? "alert" : nothing}>${problem ?? (template ? "" : this.count(way))}</span>
          <button class="primary" @click=${this.send} ?disabled=${!this.canSend(problem)} aria-keyshortcuts="Enter">
            ${icon(isNote ? "note" : "send", true)} ${isNote ? t("composer.add_note") : t("composer.send")}
          </button>
        </div>
      </div>
    </div>`;
  }

  private renderText(isNote: boolean) {
    return html`<textarea
      dir=${this.text ? "auto" : nothing}
      rows="2"
      aria-label=${isNote ? t("composer.note_label", { name: this.name }) : t("composer.label", { name: this.name })}
      placeholder=${isNote ? t("composer.note_placeholder") : t("composer.placeholder")}
      .value=${live(this.text)}
      @input=${this.typed}
      @keydown=${this.pressed}
      @paste=${this.pasted}
    ></textarea>`;
  }

  /** Bring the caret here. */
  focusText(): void {
    this.find<HTMLTextAreaElement>("textarea")?.focus();
  }

  /** Take back what was not sent. */
  take(parcel: Parcel): void {
    if (parcel.template) {
      this.template = parcel.template;
      this.via = parcel.via;
      return;
    }
    if (parcel.quickReplies?.length) this.quick = parcel.quickReplies;
    const text = parcel.text ?? "";
    this.write(this.text ? `${this.text}\n${text}` : text);
    this.focusText();
  }

  toggleNote(): void {
    if (!this.noteOnly) this.mode = this.mode === "note" ? "reply" : "note";
    this.focusText();
  }

  async toggleAnswers(): Promise<void> {
    if (this.answers) {
      this.answers = null;
      this.focusText();
      return;
    }
    await this.app.attempt(async () => {
      this.answers = await this.app.answers(this.conversation);
    });
    this.search = "";
    await this.updateComplete;
    this.find<HTMLInputElement>(".answers input")?.focus();
  }

  /** The ways as they are this second: a reply window closes while one looks on. */
  private get ways(): Way[] {
    const ways = (this.known && this.app.ways(this.known)) ?? [];
    return ways.map((way) => {
      const isOver = way.open && way.window_closes_at !== null && Date.parse(way.window_closes_at) <= this.app.now;
      return isOver ? { ...way, open: false, closed_because: "window_closed" } : way;
    });
  }

  /** The template that is being filled in, if the way has it and would take it now. */
  private templateOf(way: Way | null): Template | null {
    if (!this.template || !way || !takesTemplates(way)) return null;
    return way.templates.find((one) => one.name === this.template!.name) ?? null;
  }

  private get chosen(): Way | null {
    const { ways } = this;
    if (!ways.length) return null;
    return ways.find((way) => way.via === this.via) ?? ways.find((way) => way.default) ?? ways[0]!;
  }

  private renderModes(isNote: boolean, way: Way | null) {
    return html`<div class="modes">
      ${this.noteOnly
        ? html`<span class="soft small">${t("composer.not_yours")}</span>`
        : html`<button class="tab" aria-pressed=${!isNote} @click=${() => this.turn("reply")}>${t("composer.reply")}</button>
            <button class="tab" aria-pressed=${isNote} @click=${() => this.turn("note")} aria-keyshortcuts="Alt+N">
              ${t("composer.note")}
            </button>`}
      ${way ? this.renderWay(way) : nothing}
    </div>`;
  }

  private renderWay(chosen: Way) {
    return html`<label class="way">
      <span>${t("composer.way")}</span>
      <select @change=${(event: Event) => (this.via = (event.target as HTMLSelectElement).value)}>
        ${this.ways.map(
          (way) => html`<option
            value=${way.via}
            ?selected=${way.via === chosen.via}
            ?disabled=${!way.open && !takesTemplates(way) && way.via !== chosen.via}
          >
            ${[this.app.nameOfEnd(way), isolated(addressOf(way.identifier)), this.wayState(way)].filter(Boolean).join(" · ")}
          </option>`,
        )}
      </select>
    </label>`;
  }

  private wayState(way: Way): string {
    if (way.closed_because === "opted_out") return t("composer.way_opted_out");
    if (way.closed_because === "window_closed") return t("composer.way_window_closed");
    if (way.closed_because === "no_channel") return t("composer.way_no_channel");
    return way.window_closes_at ? t("composer.way_until", { time: when(way.window_closes_at, this.app.now) }) : t("composer.way_open");
  }

  private renderWarning(way: Way) {
    if (!way.open && takesTemplates(way)) {
      return html`<p class="warn lead" role="status">
        <span>${icon("late")} ${t("template.window_closed")}</span>
        ${this.templateOf(way) ? nothing : html`<button @click=${() => this.startTemplate(way)}>${icon("template")} ${t("template.use")}</button>`}
      </p>`;
    }
    if (!way.open) {
      return html`<p class="warn" role="status">${t(CLOSED[way.closed_because ?? "window_closed"])}</p>`;
    }
    if (!way.window_closes_at) return nothing;
    const left_ms = Date.parse(way.window_closes_at) - this.app.now;
    if (left_ms > SOON_MS) return nothing;
    return html`<p class="warn">${icon("late")} ${t("composer.closing", { time: duration(left_ms) })}</p>`;
  }

  private renderTools(way: Way | null, template: Template | null) {
    if (template) return template.header ? this.renderAttach() : nothing;
    return html`${this.renderAttach()}
      <button
        class="plain icon"
        data-do="answers"
        title=${t("composer.answers")}
        aria-keyshortcuts="Alt+T"
        aria-expanded=${this.answers !== null}
        @click=${() => this.toggleAnswers()}
      >
        ${icon("message")}<span class="hidden">${t("composer.answers")}</span>
      </button>
      <button class="plain icon" data-do="quick" title=${t("quick.title")} aria-expanded=${this.quick !== null} @click=${this.toggleQuick}>
        ${icon("quick")}<span class="hidden">${t("quick.title")}</span>
      </button>
      ${way && takesTemplates(way)
        ? html`<button class="plain icon" data-do="template" title=${t("template.use")} @click=${() => this.startTemplate(way)}>
            ${icon("template")}<span class="hidden">${t("template.use")}</span>
          </button>`
        : nothing}`;
  }

  private renderAttach() {
    return html`<button class="plain icon" @click=${() => this.find<HTMLInputElement>("input[type=file]")?.click()} title=${t("composer.attach")}>
        ${icon("clip")}<span class="hidden">${t("composer.attach")}</span>
      </button>
      <input type="file" multiple hidden tabindex="-1" aria-label=${t("composer.attach")} @change=${this.picked} />`;
  }

  private renderUploads() {
    return html`<ul class="files">
      ${this.uploads.map(
        (upload) => html`<li>
          ${icon("file")}
          <bdi class="cut">${upload.file.name}</bdi>
          ${upload.problem
            ? html`<span class="bad" role="alert">${upload.problem}</span>`
            : upload.id
              ? nothing
              : html`<span class="soft">${t("composer.uploading")}</span>`}
          <button class="plain icon" @click=${() => this.drop(upload)}>
            ${icon("close")}<span class="hidden">${t("composer.remove", { name: upload.file.name })}</span>
          </button>
        </li>`,
      )}
    </ul>`;
  }

  private renderAnswers(answers: readonly CannedAnswer[]) {
    const wanted = this.search.toLocaleLowerCase();
    const fitting = answers.filter((one) => `${one.name} ${one.shortcut ?? ""} ${one.text}`.toLocaleLowerCase().includes(wanted));
    return html`<div class="answers" @keydown=${(event: KeyboardEvent) => event.key === "Escape" && this.toggleAnswers()}>
      <input
        type="search"
        aria-label=${t("composer.answers_search")}
        placeholder=${t("composer.answers_search")}
        .value=${this.search}
        @input=${(event: Event) => (this.search = (event.target as HTMLInputElement).value)}
        @keydown=${(event: KeyboardEvent) => event.key === "Enter" && fitting[0] && this.insert(fitting[0])}
      />
      ${fitting.length
        ? html`<ul>
            ${fitting.map(
              (one) => html`<li>
                <button @click=${() => this.insert(one)}>
                  <strong class="cut">${one.name}</strong> <span class="cut soft" dir="auto">${one.text}</span>
                  ${one.shortcut ? html`<kbd dir="ltr">${one.shortcut}</kbd>` : nothing}
                </button>
              </li>`,
            )}
          </ul>`
        : html`<p class="soft small">${t("composer.answers_none")}</p>`}
    </div>`;
  }

  private insert(answer: CannedAnswer): void {
    const card = this.known ? this.app.card(this.known.view.customer.id) : null;
    const customer = (card && card !== "failed" ? card.name : null) ?? this.known?.view.customer.name ?? "";
    const me = this.app.state?.me?.name ?? this.app.state?.agent?.name ?? "";
    const text = answer.text.replaceAll("{customer_name}", customer).replaceAll("{agent_name}", me);
    this.answers = null;
    this.write(!this.text ? text : `${this.text}${this.text.endsWith(" ") ? "" : " "}${text}`);
    this.focusText();
  }

  private count(way: Way | null): string {
    if (!way || !this.text) return "";
    const text = this.isWrittenOut(way) ? writtenOut(this.text, written(this.quick ?? [])) : this.text;
    if (way.segments) {
      const { count, left } = segmentsOf(text);
      return t("composer.segments", { count, left });
    }
    if (!way.text_limit) return "";
    const messages = Math.ceil(text.length / way.text_limit);
    if (messages > 1) return t("composer.split", { count: messages });
    const left = way.text_limit - text.length;
    return left < way.text_limit / 4 ? t("composer.characters", { left }) : "";
  }

  private get noteProblem(): string | null {
    return this.text.length > MAX_TEXT ? t("composer.too_long", { limit: MAX_TEXT }) : null;
  }

  private problem(way: Way | null): string | null {
    if (way) {
      const unfit = this.uploads.find((one) => way.attachments && !way.attachments.includes(kindOf(one.file.type)));
      if (unfit) return t("composer.upload_kind", { name: unfit.file.name });
    }
    return this.noteProblem;
  }

  /** What is amiss with the quick replies as they stand, in words. */
  private get quickProblem(): string | null {
    const replies = written(this.quick ?? []);
    if (replies.length === 0) return null;
    const found = quickReplyProblem(replies);
    if (found) return t(PROBLEMS[found]);
    return this.text.trim() ? null : t("quick.needs_text");
  }

  /** Whether the way has no buttons for quick replies of the kind that are being laid ready. */
  private isWrittenOut(way: Way): boolean {
    return !way.quick_replies.includes(this.quick?.[0]?.kind ?? "reply");
  }

  private readonly toggleQuick = (): void => {
    if (this.quick) {
      this.putAway("quick");
      return;
    }
    this.quick = [{ kind: "reply", text: "" }];
    void this.updateComplete.then(() => this.find<QuickReplies>("tl-quick-replies")?.focusLast());
  };

  private startTemplate(way: Way): void {
    this.template = { name: way.templates[0]!.name, parameters: [] };
    this.answers = null;
    if (!this.text) this.seenVersion = this.known?.version ?? null;
    void this.updateComplete.then(() => this.find<TemplatePicker>("tl-template")?.focusFirst());
  }

  private putAway(what: "quick" | "template"): void {
    this[what] = null;
    void this.updateComplete.then(() => this.focusText());
  }

  private canSendTemplate(template: Template): boolean {
    if (this.uploads.some((one) => one.id === null)) return false;
    const kinds = this.uploads.map((one) => kindOf(one.file.type));
    const fits = template.header ? kinds.length === 1 && kinds[0] === template.header : kinds.length === 0;
    return fits && isFilled(template, this.template!.parameters);
  }

  private canSend(problem: string | null): boolean {
    const isNote = this.mode === "note" || this.noteOnly;
    const template = isNote ? null : this.templateOf(this.chosen);
    if (template) return !problem && this.canSendTemplate(template);
    if (!isNote && this.quickProblem) return false;
    const uploading = this.uploads.some((one) => one.id === null);
    if (problem || (uploading && !isNote)) return false;
    if (!isNote && this.chosen?.open === false) return false;
    return Boolean(this.text.trim()) || (!isNote && this.uploads.length > 0);
  }

  private turn(mode: "reply" | "note"): void {
    this.mode = mode;
    this.focusText();
  }

  private readonly typed = (event: Event): void => {
    const { value } = event.target as HTMLTextAreaElement;
    this.write(value);
    if (this.mode === "reply" && !this.noteOnly) this.app.client?.typing(this.conversation);
    if (value === "/" && this.mode === "reply" && !this.noteOnly && !this.answers) {
      this.write("");
      void this.toggleAnswers();
    }
  };

  private write(text: string): void {
    if (!this.text && text) this.seenVersion = this.known?.version ?? null;
    this.text = text;
  }

  private readonly pressed = (event: KeyboardEvent): void => {
    if (event.key !== "Enter" || event.shiftKey || event.altKey || event.isComposing) return;
    event.preventDefault();
    this.send();
  };

  private readonly send = (): void => {
    const isNote = this.mode === "note" || this.noteOnly;
    if (!this.canSend(isNote ? this.noteProblem : this.problem(this.chosen))) return;
    const files = isNote ? [] : this.uploads;
    const template = isNote ? null : this.templateOf(this.chosen);
    const quick = isNote || template ? [] : written(this.quick ?? []);
    this.app.client!.outbox.put({
      kind: isNote ? "note" : "message",
      conversation: this.conversation,
      customer: this.known?.view.customer.id ?? this.app.looked?.customer ?? "",
      text: template ? preview(template, this.template!.parameters) : this.text.trim() || null,
      ...(template ? { template: { name: template.name, parameters: filledPlaces(template, this.template!) } } : {}),
      ...(quick.length ? { quickReplies: quick } : {}),
      via: isNote ? null : (this.via ?? this.chosen?.via ?? null),
      attachments: files.flatMap((one) => one.id ?? []),
      names: files.map((one) => one.file.name),
      writtenAt: new Date().toISOString(),
      seenVersion: isNote || !this.app.state?.me ? null : this.seenVersion,
    });
    if (!template) this.write("");
    if (!isNote) this.clearExtras(template !== null);
    this.dispatchEvent(new CustomEvent("sent", { bubbles: true, composed: true }));
  };

  /** A template goes alone: what was written or laid ready beside it stays. */
  private clearExtras(wasTemplate: boolean): void {
    this.uploads = [];
    this.template = null;
    if (!wasTemplate) this.quick = null;
    void this.updateComplete.then(() => this.focusText());
  }

  private readonly picked = (event: Event): void => {
    const input = event.target as HTMLInputElement;
    this.attach([...(input.files ?? [])]);
    input.value = "";
  };

  private readonly pasted = (event: ClipboardEvent): void => {
    const files = [...(event.clipboardData?.files ?? [])];
    if (files.length && this.mode === "reply" && !this.noteOnly) this.attach(files);
  };

  private attach(files: readonly File[]): void {
    for (const file of files.slice(0, MAX_FILES - this.uploads.length)) {
      this.numbered += 1;
      const upload: Upload = { key: this.numbered, file, id: null, problem: null };
      if (file.size > MAX_BYTES) upload.problem = t("composer.upload_too_large", { name: file.name });
      this.uploads = [...this.uploads, upload];
      if (!upload.problem) void this.upload(upload);
    }
  }

  private async upload(upload: Upload): Promise<void> {
    const change: Partial<Upload> = await this.app.client!.rest.upload(upload.file).then(
      (id) => ({ id }),
      () => ({ problem: t("composer.upload_failed", { name: upload.file.name }) }),
    );
    this.uploads = this.uploads.map((one) => (one.key === upload.key ? { ...one, ...change } : one));
  }

  private drop(upload: Upload): void {
    this.uploads = this.uploads.filter((one) => one.key !== upload.key);
  }

  /** Another tab of this person writes on the same draft: show its words unless one is writing here. */
  private readonly otherTabWrote = (event: StorageEvent): void => {
    if (!event.key?.endsWith(`/${this.conversation}`) || !event.key.startsWith("throughline.draft.")) return;
    const writing = this.renderRoot instanceof ShadowRoot ? this.renderRoot.activeElement?.localName : null;
    if (writing && WRITTEN_IN.has(writing) && document.hasFocus()) return;
    const { seenVersion } = this;
    this.recall();
    this.seenVersion = seenVersion ?? this.seenVersion;
  };
}

const CLOSED = { opted_out: "reason.recipient_opted_out", window_closed: "reason.window_closed", no_channel: "reason.no_channel" } as const;
const PROBLEMS = { address: "quick.unfit_address", incomplete: "quick.incomplete", same: "quick.same" } as const;

/** Whether a template would go this way now: also when the reply window has closed. */
function takesTemplates(way: Way): boolean {
  return way.templates.length > 0 && (way.open || way.closed_because === "window_closed");
}

function filledPlaces(template: Template, filled: FilledTemplate): string[] {
  return Array.from({ length: template.parameters }, (_, index) => filled.parameters[index]?.trim() ?? "");
}

function isolated(text: string | null): string {
  return text === null ? "" : `\u2068${text}\u2069`;
}

function kindOf(type: string): Way["attachments"][number] {
  const family = type.split("/")[0] ?? "";
  return family === "image" || family === "video" || family === "audio" ? family : "document";
}

customElements.define("tl-composer", Composer);
