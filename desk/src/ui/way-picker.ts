import { css, html } from "lit";
import { addressOf } from "../client/accounts";
import type { Way } from "../client/frames";
import { takesTemplates } from "../client/ways";
import { t } from "../i18n";
import { when } from "../i18n/format";
import { DeskElement } from "./element";
import { shared } from "./styles";

const CLOSED = {
  opted_out: "composer.way_opted_out",
  window_closed: "composer.way_window_closed",
  no_channel: "composer.way_no_channel",
} as const;

/** The ways to a customer, each with what it allows now. Tells `chosen`: the way's name. */
export class WayPicker extends DeskElement {
  static override properties = { ...DeskElement.properties, ways: { attribute: false }, chosen: { attribute: false } };
  declare ways: readonly Way[];
  declare chosen: Way;

  static override styles = [
    shared,
    css`
      :host {
        margin-inline-start: auto;
        min-inline-size: 0;
        max-inline-size: 100%;
      }
      label {
        display: flex;
        align-items: center;
        gap: 0.4rem;
        font-size: 0.8125rem;
        color: var(--soft);
      }
      span {
        flex: none;
      }
      select {
        min-inline-size: 0;
        min-block-size: 2rem;
        padding-block: 0.15rem;
        inline-size: auto;
        max-inline-size: 30rem;
        text-overflow: ellipsis;
      }
    `,
  ];

  override render() {
    return html`<label>
      <span>${t("composer.way")}</span>
      <select @change=${this.choose}>
        ${this.ways.map(
          (way) => html`<option
            value=${way.via}
            ?selected=${way.via === this.chosen.via}
            ?disabled=${!way.open && !takesTemplates(way) && way.via !== this.chosen.via}
          >
            ${[this.app.nameOfEnd(way), isolated(addressOf(way.identifier)), this.stateOf(way)].filter(Boolean).join(" · ")}
          </option>`,
        )}
      </select>
    </label>`;
  }

  private stateOf(way: Way): string {
    const closed = way.closed_because && CLOSED[way.closed_because];
    if (closed) return t(closed);
    return way.window_closes_at ? t("composer.way_until", { time: when(way.window_closes_at, this.app.now) }) : t("composer.way_open");
  }

  private readonly choose = (event: Event): void => {
    this.dispatchEvent(new CustomEvent("chosen", { detail: (event.target as HTMLSelectElement).value }));
  };
}

function isolated(text: string | null): string {
  return text === null ? "" : `\u2068${text}\u2069`;
}

customElements.define("tl-way", WayPicker);
