import { css, html, nothing } from "lit";
import { MAX_ADDRESS, MAX_LABEL, MAX_QUICK_REPLIES, type QuickReply } from "../client/prepared";
import type { QuickProblem } from "../client/writing";
import { t } from "../i18n";
import { DeskElement } from "./element";
import { icon } from "./icons";
import { shared } from "./styles";

const PROBLEMS = { address: "quick.unfit_address", incomplete: "quick.incomplete", same: "quick.same", no_text: "quick.needs_text" } as const;

/** Answers that are laid ready under a reply: a row for each. Tells `rows` of every change, `away` when put away. */
export class QuickReplies extends DeskElement {
  static override properties = { ...DeskElement.properties, rows: { attribute: false }, writtenOut: { type: Boolean }, problem: {} };
  declare rows: readonly QuickReply[];
  /** Whether the way has no buttons for them, so that they are written under the text. */
  declare writtenOut: boolean;
  declare problem: QuickProblem | null;

  static override styles = [
    shared,
    css`
      fieldset {
        display: grid;
        gap: 0.35rem;
        border: 0;
        border-block-start: 1px solid var(--line);
        margin: 0.25rem 0.35rem;
        padding: 0.45rem 0 0.35rem;
        min-inline-size: 0;
      }
      .head {
        display: flex;
        flex-wrap: wrap;
        align-items: center;
        gap: 0.35rem;
      }
      .head button {
        min-block-size: 1.9rem;
        padding-block: 0.1rem;
        font-size: 0.8125rem;
      }
      .head button[aria-pressed="true"] {
        background: var(--accent-soft);
        border-color: var(--accent);
        color: var(--accent-ink);
      }
      .head .icon {
        margin-inline-start: auto;
      }
      ul {
        display: grid;
        gap: 0.3rem;
        max-block-size: 26dvh;
        overflow-y: auto;
        padding: 5px;
      }
      li {
        display: flex;
        gap: 0.35rem;
      }
      li button {
        flex: none;
      }
      .add {
        justify-self: start;
        font-size: 0.8125rem;
      }
      .bad {
        color: var(--bad-ink);
      }
    `,
  ];

  override render() {
    const kind = this.rows[0]?.kind ?? "reply";
    return html`<fieldset @keydown=${this.pressed}>
      <legend class="hidden">${t("quick.title")}</legend>
      <div class="head">
        <button aria-pressed=${kind === "reply"} @click=${() => this.turn("reply")}>${t("quick.replies")}</button>
        <button aria-pressed=${kind === "link"} @click=${() => this.turn("link")}>${t("quick.links")}</button>
        <span class="small soft">${t(this.writtenOut ? "quick.written_out" : "quick.hint")}</span>
        <button class="plain icon" title=${t("quick.away")} @click=${() => this.tell("away")}>
          ${icon("close")}<span class="hidden">${t("quick.away")}</span>
        </button>
      </div>
      <ul>
        ${this.rows.map((row, index) => this.renderRow(row, index))}
      </ul>
      ${this.rows.length < MAX_QUICK_REPLIES ? html`<button class="plain add" @click=${this.add}>${t("quick.add")}</button>` : nothing}
      ${this.problem ? html`<p class="small bad" role="status">${t(PROBLEMS[this.problem])}</p>` : nothing}
    </fieldset>`;
  }

  /** Bring the caret to the last row, once it is drawn. */
  async focusLast(): Promise<void> {
    await this.updateComplete;
    this.find<HTMLInputElement>("li:last-child input")?.focus();
  }

  private renderRow(row: QuickReply, index: number) {
    const number = index + 1;
    const [label, address] = [t("quick.label", { number }), t("quick.address", { number })];
    return html`<li>
      <input
        dir="auto"
        maxlength=${MAX_LABEL}
        aria-label=${label}
        placeholder=${label}
        .value=${row.text}
        @input=${(event: Event) => this.change(index, { text: (event.target as HTMLInputElement).value })}
      />
      ${row.kind === "link"
        ? html`<input
            type="url"
            dir="ltr"
            maxlength=${MAX_ADDRESS}
            aria-label=${address}
            placeholder="https://"
            .value=${row.url ?? ""}
            @input=${(event: Event) => this.change(index, { url: (event.target as HTMLInputElement).value })}
          />`
        : nothing}
      <button class="plain icon" @click=${() => this.drop(index)}>
        ${icon("close")}<span class="hidden">${t("composer.remove", { name: row.text || label })}</span>
      </button>
    </li>`;
  }

  private change(index: number, change: Partial<QuickReply>): void {
    this.tell("rows", this.rows.map((row, at) => (at === index ? { ...row, ...change } : row)));
  }

  private turn(kind: QuickReply["kind"]): void {
    this.tell("rows", this.rows.map((row) => ({ ...row, kind })));
  }

  private drop(index: number): void {
    const rest = this.rows.filter((_, at) => at !== index);
    if (rest.length) this.tell("rows", rest);
    else this.tell("away");
  }

  private readonly add = (): void => {
    if (this.rows.length >= MAX_QUICK_REPLIES) return;
    this.tell("rows", [...this.rows, { kind: this.rows[0]?.kind ?? "reply", text: "" }]);
    requestAnimationFrame(() => void this.focusLast());
  };

  private readonly pressed = (event: KeyboardEvent): void => {
    if (event.key === "Escape") this.tell("away");
    if (event.key !== "Enter" || event.isComposing || !(event.target instanceof HTMLInputElement)) return;
    event.preventDefault();
    this.add();
  };

  private tell(what: "rows" | "away", detail?: readonly QuickReply[]): void {
    this.dispatchEvent(new CustomEvent(what, { detail }));
  }
}

customElements.define("tl-quick-replies", QuickReplies);
