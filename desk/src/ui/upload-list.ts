import { css, html, nothing } from "lit";
import type { Upload } from "../client/uploads";
import { t } from "../i18n";
import { DeskElement } from "./element";
import { icon } from "./icons";
import { shared } from "./styles";

const PROBLEMS = { too_large: "composer.upload_too_large", failed: "composer.upload_failed" } as const;

/** The files that go with a reply, and how far each has come. Tells `dropped` of one that is taken out. */
export class UploadList extends DeskElement {
  static override properties = { ...DeskElement.properties, uploads: { attribute: false } };
  declare uploads: readonly Upload[];

  static override styles = [
    shared,
    css`
      :host {
        display: block;
      }
      .files {
        display: flex;
        flex-wrap: wrap;
        gap: 0.35rem;
        padding: 0.25rem 0.35rem;
      }
      li {
        display: flex;
        align-items: center;
        gap: 0.35rem;
        max-inline-size: 100%;
        border: 1px solid var(--line);
        border-radius: 8px;
        background: var(--surface);
        padding-inline-start: 0.5rem;
        font-size: 0.8125rem;
      }
      .bad {
        color: var(--bad-ink);
      }
    `,
  ];

  override render() {
    return html`<ul class="files">
      ${this.uploads.map(
        (upload) => html`<li>
          ${icon("file")}
          <bdi class="cut">${upload.file.name}</bdi>
          ${this.renderState(upload)}
          <button class="plain icon" @click=${() => this.drop(upload)}>
            ${icon("close")}<span class="hidden">${t("composer.remove", { name: upload.file.name })}</span>
          </button>
        </li>`,
      )}
    </ul>`;
  }

  private renderState({ file, id, problem }: Upload) {
    if (problem) return html`<span class="bad" role="alert">${t(PROBLEMS[problem], { name: file.name })}</span>`;
    return id ? nothing : html`<span class="soft">${t("composer.uploading")}</span>`;
  }

  private drop(upload: Upload): void {
    this.dispatchEvent(new CustomEvent("dropped", { detail: upload }));
  }
}

customElements.define("tl-uploads", UploadList);
