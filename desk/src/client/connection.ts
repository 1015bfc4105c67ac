/**
 * One agent's (or visitor's) connection: it comes back by itself and loses no frame that has to be answered.
 *
 * A new socket is put into service by `hello`; only when its snapshot is here is the old one given up. So a socket that
 * is replaced (a new token, the two hours of API Gateway) never leaves the agent without any: offers stay.
 */

import { delay_ms } from "./backoff";
import type { Ack, ClientFrame, ErrorFrame, ServerFrame, Snapshot } from "./frames";
import { uuid4 } from "./ids";

export type ConnectionState = "off" | "connecting" | "open" | "waiting" | "refused";

export interface Socket {
  readyState: number;
  onopen: (() => void) | null;
  onclose: ((event: { code: number }) => void) | null;
  onmessage: ((event: { data: unknown }) => void) | null;
  onerror: (() => void) | null;
  send(text: string): void;
  close(code?: number): void;
}

export interface Timers {
  now(): number;
  later(ms: number, action: () => void): unknown;
  cancel(timer: unknown): void;
  random(): number;
}

export interface World {
  /** Open a socket with the token as second sub-protocol. */
  open(token: string): Socket;
  /** A token that is good now, renewed if it has to be. Null: nobody is signed in. */
  token(renew: boolean): Promise<string | null>;
  /** Why a socket did not open: what the REST API says to the same token. */
  whyNot(): Promise<"unauthenticated" | "forbidden" | "unreachable">;
  timers: Timers;
}

/** What agents resume from, are welcomed with and are sent; visitors have their own. */
export interface Listener<Resume = Record<string, number>, Welcome = Snapshot, Frame = ServerFrame> {
  /** What to send with `hello`, taken at that moment. */
  greeting(): { resume: Resume; moment: number };
  snapshot(frame: Welcome, moment: number, asked: Resume): void;
  frame(frame: Frame): void;
  state(state: ConnectionState): void;
  /** Nobody is signed in any more. */
  signedOut(): void;
}

export const ANSWER_MS = 10_000;
export const PING_MS = 280_000;
export const LIFE_MS = 110 * 60_000;
/** How long whoever sends too much has to wait. */
export const SLOW_MS = 10_000;
const OPEN = 1;
const BUSY = new Set(["retryable", "store_unavailable", "provider_unavailable", "provider_throttled", "internal"]);
const BUSY_TRIES = 4;

export class RefusedError extends Error {
  constructor(
    readonly code: string,
    message: string,
    readonly version: number | null = null,
  ) {
    super(message);
  }
}

interface Asked {
  frame: ClientFrame;
  resolve(ack: Ack): void;
  reject(error: Error): void;
  /** How often it was answered that the world is busy. */
  tries: number;
  /** How often it was sent and not answered that it was not taken. */
  out: number;
  lasting: boolean;
  timer: unknown;
}

interface Greeting<Resume> {
  id: string;
  moment: number;
  asked: Resume;
}

class Line<Resume> {
  greeting: Greeting<Resume> | null = null;
  inService = false;
  opened = false;

  constructor(readonly socket: Socket) {}
}

export class Connection<Resume = Record<string, number>, Welcome extends { id: string } = Snapshot, Frame = ServerFrame> {
  state: ConnectionState = "off";
  private current: Line<Resume> | null = null;
  private next: Line<Resume> | null = null;
  private failures = 0;
  private retry: unknown = null;
  private ping: unknown = null;
  private life: unknown = null;
  private opening: object | null = null;
  private renew = false;
  private readonly asked = new Map<string, Asked>();

  constructor(
    private readonly world: World,
    private readonly listener: Listener<Resume, Welcome, Frame>,
  ) {}

  start(): void {
    if (this.state !== "off" && this.state !== "refused") return;
    this.failures = 0;
    void this.open();
  }

  stop(): void {
    this.become("off");
    this.opening = null;
    this.cancelAll();
    for (const line of [this.current, this.next]) if (line) this.drop(line);
    this.current = this.next = null;
    for (const asked of [...this.asked.values()]) this.giveUp(asked);
  }

  /** Do not wait any longer: the network came back, or somebody pressed the button. */
  hurry(): void {
    if (this.state === "waiting" || this.state === "refused") {
      this.world.timers.cancel(this.retry);
      this.failures = 0;
      void this.open();
    } else if (this.state === "open") {
      this.pulse();
    }
  }

  /** Take a new socket into service beside the current one, then give that one up. */
  replace(): void {
    if (this.state === "open" && this.next === null) void this.open();
  }

  /** Ask for what is missing. */
  hello(): void {
    if (this.current?.inService) this.greet(this.current);
  }

  /** Say something that is worth nothing later; silently lost where there is no connection. */
  say(action: string, fields: Record<string, unknown>): void {
    if (this.isOpen) void this.ask(action, fields, { lasting: false }).catch(() => undefined);
  }

  get isOpen(): boolean {
    return this.current?.inService === true && this.current.socket.readyState === OPEN;
  }

  /**
   * Send a frame and return its answer. A lasting one is sent again, under the same id, until it is answered; another
   * one is given up with `disconnected` when its socket is lost.
   */
  ask(action: string, fields: Record<string, unknown>, how: { id?: string; lasting?: boolean } = {}): Promise<Ack> {
    const frame: ClientFrame = { ...fields, action, id: how.id ?? uuid4() };
    return new Promise((resolve, reject) => {
      const asked: Asked = { frame, resolve, reject, tries: 0, out: 0, lasting: how.lasting ?? true, timer: null };
      if (!asked.lasting && !this.isOpen) return reject(new RefusedError("disconnected", "there is no connection"));
      this.asked.set(frame.id, asked);
      this.send(asked);
    });
  }

  private send(asked: Asked): void {
    const line = this.current;
    if (!line?.inService || line.socket.readyState !== OPEN) return;
    this.world.timers.cancel(asked.timer);
    asked.timer = this.world.timers.later(ANSWER_MS, () => this.lost(line));
    asked.out += 1;
    line.socket.send(JSON.stringify(asked.frame));
  }

  /**
   * Whoever speaks from now on is somebody else: give up, with `disconnected`, what may have been taken of the one before.
   * Returns the ids of the frames that go on.
   */
  disown(): Set<string> {
    for (const asked of [...this.asked.values()]) if (asked.out > 0) this.giveUp(asked);
    return new Set(this.asked.keys());
  }

  private giveUp(asked: Asked): void {
    this.world.timers.cancel(asked.timer);
    this.asked.delete(asked.frame.id);
    asked.reject(new RefusedError("disconnected", "the connection was lost"));
  }

  private async open(): Promise<void> {
    if (this.opening || this.next !== null) return;
    const mine = (this.opening = {});
    if (!this.current) this.become("connecting");
    const token = await this.world.token(this.renew).catch(() => undefined);
    if (this.opening !== mine) return; // it was stopped meanwhile, and perhaps started for somebody else
    this.opening = null;
    if (token === null) return this.listener.signedOut();
    if (token === undefined) return this.isOpen ? this.replaceLater() : this.wait();
    this.renew = false;
    this.next = this.listen(this.world.open(token));
  }

  private listen(socket: Socket): Line<Resume> {
    const line = new Line<Resume>(socket);
    socket.onopen = () => {
      line.opened = true;
      this.greet(line);
    };
    socket.onmessage = (event) => this.heard(line, event.data);
    socket.onclose = () => this.closed(line);
    socket.onerror = null;
    return line;
  }

  private greet(line: Line<Resume>): void {
    const { resume, moment } = this.listener.greeting();
    line.greeting = { id: uuid4(), moment, asked: resume };
    line.socket.send(JSON.stringify({ action: "hello", id: line.greeting.id, resume }));
    const greeting = line.greeting;
    this.world.timers.later(ANSWER_MS * 2, () => {
      if (line.greeting === greeting && (line === this.current || line === this.next)) this.lost(line);
    });
  }

  private heard(line: Line<Resume>, data: unknown): void {
    const frame = read(data);
    if (frame === null) return;
    if (frame.event === "snapshot") return this.welcomed(line, frame as unknown as Welcome);
    if (isError(frame) && frame.id === line.greeting?.id) return this.unwelcome(line, frame.code);
    if (isError(frame) || isAck(frame)) this.answered(frame);
    if (!isError(frame)) this.listener.frame(frame as Frame);
  }

  private welcomed(line: Line<Resume>, frame: Welcome): void {
    const greeting = line.greeting;
    if (greeting === null || greeting.id !== frame.id) return;
    line.greeting = null;
    this.listener.snapshot(frame, greeting.moment, greeting.asked);
    if (line.inService) return;
    line.inService = true;
    if (this.next === line) this.next = null;
    if (this.current && this.current !== line) this.drop(this.current);
    this.current = line;
    this.failures = 0;
    this.become("open");
    this.schedule();
    for (const asked of this.asked.values()) this.send(asked);
  }

  private unwelcome(line: Line<Resume>, code: string): void {
    line.greeting = null;
    if (code === "unauthenticated") this.renew = true;
    if (code === "forbidden") return this.refuse(line);
    this.lost(line);
  }

  private answered(frame: Ack | ErrorFrame): void {
    const asked = frame.id === null ? undefined : this.asked.get(frame.id);
    if (asked === undefined) return;
    this.world.timers.cancel(asked.timer);
    if (frame.event === "error" && this.again(asked, frame.code)) return;
    this.asked.delete(asked.frame.id);
    if (frame.event === "ack") asked.resolve(frame);
    else asked.reject(new RefusedError(frame.code, frame.message, frame.version ?? null));
  }

  /** Whether a frame that was answered with an error is to be sent again. */
  private again(asked: Asked, code: string): boolean {
    if (!asked.lasting) return false;
    if (code === "unauthenticated" || code === "too_many_requests") asked.out -= 1;
    if (code === "unauthenticated") {
      this.renew = true;
      if (this.current) this.lost(this.current);
      return true;
    }
    if (code === "too_many_requests") {
      asked.timer = this.world.timers.later(SLOW_MS, () => this.send(asked));
      return true;
    }
    if (!BUSY.has(code) || asked.tries >= BUSY_TRIES) return false;
    asked.tries += 1;
    const wait_ms = delay_ms(asked.tries, this.world.timers.random());
    asked.timer = this.world.timers.later(wait_ms, () => this.send(asked));
    return true;
  }

  private schedule(): void {
    const { timers } = this.world;
    timers.cancel(this.ping);
    timers.cancel(this.life);
    this.schedulePing();
    this.life = timers.later(LIFE_MS, () => this.replace());
  }

  private schedulePing(): void {
    this.ping = this.world.timers.later(PING_MS, () => {
      this.pulse();
      this.schedulePing();
    });
  }

  private pulse(): void {
    this.say("ping", {});
  }

  /** This socket does not answer: it is as good as closed. */
  private lost(line: Line<Resume>): void {
    this.drop(line);
    this.closed(line);
  }

  private drop(line: Line<Resume>): void {
    const { socket } = line;
    socket.onopen = socket.onclose = socket.onmessage = null;
    try {
      socket.close(1000);
    } catch {
      // it was closed already
    }
  }

  private closed(line: Line<Resume>): void {
    if (line === this.next) this.next = null;
    else if (line === this.current) this.forget();
    else return;
    if (this.state === "off") return;
    if (this.isOpen) return this.replaceLater();
    if (line.opened || this.next) return this.next ? undefined : this.wait();
    void this.explain(line);
  }

  /** There is one socket in service yet: nothing is lost, and nobody has to be told. */
  private replaceLater(): void {
    this.world.timers.later(this.pause_ms(), () => this.replace());
  }

  private forget(): void {
    this.current = null;
    this.world.timers.cancel(this.ping);
    this.world.timers.cancel(this.life);
    for (const asked of [...this.asked.values()]) {
      if (asked.lasting) this.world.timers.cancel(asked.timer);
      else this.giveUp(asked);
    }
  }

  /** A browser does not tell why an upgrade was refused; the REST API does. */
  private async explain(line: Line<Resume>): Promise<void> {
    const why = await this.world.whyNot().catch(() => "unreachable" as const);
    if (this.state === "off" || this.isOpen) return;
    if (why === "forbidden") return this.refuse(line);
    if (why === "unauthenticated") this.renew = true;
    this.wait();
  }

  private refuse(line: Line<Resume>): void {
    this.drop(line);
    if (line === this.next) this.next = null;
    if (line === this.current) this.forget();
    this.become("refused");
  }

  private wait(): void {
    this.become("waiting");
    this.world.timers.cancel(this.retry);
    this.retry = this.world.timers.later(this.pause_ms(), () => void this.open());
  }

  private pause_ms(): number {
    const wait_ms = delay_ms(this.failures, this.world.timers.random());
    this.failures += 1;
    return wait_ms;
  }

  private become(state: ConnectionState): void {
    if (this.state === state) return;
    this.state = state;
    this.listener.state(state);
  }

  private cancelAll(): void {
    for (const timer of [this.retry, this.ping, this.life]) this.world.timers.cancel(timer);
  }
}

interface AnyFrame {
  event: string;
}

const isError = (frame: AnyFrame): frame is ErrorFrame => frame.event === "error";
const isAck = (frame: AnyFrame): frame is Ack => frame.event === "ack";

function read(data: unknown): AnyFrame | null {
  if (typeof data !== "string") return null;
  try {
    const frame: unknown = JSON.parse(data);
    return typeof frame === "object" && frame !== null && "event" in frame ? (frame as AnyFrame) : null;
  } catch {
    return null;
  }
}
