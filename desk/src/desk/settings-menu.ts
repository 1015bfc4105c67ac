import { css, html, nothing } from "lit";
import { t } from "../i18n";
import { DeskElement } from "../ui/element";
import { icon } from "../ui/icons";
import { dialogs, shared } from "../ui/styles";
import { renderLanguages } from "./language-choice";

/** What a person sets for themselves: a button, and a panel below it. Tells `keys` when the list of keys is wanted. */
export class SettingsMenu extends DeskElement {
  static override properties = { ...DeskElement.properties, open: { state: true }, who: {} };
  declare open: boolean;
  /** Who sits here, in words. */
  declare who: string;

  static override styles = [
    shared,
    dialogs,
    css`
      :host {
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
    `,
  ];

  constructor() {
    super();
    this.open = false;
  }

  override render() {
    return html`<button class="plain icon" aria-expanded=${this.open} @click=${() => (this.open = !this.open)} @keydown=${this.pressed}>
        ${icon("menu")}<span class="hidden">${t("menu.label")}</span>
      </button>
      ${this.open ? this.renderPanel() : nothing}`;
  }

  private renderPanel() {
    const { settings } = this.app;
    const denied = typeof Notification !== "undefined" && Notification.permission === "denied";
    return html`<div class="panel" role="group" aria-label=${t("menu.label")} @keydown=${this.pressed}>
      <p class="small soft">${this.who}</p>
      <label class="field"><span>${t("menu.language")}</span>${renderLanguages(settings)}</label>
      <label class="check">
        <input type="checkbox" .checked=${settings.sound} @change=${(event: Event) => (settings.sound = checked(event))} />
        <span>${t("menu.sound")}</span>
      </label>
      <label class="check">
        <input type="checkbox" .checked=${settings.notifications && !denied} ?disabled=${denied} @change=${this.notify} />
        <span>${t("menu.notifications")}${denied ? html`<br /><span class="small soft">${t("menu.notifications_denied")}</span>` : nothing}</span>
      </label>
      <button @click=${() => this.dispatchEvent(new CustomEvent("keys"))}>${icon("keys")} ${t("menu.keys")}</button>
      <button @click=${() => this.app.signOut()}>${t("action.sign_out")}</button>
    </div>`;
  }

  private readonly notify = async (event: Event): Promise<void> => {
    const wanted = checked(event);
    const allowed = wanted && typeof Notification !== "undefined" ? await Notification.requestPermission() : "default";
    this.app.settings.notifications = wanted && allowed === "granted";
    this.requestUpdate();
  };

  private readonly pressed = (event: KeyboardEvent): void => {
    if (event.key !== "Escape") return;
    this.open = false;
    this.find<HTMLButtonElement>("button")?.focus();
  };
}

function checked(event: Event): boolean {
  return (event.target as HTMLInputElement).checked;
}

customElements.define("tl-menu", SettingsMenu);
