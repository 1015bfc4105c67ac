/** How one entry of a thread looks. Whatever a customer wrote is put into the page as text, never as markup. */

import { html, nothing, type TemplateResult } from "lit";
import { ourEnd } from "../client/accounts";
import type { Entry, QuickReply } from "../client/frames";
import { pieces, safeAddress } from "../client/links";
import type { Thread } from "../client/thread";
import { t, tIfKnown } from "../i18n";
import { clock, day, sameDay, when } from "../i18n/format";
import type { App } from "../desk/app";
import "./attachment";
import { channelIcon, icon } from "./icons";

export interface Around {
  app: App;
  thread: Thread;
  /** The customer's name. */
  name: string;
  /** What the right to read comes from, where the conversation is not ours. */
  conversation: string | null;
}

/** One row with what stands before it: the day, where it is another one. */
export function renderRow(entry: Entry, previous: Entry | undefined, around: Around): TemplateResult {
  const begins = previous === undefined || !sameDay(previous.sent_at, entry.sent_at);
  return html`${begins ? html`<h3 class="day"><span>${day(entry.sent_at)}</span></h3>` : nothing}${renderEntry(entry, previous, around)}`;
}

function renderEntry(entry: Entry, previous: Entry | undefined, around: Around): TemplateResult {
  if (isEvent(entry)) return renderEvent(entry, around);
  const side = entry.kind === "note" ? "note" : entry.direction === "outbound" ? "out" : "in";
  const joined = previous !== undefined && continues(previous, entry);
  return html`<div class="bubble-row ${side} ${joined ? "joined" : ""}">
    <div class="bubble" dir="auto">
      ${joined ? nothing : renderAuthor(entry, around)} ${renderQuoted(entry, around)} ${renderContent(entry, around)}
    </div>
    ${renderReactions(entry, around)} ${renderFoot(entry, around)}
  </div>`;
}

function isEvent(entry: Entry): boolean {
  return !["message", "note", "postback"].includes(entry.kind);
}

/** The same person, on the same channel, within five minutes. */
function continues(previous: Entry, entry: Entry): boolean {
  const near = Date.parse(entry.sent_at) - Date.parse(previous.sent_at) < 5 * 60_000;
  const same = previous.kind === entry.kind && previous.direction === entry.direction && previous.via === entry.via;
  return near && same && previous.author === entry.author && sameDay(previous.sent_at, entry.sent_at);
}

function authorOf(entry: Entry, around: Around): string {
  if (entry.direction === "inbound") return entry.author ?? around.name;
  return entry.author === around.app.me ? t("entry.you") : around.app.nameOf(entry.author ?? "");
}

function renderAuthor(entry: Entry, around: Around): TemplateResult {
  const author = authorOf(entry, around);
  if (entry.kind === "note") {
    const name = around.app.nameOf(entry.author ?? "");
    return html`<p class="author" dir=${document.documentElement.dir}>${icon("note")} ${t("entry.note_by", { name })}</p>`;
  }
  const end = entry.via ? ourEnd(entry.via) : { channel: entry.channel, account: "" };
  return html`<p class="author" dir=${document.documentElement.dir}>
    ${author ? html`<bdi>${author}</bdi>` : nothing}
    <span class="channel" title=${end.account || nothing}>${channelIcon(entry.channel)} ${around.app.nameOfEnd(end)}</span>
  </p>`;
}

function renderQuoted(entry: Entry, around: Around): TemplateResult | typeof nothing {
  if (!entry.reply_to) return nothing;
  const quoted = around.thread.named(entry.reply_to);
  if (!quoted) return nothing;
  return html`<blockquote dir="auto"><span class="hidden">${t("entry.reply_to")}: </span>${summary(quoted)}</blockquote>`;
}

function renderContent(entry: Entry, around: Around): TemplateResult {
  if (entry.deleted) return html`<p class="gone">${t("entry.deleted")}</p>`;
  if (entry.withheld) return html`<p class="gone">${t("entry.withheld")}</p>`;
  const files = entry.attachments ?? [];
  const known = entry.text || files.length > 0 || entry.location;
  return html`${files.map(
    (file) => html`<tl-attachment .app=${around.app} .file=${file} .conversation=${around.conversation}></tl-attachment>`,
  )}
  ${entry.location ? renderLocation(entry.location) : nothing}
  ${entry.kind === "postback" ? html`<p class="soft small">${t("entry.postback")}</p>` : nothing}
  ${entry.text ? html`<p class="text">${renderText(entry.text)}</p>` : nothing}
  ${renderQuickReplies(entry.quick_replies ?? [])}
  ${known ? renderMore(entry) : html`<p class="gone">${unknownText(entry)}</p>${renderDetails(entry)}`}`;
}

/** Of what the channel told, what the text of such a message says already, or what only machines read. */
const SAID: Record<string, readonly string[]> = {
  button: ["data"],
  list: ["data"],
  command: ["command", "argument"],
  contact: ["contact"],
  contacts: ["contacts"],
};

/** What the channel told besides what is shown: what was ordered, which advertisement it came from. */
function renderMore(entry: Entry): TemplateResult | typeof nothing {
  const details = renderDetails(entry, SAID[entry.type ?? ""]);
  return details === nothing ? nothing : html`<details class="more" dir=${document.documentElement.dir}><summary>${t("entry.more")}</summary>${details}</details>`;
}

/** What was laid ready under a message, to be seen as the customer sees it: it does nothing here, but that links open. */
export function renderQuickReplies(replies: readonly QuickReply[]): TemplateResult | typeof nothing {
  if (replies.length === 0) return nothing;
  return html`<ul class="quick" aria-label=${t("quick.title")}>
    ${replies.map((one) => {
      const href = one.url ? safeAddress(one.url) : null;
      const hint = one.description ? html`<span class="small soft">${one.description}</span>` : nothing;
      return html`<li dir="auto">
        ${href ? html`<a href=${href} target="_blank" rel="noopener noreferrer nofollow">${one.text}</a>` : one.text} ${hint}
      </li>`;
    })}
  </ul>`;
}

function unknownText(entry: Entry): string {
  if (entry.type === "unsupported") return t("entry.unsupported");
  return entry.type && entry.type !== "text" ? t("entry.unknown", { kind: entry.type }) : t("entry.empty");
}

/** What the provider told of something we have no picture for: readable, in its own words. */
function renderDetails(entry: Entry, said: readonly string[] = []): TemplateResult | typeof nothing {
  const details = Object.entries(entry.details ?? {}).filter(([name, value]) => value !== null && value !== "" && !said.includes(name));
  if (details.length === 0) return nothing;
  return html`<dl class="details" dir="ltr">
    ${details.slice(0, 12).map(
      ([name, value]) => html`<dt>${name.replaceAll("_", " ")}</dt><dd dir="auto">${inWords(value)}</dd>`,
    )}
  </dl>`;
}

/** A value of a provider's as one reads it: a line for each part, names before the values of an object. */
function inWords(value: unknown, between = "\n"): string {
  if (value === null || typeof value !== "object") return String(value ?? "");
  if (Array.isArray(value)) return value.map((one) => inWords(one, ", ")).join(between);
  const said = Object.entries(value).filter(([, one]) => one !== null && one !== "");
  return said.map(([name, one]) => `${name.replaceAll("_", " ")}: ${inWords(one, ", ")}`).join(between);
}

/** A text with its addresses as links: http and https only, each opened without a way back to us. */
export function renderText(text: string): TemplateResult[] {
  return pieces(text).map((piece) =>
    piece.href
      ? html`<a href=${piece.href} target="_blank" rel="noopener noreferrer nofollow" dir="ltr">${piece.text}</a>`
      : html`${piece.text}`,
  );
}

function renderLocation(place: NonNullable<Entry["location"]>): TemplateResult {
  const { latitude, longitude } = place;
  const map = safeAddress(`https://www.openstreetmap.org/?mlat=${latitude}&mlon=${longitude}#map=16/${latitude}/${longitude}`);
  return html`<p class="place">
    ${icon("location")}
    <span>
      <strong>${place.name ?? t("entry.location")}</strong>
      ${place.address ? html`<br />${place.address}` : nothing}<br />
      <bdi dir="ltr">${latitude.toFixed(5)}, ${longitude.toFixed(5)}</bdi><br />
      <a href=${map ?? "#"} target="_blank" rel="noopener noreferrer">${t("entry.map")}</a>
    </span>
  </p>`;
}

function renderReactions(entry: Entry, around: Around): TemplateResult | typeof nothing {
  if (!entry.reactions?.length) return nothing;
  return html`<p class="reactions">
    ${entry.reactions.map((one) => {
      const label = t("entry.reaction_by", { emoji: one.emoji, name: one.by.includes(":") ? around.name : around.app.nameOf(one.by) });
      return html`<span role="img" aria-label=${label} title=${label}>${one.emoji}</span>`;
    })}
  </p>`;
}

function renderFoot(entry: Entry, around: Around): TemplateResult {
  const { now } = around.app;
  return html`<p class="foot">
    <time datetime=${entry.sent_at}>${clock(entry.sent_at)}</time>
    ${entry.template
      ? html`<span class="template">${icon("template")} ${t("entry.template", { name: entry.template.replaceAll("_", " ") })}</span>`
      : nothing}
    ${entry.edited_at ? html`<span title=${when(entry.edited_at, now)}>${t("entry.edited")}</span>` : nothing}
    ${entry.late
      ? html`<span class="late" title=${t("entry.late_hint", { time: when(entry.received_at, now) })}>${icon("late")} ${t("entry.late")}</span>`
      : nothing}
    ${entry.direction === "outbound" && entry.status ? renderStatus(entry) : nothing}
  </p>`;
}

function renderStatus(entry: Entry): TemplateResult {
  const status = entry.status!;
  const words = tIfKnown(`status.${status}`) ?? status;
  const bad = status === "failed" || status === "unknown";
  return html`<span class="status ${bad ? "bad" : ""} ${status}">${words}</span>
    ${status === "failed" && entry.reason ? html`<span class="bad why" dir="auto">${reasonText(entry.reason)}</span>` : nothing}
    ${status === "unknown" ? html`<span class="why">${t("status.unknown_hint")}</span>` : nothing}`;
}

export function reasonText(reason: string): string {
  return tIfKnown(`reason.${reason}`) ?? t("reason.provider", { reason });
}

function renderEvent(entry: Entry, around: Around): TemplateResult {
  const shownText = entry.kind === "edit" || entry.kind === "call" ? entry.text : null;
  return html`<p class="event">
    ${channelIcon(entry.channel)}
    <span>
      <bdi>${authorOf(entry, around)}</bdi>: ${eventText(entry)}
      ${shownText ? html`<bdi class="text">${shownText}</bdi>` : nothing}
      <time class="soft" datetime=${entry.sent_at}>${clock(entry.sent_at)}</time>
    </span>
  </p>`;
}

function eventText(entry: Entry): string {
  switch (entry.kind) {
    case "edit":
      return t("entry.edit");
    case "deletion":
      return t("entry.deletion");
    case "reaction":
      return entry.emoji ? t("entry.reaction", { emoji: entry.emoji }) : t("entry.reaction_removed");
    case "identity":
      return t(entry.channel === "webchat" ? "entry.signed_in" : "entry.identity");
    case "call":
      return t("entry.call");
    case "consent":
      return consentText(entry);
    default:
      return t("entry.unknown", { kind: entry.kind });
  }
}

function consentText(entry: Entry): string {
  if (entry.type === "opt_in") return t("entry.opted_in");
  if (entry.type === "opt_out") return t("entry.opted_out");
  return t("entry.consent");
}

/** An entry in a few words, for a list or a quotation. */
export function summary(entry: Entry): string {
  if (entry.deleted) return t("entry.deleted");
  if (entry.text) return entry.text.length > 140 ? `${entry.text.slice(0, 140)}…` : entry.text;
  const file = entry.attachments?.[0];
  if (file) return tIfKnown(`attachment.${file.kind}`) ?? t("attachment.document");
  if (entry.location) return t("entry.location");
  return isEvent(entry) ? eventText(entry) : unknownText(entry);
}
