import { css, html, nothing } from "lit";
import type { ConversationView } from "../client/frames";
import type { Known } from "../client/state";
import type { Parcel } from "../client/outbox";
import { t } from "../i18n";
import { duration, when, word } from "../i18n/format";
import "./composer";
import type { Composer } from "./composer";
import "./conversation-dialogs";
import type { Asking, ConversationDialogs } from "./conversation-dialogs";
import { DeskElement } from "./element";
import { icon } from "./icons";
import { shared } from "./styles";
import "./thread-view";
import type { ThreadView } from "./thread-view";

/** What stands for a disposition where nobody gave one. */
const NONE_GIVEN = "none given";

/** One customer's thread, what can be done with the conversation, and where one writes. */
export class ConversationPane extends DeskElement {
  protected override ticks = true;

  static override styles = [
    shared,
    css`
      :host {
        display: grid;
        grid-template: auto 1fr auto / minmax(0, 1fr);
        min-block-size: 0;
        min-inline-size: 0;
        background: var(--back);
      }
      header {
        display: flex;
        flex-wrap: wrap;
        align-items: center;
        gap: 0.4rem 0.8rem;
        padding: 0.65rem clamp(0.75rem, 3vw, 2rem);
        border-block-end: 1px solid var(--line);
        background: var(--surface);
      }
      h2 {
        font-size: 1.125rem;
        font-weight: 650;
      }
      .who {
        flex: 1 1 10rem;
        min-inline-size: 0;
      }
      .actions {
        display: flex;
        flex-wrap: wrap;
        gap: 0.35rem;
      }
      .actions button {
        padding-inline: 0.65rem;
        font-size: 0.875rem;
      }
      .narrow {
        display: none;
      }
      @media (max-width: 600px) {
        .actions span {
          position: absolute;
          inline-size: 1px;
          block-size: 1px;
          overflow: hidden;
          clip-path: inset(50%);
        }
      }
      @media (max-width: 900px) {
        .narrow.back {
          display: inline-flex;
        }
      }
      @media (max-width: 1200px) {
        .narrow.details {
          display: inline-flex;
        }
      }
      .typing {
        padding: 0 clamp(0.75rem, 3vw, 2rem) 0.35rem;
        font-size: 0.8125rem;
        color: var(--accent-ink);
      }
      .none {
        grid-row: 1 / -1;
        display: grid;
        place-content: center;
        text-align: center;
        color: var(--soft);
        padding: 2rem;
      }
      .bottom {
        min-inline-size: 0;
      }
    `,
  ];

  override render() {
    const { looked } = this.app;
    if (!looked) return html`<p class="none">${t("list.select")}</p>`;
    const known = this.app.lookedAt;
    const isMine = this.app.state!.isMine(looked.conversation);
    const name = this.nameOf(known);
    const customer = known?.view.customer.id ?? looked.customer;
    return html`<header>
        <button class="plain icon narrow back" @click=${() => this.app.showPane("list")}>
          ${icon("back", true)}<span class="hidden">${t("action.back")}</span>
        </button>
        <div class="who">
          <h2 class="cut" id="conversation" tabindex="-1"><bdi>${name}</bdi></h2>
          <p class="small soft cut">${this.facts(known)}</p>
        </div>
        <div class="actions">
          ${isMine && known ? this.renderActions(known) : this.app.isSupervisor ? this.renderTakeOver(known) : nothing}
          <button class="plain icon narrow details" @click=${() => this.app.showPane("card")}>
            ${icon("card")}<span class="hidden">${t("action.details")}</span>
          </button>
        </div>
      </header>
      <tl-thread
        .app=${this.app}
        .customer=${customer}
        .conversation=${looked.conversation}
        .name=${name}
        .foreign=${!isMine}
        @withdrawn=${(event: CustomEvent<Parcel>) => this.composer?.take(event.detail)}
      ></tl-thread>
      <div class="bottom">
        ${isMine && known ? this.renderTyping(known, name) : nothing}
        <tl-composer
          .app=${this.app}
          .known=${known}
          .conversation=${looked.conversation}
          .name=${name}
          .noteOnly=${!isMine}
          @sent=${() => this.find<ThreadView>("tl-thread")?.showNewest()}
        ></tl-composer>
        ${known ? html`<tl-conversation-dialogs .app=${this.app} .known=${known}></tl-conversation-dialogs>` : nothing}
      </div>`;
  }

  override updated(): void {
    const { composer } = this;
    if (!this.app.wantsCaret || !composer) return;
    this.app.wantsCaret = false;
    void composer.updateComplete.then(() => composer.focusText());
  }

  get composer(): Composer | null {
    return this.find<Composer>("tl-composer");
  }

  private nameOf(known: Known | null): string {
    const customer = known?.view.customer ?? { id: this.app.looked!.customer, name: null };
    return this.app.whoIs(customer, known?.view.via?.split("|")[1]);
  }

  private facts(known: Known | null): string {
    const view = known?.view ?? this.viewOnCard();
    if (!view || (!known && view.state !== "resolved")) return t("team.reading");
    const parts: string[] = [];
    if (view.state === "paused" && view.until) parts.push(`${t("list.paused")}, ${t("list.until", { time: when(view.until, this.app.now) })}`);
    if (view.state === "wrapping") {
      parts.push(t("list.wrapping"));
      if (view.until) parts.push(t("conversation.wrap_left", { time: duration(Date.parse(view.until) - this.app.now) }));
    }
    if (view.state === "resolved") parts.push(outcome(view.disposition));
    parts.push(t("offer.queue", { queue: view.queue }), t("conversation.since", { time: when(view.opened_at, this.app.now) }));
    return parts.join(" · ");
  }

  /** The conversation as the customer's card tells of it, where nothing else does. */
  private viewOnCard(): ConversationView | null {
    const card = this.app.card(this.app.looked!.customer);
    const found = card && card !== "failed" ? card.conversation : null;
    return found?.conversation === this.app.looked!.conversation ? found : null;
  }

  private renderActions(known: Known) {
    const { state } = known.view;
    return html`${state === "active"
        ? html`<button data-do="wrap_up" @click=${() => this.do("conversation.wrap_up", known)}>${icon("done")} <span>${t("conversation.wrap_up")}</span></button>`
        : nothing}
      ${state === "paused" ? nothing : html`<button data-do="pause" @click=${() => this.ask("pause")}>${icon("pause")} <span>${t("conversation.pause")}</span></button>`}
      ${state === "paused" ? nothing : html`<button data-do="transfer" @click=${() => this.ask("transfer")}>${icon("transfer", true)} <span>${t("conversation.transfer")}</span></button>`}
      ${state === "paused" ? nothing : html`<button data-do="close" class=${state === "wrapping" ? "primary" : ""} @click=${() => this.ask("close")}>${icon("close")} <span>${t("conversation.close")}</span></button>`}`;
  }

  private renderTakeOver(known: Known | null) {
    if (known?.view.state === "resolved") return nothing;
    return html`<button class="primary take" @click=${() => this.takeOver()}>${t("conversation.take_over")}</button>`;
  }

  private renderTyping(known: Known, name: string) {
    if (!known.typing || known.typing.until < this.app.now) return nothing;
    const text = known.typing.from === "customer" ? t("thread.typing", { name }) : t("thread.colleague_typing");
    return html`<p class="typing" role="status">${text}</p>`;
  }

  private ask(asking: Asking): void {
    void this.find<ConversationDialogs>("tl-conversation-dialogs")?.ask(asking);
  }

  private do(action: string, known: Known): Promise<boolean> {
    return this.app.attempt(() => this.app.client!.ask(action, { conversation: known.view.conversation }));
  }

  private takeOver(): Promise<boolean> {
    return this.app.takeOver(this.app.looked!.conversation);
  }
}

/** That it is over, and how it ended where somebody has said so. */
function outcome(disposition: string | null): string {
  if (!disposition || disposition === NONE_GIVEN) return t("composer.ended");
  return t("conversation.over", { outcome: word("disposition", disposition) });
}

customElements.define("tl-conversation", ConversationPane);
