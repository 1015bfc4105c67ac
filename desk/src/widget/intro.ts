/** The form before the first message: what the account asks for, and, where nobody is there, the message itself. */

import { html, nothing, type TemplateResult } from "lit";
import type { VisitorTold, WebChat } from "../client/api";
import type { Words } from "./texts";

export interface Introduction {
  told: VisitorTold;
  /** What was written with it, where nobody is there. */
  message: string;
}

type Common = "name" | "email" | "phone" | "language";
const COMMON: readonly string[] = ["name", "email", "phone", "language"] satisfies Common[];
const TYPES: Record<string, string> = { email: "email", phone: "tel" };
const AUTOCOMPLETE: Record<string, string> = { name: "name", email: "email", phone: "tel" };

/** `refused`: what was filled in and not taken, to be mended. */
export function renderIntroduction(
  chat: WebChat,
  words: Words,
  refused: VisitorTold | null,
  wantsMessage: boolean,
  client: { draft: string },
  taken: (introduction: Introduction) => void,
): TemplateResult {
  const submit = (event: SubmitEvent) => {
    event.preventDefault();
    taken(introductionOf(new FormData(event.currentTarget as HTMLFormElement), words.language));
  };
  return html`<form class="intro" @submit=${submit}>
    <p>${words.say(chat.open ? "intro" : "closed")}</p>
    ${refused ? html`<p class="bad" role="alert">${words.say("not_taken")}</p>` : nothing}
    ${chat.pre_chat.map(({ field, required }) => renderField(field, required, chat, words, refused))}
    ${chat.open || !wantsMessage ? nothing : renderMessage(words, client)}
    <button class="main">${words.say(chat.open ? "begin" : "leave")}</button>
  </form>`;
}

function renderField(field: string, required: boolean, chat: WebChat, words: Words, refused: VisitorTold | null): TemplateResult {
  const id = `field-${field}`;
  const hint = field === "phone" ? html`<p class="hint" id="hint-phone">${words.say("phone_hint")}</p>` : nothing;
  return html`<div>
    <label for=${id}>${words.field(field)} ${required ? nothing : html`<span>(${words.say("optional")})</span>`}</label>
    ${field === "language"
      ? html`<select id=${id} name=${field}>
          ${chat.languages.map((tag) => html`<option value=${tag} ?selected=${tag === words.language}>${words.languageName(tag)}</option>`)}
        </select>`
      : html`<input
          id=${id}
          name=${field}
          type=${TYPES[field] ?? "text"}
          maxlength="200"
          dir=${field in TYPES ? "ltr" : "auto"}
          .value=${refused?.[field as Common] ?? refused?.fields?.[field] ?? ""}
          autocomplete=${AUTOCOMPLETE[field] ?? "off"}
          aria-describedby=${field === "phone" ? "hint-phone" : nothing}
          ?required=${required}
        />`}
    ${hint}
  </div>`;
}

function renderMessage(words: Words, client: { draft: string }): TemplateResult {
  const typed = (event: Event) => (client.draft = (event.target as HTMLTextAreaElement).value);
  return html`<div>
    <label for="message">${words.say("field.message")}</label>
    <textarea
      id="message"
      name="message:"
      rows="4"
      maxlength="16000"
      dir="auto"
      placeholder=" "
      required
      .value=${client.draft}
      @input=${typed}
    ></textarea>
  </div>`;
}

/** What was filled in; the language of the page stands for one that was not asked. */
export function introductionOf(form: FormData, language: string): Introduction {
  const told: VisitorTold = { language };
  const fields: Record<string, string> = {};
  for (const [name, value] of form) {
    const text = String(value).trim();
    if (!text || name === "message:") continue;
    if (COMMON.includes(name)) told[name as Common] = text;
    else fields[name] = text;
  }
  if (Object.keys(fields).length > 0) told.fields = fields;
  return { told, message: String(form.get("message:") ?? "").trim() };
}
