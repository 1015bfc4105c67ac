/** The files that go with a reply: uploaded as soon as they are chosen, so that sending need not wait for them. */

import type { Template, Way } from "./frames";

const MAX_BYTES = 16 * 1024 * 1024;
const MAX_FILES = 10;

export interface Upload {
  key: number;
  file: File;
  /** The attachment it has become; null: not yet, or never. */
  id: string | null;
  problem: "too_large" | "failed" | null;
}

export class Uploads {
  all: readonly Upload[] = [];
  private numbered = 0;

  constructor(
    private readonly upload: (file: File) => Promise<string>,
    private readonly changed: () => void,
  ) {}

  /** Whether each of them has arrived. */
  get areReady(): boolean {
    return this.all.every((one) => one.id !== null);
  }

  /** Take files in and upload them; more than a message can have are left out. */
  add(files: readonly File[]): void {
    for (const file of files.slice(0, MAX_FILES - this.all.length)) {
      const problem = file.size > MAX_BYTES ? "too_large" : null;
      const added: Upload = { key: ++this.numbered, file, id: null, problem };
      this.set([...this.all, added]);
      if (!problem) void this.bring(added);
    }
  }

  drop(dropped: Upload): void {
    this.set(this.all.filter((one) => one.key !== dropped.key));
  }

  clear(): void {
    this.set([]);
  }

  /** The first that this way cannot carry, or null. */
  unfitFor(way: Way): Upload | null {
    return this.all.find((one) => way.attachments && !way.attachments.includes(kindOf(one.file))) ?? null;
  }

  /** Whether they are what goes at the head of a template: one of its kind, or nothing where it has no head. */
  areHeadOf(template: Template): boolean {
    const kinds = this.all.map((one) => kindOf(one.file));
    return template.header ? kinds.length === 1 && kinds[0] === template.header : kinds.length === 0;
  }

  private async bring(added: Upload): Promise<void> {
    const change: Partial<Upload> = await this.upload(added.file).then(
      (id) => ({ id }),
      () => ({ problem: "failed" }),
    );
    this.set(this.all.map((one) => (one.key === added.key ? { ...one, ...change } : one)));
  }

  private set(all: readonly Upload[]): void {
    this.all = all;
    this.changed();
  }
}

function kindOf(file: File): Way["attachments"][number] {
  const family = file.type.split("/")[0] ?? "";
  return family === "image" || family === "video" || family === "audio" ? family : "document";
}
