/** The files that go with the next message: looked at, uploaded at once, sent by their ids. */

import type { WebChat } from "../client/api";
import type { Rest } from "../client/rest";
import { isPicture, paint, type Picture } from "./pictures";

export interface Attached {
  name: string;
  state: "uploading" | "ready" | "too_large" | "wrong_kind" | "upload_failed";
  id: string | null;
  picture: Picture;
}

const MOST = 10;

export class AttachedFiles {
  files: Attached[] = [];

  constructor(
    private readonly rest: Rest,
    private readonly changed: () => void,
  ) {}

  /** Whether a file is not uploaded yet, or cannot be: nothing goes without it until the visitor removes it. */
  get isUnready(): boolean {
    return this.files.some((file) => file.id === null);
  }

  get ready(): { id: string; name: string; picture: Picture }[] {
    return this.files.flatMap(({ id, name, picture }) => (id === null ? [] : [{ id, name, picture }]));
  }

  async add(given: Iterable<File>, allowed: WebChat["attachments"]): Promise<void> {
    const room = Math.max(0, MOST - this.files.length);
    await Promise.all([...given].slice(0, room).map((file) => this.addOne(file, allowed)));
  }

  remove(file: Attached): void {
    this.files = this.files.filter((one) => one !== file);
    this.changed();
  }

  private async addOne(file: File, allowed: WebChat["attachments"]): Promise<void> {
    const attached: Attached = { name: file.name, state: stateOf(file, allowed), id: null, picture: null };
    this.files = [...this.files, attached];
    this.changed();
    if (attached.state !== "uploading") return;
    if (isPicture(file.type)) void this.show(attached, file);
    try {
      attached.id = await this.rest.upload(file);
      attached.state = "ready";
    } catch {
      attached.state = "upload_failed";
    }
    this.changed();
  }

  private async show(attached: Attached, file: File): Promise<void> {
    attached.picture = await paint(file).catch(() => null); // then its name has to do
    this.changed();
  }
}

function stateOf(file: File, { max_bytes, content_types }: WebChat["attachments"]): Attached["state"] {
  if (file.size > max_bytes) return "too_large";
  return content_types.includes(file.type) ? "uploading" : "wrong_kind";
}
