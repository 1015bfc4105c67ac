import { css, html, nothing } from "lit";
import { RefusedError } from "../client/connection";
import type { Known } from "../client/state";
import { t } from "../i18n";
import { duration, moment, word } from "../i18n/format";
import { DeskElement } from "./element";
import { presenceWords } from "./presence";
import { dialogs, shared } from "./styles";

export type Asking = "close" | "transfer" | "pause";

const PAUSES_MIN = [15, 60, 240];

/** The questions before a conversation is closed, transferred or set aside, each in a dialog of the browser's own. */
export class ConversationDialogs extends DeskElement {
  static override properties = { ...DeskElement.properties, known: { attribute: false }, asking: { state: true }, to: { state: true }, busy: { state: true }, problem: { state: true } };
  declare known: Known;
  declare asking: Asking | null;
  declare to: "queue" | "agent";
  declare busy: boolean;
  declare problem: string | null;

  static override styles = [shared, dialogs, css``];

  constructor() {
    super();
    this.asking = null;
    this.to = "queue";
    this.busy = false;
    this.problem = null;
  }

  async ask(asking: Asking): Promise<void> {
    this.asking = asking;
    this.problem = null;
    void this.app.refreshCentre().catch(() => undefined);
    await this.updateComplete;
    this.find<HTMLDialogElement>("dialog")?.showModal();
  }

  override render() {
    if (!this.asking) return nothing;
    return html`<dialog @close=${() => (this.asking = null)} aria-labelledby="title">
      <form method="dialog" @submit=${this.submit}>
        ${this.asking === "close" ? this.renderClose() : this.asking === "transfer" ? this.renderTransfer() : this.renderPause()}
        ${this.problem ? html`<p class="bad" role="alert">${this.problem}</p>` : nothing}
        <div class="buttons">
          <button type="button" @click=${() => this.find<HTMLDialogElement>("dialog")?.close()}>${t("action.cancel")}</button>
          <button class="primary" ?disabled=${this.busy}>${t(`conversation.${this.asking}`)}</button>
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
      (queue, index) => html`<label>
        <input type="radio" name="queue" value=${queue.queue} ?checked=${index === 0} />
        <span><bdi>${queue.queue}</bdi></span>
        <span class="soft small">${t("conversation.queue_waiting", { count: queue.waiting })}</span>
      </label>`,
    );
  }

  private renderColleagues() {
    const colleagues = this.app.colleagues.filter((one) => one.agent !== this.app.me && one.presence !== "offline" && one.connected !== false);
    if (colleagues.length === 0) return html`<p class="soft">${t("conversation.nobody")}</p>`;
    return colleagues.map(
      (one, index) => html`<label>
        <input type="radio" name="agent" value=${one.agent} ?checked=${index === 0} />
        <span><bdi>${one.name}</bdi></span>
        <span class="soft small">${presenceWords(one.presence, one.reason)}</span>
      </label>`,
    );
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
    const frame = this.frameOf(form);
    if (!frame) return this.askWhen();
    this.busy = true;
    this.problem = null;
    try {
      await this.app.client!.ask(`conversation.${this.asking}`, { conversation: this.known.view.conversation, ...frame });
      this.find<HTMLDialogElement>("dialog")?.close();
    } catch (error) {
      const isNews = this.asking === "close" && error instanceof RefusedError && error.code === "conflict";
      this.problem = isNews ? t("conversation.changed") : this.app.explain(error);
    } finally {
      this.busy = false;
    }
  };

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
        return { ...(said("disposition") ? { disposition: said("disposition") } : {}), version: this.known.version };
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
