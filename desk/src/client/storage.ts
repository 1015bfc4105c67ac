/** What this browser remembers. A browser that refuses (private mode, full) costs comfort, never the work. */

export interface Memory {
  read(key: string): string | null;
  write(key: string, value: string | null): void;
  keys(): string[];
}

export class BrowserMemory implements Memory {
  constructor(private readonly storage: () => Storage) {}

  read(key: string): string | null {
    try {
      return this.storage().getItem(key);
    } catch {
      return null;
    }
  }

  write(key: string, value: string | null): void {
    try {
      if (value === null) this.storage().removeItem(key);
      else this.storage().setItem(key, value);
    } catch {
      // full, or forbidden
    }
  }

  keys(): string[] {
    try {
      return Object.keys(this.storage());
    } catch {
      return [];
    }
  }
}

export class MapMemory implements Memory {
  private readonly values = new Map<string, string>();

  read(key: string): string | null {
    return this.values.get(key) ?? null;
  }

  write(key: string, value: string | null): void {
    if (value === null) this.values.delete(key);
    else this.values.set(key, value);
  }

  keys(): string[] {
    return [...this.values.keys()];
  }
}

/** Read JSON that an earlier version of us may have written: null if it is not what is expected. */
export function readJson<T>(memory: Memory, key: string, fits: (value: unknown) => value is T): T | null {
  const text = memory.read(key);
  if (text === null) return null;
  try {
    const value: unknown = JSON.parse(text);
    return fits(value) ? value : null;
  } catch {
    return null;
  }
}
