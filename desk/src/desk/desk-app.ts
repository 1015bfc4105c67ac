import { html, nothing } from "lit";
import { locale, t } from "../i18n";
import "../ui/conversation-list";
import "../ui/conversation-pane";
import type { ConversationPane } from "../ui/conversation-pane";
import "../ui/customer-card";
import { DeskElement } from "../ui/element";
import { icon } from "../ui/icons";
import "../ui/offers";
import "../ui/presence";
import type { PresencePicker } from "../ui/presence";
import { dialogs, shared } from "../ui/styles";
import { deskStyles } from "./desk-styles";
import "./settings-menu";
import type { SettingsMenu } from "./settings-menu";
import "./team-view";
import { mark } from "./welcome";

const KEYS: [string, Parameters<typeof t>[0]][] = [
  ["Alt + A", "keys.accept"],
  ["Alt + R", "keys.reject"],
  ["Alt + ↑", "keys.previous"],
  ["Alt + ↓", "keys.next"],
  ["Alt + N", "keys.note"],
  ["Alt + T", "keys.answers"],
  ["Enter", "keys.send"],
  ["Shift + Enter", "keys.line"],
  ["Alt + K", "keys.help"],
];

/** The whole page: signing in, or the bar at the top and the panes below it. */
export class DeskApp extends DeskElement {
  static override styles = [shared, dialogs, deskStyles];

  private readonly narrow = matchMedia("(max-width: 900px)");

  override connectedCallback(): void {
    super.connectedCallback();
    window.addEventListener("keydown", this.pressed);
    window.addEventListener("online", this.hurry);
    document.addEventListener("visibilitychange", this.hurry);
    window.addEventListener("pointerdown", this.touched);
    this.narrow.addEventListener("change", this.resized);
  }

  override disconnectedCallback(): void {
    super.disconnectedCallback();
    window.removeEventListener("keydown", this.pressed);
    window.removeEventListener("online", this.hurry);
    document.removeEventListener("visibilitychange", this.hurry);
    window.removeEventListener("pointerdown", this.touched);
    this.narrow.removeEventListener("change", this.resized);
  }

  override render() {
    const { app } = this;
    if (!this.isReady) return html`<tl-welcome .app=${app}>${this.renderBanner()}</tl-welcome>`;
    return html`${this.renderTop()}
      ${app.view === "team"
        ? html`<main class="team"><tl-team .app=${app}></tl-team></main>`
        : html`<main data-pane=${app.looked ? app.pane : "list"}>
            <h1 class="hidden">${t("view.conversations")}</h1>
            <tl-list .app=${app} .withoutOffers=${this.isListAway}></tl-list>
            <tl-conversation .app=${app}></tl-conversation>
            <tl-card .app=${app}></tl-card>
          </main>`}
      ${this.isListAway ? html`<aside class="apart" aria-label=${t("offer.title")}><tl-offers .app=${app}></tl-offers></aside>` : nothing}
      ${this.renderSaid()}
      <dialog id="keys" aria-labelledby="keys-title">
        <h2 id="keys-title">${t("keys.title")}</h2>
        <dl class="keys">
          ${KEYS.map(([keys, key]) => html`<dt><kbd dir="ltr">${keys}</kbd></dt><dd>${t(key)}</dd>`)}
        </dl>
        <form method="dialog"><div class="buttons"><button>${t("action.close")}</button></div></form>
      </dialog>`;
  }

  private renderTop() {
    const { app } = this;
    return html`<header>
      <button class="skip" @click=${this.skip}>${t("app.skip")}</button>
      <div class="top">
      <p class="brand">${mark} <span>${t("app.name")}</span></p>
      ${app.isSupervisor
        ? html`<nav class="views" aria-label=${t("app.name")}>
            ${this.renderView("conversations", "message")} ${this.renderView("team", "team")}
          </nav>`
        : nothing}
      <span class="space"></span>
      ${this.renderMe()}
      <tl-presence .app=${app}></tl-presence>
      <tl-menu .app=${app} .who=${this.who} @keys=${this.showKeys}></tl-menu>
      </div>
      ${this.renderBanner()}
    </header>`;
  }

  /** Who sits here: in words where there is room, else the initials. */
  private renderMe() {
    return html`<p class="me" title=${this.who}>
      <span class="disc" aria-hidden="true">${initials(this.name)}</span>
      <span class="name cut" aria-hidden="true"><bdi>${this.name}</bdi></span>
      <span class="hidden">${this.who}</span>
    </p>`;
  }

  private get name(): string {
    return this.app.state?.me?.name || this.app.me;
  }

  private get who(): string {
    return t(this.app.isSupervisor ? "me.supervisor" : "me.agent", { name: this.name });
  }

  private get isReady(): boolean {
    const { phase, client, state } = this.app;
    return phase === "signed_in" && client?.connection.state !== "refused" && state?.ready === true;
  }

  /** Whether the list, where offers stand, is not to be seen: then they lie over whatever is. */
  private get isListAway(): boolean {
    const { app } = this;
    return app.view === "team" || (this.narrow.matches && app.looked !== null && app.pane !== "list");
  }

  private renderView(view: "conversations" | "team", name: string) {
    const isCurrent = this.app.view === view;
    return html`<button class="plain" aria-current=${isCurrent ? "page" : nothing} aria-label=${t(`view.${view}`)} @click=${() => this.app.show(view)}>
      ${icon(name)} <span>${t(`view.${view}`)}</span>
    </button>`;
  }

  private renderBanner() {
    const connection = this.app.client?.connection;
    if (!connection || connection.isOpen || this.app.client?.lostAt === null) return nothing;
    return html`<p class="banner" role="status">
      <span>${t("connection.lost")}</span>
      <button @click=${() => connection.hurry()}>${t("connection.now")}</button>
    </p>`;
  }

  private renderSaid() {
    const { said } = this.app;
    return html`<div aria-live="polite">
      ${said
        ? html`<p class="said ${said.kind}" role=${said.kind === "error" ? "alert" : "status"}>
            <span>${said.text}</span>
            <button class="plain icon" @click=${() => this.app.unsay()}>${icon("close")}<span class="hidden">${t("action.close")}</span></button>
          </p>`
        : nothing}
    </div>`;
  }

  private readonly showKeys = (): void => {
    const menu = this.find<SettingsMenu>("tl-menu");
    if (menu) menu.open = false;
    this.find<HTMLDialogElement>("#keys")?.showModal();
  };

  private readonly skip = (): void => {
    this.pane?.composer?.focusText();
  };

  private get pane(): ConversationPane | null {
    return this.find<ConversationPane>("tl-conversation");
  }

  /** Keys with Alt, so that none is struck by accident or taken from a screen reader. */
  private readonly pressed = (event: KeyboardEvent): void => {
    if (!event.altKey || event.ctrlKey || event.metaKey || this.app.phase !== "signed_in") return;
    const action = this.actionOf(event.code);
    if (!action) return;
    event.preventDefault();
    action();
  };

  private actionOf(code: string): (() => unknown) | null {
    const { app } = this;
    const offer = app.firstOffer;
    switch (code) {
      case "KeyA":
        return offer && (() => app.accept(offer));
      case "KeyR":
        return offer && (() => app.reject(offer));
      case "ArrowUp":
        return () => app.step(-1);
      case "ArrowDown":
        return () => app.step(1);
      case "KeyN":
        return () => this.pane?.composer?.toggleNote();
      case "KeyT":
        return () => this.pane?.composer?.toggleAnswers();
      case "KeyK":
        return this.showKeys;
      default:
        return null;
    }
  }

  private readonly resized = (): void => this.requestUpdate();

  private readonly hurry = (): void => {
    if (document.visibilityState === "visible") this.app.client?.connection.hurry();
    this.app.changed();
  };

  private readonly touched = (event: Event): void => {
    this.app.ring.prepare();
    const path = event.composedPath();
    for (const panel of this.renderRoot.querySelectorAll<SettingsMenu | PresencePicker>("tl-menu, tl-presence")) {
      if (panel.open && !path.includes(panel)) panel.open = false;
    }
  };
}

/** The first letters of the first and the last word of a name. */
function initials(name: string): string {
  const words = name.trim().split(/\s+/u);
  const chosen = words.length > 1 ? [words[0]!, words.at(-1)!] : words;
  return chosen.map((word) => [...word][0] ?? "").join("").toLocaleUpperCase(locale());
}

customElements.define("tl-desk", DeskApp);
