import { css, html, nothing } from "lit";
import type { Attachment } from "../client/frames";
import { t, tIfKnown } from "../i18n";
import { size } from "../i18n/format";
import { DeskElement } from "./element";
import { icon } from "./icons";
import { shared } from "./styles";

const LINK_MS = 4 * 60_000;
const PICTURES = new Set(["image", "sticker"]);
const SHOWN = /^image\/(png|jpeg|gif|webp|avif)$/;
const PLAYED = /^(audio|video)\//;

/** One file of a message. A picture is shown, sound and video on demand, anything else is downloaded; all by a short link. */
export class AttachmentView extends DeskElement {
  static override properties = {
    ...DeskElement.properties,
    file: { attribute: false },
    conversation: {},
    link: { state: true },
    failed: { state: true },
    unplayable: { state: true },
  };
  declare file: Attachment;
  declare conversation: string | null;
  declare link: string | null;
  declare failed: boolean;
  /** The browser has no means for it, or it is not what it says it is. */
  declare unplayable: boolean;
  private linkedAt = 0;

  static override styles = [
    shared,
    css`
      :host {
        display: block;
        max-inline-size: 20rem;
      }
      img,
      video {
        display: block;
        max-inline-size: 100%;
        max-block-size: 16rem;
        min-block-size: 3rem;
        border-radius: 10px;
        background: var(--hover);
        object-fit: contain;
      }
      audio {
        display: block;
        inline-size: 17rem;
        max-inline-size: 100%;
      }
      .file {
        display: flex;
        align-items: center;
        gap: 0.6rem;
        padding: 0.4rem 0.6rem;
        border: 1px solid var(--line);
        border-radius: 10px;
        background: var(--surface);
      }
      .file > span {
        flex: 1;
        min-inline-size: 0;
        display: grid;
      }
      button.picture {
        padding: 0;
        border: 0;
        background: none;
        display: block;
      }
    `,
  ];

  override connectedCallback(): void {
    super.connectedCallback();
    if (this.isPicture && this.file.ready) void this.load();
  }

  override updated(changed: Map<string, unknown>): void {
    const before = changed.get("file") as Attachment | undefined;
    if (before && !before.ready && this.file.ready && this.isPicture) void this.load();
  }

  override render() {
    const { file } = this;
    const kind = tIfKnown(`attachment.${file.kind}`) ?? t("attachment.document");
    const dir = document.documentElement.dir; // our words, within a bubble that follows the customer's
    const name = file.kind === "voice" ? kind : (file.name ?? kind);
    if (!file.ready || file.failed) {
      const why = file.failed ? t("attachment.failed", { reason: file.failed }) : t("attachment.coming");
      return html`<p class="small soft" dir=${dir}>${icon("file")} ${file.name ? html`<bdi>${file.name}</bdi> · ` : nothing}${why}</p>`;
    }
    if (this.failed) {
      return html`<p class="small soft" dir=${dir}>${t("attachment.unreachable")}</p>
        <button @click=${() => this.load()}>${t("action.try_again")}</button>`;
    }
    if (this.isPicture) {
      if (!this.link) return html`<p class="small soft" dir=${dir} aria-busy="true">${kind}…</p>`;
      return html`<button class="picture" @click=${() => this.download()} aria-label="${t("attachment.download")}: ${name}">
        <img src=${this.link} alt=${name} @error=${() => (this.failed = true)} />
      </button>`;
    }
    const plays = !this.unplayable && PLAYED.test(file.content_type ?? "");
    if (this.link && plays) {
      const broken = () => (this.unplayable = true);
      return (file.content_type ?? "").startsWith("video")
        ? html`<video controls src=${this.link} aria-label=${name} @error=${broken}></video>`
        : html`<audio controls src=${this.link} aria-label=${name} @error=${broken}></audio>`;
    }
    return html`${this.unplayable ? html`<p class="small soft" dir=${dir} role="status">${t("attachment.unplayable")}</p>` : nothing}
      <div class="file" dir=${dir}>
      ${icon("file")}
      <span>
        <bdi class="cut">${name}</bdi>
        <span class="small soft">${[...(name === kind ? [] : [kind]), ...(file.size_bytes ? [size(file.size_bytes)] : [])].join(" · ")}</span>
      </span>
      <button @click=${() => (plays ? this.load() : this.download())}>
        ${plays ? t("attachment.show") : t("attachment.download")}<span class="hidden">: ${name}</span></button>
    </div>`;
  }

  private get isPicture(): boolean {
    return PICTURES.has(this.file.kind) && SHOWN.test(this.file.content_type ?? "image/png");
  }

  private async load(): Promise<void> {
    if (this.link && Date.now() - this.linkedAt < LINK_MS) return;
    this.failed = false;
    try {
      this.link = await this.app.client!.rest.attachment(this.file.id, this.conversation);
      this.linkedAt = Date.now();
    } catch {
      this.failed = true;
    }
  }

  private async download(): Promise<void> {
    await this.load();
    if (!this.link) return;
    const anchor = document.createElement("a");
    anchor.href = this.link;
    anchor.rel = "noopener noreferrer";
    anchor.target = "_blank";
    anchor.click();
  }
}

customElements.define("tl-attachment", AttachmentView);
