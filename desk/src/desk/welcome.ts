import { css, html, nothing } from "lit";
import { t } from "../i18n";
import { DeskElement } from "../ui/element";
import { shared } from "../ui/styles";
import { renderLanguages } from "./language-choice";

/** What stands in place of the desk: signing in, who is refused, and waiting for the first connection. */
export class Welcome extends DeskElement {
  static override styles = [
    shared,
    css`
      :host {
        grid-row: 1 / -1;
        display: grid;
        min-block-size: 0;
      }
      main {
        display: grid;
        place-content: center;
        justify-items: center;
        gap: 1.1rem;
        padding: 2rem 1rem;
        text-align: center;
        overflow: auto;
      }
      svg {
        inline-size: 4rem;
        block-size: 4rem;
      }
      h1 {
        font-size: 1.6rem;
        font-weight: 700;
        letter-spacing: -0.02em;
      }
      p,
      ::slotted(p) {
        max-inline-size: 30rem;
      }
      .primary {
        min-inline-size: 12rem;
        min-block-size: 2.75rem;
      }
      select {
        inline-size: auto;
      }
      .why {
        padding: 0.7rem 1rem;
        border: 1px solid var(--note-line);
        border-radius: 12px;
        background: var(--note);
        color: var(--note-ink);
      }
    `,
  ];

  override render() {
    return html`<main>${mark}<h1>${t("app.name")}</h1>${this.renderInside()}</main>`;
  }

  private renderInside() {
    if (this.app.phase === "signed_out") return this.renderSignIn();
    if (this.app.client?.connection.state === "refused") return this.renderRefused();
    return html`<p role="status">${t("connection.connecting")}</p>
      <slot></slot>`;
  }

  private renderSignIn() {
    const { why } = this.app;
    return html`<p class="soft">${t("sign_in.lead")}</p>
      ${why ? html`<p class="why" role="alert">${t(why.key, why.values)}</p>` : nothing}
      <button class="primary" @click=${() => this.app.signIn()}>${t("sign_in.button")}</button>
      <label class="small soft">${t("menu.language")} ${renderLanguages(this.app.settings)}</label>`;
  }

  private renderRefused() {
    return html`<p class="why" role="alert">
        <strong>${t("refused.title")}</strong><br />${t("refused.text", { name: this.app.me })}
      </p>
      <button class="primary" @click=${() => this.app.client?.connection.hurry()}>${t("action.try_again")}</button>
      <button @click=${() => this.app.signOut()}>${t("action.sign_out")}</button>`;
  }
}

/** The mark of the desk. */
export const mark = html`<svg viewBox="0 0 32 32" aria-hidden="true">
  <rect width="32" height="32" rx="9" fill="var(--accent)"></rect>
  <path
    d="M6 16h6c3 0 3-6 6-6s3 12 6 12"
    fill="none"
    stroke="var(--on-accent)"
    stroke-width="3"
    stroke-linecap="round"
    stroke-linejoin="round"
  ></path>
</svg>`;

customElements.define("tl-welcome", Welcome);
