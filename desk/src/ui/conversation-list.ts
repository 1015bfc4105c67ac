import { css, html, nothing } from "lit";
import { repeat } from "lit/directives/repeat.js";
import { ourEnd } from "../client/accounts";
import { isEmpty } from "../client/prepared";
import type { Known } from "../client/state";
import { t } from "../i18n";
import { channelName, duration, when } from "../i18n/format";
import { DeskElement } from "./element";
import { summary } from "./entry";
import { channelIcon } from "./icons";
import "./offers";
import { shared } from "./styles";

const LONG_MS = 3 * 60_000;

/** What is offered, and what this agent has: who waits for an answer, how long, what is unread. */
export class ConversationList extends DeskElement {
  static override properties = { ...DeskElement.properties, withoutOffers: { type: Boolean } };
  /** Whether they are shown elsewhere, because the list is not to be seen. */
  declare withoutOffers: boolean;
  protected override ticks = true;

  static override styles = [
    shared,
    css`
      :host {
        display: block;
        overflow-y: auto;
        padding: 0.75rem;
      }
      .some + nav {
        margin-block-start: 0.9rem;
      }
      h2 {
        font-size: 0.75rem;
        font-weight: 650;
        letter-spacing: 0.02em;
        color: var(--soft);
        padding: 0.4rem 0.6rem;
      }
      li button {
        display: grid;
        grid-template-columns: auto 1fr auto;
        gap: 0.15rem 0.65rem;
        inline-size: 100%;
        text-align: start;
        padding: 0.6rem;
        border: 1px solid transparent;
        border-radius: 12px;
        background: none;
        align-items: center;
        justify-content: stretch;
      }
      li button[aria-current="true"] {
        background: var(--surface);
        border-color: var(--line);
        box-shadow: var(--shadow);
      }
      .disc {
        grid-row: span 2;
      }
      .name {
        font-weight: 600;
      }
      .account {
        font-size: 0.75rem;
        font-weight: 500;
        color: var(--soft);
      }
      .unread .name,
      .unread .last {
        font-weight: 700;
        color: var(--ink);
      }
      .time {
        font-size: 0.75rem;
        color: var(--soft);
        white-space: nowrap;
      }
      .time.long {
        color: var(--warn-ink);
        font-weight: 650;
      }
      .last {
        font-size: 0.8125rem;
        color: var(--soft);
      }
      .last em {
        color: var(--accent-ink);
        font-style: normal;
        font-weight: 600;
      }
      .badge {
        justify-self: end;
        min-inline-size: 1.35rem;
        padding: 0 0.4rem;
        border-radius: 99px;
        background: var(--accent);
        color: var(--on-accent);
        font-size: 0.75rem;
        font-weight: 700;
        text-align: center;
        line-height: 1.35rem;
      }
      .empty {
        display: grid;
        gap: 0.3rem;
        padding: 2.5rem 1rem;
        text-align: center;
        color: var(--soft);
      }
    `,
  ];

  override render() {
    const { state } = this.app;
    if (!state) return nothing;
    const { offers } = this.app;
    const offered = new Set(offers.map((offer) => offer.conversation)); // what was set aside comes back as an offer
    const mine = state.mine().filter((one) => !offered.has(one.view.conversation));
    const [here, aside] = [mine.filter((one) => one.view.state !== "paused"), mine.filter((one) => one.view.state === "paused")];
    return html`${this.withoutOffers ? nothing : html`<tl-offers class=${offers.length ? "some" : ""} .app=${this.app}></tl-offers>`}
      ${here.length ? this.renderGroup(t("list.label"), here) : nothing}
      ${aside.length ? this.renderGroup(t("list.paused"), aside) : nothing}
      ${mine.length + offers.length === 0 ? this.renderEmpty() : nothing}`;
  }

  private renderGroup(title: string, conversations: readonly Known[]) {
    return html`<nav aria-label=${title}>
      <h2>${title}</h2>
      <ul>
        ${repeat(
          conversations,
          (known) => known.view.conversation,
          (known) => html`<li>${this.renderOne(known)}</li>`,
        )}
      </ul>
    </nav>`;
  }

  private renderOne(known: Known) {
    const { view } = known;
    const { state, now } = this.app;
    const unread = state!.unread(known);
    const end = ourEnd(state!.thread(view.customer.id).lastSaid?.via ?? view.via);
    const account = this.app.accountOf(end);
    const isLooked = this.app.looked?.conversation === view.conversation && this.app.view === "conversations";
    return html`<button
      class=${unread ? "unread" : ""}
      aria-current=${isLooked ? "true" : "false"}
      @click=${() => this.app.look(view.conversation, view.customer.id)}
    >
      <span class="disc" title=${this.app.nameOfEnd(end)}>${channelIcon(end.channel)}<span class="hidden">${channelName(end.channel)}</span></span>
      <span class="name cut"><bdi>${this.app.whoIs(view.customer, view.via?.split("|")[1])}</bdi>${account ? html` <bdi class="account">${account}</bdi>` : nothing}</span>
      ${this.renderTime(known, now)}
      <span class="last cut">${this.renderLast(known, now)}</span>
      ${unread ? html`<span class="badge"><span aria-hidden="true">${unread}</span><span class="hidden">${t("list.unread", { count: unread })}</span></span>` : html`<span></span>`}
    </button>`;
  }

  private renderTime(known: Known, now: number) {
    if (known.view.state === "paused" && known.view.until) {
      return html`<span class="time">${t("list.until", { time: when(known.view.until, now) })}</span>`;
    }
    const since = this.app.state!.waitingSince(known);
    if (since === null) return html`<span class="time">${t("list.answered")}</span>`;
    const waited_ms = now - Date.parse(since);
    const time = duration(waited_ms);
    return html`<span class="time ${waited_ms > LONG_MS ? "long" : ""}" title=${t("list.waiting", { time })}>
      <span aria-hidden="true">${time}</span><span class="hidden">${t("list.waiting", { time })}</span>
    </span>`;
  }

  private renderLast(known: Known, now: number) {
    const { view } = known;
    if (known.typing && known.typing.until > now && known.typing.from === "customer") return html`<em>${t("list.typing")}</em>`;
    if (this.app.client!.outbox.of(view.conversation).some((one) => one.failed)) return html`<em>${t("list.unsent")}</em>`;
    if (view.state === "wrapping") return html`<em>${t("list.wrapping")}</em>`;
    const draft = this.app.looked?.conversation === view.conversation ? null : this.app.draft(view.conversation);
    if (draft && !isEmpty(draft)) {
      const begun = draft.text || draft.quick?.map((row) => row.text).join(", ") || draft.template?.name.replaceAll("_", " ");
      return html`<em>${t("list.draft")}:</em> <bdi>${begun}</bdi>`;
    }
    const last = this.app.state!.thread(view.customer.id).last;
    if (last?.kind === "note") return html`<span>${t("composer.note")}:</span> <bdi>${summary(last)}</bdi>`;
    return last ? html`<bdi>${summary(last)}</bdi>` : nothing;
  }

  private renderEmpty() {
    const available = this.app.state?.agent?.presence === "available";
    return html`<p class="empty">
      <strong>${t("list.empty")}</strong>
      <span>${available ? t("list.empty_available") : t("list.empty_not_ready")}</span>
    </p>`;
  }
}

customElements.define("tl-list", ConversationList);
