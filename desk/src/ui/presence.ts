import { css, html, nothing } from "lit";
import type { PresenceName } from "../client/frames";
import { t } from "../i18n";
import { clock, word } from "../i18n/format";
import { DeskElement } from "./element";
import { icon } from "./icons";
import { shared } from "./styles";

const USUAL_REASONS = ["break", "lunch", "meeting", "training"];

/** What the agent declares: a button that says it, and a panel in which it is changed, now or once their work is done. */
export class PresencePicker extends DeskElement {
  static override properties = { ...DeskElement.properties, open: { state: true }, afterWork: { state: true } };
  declare open: boolean;
  declare afterWork: boolean;

  static override styles = [
    shared,
    css`
      :host {
        position: relative;
      }
      :host > button {
        max-inline-size: 100%;
      }
      @media (max-width: 600px) {
        .next {
          display: block;
          overflow: hidden;
          text-overflow: ellipsis;
          font-size: 0.6875rem;
          line-height: 1.1;
          text-align: start;
        }
      }
      .panel {
        inline-size: 19rem;
        padding: 0.6rem;
        gap: 0.15rem;
      }
      .panel button {
        justify-content: flex-start;
        border-color: transparent;
        background: none;
        text-align: start;
      }
      .panel button:hover {
        background: var(--hover);
      }
      .panel button[aria-pressed="true"] {
        background: var(--accent-soft);
        font-weight: 600;
      }
      .panel hr {
        inline-size: 100%;
        border: 0;
        border-block-start: 1px solid var(--line);
        margin: 0.35rem 0;
      }
      .panel label {
        display: flex;
        gap: 0.5rem;
        align-items: flex-start;
        padding: 0.3rem 0.5rem;
      }
      .facts {
        padding: 0.2rem 0.5rem 0.4rem;
      }
      .indent {
        padding-inline-start: 1.9rem;
      }
      form {
        display: flex;
        gap: 0.4rem;
        padding-inline-start: 1.9rem;
      }
    `,
  ];

  constructor() {
    super();
    this.open = false;
    this.afterWork = false;
  }

  override render() {
    const agent = this.app.state?.agent;
    if (!agent) return nothing;
    const words = presenceWords(agent.presence, agent.reason);
    const next = agent.next ? t("presence.next", { presence: presenceWords(agent.next.presence, agent.next.reason) }) : "";
    return html`<button aria-expanded=${this.open} aria-label="${t("presence.label")}: ${words} ${next}" @click=${() => (this.open = !this.open)} @keydown=${this.pressed}>
        <span class="dot ${agent.presence}"></span>
        <span class="cut">${words}${next ? html` <span class="next soft small">${next}</span>` : nothing}</span>
        ${icon("down")}
      </button>
      ${this.open ? this.renderPanel() : nothing}`;
  }

  private renderPanel() {
    const agent = this.app.state!.agent!;
    const reasons = this.app.state?.me?.not_ready_reasons ?? [];
    const offered = reasons.length ? reasons : USUAL_REASONS;
    return html`<div class="panel" role="group" aria-label=${t("presence.label")} @keydown=${this.pressed}>
      <p class="facts small soft">
        ${agent.since ? t("presence.since", { time: clock(agent.since) }) : nothing}
        ${Object.entries(agent.capacity).map(
          ([work, capacity]) =>
            html`<br />${t("presence.load", { load: this.app.load(work), capacity, work: word("work", work) })}`,
        )}
      </p>
      ${this.renderChoice("available", null)} ${this.renderChoice("not_ready", null)}
      ${offered.map((reason) => html`<div class="indent">${this.renderChoice("not_ready", reason)}</div>`)}
      ${reasons.length ? nothing : this.renderOther()} ${this.renderChoice("offline", null)}
      ${this.app.state?.me
        ? html`<hr /><label class="small">
              <input type="checkbox" .checked=${this.afterWork} @change=${(event: Event) => (this.afterWork = (event.target as HTMLInputElement).checked)} />
              <span>${t("presence.after_work")}<br /><span class="soft">${t("presence.after_work_hint")}</span></span>
            </label>`
        : nothing}
    </div>`;
  }

  private renderChoice(presence: PresenceName, reason: string | null) {
    const agent = this.app.state!.agent!;
    const mustGiveReason = presence === "not_ready" && reason === null && Boolean(this.app.state?.me?.not_ready_reasons.length);
    if (mustGiveReason) return html`<p class="facts small soft">${t("presence.not_ready")}</p>`;
    const isNow = agent.presence === presence && (agent.reason ?? null) === reason;
    return html`<button aria-pressed=${isNow} @click=${() => this.choose(presence, reason)}>
      ${reason ? nothing : html`<span class="dot ${presence}"></span>`} ${reason ? word("presence.reason", reason) : t(`presence.${presence}`)}
    </button>`;
  }

  private renderOther() {
    return html`<form
      @submit=${(event: SubmitEvent) => {
        event.preventDefault();
        const reason = this.find<HTMLInputElement>("form input")?.value.trim();
        if (reason) void this.choose("not_ready", reason);
      }}
    >
      <input maxlength="200" dir="auto" aria-label=${t("presence.other_reason")} placeholder=${t("presence.other_reason")} />
    </form>`;
  }

  private async choose(presence: PresenceName, reason: string | null): Promise<void> {
    this.app.ring.prepare();
    const after = this.afterWork ? { after_work: true } : {};
    this.open = this.afterWork = false;
    this.find<HTMLButtonElement>("button")?.focus();
    await this.app.attempt(() => this.app.client!.ask("presence.set", { presence, ...(reason ? { reason } : {}), ...after }));
  }

  private readonly pressed = (event: KeyboardEvent): void => {
    if (event.key !== "Escape" || !this.open) return;
    this.open = false;
    this.find<HTMLButtonElement>("button")?.focus();
  };
}

export function presenceWords(presence: PresenceName, reason: string | null | undefined): string {
  if (presence === "not_ready" && reason) return word("presence.reason", reason);
  return t(`presence.${presence}`);
}

customElements.define("tl-presence", PresencePicker);
