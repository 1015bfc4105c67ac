import { css, html, nothing } from "lit";
import type { OfferView } from "../client/frames";
import { t } from "../i18n";
import { duration } from "../i18n/format";
import { DeskElement } from "./element";
import { channelIcon, icon } from "./icons";
import { requirementWords } from "./requirement";
import { shared } from "./styles";

/** A contact that is offered: who, what, how long is left; accept or reject. */
export class OfferCard extends DeskElement {
  static override properties = { ...DeskElement.properties, offer: { attribute: false }, first: { type: Boolean }, busy: { state: true } };
  declare offer: OfferView;
  /** Whether the keys act on this one. */
  declare first: boolean;
  declare busy: boolean;
  private whole_ms: number | null = null;
  protected override ticks = true;

  static override styles = [
    shared,
    css`
      :host {
        display: block;
      }
      section {
        display: grid;
        gap: 0.55rem;
        padding: 0.85rem;
        border: 1.5px solid var(--accent);
        border-radius: 14px;
        background: var(--surface);
        box-shadow: var(--shadow);
      }
      .who {
        display: flex;
        align-items: center;
        gap: 0.6rem;
      }
      .who h2 {
        font-size: 1rem;
        font-weight: 650;
      }
      .who div {
        min-inline-size: 0;
        flex: 1;
      }
      .preview {
        display: -webkit-box;
        -webkit-line-clamp: 3;
        -webkit-box-orient: vertical;
        overflow: hidden;
        overflow-wrap: anywhere;
      }
      .bar {
        block-size: 4px;
        border-radius: 2px;
        background: var(--line);
        overflow: hidden;
      }
      .bar div {
        block-size: 100%;
        background: var(--accent);
        transition: inline-size 1s linear;
      }
      .buttons {
        display: grid;
        grid-template-columns: 2fr 1fr;
        gap: 0.5rem;
      }
    `,
  ];

  override render() {
    const { offer } = this;
    const name = this.app.whoIs(offer.customer, offer.identifier);
    const left_ms = Math.max(0, Date.parse(offer.expires_at) - this.app.now);
    this.whole_ms ??= Math.max(left_ms, 1_000);
    const channel = this.app.nameOfEnd(offer);
    return html`<section role="group" aria-label="${t("offer.title")}: ${t("offer.from", { name, channel })}">
      <div class="who">
        <span class="disc">${channelIcon(offer.channel)}</span>
        <div>
          <h2 class="cut"><bdi>${name}</bdi></h2>
          <p class="small soft cut">${channel} · ${t("offer.queue", { queue: offer.queue })}</p>
        </div>
      </div>
      <p class="preview" dir="auto">${offer.preview ?? t("offer.no_preview")}</p>
      <p class="small soft">${this.facts(offer)}</p>
      <div class="bar" aria-hidden="true"><div .style=${`inline-size:${Math.min(100, (left_ms / this.whole_ms) * 100)}%`}></div></div>
      <p class="small" role="timer">${t("offer.left", { seconds: Math.ceil(left_ms / 1000) })}</p>
      <div class="buttons">
        <button class="primary" ?disabled=${this.busy} @click=${() => this.answer("accept")} aria-keyshortcuts=${this.first ? "Alt+A" : nothing}>
          ${icon("accept")} ${t("offer.accept")}
        </button>
        <button ?disabled=${this.busy} @click=${() => this.answer("reject")} aria-keyshortcuts=${this.first ? "Alt+R" : nothing}>
          ${t("offer.reject")}
        </button>
      </div>
    </section>`;
  }

  private facts(offer: OfferView): string {
    const waiting = t("offer.waiting", { time: duration(this.app.now - Date.parse(offer.waiting_since)) });
    const words = requirementWords(offer.requirement, this.app);
    if (!words) return waiting;
    return `${waiting} · ${offer.requirement.startsWith("@") ? words : t("offer.needs", { skills: words })}`;
  }

  private async answer(how: "accept" | "reject"): Promise<void> {
    this.busy = true;
    await this.app[how](this.offer);
    this.busy = false;
  }
}

customElements.define("tl-offer", OfferCard);
