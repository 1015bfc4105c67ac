/** Ways, files and templates as they stand in tests of what is being written. */

import type { Template, Way } from "../src/client/frames";
import { Uploads } from "../src/client/uploads";
import { settle } from "./fakes";

export const ORDER: Template = { name: "order", language: "en", text: "Hi {{1}}, order {{2}}", parameters: 2, header: null };
export const PICTURED: Template = { name: "pictured", language: "en", text: "Look", parameters: 0, header: "image" };

/** A way that takes everything now, but for what is said otherwise. */
export function way(otherwise: Partial<Way> = {}): Way {
  return {
    via: "whatsapp/1000|tel:+491",
    channel: "whatsapp",
    account: "1000",
    identifier: "tel:+491",
    last_inbound_at: "2026-06-01T11:00:00Z",
    default: false,
    open: true,
    closed_because: null,
    opted_out: false,
    window_closes_at: null,
    text_limit: null,
    segments: false,
    attachments: ["image", "document"],
    quick_replies: ["reply"],
    templates: [],
    ...otherwise,
  };
}

export function file(name: string, type: string): File {
  return new File(["x"], name, { type });
}

/** Uploads of these files, each of which has become an attachment by its own name. */
export async function arrived(...files: File[]): Promise<Uploads> {
  const uploads = new Uploads(
    async (one) => one.name,
    () => undefined,
  );
  uploads.add(files);
  await settle();
  return uploads;
}
