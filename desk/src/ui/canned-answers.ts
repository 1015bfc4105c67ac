import { css, html, nothing } from "lit";
import type { CannedAnswer } from "../client/frames";
import { answersWith } from "../client/prepared";
import { t } from "../i18n";
import { DeskElement } from "./element";
import { shared } from "./styles";

/** Canned answers to search and choose from. Tells `chosen`, and `away` when put away. */
export class CannedAnswers extends DeskElement {
  static override properties = { ...DeskElement.properties, answers: { attribute: false }, search: { state: true } };
  declare answers: readonly CannedAnswer[];
  declare search: string;

  static override styles = [
    shared,
    css`
      :host {
        display: block;
      }
      .answers {
        border: 1px solid var(--line);
        border-radius: 12px;
        margin-block-end: 0.5rem;
        background: var(--surface);
        box-shadow: var(--shadow);
        padding: 0.5rem;
      }
      ul {
        max-block-size: 14rem;
        overflow-y: auto;
        margin-block-start: 0.4rem;
      }
      button {
        inline-size: 100%;
        justify-content: flex-start;
        text-align: start;
        border-color: transparent;
        background: none;
        padding: 0.35rem 0.5rem;
      }
      span {
        min-inline-size: 0;
      }
      strong {
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
    this.search = "";
  }

  override render() {
    const fitting = answersWith(this.answers, this.search);
    return html`<div class="answers" @keydown=${(event: KeyboardEvent) => event.key === "Escape" && this.tell("away")}>
      <input
        type="search"
        aria-label=${t("composer.answers_search")}
        placeholder=${t("composer.answers_search")}
        .value=${this.search}
        @input=${(event: Event) => (this.search = (event.target as HTMLInputElement).value)}
        @keydown=${(event: KeyboardEvent) => event.key === "Enter" && this.choose(event, fitting[0])}
      />
      ${fitting.length ? html`<ul>${fitting.map((one) => this.renderAnswer(one))}</ul>` : html`<p class="soft small">${t("composer.answers_none")}</p>`}
    </div>`;
  }

  /** Bring the caret to the search, once it is drawn. */
  async focusSearch(): Promise<void> {
    await this.updateComplete;
    this.find<HTMLInputElement>("input")?.focus();
  }

  private renderAnswer(one: CannedAnswer) {
    return html`<li>
      <button @click=${() => this.tell("chosen", one)}>
        <strong class="cut">${one.name}</strong> <span class="cut soft" dir="auto">${one.text}</span>
        ${one.shortcut ? html`<kbd dir="ltr">${one.shortcut}</kbd>` : nothing}
      </button>
    </li>`;
  }

  private choose(event: KeyboardEvent, answer: CannedAnswer | undefined): void {
    event.preventDefault(); // the caret goes to the reply, and the key would break a line there
    if (answer) this.tell("chosen", answer);
  }

  private tell(what: "chosen" | "away", detail?: CannedAnswer): void {
    this.dispatchEvent(new CustomEvent(what, { detail }));
  }
}

customElements.define("tl-answers", CannedAnswers);
