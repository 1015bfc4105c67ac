/** What is prepared for a reply: canned words, quick replies laid ready under it, or a template in place of it. */

import type { CannedAnswer, Template } from "./frames";

export const MAX_QUICK_REPLIES = 13;
export const MAX_LABEL = 80;
export const MAX_ADDRESS = 2000;

/** One answer to tap: it says its label, or opens an address. Those of one message are of one kind. */
export interface QuickReply {
  kind: "reply" | "link";
  text: string;
  url?: string;
}

/** A template by its name, and what stands in its places. */
export interface FilledTemplate {
  name: string;
  parameters: string[];
}

/** What an agent has begun to say and not sent. */
export interface Draft {
  text: string;
  /** Rows of quick replies under the text; null: none are being laid ready. */
  quick: readonly QuickReply[] | null;
  /** What goes out in place of the text, which is kept meanwhile. */
  template: FilledTemplate | null;
  /** The way it is to go, if one was chosen. */
  via: string | null;
}

export type QuickReplyProblem = "address" | "incomplete" | "same";

const PLACE = /\{\{(\d{1,2})\}\}/g;
const PUBLIC = /^https?:\/\/[^\s/?#@]+\.[^\s/?#@]{2,}([/?#]\S*)?$/;

/** Those that were written, as they go out: rows left empty do not count. */
export function written(rows: readonly QuickReply[]): QuickReply[] {
  return rows
    .map((row) => ({ kind: row.kind, text: row.text.trim(), ...(row.kind === "link" ? { url: row.url?.trim() ?? "" } : {}) }))
    .filter((row) => row.text || row.url);
}

/** Why the server would refuse these quick replies, or null. */
export function quickReplyProblem(replies: readonly QuickReply[]): QuickReplyProblem | null {
  if (replies.some((one) => !one.text || (one.kind === "link" && !one.url))) return "incomplete";
  if (replies.some((one) => one.kind === "link" && !PUBLIC.test(one.url!))) return "address";
  return new Set(replies.map((one) => one.text)).size < replies.length ? "same" : null;
}

/** The text with the quick replies under it, as the server writes it where the channel has no buttons for them. */
export function writtenOut(text: string, replies: readonly QuickReply[]): string {
  const lines = replies.map((one, index) => (one.kind === "link" ? `${one.text}: ${one.url}` : `${index + 1}. ${one.text}`));
  return lines.length ? [text, "", ...lines].join("\n") : text;
}

/** The template with what stands in its places; a place that is still empty stays as it is. */
export function preview(template: Template, parameters: readonly string[]): string {
  return template.text.replace(PLACE, (place, number: string) => parameters[Number(number) - 1]?.trim() || place);
}

/** What stands in each place of a template, as it goes out: nothing in one that is still empty. */
export function places(template: Template, parameters: readonly string[]): string[] {
  return Array.from({ length: template.parameters }, (_, index) => parameters[index]?.trim() ?? "");
}

/** Whether every place of a template is filled. */
export function isFilled(template: Template, parameters: readonly string[]): boolean {
  return places(template, parameters).every(Boolean);
}

/** Those canned answers in whose name, shortcut or text these words stand. */
export function answersWith(answers: readonly CannedAnswer[], words: string): CannedAnswer[] {
  const wanted = words.toLocaleLowerCase();
  return answers.filter((one) => `${one.name} ${one.shortcut ?? ""} ${one.text}`.toLocaleLowerCase().includes(wanted));
}

/** A canned answer as this agent says it to this customer. */
export function personal(answer: CannedAnswer, customer: string, agent: string): string {
  return answer.text.replaceAll("{customer_name}", customer).replaceAll("{agent_name}", agent);
}

/** Whether nothing is begun: a way alone, or rows without a word, are nothing. */
export function isEmpty({ text, quick, template }: Draft): boolean {
  return !text && !template && !quick?.some((row) => row.text || row.url);
}

/** A draft as one text, to be kept; nothing for an empty one. */
export function packed(draft: Draft): string {
  const { text, quick, template, via } = draft;
  return isEmpty(draft) ? "" : JSON.stringify({ text, quick, template, via });
}

/** The draft in a text that was kept; what is not understood is the words alone, as they were kept before. */
export function unpacked(kept: string): Draft {
  const said = parsed(kept);
  return {
    text: typeof said.text === "string" ? said.text : "",
    quick: Array.isArray(said.quick) ? said.quick : null,
    template: Array.isArray(said.template?.parameters) ? said.template : null,
    via: typeof said.via === "string" ? said.via : null,
  };
}

function parsed(text: string): Partial<Draft> {
  try {
    const value: unknown = JSON.parse(text);
    return value !== null && typeof value === "object" ? value : { text };
  } catch {
    return { text };
  }
}
