import { html } from "lit";
import { LANGUAGES, type Language, language, setLanguage, t } from "../i18n";
import type { Settings } from "./settings";

/** The languages to choose from: the page speaks the chosen one at once, and from then on. */
export function renderLanguages(settings: Settings) {
  const choose = (event: Event): void => {
    const chosen = (event.target as HTMLSelectElement).value as Language;
    settings.language = chosen;
    setLanguage(chosen);
  };
  return html`<select aria-label=${t("menu.language")} @change=${choose}>
    ${Object.entries(LANGUAGES).map(([tag, name]) => html`<option value=${tag} lang=${tag} ?selected=${tag === language()}>${name}</option>`)}
  </select>`;
}
