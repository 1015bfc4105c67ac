import { css, html, nothing } from "lit";
import type { Template } from "../client/frames";
import { type FilledTemplate, preview } from "../client/prepared";
import { t, tIfKnown } from "../i18n";
import { languageName } from "../i18n/format";
import { DeskElement } from "./element";
import { icon } from "./icons";
import { shared } from "./styles";

const MAX_PARAMETER = 1000;

/** One of a way's templates with what stands in its places, and how it will read. Tells `filled`, and `away`. */
export class TemplatePicker extends DeskElement {
  static override properties = { ...DeskElement.properties, templates: { attribute: false }, filled: { attribute: false } };
  declare templates: readonly Template[];
  declare filled: FilledTemplate;

  static override styles = [
    shared,
    css`
      .form {
        display: grid;
        gap: 0.5rem;
        padding: 0.35rem 0.45rem 0.5rem;
        max-block-size: 44dvh;
        overflow-y: auto;
      }
      .head {
        display: flex;
        align-items: end;
        gap: 0.5rem;
      }
      .head label {
        flex: 1;
      }
      label {
        display: grid;
        gap: 0.2rem;
        font-size: 0.8125rem;
        min-inline-size: 0;
      }
      .places {
        display: grid;
        grid-template-columns: repeat(auto-fit, minmax(min(12rem, 100%), 1fr));
        gap: 0.5rem;
      }
      .preview {
        border-radius: 12px;
        background: var(--accent-soft);
        padding: 0.5rem 0.75rem;
        white-space: pre-wrap;
        overflow-wrap: anywhere;
      }
    `,
  ];

  override render() {
    const template = this.chosen;
    return html`<div class="form" role="group" aria-label=${t("template.title")} @keydown=${this.pressed}>
      <div class="head">
        <label>
          <span class="soft">${t("template.choose")}</span>
          <select @change=${(event: Event) => this.choose((event.target as HTMLSelectElement).value)}>
            ${this.templates.map(
              (one) =>
                html`<option value=${one.name} ?selected=${one.name === template.name}>
                  ${one.name.replaceAll("_", " ")} · ${languageName(one.language.replaceAll("_", "-"))}
                </option>`,
            )}
          </select>
        </label>
        <button class="plain icon" title=${t("template.away")} @click=${() => this.tell("away")}>
          ${icon("close")}<span class="hidden">${t("template.away")}</span>
        </button>
      </div>
      ${template.parameters ? html`<div class="places">${Array.from({ length: template.parameters }, (_, index) => this.renderPlace(index))}</div>` : nothing}
      ${template.header
        ? html`<p class="small soft">${t("template.header", { kind: tIfKnown(`attachment.${template.header}`) ?? template.header })}</p>`
        : nothing}
      <div>
        <p class="small soft" id="reads">${t("template.preview")}</p>
        <p class="preview" dir="auto" role="status" aria-labelledby="reads">${preview(template, this.filled.parameters)}</p>
      </div>
    </div>`;
  }

  /** Bring the caret to the first place, or to the choice where there is none. */
  async focusFirst(): Promise<void> {
    await this.updateComplete;
    (this.find<HTMLElement>(".places input") ?? this.find<HTMLElement>("select"))?.focus();
  }

  private get chosen(): Template {
    return this.templates.find((one) => one.name === this.filled.name) ?? this.templates[0]!;
  }

  private renderPlace(index: number) {
    return html`<label>
      <span class="soft">${t("template.place", { number: index + 1 })}</span>
      <input
        dir="auto"
        maxlength=${MAX_PARAMETER}
        .value=${this.filled.parameters[index] ?? ""}
        @input=${(event: Event) => this.fill(index, (event.target as HTMLInputElement).value)}
      />
    </label>`;
  }

  private choose(name: string): void {
    this.tell("filled", { name, parameters: [] });
  }

  private fill(index: number, value: string): void {
    const parameters = Array.from({ length: this.chosen.parameters }, (_, at) => this.filled.parameters[at] ?? "");
    parameters[index] = value;
    this.tell("filled", { name: this.chosen.name, parameters });
  }

  private readonly pressed = (event: KeyboardEvent): void => {
    if (event.key === "Escape") this.tell("away");
    if (event.key !== "Enter" || event.isComposing || !(event.target instanceof HTMLInputElement)) return;
    event.preventDefault();
    this.tell("send");
  };

  private tell(what: "filled" | "away" | "send", detail?: FilledTemplate): void {
    this.dispatchEvent(new CustomEvent(what, { detail }));
  }
}

customElements.define("tl-template", TemplatePicker);
