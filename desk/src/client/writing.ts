/** What is being written, as a whole: whether it may go out, and as what. */

import type { Template, Way } from "./frames";
import type { Parcel } from "./outbox";
import { type Draft, isFilled, places, preview, quickReplyProblem, type QuickReplyProblem, written, writtenOut } from "./prepared";
import type { Uploads } from "./uploads";
import { type Extent, extentOn, templateOn } from "./ways";

const MAX_TEXT = 16_000;

/** A draft, its files, and where it is to go: a note goes no way. */
export interface Writing extends Draft {
  isNote: boolean;
  way: Way | null;
  uploads: Uploads;
}

export type Problem = { what: "upload_kind"; name: string } | { what: "too_long"; limit: number };
export type QuickProblem = QuickReplyProblem | "no_text";

/** The template that goes out in place of the text; null: the text does. */
export function templateOf({ way, template }: Writing): Template | null {
  return templateOn(way, template);
}

/** What is amiss with the files or the text, or null. */
export function problemOf({ text, way, uploads }: Writing): Problem | null {
  const unfit = way && uploads.unfitFor(way);
  if (unfit) return { what: "upload_kind", name: unfit.file.name };
  return text.length > MAX_TEXT ? { what: "too_long", limit: MAX_TEXT } : null;
}

/** What is amiss with the quick replies as they stand, or null. */
export function quickProblemOf({ text, quick }: Writing): QuickProblem | null {
  const replies = written(quick ?? []);
  if (replies.length === 0) return null;
  return quickReplyProblem(replies) ?? (text.trim() ? null : "no_text");
}

/** Whether the way has no buttons for quick replies of the kind that are being laid ready. */
export function isWrittenOut({ way, quick }: Writing): boolean {
  return way !== null && !way.quick_replies.includes(quick?.[0]?.kind ?? "reply");
}

/** What is worth knowing of its length, or null. */
export function extentOf(writing: Writing): Extent | null {
  const { text, way, quick } = writing;
  if (!way || !text || templateOf(writing)) return null;
  return extentOn(way, isWrittenOut(writing) ? writtenOut(text, written(quick ?? [])) : text);
}

export function maySend(writing: Writing): boolean {
  const { text, isNote, way, uploads } = writing;
  if (problemOf(writing)) return false;
  if (isNote) return Boolean(text.trim());
  if (!uploads.areReady) return false;
  const template = templateOf(writing);
  if (template) return uploads.areHeadOf(template) && isFilled(template, writing.template!.parameters);
  if (quickProblemOf(writing) || way?.open === false) return false;
  return Boolean(text.trim()) || uploads.all.length > 0;
}

/** What of it goes into a parcel. A template goes alone, with what is at its head. */
export function contentOf(writing: Writing): Pick<Parcel, "kind" | "text" | "template" | "quickReplies" | "via" | "attachments" | "names"> {
  const text = writing.text.trim() || null;
  if (writing.isNote) return { kind: "note", text, via: null, attachments: [], names: [] };
  return {
    kind: "message",
    ...(templateContent(writing) ?? { text, ...quickContent(writing) }),
    via: writing.via ?? writing.way?.via ?? null,
    attachments: writing.uploads.all.flatMap((one) => one.id ?? []),
    names: writing.uploads.all.map((one) => one.file.name),
  };
}

function templateContent(writing: Writing) {
  const template = templateOf(writing);
  if (!template) return null;
  const parameters = places(template, writing.template!.parameters);
  return { text: preview(template, parameters), template: { name: template.name, parameters } };
}

function quickContent({ quick }: Writing) {
  const quickReplies = written(quick ?? []);
  return quickReplies.length ? { quickReplies } : {};
}
