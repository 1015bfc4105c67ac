/** How what was said looks. Whatever anybody wrote is put into the page as text, never as markup. */

import { html, nothing, svg, type TemplateResult } from "lit";
import type { Entry } from "../client/frames";
import { pieces, safeAddress } from "../client/links";
import type { Words } from "./texts";
import type { Pending } from "./visitor";

export interface Acts {
  open(attachment: string): void;
  say(text: string): void;
  again(key: string): void;
  discard(key: string): void;
}

const PATHS = {
  chat: svg`<path d="M4 5h16v11H10l-5 4v-4H4z"/>`,
  close: svg`<path d="M6 6l12 12M18 6 6 18"/>`,
  clip: svg`<path d="M20 11.5 11.5 20a5 5 0 0 1-7-7L13 4.500a3.500 3.500 0 0 1 5 5L9.500 18a2 2 0 0 1-3-3L14 7.500"/>`,
  send: svg`<path d="M4 12 20 4l-4 16-4.500-6.500zM11.500 13.500 20 4"/>`,
};

export function icon(name: keyof typeof PATHS): TemplateResult {
  return html`<svg class=${name === "send" ? "turns" : ""} viewBox="0 0 24 24" aria-hidden="true">${PATHS[name]}</svg>`;
}

export function renderText(text: string): TemplateResult[] {
  return pieces(text).map(({ text: words, href }) =>
    href === null
      ? html`${words}`
      : html`<a href=${href} target="_blank" rel="noopener noreferrer nofollow">${words}</a>`,
  );
}

/** One entry, with the day before it where it is another one. */
export function renderEntry(
  entry: Entry,
  previous: Entry | undefined,
  isLast: boolean,
  readUntil: string,
  words: Words,
  acts: Acts,
): TemplateResult | typeof nothing {
  if (entry.kind !== "message" && entry.kind !== "postback") return nothing;
  const isOwn = entry.direction === "inbound";
  const day = words.day(entry.sent_at);
  const begins = previous === undefined || words.day(previous.sent_at) !== day;
  const author = isOwn ? words.say("you") : entry.author || words.say("us");
  const isJoined = !begins && previous.direction === entry.direction && previous.author === entry.author;
  return html`${begins ? html`<h3 class="day">${day}</h3>` : nothing}
    <div class="row ${isOwn ? "own" : ""}" data-entry=${entry.id}>
      <p class="author ${isOwn || isJoined ? "hidden" : ""}"><bdi>${author}</bdi></p>
      ${renderContent(entry, words, acts)} ${renderReactions(entry)} ${renderChoices(entry, isLast, acts)}
      <p class="foot">
        <time datetime=${entry.sent_at}>${words.clock(entry.sent_at)}</time>
        ${entry.edited_at ? html`<span>${words.say("edited")}</span>` : nothing}
        ${isOwn ? html`<span>${words.say(entry.sent_at <= readUntil ? "seen" : "sent")}</span>` : nothing}
      </p>
    </div>`;
}

function renderContent(entry: Entry, words: Words, acts: Acts): TemplateResult {
  if (entry.deleted) return html`<div class="bubble gone">${words.say("deleted")}</div>`;
  const files = (entry.attachments ?? []).map(
    (file) =>
      html`<button type="button" ?disabled=${!file.ready} @click=${() => acts.open(file.id)}>
        <bdi>${file.name || words.say("file")}</bdi>
      </button>`,
  );
  const { location } = entry;
  const place = location ? [location.name, location.address, `${location.latitude}, ${location.longitude}`] : [];
  const text = entry.text ?? (place.filter(Boolean).join("\n") || (location ? words.say("place") : ""));
  return html`<div class="bubble" dir="auto">${renderText(text)}${files}</div>`;
}

function renderReactions(entry: Entry): TemplateResult | typeof nothing {
  if (!entry.reactions?.length) return nothing;
  return html`<p class="foot">${entry.reactions.map((one) => one.emoji).join(" ")}</p>`;
}

/** Links are for good; answers as long as nothing came after them. */
function renderChoices(entry: Entry, isLast: boolean, acts: Acts): TemplateResult | typeof nothing {
  const shown = (entry.quick_replies ?? []).map((choice) => {
    const href = choice.kind === "link" && choice.url ? safeAddress(choice.url) : null;
    if (href !== null) {
      return html`<a href=${href} target="_blank" rel="noopener noreferrer" dir="auto">${choice.text}</a>`;
    }
    if (choice.kind !== "reply" || !isLast) return nothing;
    return html`<button type="button" dir="auto" title=${choice.description ?? nothing} @click=${() => acts.say(choice.text)}>
      ${choice.text}
    </button>`;
  });
  return shown.some((one) => one !== nothing) ? html`<div class="choices">${shown}</div>` : nothing;
}

/** What the visitor wrote and the thread does not have yet. */
export function renderPending(pending: Pending, isOpen: boolean, words: Words, acts: Acts): TemplateResult {
  const { parcel, acknowledged } = pending;
  const state = acknowledged ? "sent" : isOpen ? "sending" : "on_its_way";
  return html`<div class="row own" data-pending=${parcel.key}>
    <p class="author hidden">${words.say("you")}</p>
    <div class="bubble" dir="auto">${renderText(parcel.text ?? parcel.names.join("\n"))}</div>
    <p class="foot">
      ${parcel.failed
        ? html`<span class="bad">${words.say("failed")}</span>
            <button type="button" @click=${() => acts.again(parcel.key)}>${words.say("again")}</button>
            <button type="button" @click=${() => acts.discard(parcel.key)}>${words.say("discard")}</button>`
        : html`<span>${words.say(state)}</span>`}
    </p>
  </div>`;
}
