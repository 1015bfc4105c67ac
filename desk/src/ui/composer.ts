import { html, nothing, type PropertyValues } from "lit";
import { live } from "lit/directives/live.js";
import { isDraftOf } from "../client/drafts";
import type { CannedAnswer, Template, Way } from "../client/frames";
import type { Parcel } from "../client/outbox";
import { type Draft, type FilledTemplate, isEmpty, personal, type QuickReply } from "../client/prepared";
import type { Known } from "../client/state";
import { type Upload, Uploads } from "../client/uploads";
import { chosenWay, takesTemplates, waysAt } from "../client/ways";
import { contentOf, extentOf, isWrittenOut, maySend, problemOf, quickProblemOf, templateOf, type Writing } from "../client/writing";
import { t } from "../i18n";
import "./canned-answers";
import type { CannedAnswers } from "./canned-answers";
import { composerStyles } from "./composer-styles";
import "./composer-tools";
import { DeskElement } from "./element";
import { icon } from "./icons";
import "./quick-replies";
import type { QuickReplies } from "./quick-replies";
import { shared } from "./styles";
import "./template-picker";
import type { TemplatePicker } from "./template-picker";
import "./upload-list";
import "./way-picker";
import "./way-warning";

const NOTHING: Draft = { text: "", quick: null, template: null, via: null };
const PROBLEMS = { upload_kind: "composer.upload_kind", too_long: "composer.too_long" } as const;
const EXTENTS = { segments: "composer.segments", split: "composer.split", characters: "composer.characters" } as const;
/** Where one may be writing what is kept as a draft. */
const WRITTEN_IN = new Set(["textarea", "tl-quick-replies", "tl-template"]);

/** Where one writes: it knows what the channel can carry right now, and keeps what is being written over a reload. */
export class Composer extends DeskElement {
  static override properties = {
    ...DeskElement.properties,
    known: { attribute: false },
    conversation: {},
    name: {},
    noteOnly: { type: Boolean },
    mode: { state: true },
    draft: { state: true },
    answers: { state: true },
  };
  declare known: Known | null;
  declare conversation: string;
  declare name: string;
  declare noteOnly: boolean;
  declare mode: "reply" | "note";
  declare draft: Draft;
  /** Canned answers to choose from; null: they are not shown. */
  declare answers: CannedAnswer[] | null;
  /** What had been announced when the author began: nobody else's answer after it goes unnoticed. */
  private seenVersion: number | null = null;
  private readonly uploads = new Uploads(
    (file) => this.app.client!.rest.upload(file),
    () => this.requestUpdate(),
  );
  protected override ticks = true;

  static override styles = [shared, composerStyles];

  constructor() {
    super();
    this.mode = "reply";
    this.draft = NOTHING;
    this.answers = null;
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
    this.uploads.clear();
    this.answers = null;
    this.mode = this.noteOnly ? "note" : "reply";
  }

  override updated(changed: PropertyValues<this>): void {
    if (!changed.has("conversation") && changed.has("draft")) this.app.keepDraft(this.conversation, this.draft);
  }

  // ------------------------------------------------------------ what one sees

  override render() {
    const { writing } = this;
    const { isNote, way } = writing;
    const template = templateOf(writing);
    return html`<div class=${isNote ? "note" : "reply"}>
      <div class="modes">${this.renderModes(isNote)} ${way ? this.renderWay(way) : nothing}</div>
      ${way ? this.renderWarning(way, template) : nothing} ${this.answers ? this.renderAnswers(this.answers) : nothing}
      <div class="box">
        ${template ? this.renderTemplate(way!) : this.renderText(isNote)}
        ${!template && !isNote && this.draft.quick ? this.renderQuick(this.draft.quick, writing) : nothing}
        ${this.uploads.all.length ? this.renderUploads() : nothing}
        <div class="tools">
          ${isNote ? nothing : this.renderTools(way, template)} ${this.renderCount(writing)}
          <button class="primary" @click=${this.send} ?disabled=${!maySend(writing)} aria-keyshortcuts="Enter">
            ${icon(isNote ? "note" : "send", true)} ${isNote ? t("composer.add_note") : t("composer.send")}
          </button>
        </div>
      </div>
    </div>`;
  }

  private renderModes(isNote: boolean) {
    if (this.noteOnly) return html`<span class="soft small">${t("composer.not_yours")}</span>`;
    return html`<button class="tab" aria-pressed=${!isNote} @click=${() => this.turn("reply")}>${t("composer.reply")}</button>
      <button class="tab" aria-pressed=${isNote} @click=${() => this.turn("note")} aria-keyshortcuts="Alt+N">${t("composer.note")}</button>`;
  }

  private renderWay(way: Way) {
    return html`<tl-way
      .app=${this.app}
      .ways=${this.ways}
      .chosen=${way}
      @chosen=${(event: CustomEvent<string>) => this.change({ via: event.detail })}
    ></tl-way>`;
  }

  private renderWarning(way: Way, template: Template | null) {
    return html`<tl-way-warning
      .app=${this.app}
      .way=${way}
      .hasTemplate=${template !== null}
      @template=${() => this.startTemplate(way)}
    ></tl-way-warning>`;
  }

  private renderAnswers(answers: readonly CannedAnswer[]) {
    return html`<tl-answers
      .app=${this.app}
      .answers=${answers}
      @chosen=${(event: CustomEvent<CannedAnswer>) => this.insert(event.detail)}
      @away=${this.toggleAnswers}
    ></tl-answers>`;
  }

  private renderText(isNote: boolean) {
    const { text } = this.draft;
    return html`<textarea
      dir=${text ? "auto" : nothing}
      rows="2"
      aria-label=${t(isNote ? "composer.note_label" : "composer.label", { name: this.name })}
      placeholder=${t(isNote ? "composer.note_placeholder" : "composer.placeholder")}
      .value=${live(text)}
      @input=${this.typed}
      @keydown=${this.pressed}
      @paste=${this.pasted}
    ></textarea>`;
  }

  private renderTemplate(way: Way) {
    return html`<tl-template
      .app=${this.app}
      .templates=${way.templates}
      .filled=${this.draft.template!}
      @filled=${(event: CustomEvent<FilledTemplate>) => this.change({ template: event.detail })}
      @away=${() => this.putAway("template")}
      @send=${this.send}
    ></tl-template>`;
  }

  private renderQuick(rows: readonly QuickReply[], writing: Writing) {
    return html`<tl-quick-replies
      .app=${this.app}
      .rows=${rows}
      .problem=${quickProblemOf(writing)}
      .writtenOut=${isWrittenOut(writing)}
      @rows=${(event: CustomEvent<QuickReply[]>) => this.change({ quick: event.detail })}
      @away=${() => this.putAway("quick")}
    ></tl-quick-replies>`;
  }

  private renderUploads() {
    return html`<tl-uploads
      .app=${this.app}
      .uploads=${this.uploads.all}
      @dropped=${(event: CustomEvent<Upload>) => this.uploads.drop(event.detail)}
    ></tl-uploads>`;
  }

  private renderTools(way: Way | null, template: Template | null) {
    if (template && !template.header) return nothing;
    return html`<tl-composer-tools
      .app=${this.app}
      .filesOnly=${template !== null}
      .answersOpen=${this.answers !== null}
      .quickOpen=${this.draft.quick !== null}
      .takesTemplates=${way !== null && takesTemplates(way)}
      @files=${(event: CustomEvent<File[]>) => this.uploads.add(event.detail)}
      @answers=${this.toggleAnswers}
      @quick=${this.toggleQuick}
      @template=${() => this.startTemplate(way!)}
    ></tl-composer-tools>`;
  }

  private renderCount(writing: Writing) {
    const [problem, extent] = [problemOf(writing), extentOf(writing)];
    return html`<span class="count ${problem ? "bad" : ""}" role=${problem ? "alert" : nothing}>
      ${problem ? t(PROBLEMS[problem.what], problem) : extent ? t(EXTENTS[extent.unit], extent) : nothing}
    </span>`;
  }

  // ------------------------------------------------------------ what is being written

  private get ways(): Way[] {
    return waysAt((this.known && this.app.ways(this.known)) ?? [], this.app.now);
  }

  private get writing(): Writing {
    const isNote = this.mode === "note" || this.noteOnly;
    return { ...this.draft, isNote, way: isNote ? null : chosenWay(this.ways, this.draft.via), uploads: this.uploads };
  }

  private change(change: Partial<Draft>): void {
    this.draft = { ...this.draft, ...change };
  }

  private write(text: string): void {
    if (!this.draft.text && text) this.noteSeen();
    this.change({ text });
  }

  private noteSeen(): void {
    this.seenVersion = this.known?.version ?? null;
  }

  /** Bring the caret here. */
  focusText(): void {
    this.find<HTMLTextAreaElement>("textarea")?.focus();
  }

  private readonly typed = (event: Event): void => {
    const { value } = event.target as HTMLTextAreaElement;
    this.write(value);
    if (this.writing.isNote) return;
    this.app.client?.typing(this.conversation);
    if (value !== "/" || this.answers) return;
    this.write("");
    void this.toggleAnswers();
  };

  private readonly pressed = (event: KeyboardEvent): void => {
    if (event.key !== "Enter" || event.shiftKey || event.altKey || event.isComposing) return;
    event.preventDefault();
    this.send();
  };

  private readonly pasted = (event: ClipboardEvent): void => {
    if (!this.writing.isNote) this.uploads.add([...(event.clipboardData?.files ?? [])]);
  };

  private turn(mode: "reply" | "note"): void {
    this.mode = mode;
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
    await this.updateComplete;
    await this.find<CannedAnswers>("tl-answers")?.focusSearch();
  }

  private insert(answer: CannedAnswer): void {
    const card = this.known ? this.app.card(this.known.view.customer.id) : null;
    const customer = (card && card !== "failed" ? card.name : null) ?? this.known?.view.customer.name ?? "";
    const words = personal(answer, customer, this.app.state?.me?.name ?? this.app.state?.agent?.name ?? "");
    const { text } = this.draft;
    this.answers = null;
    this.write(!text ? words : `${text}${text.endsWith(" ") ? "" : " "}${words}`);
    this.focusText();
  }

  private readonly toggleQuick = (): void => {
    if (this.draft.quick) {
      this.putAway("quick");
      return;
    }
    this.change({ quick: [{ kind: "reply", text: "" }] });
    void this.updateComplete.then(() => this.find<QuickReplies>("tl-quick-replies")?.focusLast());
  };

  private startTemplate(way: Way): void {
    this.change({ template: { name: way.templates[0]!.name, parameters: [] } });
    this.answers = null;
    if (!this.draft.text) this.noteSeen();
    void this.updateComplete.then(() => this.find<TemplatePicker>("tl-template")?.focusFirst());
  }

  private putAway(what: "quick" | "template"): void {
    this.change({ [what]: null });
    void this.updateComplete.then(() => this.focusText());
  }

  // ------------------------------------------------------------ sending, and taking back

  private readonly send = (): void => {
    const { writing } = this;
    if (!maySend(writing)) return;
    this.app.client!.outbox.put({
      ...contentOf(writing),
      conversation: this.conversation,
      customer: this.known?.view.customer.id ?? this.app.looked?.customer ?? "",
      writtenAt: new Date().toISOString(),
      seenVersion: writing.isNote || !this.app.state?.me ? null : this.seenVersion,
    });
    this.clear(writing);
    this.dispatchEvent(new CustomEvent("sent", { bubbles: true, composed: true }));
  };

  /** Put away what was sent. A template goes alone: what was written or laid ready beside it stays, as all stays beside a note. */
  private clear(sent: Writing): void {
    this.change(sent.isNote ? { text: "" } : templateOf(sent) ? { template: null } : { text: "", quick: null, template: null });
    if (sent.isNote) return;
    this.uploads.clear();
    void this.updateComplete.then(() => this.focusText());
  }

  /** Take back what was not sent. */
  take(parcel: Parcel): void {
    if (parcel.template) {
      this.change({ template: parcel.template, via: parcel.via });
      return;
    }
    if (parcel.quickReplies?.length) this.change({ quick: parcel.quickReplies });
    const { text } = this.draft;
    this.write(text ? `${text}\n${parcel.text ?? ""}` : (parcel.text ?? ""));
    this.focusText();
  }

  // ------------------------------------------------------------ keeping it

  private recall(): void {
    this.draft = this.app.draft(this.conversation);
    this.seenVersion = isEmpty(this.draft) ? null : (this.known?.version ?? null);
  }

  /** Another tab of this person writes on the same draft: show its words unless one is writing here. */
  private readonly otherTabWrote = (event: StorageEvent): void => {
    if (!isDraftOf(event.key, this.conversation)) return;
    const writing = this.renderRoot instanceof ShadowRoot ? this.renderRoot.activeElement?.localName : null;
    if (writing && WRITTEN_IN.has(writing) && document.hasFocus()) return;
    const { seenVersion } = this;
    this.recall();
    this.seenVersion = seenVersion ?? this.seenVersion;
  };
}

customElements.define("tl-composer", Composer);
