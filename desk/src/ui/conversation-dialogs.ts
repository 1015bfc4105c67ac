import { css, html, nothing, type PropertyValues } from "lit";
import { RefusedError } from "../client/connection";
import type { Known } from "../client/state";
import { t } from "../i18n";
import { duration, moment, word } from "../i18n/format";
import { DeskElement } from "./element";
import { summary } from "./entry";
import { presenceWords } from "./presence";
import { dialogs, shared } from "./styles";

export type Asking = "close" | "transfer" | "pause";

const PAUSES_MIN = [15, 60, 240];
const EVERY_MS = 3_000;

/** What a person who closes has seen: the customer's words, and the version up to which nothing else of theirs came. */
interface Seen {
  first: string;
  said: string;
  version: number;
}

/** The questions before a conversation is closed, transferred or set aside, each in a dialog of the browser's own. */
export class ConversationDialogs extends DeskElement {
  static override properties = { ...DeskElement.properties, known: { attribute: false }, asking: { state: true }, to: { state: true }, chosen: { state: true }, busy: { state: true }, problem: { state: true }, came: { state: true } };
  declare known: Known;
  declare asking: Asking | null;
  declare to: "queue" | "agent";
  /** The queue or the colleague, once one was chosen. */
  declare chosen: string | null;
  declare busy: boolean;
  declare problem: string | null;
  /** What the customer wrote meanwhile, in a few words. */
  declare came: string | null;
  private seen: Seen | null = null;
  /** The version a refusal told of: up to there the person has been told that something came. */
  private toldUpTo = 0;
  private timer: ReturnType<typeof setInterval> | null = null;

  static override styles = [
    shared,
    dialogs,
    css`
      blockquote {
        margin: 0;
        padding-inline-start: 0.6rem;
        border-inline-start: 3px solid var(--line-strong);
        overflow-wrap: anywhere;
      }
    `,
  ];

  constructor() {
    super();
    this.asking = null;
    this.to = "queue";
    this.chosen = null;
    this.busy = false;
    this.problem = null;
    this.came = null;
  }

  async ask(asking: Asking): Promise<void> {
    this.asking = asking;
    this.problem = this.came = null;
    this.chosen = null;
    this.toldUpTo = 0;
    this.seen = this.look(this.app.state!.thread(this.known.view.customer.id).at(0)?.id ?? "");
    this.refresh();
    this.timer ??= setInterval(this.refresh, EVERY_MS);
    await this.updateComplete;
    this.find<HTMLDialogElement>("dialog")?.showModal();
  }

  override disconnectedCallback(): void {
    super.disconnectedCallback();
    this.ended();
  }

  override willUpdate(changed: PropertyValues<this>): void {
    if (this.asking === "close") this.followOurs();
    if (changed.has("to") || !this.choices.some((one) => one === this.chosen)) this.chosen = null;
  }

  override render() {
    if (!this.asking) return nothing;
    return html`<dialog @close=${this.ended} aria-labelledby="title">
      <form method="dialog" @submit=${this.submit}>
        ${this.asking === "close" ? this.renderClose() : this.asking === "transfer" ? this.renderTransfer() : this.renderPause()}
        ${this.problem ? html`<p class="bad" role="alert">${this.problem}</p>` : nothing}
        ${this.came ? html`<blockquote dir="auto">${this.came}</blockquote>` : nothing}
        <div class="buttons">
          <button type="button" @click=${() => this.find<HTMLDialogElement>("dialog")?.close()}>${t("action.cancel")}</button>
          <button class="primary" ?disabled=${this.busy || (this.asking === "transfer" && this.chosen === null)}>${t(`conversation.${this.asking}`)}</button>
        </div>
      </form>
    </dialog>`;
  }

  private renderClose() {
    const queue = this.app.queues.find((one) => one.queue === this.known.view.queue);
    const dispositions = queue?.dispositions ?? [];
    return html`<div>
        <h2 id="title">${t("conversation.close_title")}</h2>
        <p class="soft small">${t("conversation.close_hint")}</p>
      </div>
      <fieldset class="choices">
        <legend class="hidden">${t("conversation.close_title")}</legend>
        ${dispositions.map(
          (one, index) => html`<label><input type="radio" name="disposition" value=${one} ?checked=${index === 0} /><span>${word("disposition", one)}</span></label>`,
        )}
      </fieldset>`;
  }

  private renderTransfer() {
    return html`<h2 id="title">${t("conversation.transfer_title")}</h2>
      <div class="tabs">
        <button type="button" aria-pressed=${this.to === "queue"} @click=${() => (this.to = "queue")}>${t("conversation.to_queue")}</button>
        <button type="button" aria-pressed=${this.to === "agent"} @click=${() => (this.to = "agent")}>${t("conversation.to_colleague")}</button>
      </div>
      <fieldset class="choices">
        <legend class="hidden">${t("conversation.transfer_title")}</legend>
        ${this.to === "queue" ? this.renderQueues() : this.renderColleagues()}
      </fieldset>
      ${this.app.state?.me
        ? html`<label class="field"><span>${t("conversation.transfer_note")}</span><textarea name="note" rows="3" dir="auto" maxlength="16000"></textarea></label>`
        : nothing}`;
  }

  private renderQueues() {
    return this.app.queues.map(
      (queue) => html`<label>
        ${this.renderChoice("queue", queue.queue)}
        <span><bdi>${queue.queue}</bdi></span>
        <span class="soft small">${t("conversation.queue_waiting", { count: queue.waiting })}</span>
      </label>`,
    );
  }

  private renderColleagues() {
    const { colleagues } = this;
    if (colleagues.length === 0) return html`<p class="soft">${t("conversation.nobody")}</p>`;
    return colleagues.map(
      (one) => html`<label>
        ${this.renderChoice("agent", one.agent)}
        <span><bdi>${one.name}</bdi></span>
        <span class="soft small">${presenceWords(one.presence, one.reason)}</span>
      </label>`,
    );
  }

  private renderChoice(name: "queue" | "agent", value: string) {
    return html`<input type="radio" name=${name} value=${value} .checked=${this.chosen === value} @change=${() => (this.chosen = value)} />`;
  }

  private get colleagues() {
    return this.app.colleagues.filter((one) => one.agent !== this.app.me && one.presence !== "offline" && one.connected !== false);
  }

  /** To whom one can transfer, of the kind that is looked at. */
  private get choices(): string[] {
    return this.to === "queue" ? this.app.queues.map((one) => one.queue) : this.colleagues.map((one) => one.agent);
  }

  private renderPause() {
    const tomorrow = new Date(this.app.now);
    tomorrow.setDate(tomorrow.getDate() + 1);
    tomorrow.setHours(9, 0, 0, 0);
    const choices = PAUSES_MIN.map((minutes) => ({
      until: new Date(this.app.now + minutes * 60_000),
      text: t("conversation.in", { time: duration(minutes * 60_000) }),
    }));
    choices.push({ until: tomorrow, text: t("conversation.tomorrow") });
    return html`<div>
        <h2 id="title">${t("conversation.pause_title")}</h2>
        <p class="soft small">${t("conversation.pause_hint")}</p>
      </div>
      <fieldset class="choices">
        <legend class="hidden">${t("conversation.pause_title")}</legend>
        ${choices.map(
          ({ until, text }, index) => html`<label>
            <input type="radio" name="until" value=${until.toISOString()} ?checked=${index === 0} />
            <span>${text}</span><span class="soft small">${moment(until.toISOString())}</span>
          </label>`,
        )}
        <label>
          <input type="radio" name="until" value="other" />
          <span>${t("conversation.pause_at")}</span>
          <input
            type="datetime-local"
            name="at"
            aria-label=${t("conversation.pause_at")}
            min=${forPicker(this.app.now)}
            @input=${() => (this.find<HTMLInputElement>('input[value="other"]')!.checked = true)}
          />
        </label>
      </fieldset>`;
  }

  private readonly submit = async (event: SubmitEvent): Promise<void> => {
    event.preventDefault();
    const form = new FormData(event.target as HTMLFormElement);
    this.followOurs();
    const frame = this.frameOf(form);
    if (!frame) return this.askWhen();
    this.busy = true;
    this.problem = this.came = null;
    try {
      const { conversation } = this.known.view;
      await this.app.client!.ask(`conversation.${this.asking}`, { conversation, ...frame });
      const transferred = this.asking === "transfer" ? this.chosen : null;
      this.find<HTMLDialogElement>("dialog")?.close();
      if (transferred) this.transferred(conversation, transferred);
    } catch (error) {
      const isNews = this.asking === "close" && error instanceof RefusedError && error.code === "conflict";
      this.problem = isNews ? this.tellNews(error.version) : this.app.explain(error);
    } finally {
      this.busy = false;
    }
  };

  private transferred(conversation: string, to: string): void {
    this.app.say(this.to === "queue" ? t("conversation.transferred_queue", { queue: to }) : t("conversation.transferred", { name: this.app.nameOf(to) }));
    this.app.leave(conversation);
  }

  private readonly refresh = (): void => {
    void this.app.refreshCentre().catch(() => undefined);
  };

  private readonly ended = (): void => {
    this.asking = null;
    this.seen = null;
    if (this.timer) clearInterval(this.timer);
    this.timer = null;
  };

  /** What of the customer's stands on the thread from `first` on, and the version at which it does. */
  private look(first: string): Seen {
    const said = this.inboundFrom(first).map((one) => [one.id, one.edited_at, one.deleted, JSON.stringify(one.reactions ?? [])].join());
    return { first, said: said.join("\n"), version: this.known.version };
  }

  private inboundFrom(first: string) {
    const thread = this.app.state!.thread(this.known.view.customer.id);
    return thread.slice(Math.max(0, thread.indexOf(first)), thread.length).filter((one) => one.direction === "inbound");
  }

  /** What we write ourselves stops nobody from closing; what the customer does, until the person was told of it. */
  private followOurs(): void {
    if (!this.seen) return;
    const now = this.look(this.seen.first);
    if (now.said === this.seen.said || now.version <= this.toldUpTo) this.seen = now;
  }

  /** Say that the customer wrote, and what; from here on that counts as seen. */
  private tellNews(version: number | null): string {
    this.toldUpTo = version ?? this.known.version;
    const last = this.inboundFrom(this.seen?.first ?? "").at(-1);
    this.came = last && !this.seen?.said.includes(last.id) ? summary(last) : null;
    return t("conversation.changed");
  }

  /** Another time was chosen and none is given: the browser says so in its own words. */
  private askWhen(): void {
    const at = this.find<HTMLInputElement>("input[name=at]");
    if (!at) return;
    at.required = true;
    at.reportValidity();
    at.required = false;
  }

  private frameOf(form: FormData): Record<string, unknown> | null {
    const said = (name: string) => String(form.get(name) ?? "").trim();
    switch (this.asking) {
      case "close":
        return { ...(said("disposition") ? { disposition: said("disposition") } : {}), version: this.seen?.version ?? this.known.version };
      case "transfer": {
        const to = said(this.to);
        return to ? { to: { [this.to]: to }, ...(said("note") ? { note: said("note") } : {}) } : null;
      }
      case "pause": {
        const until = said("until") === "other" ? new Date(said("at")) : new Date(said("until"));
        return Number.isNaN(until.getTime()) ? null : { until: until.toISOString() };
      }
      default:
        return null;
    }
  }
}

/** An instant as the browser's picker writes it: local, to the minute. */
function forPicker(now_ms: number): string {
  const local = new Date(now_ms - new Date(now_ms).getTimezoneOffset() * 60_000);
  return local.toISOString().slice(0, 16);
}

customElements.define("tl-conversation-dialogs", ConversationDialogs);
