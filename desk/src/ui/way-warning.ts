import { css, html, nothing } from "lit";
import type { Way } from "../client/frames";
import { closesIn, takesTemplates } from "../client/ways";
import { t } from "../i18n";
import { duration } from "../i18n/format";
import { DeskElement } from "./element";
import { icon } from "./icons";
import { shared } from "./styles";

const CLOSED = { opted_out: "reason.recipient_opted_out", window_closed: "reason.window_closed", no_channel: "reason.no_channel" } as const;

/** Why a way takes nothing now, or only a template, or not for long. Tells `template` when one is wanted. */
export class WayWarning extends DeskElement {
  static override properties = { ...DeskElement.properties, way: { attribute: false }, hasTemplate: { type: Boolean } };
  declare way: Way;
  /** Whether a template is being filled in already. */
  declare hasTemplate: boolean;
  protected override ticks = true;

  static override styles = [
    shared,
    css`
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
    `,
  ];

  override render() {
    const { way } = this;
    if (!way.open && takesTemplates(way)) return this.renderLead();
    if (!way.open) return html`<p class="warn" role="status">${t(CLOSED[way.closed_because ?? "window_closed"])}</p>`;
    const left_ms = closesIn(way, this.app.now);
    return left_ms === null ? nothing : html`<p class="warn">${icon("late")} ${t("composer.closing", { time: duration(left_ms) })}</p>`;
  }

  private renderLead() {
    return html`<p class="warn lead" role="status">
      <span>${icon("late")} ${t("template.window_closed")}</span>
      ${this.hasTemplate ? nothing : html`<button @click=${this.start}>${icon("template")} ${t("template.use")}</button>`}
    </p>`;
  }

  private readonly start = (): void => {
    this.dispatchEvent(new CustomEvent("template"));
  };
}

customElements.define("tl-way-warning", WayWarning);
