import { css, html, nothing, type PropertyValues } from "lit";
import { repeat } from "lit/directives/repeat.js";
import type { Parcel } from "../client/outbox";
import type { Thread } from "../client/thread";
import { t } from "../i18n";
import { clock } from "../i18n/format";
import { DeskElement } from "./element";
import { reasonText, renderQuickReplies, renderRow, renderText, summary } from "./entry";
import { icon } from "./icons";
import { shared } from "./styles";
import { threadStyles } from "./thread-styles";

/** How many entries are in the page at once, however long the thread is, and by how many that moves. */
const WINDOW = 80;
const STEP = 30;
/** How near the edge of what is in the page one may scroll before it moves. */
const MARGIN = 600;
const NEAR = 80;

/**
 * A thread of any length: only a window of it is in the page, between two spaces as high as what is left out.
 *
 * Its work depends on the window, not on the thread. Whatever changes above it, what one is reading stays where it is.
 */
export class ThreadView extends DeskElement {
  static override properties = {
    ...DeskElement.properties,
    customer: {},
    conversation: {},
    name: {},
    /** Whether the conversation is not ours: then it is named in requests. */
    foreign: { type: Boolean },
    failed: { state: true },
    spoken: { state: true },
  };
  declare customer: string;
  declare conversation: string;
  declare name: string;
  declare foreign: boolean;
  declare failed: boolean;
  declare spoken: string;

  private first = 0;
  private firstId: string | null = null;
  private length = 0;
  private stuck = true;
  private rowHeight = 76;
  private anchor: { id: string; offset: number } | null = null;
  private heardLast: string | null = null;
  private fresh = 0;
  private loading = false;
  /** Where the scroller stood when last looked at: only a person moves it up from there. */
  private lastTop = 0;
  protected override ticks = false;

  static override styles = [shared, threadStyles, css``];

  override willUpdate(changed: PropertyValues<this>): void {
    if (changed.has("customer")) this.begin();
    const { thread } = this;
    this.noticeNew(thread);
    this.length = thread.length;
    if (this.stuck) this.first = Math.max(0, this.length - WINDOW);
    else this.follow(thread);
    this.firstId = thread.at(this.first)?.id ?? null;
  }

  override render() {
    const { thread } = this;
    const last = Math.min(this.length, this.first + WINDOW);
    const rows = thread.slice(this.first, last);
    const around = {
      app: this.app,
      thread,
      name: this.name,
      conversation: this.foreign ? this.conversation : null,
    };
    const before = this.first > 0 ? thread.at(this.first - 1) : undefined;
    return html`<div
        class="scroller"
        tabindex="0"
        role="region"
        aria-label=${t("thread.label", { name: this.name })}
        @scroll=${this.scrolled}
      >
        <div class="content">
        ${this.first === 0 ? this.renderBeginning(thread) : nothing}
        <div class="space" .style=${`height:${this.first * this.rowHeight}px`}></div>
        ${repeat(
          rows,
          (entry) => entry.id,
          (entry, index) => html`<article data-id=${entry.id}>${renderRow(entry, index ? rows[index - 1] : before, around)}</article>`,
        )}
        <div class="space" .style=${`height:${(this.length - last) * this.rowHeight}px`}></div>
        ${this.foreign ? nothing : this.app.client?.outbox.of(this.conversation).map((parcel) => this.renderParcel(parcel))}
        </div>
      </div>
      ${this.stuck ? nothing : this.renderNewest()}
      <p class="hidden" role="status">${this.spoken}</p>`;
  }

  override updated(): void {
    const { scroller } = this;
    if (!scroller) return;
    this.measure();
    if (this.stuck) this.toEnd(scroller);
    else this.restore(scroller);
    if (this.first === 0 && scroller.scrollTop < MARGIN) void this.loadOlder();
  }

  override firstUpdated(): void {
    const sizes = new ResizeObserver(() => {
      const { scroller } = this;
      if (!scroller) return;
      if (this.stuck) return this.toEnd(scroller);
      this.restore(scroller);
      this.scrolled();
    });
    sizes.observe(this);
    sizes.observe(this.find(".content")!); // a picture grows once it is loaded
  }

  private get thread(): Thread {
    return this.app.state!.thread(this.customer);
  }

  private get scroller(): HTMLElement | null {
    return this.find(".scroller");
  }

  private begin(): void {
    this.stuck = true;
    this.anchor = null;
    this.fresh = 0;
    this.lastTop = 0;
    this.failed = false;
    this.spoken = "";
    this.heardLast = this.thread.last?.id ?? null;
  }

  /** Keep the window on the entries it was on, wherever they stand now. */
  private follow(thread: Thread): void {
    const at = this.firstId === null ? -1 : thread.indexOf(this.firstId);
    if (at >= 0) this.first = at;
    this.first = Math.max(0, Math.min(this.first, thread.length - 1));
  }

  private noticeNew(thread: Thread): void {
    const last = thread.last;
    if (!last || last.id === this.heardLast) return;
    const isFirstLook = this.heardLast === null;
    this.heardLast = last.id;
    if (isFirstLook || last.direction !== "inbound") return;
    this.spoken = `${this.name}: ${summary(last)}`;
    if (!this.stuck) this.fresh += 1;
  }

  private readonly scrolled = (): void => {
    const { scroller } = this;
    if (!scroller) return;
    const rest = scroller.scrollHeight - scroller.scrollTop - scroller.clientHeight;
    const wasStuck = this.stuck;
    const isAtEnd = rest < NEAR && this.first + WINDOW >= this.length;
    this.stuck = isAtEnd || (wasStuck && scroller.scrollTop >= this.lastTop - 1);
    this.lastTop = scroller.scrollTop;
    if (this.stuck) this.fresh = 0;
    this.note(scroller);
    if (this.move(scroller) || wasStuck !== this.stuck) this.requestUpdate();
    if (this.first === 0 && scroller.scrollTop < MARGIN) void this.loadOlder();
  };

  /** Move the window if one has scrolled near its edge or past it; returns whether it moved. */
  private move(scroller: HTMLElement): boolean {
    const rows = this.rows;
    const [top, bottom] = [rows[0], rows.at(-1)];
    if (!top || !bottom) return false;
    const view = scroller.getBoundingClientRect();
    const above = view.top - top.getBoundingClientRect().top;
    const below = bottom.getBoundingClientRect().bottom - view.bottom;
    const before = this.first;
    if (above < -view.height || below < -view.height) {
      this.first = Math.floor(scroller.scrollTop / this.rowHeight) - Math.floor(WINDOW / 2);
      this.anchor = null;
    } else if (above < MARGIN) this.first -= STEP;
    else if (below < MARGIN) this.first += STEP;
    this.first = Math.max(0, Math.min(this.first, this.length - WINDOW));
    this.firstId = this.thread.at(this.first)?.id ?? null;
    return this.first !== before;
  }

  /** Remember which entry is the first to be seen, and where. */
  private note(scroller: HTMLElement): void {
    const top = scroller.getBoundingClientRect().top;
    for (const row of this.rows) {
      const box = row.getBoundingClientRect();
      if (box.bottom <= top) continue;
      this.anchor = { id: row.dataset.id!, offset: box.top - top };
      return;
    }
  }

  private restore(scroller: HTMLElement): void {
    if (!this.anchor) return;
    const row = this.rows.find((one) => one.dataset.id === this.anchor!.id);
    if (!row) return;
    const moved = row.getBoundingClientRect().top - scroller.getBoundingClientRect().top - this.anchor.offset;
    if (Math.abs(moved) >= 1) scroller.scrollTop += moved;
    this.lastTop = scroller.scrollTop;
  }

  private measure(): void {
    const rows = this.rows;
    const [top, bottom] = [rows[0], rows.at(-1)];
    if (top && bottom && rows.length >= 10) {
      const height = (bottom.getBoundingClientRect().bottom - top.getBoundingClientRect().top) / rows.length;
      if (Math.abs(height - this.rowHeight) > this.rowHeight / 2) this.rowHeight = Math.max(24, height);
    }
  }

  private get rows(): HTMLElement[] {
    return [...this.renderRoot.querySelectorAll<HTMLElement>("article")];
  }

  private async loadOlder(): Promise<void> {
    if (this.loading || this.failed || this.thread.before === null) return;
    this.loading = true;
    const { scroller } = this;
    if (scroller && !this.stuck) this.note(scroller);
    try {
      await this.app.client!.older(this.customer, this.foreign ? this.conversation : undefined);
    } catch {
      this.failed = true;
    } finally {
      this.loading = false;
      this.requestUpdate();
    }
  }

  private renderBeginning(thread: Thread) {
    if (this.failed) {
      return html`<p class="edge" role="alert">
        ${t("thread.older_failed")}
        <button
          @click=${() => {
            this.failed = false;
            void this.loadOlder();
          }}
        >
          ${t("action.try_again")}
        </button>
      </p>`;
    }
    return html`<p class="edge soft">${thread.before === null ? t("thread.beginning") : t("thread.older")}</p>`;
  }

  private renderNewest() {
    return html`<button class="newest" @click=${this.toNewest}>
      ${icon("down")} ${this.fresh > 0 ? t("thread.new", { count: this.fresh }) : t("thread.newest")}
    </button>`;
  }

  /** Go to the newest message and stay there, whatever comes. */
  showNewest(): void {
    this.stuck = true;
    this.fresh = 0;
    this.anchor = null;
    this.requestUpdate();
  }

  private toEnd(scroller: HTMLElement): void {
    scroller.scrollTop = scroller.scrollHeight;
    this.lastTop = scroller.scrollTop;
  }

  private readonly toNewest = (): void => {
    this.showNewest();
    this.scroller?.focus({ preventScroll: true });
  };

  private renderParcel(parcel: Parcel) {
    const outbox = this.app.client!.outbox;
    const { failed } = parcel;
    return html`<article class="parcel">
      <div class="bubble-row ${parcel.kind === "note" ? "note" : "out"}">
        <div class="bubble" dir="auto">
          ${parcel.names.map((name) => html`<p>${icon("file")} <bdi>${name}</bdi></p>`)}
          ${parcel.text ? html`<p class="text">${renderText(parcel.text)}</p>` : nothing}
          ${renderQuickReplies(parcel.quickReplies ?? [])}
        </div>
        ${failed
          ? html`<div class="foot" role="alert">
              <span class="bad">${t("status.failed")}</span>
              <span class="why">${parcelReason(failed.code, failed.message)}</span>
              <button @click=${() => outbox.again(parcel.key)}>
                ${failed.code === "conflict" && failed.version !== null ? t("parcel.send_anyway") : t("parcel.send_again")}
              </button>
              <button @click=${() => this.withdraw(parcel)}>${t("parcel.withdraw")}</button>
            </div>`
          : html`<p class="foot">
              <time>${parcel.writtenAt ? clock(parcel.writtenAt) : ""}</time>
              <span class="status">${this.app.client!.connection.isOpen ? t("status.sending") : t("status.waiting")}</span>
              ${parcel.attempts === 0
                ? html`<button class="plain small" @click=${() => this.withdraw(parcel)}>${t("parcel.withdraw")}</button>`
                : nothing}
            </p>`}
      </div>
    </article>`;
  }

  private withdraw(parcel: Parcel): void {
    const taken = this.app.client!.outbox.withdraw(parcel.key);
    if (taken) this.dispatchEvent(new CustomEvent("withdrawn", { detail: taken, bubbles: true, composed: true }));
  }
}

function parcelReason(code: string, message: string): string {
  if (code === "invalid_request") return t("reason.invalid_request", { message });
  const known = reasonText(code);
  return known.includes(code) ? t("reason.other", { code }) : known;
}

customElements.define("tl-thread", ThreadView);
