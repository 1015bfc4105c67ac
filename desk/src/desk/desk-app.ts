import { css, html, nothing } from "lit";
import { LANGUAGES, type Language, language, locale, setLanguage, t } from "../i18n";
import "../ui/conversation-list";
import "../ui/conversation-pane";
import type { ConversationPane } from "../ui/conversation-pane";
import "../ui/customer-card";
import { DeskElement } from "../ui/element";
import { icon } from "../ui/icons";
import "../ui/offers";
import "../ui/presence";
import { dialogs, shared } from "../ui/styles";
import "./team-view";

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
  static override properties = { ...DeskElement.properties, menuOpen: { state: true } };
  declare menuOpen: boolean;

  static override styles = [
    shared,
    dialogs,
    css`
      :host {
        display: grid;
        grid-template: auto minmax(0, 1fr) / minmax(0, 1fr);
        block-size: 100dvh;
        min-block-size: 0;
      }
      .top {
        display: flex;
        align-items: center;
        gap: 0.5rem 0.9rem;
        padding: 0.5rem 1rem;
        border-block-end: 1px solid var(--line);
        background: var(--surface);
        position: relative;
        z-index: 10;
      }
      .brand {
        display: flex;
        align-items: center;
        gap: 0.5rem;
        font-size: 1rem;
        font-weight: 700;
        letter-spacing: -0.01em;
      }
      .brand svg {
        inline-size: 1.6rem;
        block-size: 1.6rem;
      }
      .me {
        display: flex;
        align-items: center;
        gap: 0.45rem;
        min-inline-size: 0;
        max-inline-size: 14rem;
        font-size: 0.875rem;
      }
      .me .disc {
        inline-size: 2rem;
        block-size: 2rem;
        font-size: 0.75rem;
        font-weight: 650;
      }
      .views {
        display: flex;
        gap: 0.25rem;
      }
      .views button[aria-current="page"] {
        background: var(--accent-soft);
        color: var(--accent-ink);
        font-weight: 600;
      }
      .space {
        flex: 1;
      }
      .banner {
        display: flex;
        flex-wrap: wrap;
        gap: 0.4rem 1rem;
        align-items: center;
        justify-content: center;
        padding: 0.3rem 1rem;
        font-size: 0.875rem;
        background: var(--note);
        color: var(--note-ink);
        border-block-end: 1px solid var(--note-line);
      }
      .banner button {
        min-block-size: 1.75rem;
        padding: 0.05rem 0.7rem;
      }
      main {
        display: grid;
        grid-template-columns: minmax(17rem, 21rem) minmax(0, 1fr) minmax(16rem, 20rem);
        min-block-size: 0;
      }
      main.team {
        grid-template-columns: 1fr;
      }
      tl-list {
        border-inline-end: 1px solid var(--line);
        min-block-size: 0;
      }
      @media (min-width: 1800px) {
        main {
          grid-template-columns: 26rem minmax(0, 1fr) 26rem;
        }
      }
      @media (max-width: 1200px) {
        main {
          grid-template-columns: minmax(16rem, 19rem) minmax(0, 1fr);
        }
        main:not([data-pane="card"]) tl-card {
          display: none;
        }
        main[data-pane="card"] tl-conversation {
          display: none;
        }
      }
      @media (max-width: 900px) {
        main {
          grid-template-columns: minmax(0, 1fr);
        }
        main:not([data-pane="list"]) tl-list,
        main:not([data-pane="thread"]) tl-conversation,
        main:not([data-pane="card"]) tl-card {
          display: none;
        }
        .brand span,
        .me .name,
        .views span {
          display: none;
        }
        .top {
          padding-inline: 0.6rem;
          column-gap: 0.45rem;
        }
        .views button {
          inline-size: 2.25rem;
          padding: 0;
        }
        .me {
          flex: none;
        }
        tl-presence {
          min-inline-size: 0;
        }
        tl-list,
        tl-card {
          border: 0;
        }
      }
      .menu {
        position: relative;
      }
      .panel {
        inline-size: 18rem;
        padding: 0.9rem;
        gap: 0.7rem;
      }
      .check {
        display: flex;
        gap: 0.55rem;
        align-items: flex-start;
      }
      .check input {
        margin-block-start: 0.2rem;
        flex: none;
      }
      .apart {
        position: fixed;
        inset-block-start: 4.25rem;
        inset-inline-end: 0.75rem;
        inline-size: min(22rem, calc(100vw - 1.5rem));
        max-block-size: calc(100dvh - 5rem);
        overflow-y: auto;
        border-radius: 14px;
        box-shadow: var(--shadow-strong);
        z-index: 8;
      }
      .said {
        position: fixed;
        inset-block-end: 1.25rem;
        inset-inline: 0;
        margin-inline: auto;
        inline-size: fit-content;
        max-inline-size: min(34rem, calc(100vw - 2rem));
        display: flex;
        align-items: center;
        gap: 0.75rem;
        padding: 0.6rem 0.6rem 0.6rem 1.1rem;
        border-radius: 12px;
        border: 1px solid var(--line-strong);
        background: var(--surface);
        box-shadow: var(--shadow-strong);
        z-index: 50;
      }
      .said.error {
        border-color: var(--bad-ink);
      }
      .welcome {
        grid-row: 1 / -1;
        display: grid;
        place-content: center;
        justify-items: center;
        gap: 1.1rem;
        padding: 2rem 1rem;
        text-align: center;
        overflow: auto;
      }
      .welcome svg {
        inline-size: 4rem;
        block-size: 4rem;
      }
      .welcome h1 {
        font-size: 1.6rem;
        font-weight: 700;
        letter-spacing: -0.02em;
      }
      .welcome p {
        max-inline-size: 30rem;
      }
      .welcome .primary {
        min-inline-size: 12rem;
        min-block-size: 2.75rem;
      }
      .welcome select {
        inline-size: auto;
      }
      .why {
        padding: 0.7rem 1rem;
        border: 1px solid var(--note-line);
        border-radius: 12px;
        background: var(--note);
        color: var(--note-ink);
      }
      .skip {
        position: absolute;
        inset-block-start: -4rem;
        inset-inline-start: 1rem;
        z-index: 60;
      }
      .skip:focus {
        inset-block-start: 0.5rem;
      }
      dl.keys {
        display: grid;
        grid-template-columns: auto 1fr;
        gap: 0.5rem 1rem;
        margin-block: 0.75rem 1rem;
      }
      kbd {
        font: inherit;
        font-size: 0.875rem;
        padding: 0.1rem 0.5rem;
        border: 1px solid var(--line-strong);
        border-radius: 6px;
        background: var(--back);
      }
    `,
  ];

  private readonly narrow = matchMedia("(max-width: 900px)");

  constructor() {
    super();
    this.menuOpen = false;
  }

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
    if (app.phase === "signed_out") return this.renderSignIn();
    if (app.client?.connection.state === "refused") return this.renderRefused();
    if (app.phase === "starting" || !app.state?.ready) return this.renderWelcome(html`<p role="status">${t("connection.connecting")}</p>${this.renderBanner()}`);
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
      <div class="menu" @keydown=${(event: KeyboardEvent) => event.key === "Escape" && this.closeMenu()}>
        <button class="plain icon" aria-expanded=${this.menuOpen} @click=${() => (this.menuOpen = !this.menuOpen)}>
          ${icon("menu")}<span class="hidden">${t("menu.label")}</span>
        </button>
        ${this.menuOpen ? this.renderMenu() : nothing}
      </div>
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

  private renderMenu() {
    const { settings } = this.app;
    const denied = typeof Notification !== "undefined" && Notification.permission === "denied";
    return html`<div class="panel" role="group" aria-label=${t("menu.label")}>
      <p class="small soft">${this.who}</p>
      <label class="field"><span>${t("menu.language")}</span>${this.renderLanguages()}</label>
      <label class="check">
        <input type="checkbox" .checked=${settings.sound} @change=${(event: Event) => (settings.sound = checked(event))} />
        <span>${t("menu.sound")}</span>
      </label>
      <label class="check">
        <input type="checkbox" .checked=${settings.notifications && !denied} ?disabled=${denied} @change=${this.notify} />
        <span>${t("menu.notifications")}${denied ? html`<br /><span class="small soft">${t("menu.notifications_denied")}</span>` : nothing}</span>
      </label>
      <button @click=${this.showKeys}>${icon("keys")} ${t("menu.keys")}</button>
      <button @click=${() => this.app.signOut()}>${t("action.sign_out")}</button>
    </div>`;
  }

  private renderLanguages() {
    return html`<select aria-label=${t("menu.language")} @change=${this.choose}>
      ${Object.entries(LANGUAGES).map(
        ([tag, name]) => html`<option value=${tag} lang=${tag} ?selected=${tag === language()}>${name}</option>`,
      )}
    </select>`;
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

  private renderWelcome(inside: unknown) {
    return html`<main class="welcome">${mark}<h1>${t("app.name")}</h1>${inside}</main>`;
  }

  private renderSignIn() {
    const { why } = this.app;
    return this.renderWelcome(html`<p class="soft">${t("sign_in.lead")}</p>
      ${why ? html`<p class="why" role="alert">${t(why.key, why.values)}</p>` : nothing}
      <button class="primary" @click=${() => this.app.signIn()}>${t("sign_in.button")}</button>
      <label class="small soft">${t("menu.language")} ${this.renderLanguages()}</label>`);
  }

  private renderRefused() {
    return this.renderWelcome(html`<p class="why" role="alert">
        <strong>${t("refused.title")}</strong><br />${t("refused.text", { name: this.app.me })}
      </p>
      <button class="primary" @click=${() => this.app.client?.connection.hurry()}>${t("action.try_again")}</button>
      <button @click=${() => this.app.signOut()}>${t("action.sign_out")}</button>`);
  }

  private closeMenu(): void {
    this.menuOpen = false;
    this.find<HTMLButtonElement>(".menu button")?.focus();
  }

  private readonly choose = (event: Event): void => {
    const chosen = (event.target as HTMLSelectElement).value as Language;
    this.app.settings.language = chosen;
    setLanguage(chosen);
  };

  private readonly notify = async (event: Event): Promise<void> => {
    const wanted = checked(event);
    const allowed = wanted && typeof Notification !== "undefined" ? await Notification.requestPermission() : "default";
    this.app.settings.notifications = wanted && allowed === "granted";
    this.requestUpdate();
  };

  private readonly showKeys = (): void => {
    this.menuOpen = false;
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
    const menu = this.find(".menu");
    if (this.menuOpen && menu && !path.includes(menu)) this.menuOpen = false;
    const presence = this.find("tl-presence") as (Element & { open: boolean }) | null;
    if (presence?.open && !path.includes(presence)) presence.open = false;
  };
}

/** The first letters of the first and the last word of a name. */
function initials(name: string): string {
  const words = name.trim().split(/\s+/u);
  const chosen = words.length > 1 ? [words[0]!, words.at(-1)!] : words;
  return chosen.map((word) => [...word][0] ?? "").join("").toLocaleUpperCase(locale());
}

const mark = html`<svg viewBox="0 0 32 32" aria-hidden="true">
  <rect width="32" height="32" rx="9" fill="var(--accent)"></rect>
  <path
    d="M6 16h6c3 0 3-6 6-6s3 12 6 12"
    fill="none"
    stroke="var(--on-accent)"
    stroke-width="3"
    stroke-linecap="round"
    stroke-linejoin="round"
  ></path>
</svg>`;

function checked(event: Event): boolean {
  return (event.target as HTMLInputElement).checked;
}

customElements.define("tl-desk", DeskApp);
