import { css, html, nothing } from "lit";
import { t } from "../i18n";
import { DeskElement } from "./element";
import { icon } from "./icons";
import { shared } from "./styles";

/** What may be added to a reply. Tells `files` of those that were picked, and `answers`, `quick`, `template` when pressed. */
export class ComposerTools extends DeskElement {
  static override properties = {
    ...DeskElement.properties,
    filesOnly: { type: Boolean },
    answersOpen: { type: Boolean },
    quickOpen: { type: Boolean },
    takesTemplates: { type: Boolean },
  };
  declare filesOnly: boolean;
  declare answersOpen: boolean;
  declare quickOpen: boolean;
  declare takesTemplates: boolean;

  static override styles = [
    shared,
    css`
      :host {
        display: contents;
      }
    `,
  ];

  override render() {
    return html`<button class="plain icon" @click=${() => this.find<HTMLInputElement>("input")?.click()} title=${t("composer.attach")}>
        ${icon("clip")}<span class="hidden">${t("composer.attach")}</span>
      </button>
      <input type="file" multiple hidden tabindex="-1" aria-label=${t("composer.attach")} @change=${this.picked} />
      ${this.filesOnly ? nothing : this.renderOthers()}`;
  }

  private renderOthers() {
    return html`<button
        class="plain icon"
        data-do="answers"
        title=${t("composer.answers")}
        aria-keyshortcuts="Alt+T"
        aria-expanded=${this.answersOpen}
        @click=${() => this.tell("answers")}
      >
        ${icon("message")}<span class="hidden">${t("composer.answers")}</span>
      </button>
      <button class="plain icon" data-do="quick" title=${t("quick.title")} aria-expanded=${this.quickOpen} @click=${() => this.tell("quick")}>
        ${icon("quick")}<span class="hidden">${t("quick.title")}</span>
      </button>
      ${this.takesTemplates
        ? html`<button class="plain icon" data-do="template" title=${t("template.use")} @click=${() => this.tell("template")}>
            ${icon("template")}<span class="hidden">${t("template.use")}</span>
          </button>`
        : nothing}`;
  }

  private readonly picked = (event: Event): void => {
    const input = event.target as HTMLInputElement;
    this.tell("files", [...(input.files ?? [])]);
    input.value = "";
  };

  private tell(what: "files" | "answers" | "quick" | "template", detail?: readonly File[]): void {
    this.dispatchEvent(new CustomEvent(what, { detail }));
  }
}

customElements.define("tl-composer-tools", ComposerTools);
