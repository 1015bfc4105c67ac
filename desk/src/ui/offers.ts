import { css, html, nothing } from "lit";
import { repeat } from "lit/directives/repeat.js";
import { t } from "../i18n";
import { DeskElement } from "./element";
import "./offer-card";
import { shared } from "./styles";

/** What is offered, the one that ends first on top; and it is said aloud. */
export class Offers extends DeskElement {
  static override styles = [
    shared,
    css`
      :host {
        display: block;
      }
      div {
        display: grid;
        gap: 0.6rem;
      }
    `,
  ];

  override render() {
    const { offers } = this.app;
    const first = offers[0];
    return html`<p class="hidden" role="alert">${first ? t("offer.ring", { name: this.app.whoIs(first.customer, first.identifier) }) : ""}</p>
      ${first
        ? html`<div>
            ${repeat(
              offers,
              (offer) => offer.offer,
              (offer) => html`<tl-offer .app=${this.app} .offer=${offer} ?first=${offer === first}></tl-offer>`,
            )}
          </div>`
        : nothing}`;
  }
}

customElements.define("tl-offers", Offers);
