/** A clock, sockets and a server that do what a test says. */

import type { Socket, Timers } from "../src/client/connection";
import type { ClientFrame, ServerFrame } from "../src/client/frames";

export class FakeTimers implements Timers {
  time = 1_780_000_000_000;
  private pending: { at: number; action: () => void }[] = [];

  now(): number {
    return this.time;
  }

  random(): number {
    return 0.5;
  }

  later(ms: number, action: () => void): unknown {
    const timer = { at: this.time + ms, action };
    this.pending.push(timer);
    return timer;
  }

  cancel(timer: unknown): void {
    this.pending = this.pending.filter((one) => one !== timer);
  }

  /** Let time pass, with everything that falls due in it. */
  async pass(ms: number): Promise<void> {
    const end = this.time + ms;
    for (;;) {
      await settle();
      const next = this.pending.filter((one) => one.at <= end).sort((a, b) => a.at - b.at)[0];
      if (next === undefined) break;
      this.time = next.at;
      this.cancel(next);
      next.action();
    }
    this.time = end;
    await settle();
  }
}

export class FakeSocket implements Socket {
  readyState = 0;
  onopen: (() => void) | null = null;
  onclose: ((event: { code: number }) => void) | null = null;
  onmessage: ((event: { data: unknown }) => void) | null = null;
  onerror: (() => void) | null = null;
  readonly sent: ClientFrame[] = [];

  constructor(readonly token: string) {}

  send(text: string): void {
    if (this.readyState !== 1) throw new Error("the socket is not open");
    this.sent.push(JSON.parse(text) as ClientFrame);
  }

  close(): void {
    this.readyState = 3;
  }

  open(): void {
    this.readyState = 1;
    this.onopen?.();
  }

  break(): void {
    this.readyState = 3;
    this.onclose?.({ code: 1006 });
  }

  say(frame: ServerFrame): void {
    this.onmessage?.({ data: JSON.stringify(frame) });
  }

  /** What was sent with this action, oldest first. */
  all(action: string): ClientFrame[] {
    return this.sent.filter((frame) => frame.action === action);
  }

  last(action: string): ClientFrame {
    const frame = this.all(action).at(-1);
    if (frame === undefined) throw new Error(`no ${action} was sent`);
    return frame;
  }
}

export async function settle(): Promise<void> {
  for (let turn = 0; turn < 30; turn += 1) await Promise.resolve();
}
