/**
 * What the server said, frame by frame, recorded by its own tests: `python -m tests.recordings` writes it anew.
 *
 * A recording goes in steps that say what happens. After each step stands what a `hello` would have been answered then.
 */

import type { ClientFrame, Entry, ServerFrame, Snapshot } from "../src/client/frames";
import type { FakeSocket } from "./fakes";
import { settle } from "./fakes";

interface Line {
  step?: string;
  tab?: string;
  sent?: ClientFrame;
  posted?: Frame;
  whole?: object;
  current?: Record<string, Entry[]>;
}

export type Frame = ServerFrame;
type Resume = Record<string, number> | string | null | undefined;

interface Step {
  name: string;
  lines: Line[];
  /** What a screen that has nothing would be answered after this step, and the entries for one that has everything. */
  known: Line | undefined;
}

const FILES = import.meta.glob<Line[]>("./recorded/*.json", { eager: true, import: "default" });

/** What one tab said and was told in a recording. */
export class Tab {
  readonly steps: Step[] = [];

  constructor(recording: string, tab: string) {
    for (const line of FILES[`./recorded/${recording}.json`] ?? []) {
      if (line.step !== undefined) this.steps.push({ name: line.step, lines: [], known: this.steps.at(-1)?.known });
      if (line.tab !== tab) continue;
      if (line.whole) this.steps.at(-1)!.known = line;
      else this.steps.at(-1)!.lines.push(line);
    }
    if (!this.steps.some((step) => step.lines.length > 0)) throw new Error(`nobody recorded ${tab} in ${recording}`);
  }

  /** The frames that were posted in these steps, in order; in all of them if none is named. */
  posted(...steps: string[]): Frame[] {
    const wanted = steps.length > 0 ? steps.map((name) => this.step(name)) : this.steps;
    return wanted.flatMap((step) => step.lines.flatMap((line) => line.posted ?? []));
  }

  /** What the tab itself sent in these steps with this action. */
  sent(action: string, ...steps: string[]): ClientFrame[] {
    const wanted = steps.length > 0 ? steps.map((name) => this.step(name)) : this.steps;
    return wanted.flatMap((step) => step.lines.flatMap((line) => line.sent ?? [])).filter((frame) => frame.action === action);
  }

  /** Those of one event. */
  all<Event extends Frame["event"]>(event: Event, ...steps: string[]): Extract<Frame, { event: Event }>[] {
    const isWanted = (frame: Frame): frame is Extract<Frame, { event: Event }> => frame.event === event;
    return this.posted(...steps).filter(isWanted);
  }

  /** What `hello` is answered after a step: conversation by conversation all of it, or for the version asked only ours. */
  answer(resume: Resume, step: string = this.steps.at(-1)!.name): Snapshot {
    const known = this.step(step).known;
    if (known === undefined) throw new Error(`nothing is known after ${step}`);
    const whole = known.whole as Snapshot;
    if (known.current === undefined || typeof resume !== "object" || resume === null) return whole;
    const conversations = whole.conversations.map((one) => {
      const isCurrent = resume[one.conversation] === one.version;
      return isCurrent ? { ...one, entries: known.current![one.conversation]! } : one;
    });
    return { ...whole, conversations };
  }

  step(name: string): Step {
    const step = this.steps.find((one) => one.name === name);
    if (step === undefined) throw new Error(`no step is called ${name}`);
    return step;
  }

  /** The names of the steps up to this one. */
  until(name: string): string[] {
    return this.steps.slice(0, this.steps.indexOf(this.step(name)) + 1).map((step) => step.name);
  }
}

/**
 * The server to a real client: says what was recorded, step by step, and answers each `hello` with what was known then.
 *
 * A client draws ids of its own. What was sent in a step is taken for what the client has sent with that action, oldest
 * first, and in what is said from then on stands the client's id for the recorded one.
 */
export class Server {
  private now: string;
  private readonly ids = new Map<string, string>();
  private readonly taken = new Set<ClientFrame>();
  private readonly answered = new Set<ClientFrame>();

  constructor(
    readonly tab: Tab,
    private readonly sockets: FakeSocket[],
  ) {
    this.now = tab.steps.find((step) => step.known)!.name;
  }

  get socket(): FakeSocket {
    return this.sockets.at(-1)!;
  }

  /** The last step that has happened. */
  get step(): string {
    return this.now;
  }

  /** What a client that knows nothing would be answered now. */
  get whole(): Snapshot {
    return this.tab.answer(null, this.now);
  }

  /** Let the client's newest socket open; its `hello` is answered. What happens in `meanwhile` overtakes the answer. */
  async welcome(...meanwhile: string[]): Promise<FakeSocket> {
    await settle();
    this.socket.open();
    const then = this.now;
    if (meanwhile.length > 0) this.pass(...meanwhile);
    for (const frame of meanwhile.flatMap((name) => this.tab.posted(name))) this.say(frame);
    await this.greet(then);
    return this.socket;
  }

  /** Answer each `hello` that was not, with what was known after a step. */
  async greet(step: string = this.now): Promise<void> {
    for (const socket of this.sockets.filter((one) => one.readyState === 1)) {
      for (const hello of socket.all("hello").filter((one) => !this.answered.has(one))) {
        this.answered.add(hello);
        socket.say(this.named({ ...this.tab.answer(hello.resume as Resume, step), id: hello.id }));
      }
    }
    await settle();
  }

  /** Let steps happen: everything in them is said to the newest socket. */
  async play(...steps: string[]): Promise<void> {
    for (const name of steps) {
      this.pass(name);
      for (const line of this.tab.step(name).lines) {
        if (line.sent) this.expect(line.sent);
        else if (line.posted!.event !== "snapshot") this.say(line.posted!);
        await settle();
      }
    }
  }

  /** Let steps happen of which the client hears nothing. */
  pass(...steps: string[]): void {
    this.now = this.tab.step(steps.at(-1)!).name;
  }

  /** Say one frame, with the client's ids. */
  say(frame: Frame): void {
    this.socket.say(this.named(frame));
  }

  private named(frame: Frame): Frame {
    const client = (key: string, value: unknown) =>
      (key === "id" || key === "message_id") && typeof value === "string" ? (this.ids.get(value) ?? value) : value;
    return JSON.parse(JSON.stringify(frame), client) as Frame;
  }

  /** Take the oldest frame the client has sent with this action for one that was recorded. */
  expect(recorded: ClientFrame): void {
    const open = this.sockets.flatMap((socket) => socket.all(recorded.action)).filter((frame) => !this.taken.has(frame));
    const [sent] = open;
    if (sent === undefined) return;
    this.taken.add(sent);
    this.ids.set(recorded.id, sent.id);
    if (typeof recorded.message_id === "string") this.ids.set(recorded.message_id, String(sent.message_id));
  }
}
