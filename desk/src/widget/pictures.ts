/**
 * Pictures in small. They are painted from their bytes: so the policy of the page around us has to allow no image, and a
 * file stays a picture whatever it holds.
 */

type Painted = HTMLCanvasElement;
/** `coming`: it is one, and is painted once it is looked at. Null: it stays a file with a name. */
export type Picture = Painted | "coming" | null;

const WIDTH = 200;
const HEIGHT = 150;
const TYPES = /^image\/(png|jpeg|gif|webp)$/;

/** Not what is a document of its own, such as SVG. */
export function isPicture(content_type: string | null): boolean {
  return TYPES.test(content_type ?? "");
}

export class Pictures {
  private readonly known = new Map<string, Picture>();
  private readonly uploads = new Map<string, string[]>();
  /** Whether files can be fetched from this page at all; null until the first one was tried. */
  private canFetch: boolean | null = null;

  constructor(
    private readonly fetching: (id: string) => Promise<Blob>,
    private readonly changed: () => void,
    private readonly painting: (bytes: Blob) => Promise<Painted> = paint,
  ) {}

  look(id: string, content_type: string | null): Picture {
    const known = this.known.get(id);
    if (known !== undefined) return known;
    return this.canFetch !== false && isPicture(content_type) ? "coming" : null;
  }

  keep(id: string, picture: Picture): void {
    this.known.set(id, picture);
  }

  /** Fetch and paint what is being looked at, once. Where the very first one is not let through, no other is tried. */
  async load(id: string): Promise<void> {
    if (this.known.has(id)) return;
    this.keep(id, "coming");
    try {
      const bytes = await this.fetching(id);
      this.canFetch = true;
      this.keep(id, await this.painting(bytes));
    } catch (error) {
      if (error instanceof TypeError) this.canFetch ??= false;
      this.keep(id, null);
    }
    this.changed();
  }

  /** The visitor's own message has these uploads: what was painted of them need not be fetched again. */
  sent(message: string | null, uploads: string[]): void {
    if (message !== null) this.uploads.set(message, uploads);
  }

  /** The id under which a file of a message was painted, if it was. */
  paintedAs(message: string | undefined, index: number, id: string): string {
    const upload = this.uploads.get(message ?? "")?.[index];
    return upload !== undefined && this.known.get(upload) ? upload : id;
  }
}

/** Fill the frame with the middle of the picture, never larger than it is. */
export async function paint(bytes: Blob): Promise<Painted> {
  const bitmap = await createImageBitmap(bytes);
  const canvas = document.createElement("canvas");
  const density = Math.min(2, devicePixelRatio);
  canvas.width = WIDTH * density;
  canvas.height = HEIGHT * density;
  const scale = Math.min(density, Math.max(canvas.width / bitmap.width, canvas.height / bitmap.height));
  const [width, height] = [bitmap.width * scale, bitmap.height * scale];
  const pen = canvas.getContext("2d")!;
  pen.imageSmoothingQuality = "high";
  pen.drawImage(bitmap, (canvas.width - width) / 2, (canvas.height - height) / 2, width, height);
  bitmap.close();
  return canvas;
}
