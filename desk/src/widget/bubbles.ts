/** How what was said looks. Whatever anybody wrote is put into the page as text, never as markup. */

import { html, nothing, svg, type TemplateResult } from "lit";
import type { Attachment, VisitorEntry } from "../client/api";
import type { Entry } from "../client/frames";
import { pieces, safeAddress } from "../client/links";
import { digestOf } from "../client/thread";
import type { Picture } from "./pictures";
import type { Words } from "./texts";
import type { Pending } from "./visitor";

type Shown = TemplateResult | typeof nothing;

export interface Acts {
  open(attachment: string): void;
  say(text: string): void;
  answer(entry: Entry): void;
  again(key: string): void;
  discard(key: string): void;
  /** The message of which others speak by this part of its id. */
  named(digest: string): Entry | undefined;
  /** A file of a message as a picture. */
  picture(file: Attachment, message: string | undefined, index: number): Picture;
  /** A file that was uploaded here. */
  uploaded(id: string): Picture;
}

const PATHS = {
  chat: svg`<path d="M4 5h16v11H10l-5 4v-4H4z"/>`,
  close: svg`<path d="M6 6l12 12M18 6 6 18"/>`,
  clip: svg`<path d="M20 11.5 11.5 20a5 5 0 0 1-7-7L13 4.500a3.500 3.500 0 0 1 5 5L9.500 18a2 2 0 0 1-3-3L14 7.500"/>`,
  send: svg`<path d="M4 12 20 4l-4 16-4.500-6.500zM11.500 13.500 20 4"/>`,
  reply: svg`<path d="M10 6l-6 6 6 6M4 12h10a6 6 0 0 1 6 6"/>`,
};
const TURNED = ["send", "reply"];
const SUMMARY = 140;

export function icon(name: keyof typeof PATHS): TemplateResult {
  return html`<svg class=${TURNED.includes(name) ? "turns" : ""} viewBox="0 0 24 24" aria-hidden="true">${PATHS[name]}</svg>`;
}

export function renderText(text: string): TemplateResult[] {
  return pieces(text).map(({ text: words, href }) =>
    href === null
      ? html`${words}`
      : html`<a href=${href} target="_blank" rel="noopener noreferrer nofollow">${words}</a>`,
  );
}

function authorOf(entry: Entry, words: Words): string {
  return entry.direction === "inbound" ? words.say("you") : entry.author || words.say("us");
}

/** One entry, with the day before it where it is another one. What is of a kind that is not known is shown all the same. */
export function renderEntry(
  entry: Entry,
  previous: Entry | undefined,
  isLast: boolean,
  readUntil: string,
  words: Words,
  acts: Acts,
): Shown {
  if (entry.kind === "reaction" && !entry.emoji) return nothing; // taken away, from a message further back
  const isOwn = entry.direction === "inbound";
  const day = words.day(entry.sent_at);
  const begins = previous === undefined || words.day(previous.sent_at) !== day;
  const isJoined = !begins && previous.direction === entry.direction && previous.author === entry.author;
  return html`${begins ? html`<h3 class="day">${day}</h3>` : nothing}
    <div class="row ${isOwn ? "own" : ""}" data-entry=${entry.id}>
      <p class="author ${isOwn || isJoined ? "hidden" : ""}"><bdi>${authorOf(entry, words)}</bdi></p>
      ${renderContent(entry, words, acts)} ${renderReactions(entry, words)} ${renderChoices(entry, isLast, acts)}
      <p class="foot">
        <time datetime=${entry.sent_at}>${words.clock(entry.sent_at)}</time>
        ${entry.edited_at || entry.kind === "edit" ? html`<span>${words.say("edited")}</span>` : nothing}
        ${isOwn ? html`<span>${words.say(entry.sent_at <= readUntil ? "seen" : "sent")}</span>` : nothing}
        ${renderReply(entry, words, acts)}
      </p>
    </div>`;
}

function isGone(entry: Entry): boolean {
  return entry.deleted === true || entry.kind === "deletion";
}

function renderContent(entry: Entry, words: Words, acts: Acts): TemplateResult {
  if (isGone(entry)) return html`<div class="bubble gone">${words.say("deleted")}</div>`;
  const { attachments = [], location } = entry;
  const text = entry.text || entry.emoji || "";
  const isEmpty = !text && !location && attachments.length === 0;
  const { message_id } = entry as Partial<VisitorEntry>;
  const files = attachments.map((file, index) => renderFile(file, acts.picture(file, message_id, index), words, acts));
  return html`<div class="bubble ${isEmpty ? "gone" : ""}" dir="auto">${renderQuoted(entry.reply_to, words, acts)}${renderText(text)}${
    location ? renderPlace(location, words) : nothing
  }${files}${isEmpty ? words.say("unshown") : nothing}</div>`;
}

function renderFile(file: Attachment, picture: Picture, words: Words, acts: Acts): TemplateResult {
  const name = file.name || words.say("file");
  const look = picture && (picture === "coming" ? "picture coming" : "picture");
  return html`<button
    type="button"
    class=${look ?? ""}
    data-file=${file.id}
    aria-label=${look ? name : nothing}
    ?disabled=${!file.ready}
    @click=${() => acts.open(file.id)}
  >${typeof picture === "object" && picture ? picture : html`<bdi>${name}</bdi>`}${file.failed ? html`<br />${words.say("unshown")}` : nothing}</button>`;
}

function renderPlace(place: NonNullable<Entry["location"]>, words: Words): TemplateResult {
  const { latitude, longitude, name, address } = place;
  const map = `https://www.openstreetmap.org/?mlat=${latitude}&mlon=${longitude}#map=16/${latitude}/${longitude}`;
  return html`<p><a href=${map} target="_blank" rel="noopener noreferrer">${name || words.say("place")}</a>${
    address ? html`<br />${address}` : nothing
  }<br /><bdi dir="ltr">${latitude}, ${longitude}</bdi></p>`;
}

/** A few words of the message that is answered, if it is here. */
function renderQuoted(digest: string | undefined, words: Words, acts: Acts): Shown {
  const quoted = digest === undefined ? undefined : acts.named(digest);
  return quoted ? renderQuote(quoted, words) : nothing;
}

export function renderQuote(entry: Entry, words: Words): TemplateResult {
  return html`<blockquote><span class="hidden" dir=${words.direction}>${words.say("in_answer")} </span><b><bdi>${authorOf(
    entry,
    words,
  )}</bdi></b><span dir="auto">${summary(entry, words)}</span></blockquote>`;
}

/** An entry in a few words. */
export function summary(entry: Entry, words: Words): string {
  if (isGone(entry)) return words.say("deleted");
  const file = entry.attachments?.[0];
  const text = entry.text || entry.emoji || (file && (file.name || words.say("file"))) || (entry.location && words.say("place"));
  const letters = [...(text || words.say("unshown"))];
  return letters.length > SUMMARY ? `${letters.slice(0, SUMMARY).join("")}…` : letters.join("");
}

function renderReply(entry: Entry, words: Words, acts: Acts): Shown {
  if (isGone(entry)) return nothing;
  const label = `${words.say("reply")}: ${summary(entry, words)}`;
  return html`<button class="icon" type="button" aria-label=${label} title=${words.say("reply")} @click=${() => acts.answer(entry)}>
    ${icon("reply")}
  </button>`;
}

function renderReactions(entry: Entry, words: Words): Shown {
  if (!entry.reactions?.length) return nothing;
  return html`<p class="foot">
    ${entry.reactions.map(
      ({ by, emoji }) => html`<span><span class="hidden">${words.say(by === "inbound" ? "you" : "us")}: </span>${emoji}</span>`,
    )}
  </p>`;
}

/** Links are for good; answers as long as nothing came after them. */
function renderChoices(entry: Entry, isLast: boolean, acts: Acts): Shown {
  const choices = isGone(entry) ? [] : (entry.quick_replies ?? []);
  const shown = choices.map((choice) => {
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
  const files = parcel.names.map((name, index) => {
    const picture = acts.uploaded(parcel.attachments[index] ?? "");
    return html`<div class=${picture ? "picture" : "file"} role=${picture ? "img" : nothing} aria-label=${picture ? name : nothing}>${picture ?? html`<bdi>${name}</bdi>`}</div>`;
  });
  return html`<div class="row own" data-pending=${parcel.key}>
    <p class="author hidden">${words.say("you")}</p>
    <div class="bubble" dir="auto">${renderQuoted(parcel.replyTo && digestOf(parcel.replyTo), words, acts)}${renderText(parcel.text ?? "")}${files}</div>
    <p class="foot">
      ${parcel.failed
        ? html`<span class="bad">${words.say("failed")}</span>
            <button type="button" @click=${() => acts.again(parcel.key)}>${words.say("again")}</button>
            <button type="button" @click=${() => acts.discard(parcel.key)}>${words.say("discard")}</button>`
        : html`<span>${words.say(state)}</span>`}
    </p>
  </div>`;
}
