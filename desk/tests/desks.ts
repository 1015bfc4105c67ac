/** An agent's client as it really is, on fake sockets, with what the server said in a recording. */

import { DeskClient, type Happening } from "../src/client/client";
import type { Entry } from "../src/client/frames";
import { DeskRest } from "../src/client/rest";
import { DeskState } from "../src/client/state";
import { MapMemory } from "../src/client/storage";
import { FakeSocket, FakeTimers } from "./fakes";
import { type Frame, Server, Tab } from "./recorded";

export class Desk {
  readonly timers = new FakeTimers();
  readonly sockets: FakeSocket[] = [];
  readonly memory = new MapMemory();
  readonly happened: Happening[] = [];
  /** For each token that was asked for: whether it had to be a new one. */
  readonly renewals: boolean[] = [];
  /** What was asked for over REST of customers' threads. */
  readonly pages: string[] = [];
  readonly server: Server;
  restStatus = 200;
  client: DeskClient;

  constructor(recording: string, tab = "ana") {
    this.server = new Server(new Tab(recording, tab), this.sockets);
    this.client = this.made();
    this.client.start();
  }

  /** The page is loaded again: what is in the browser's memory stays. */
  reload(): void {
    this.client.stop();
    this.client = this.made();
    this.client.start();
  }

  /** Let everything happen up to the end of a step, heard from the beginning. */
  async hear(step: string): Promise<FakeSocket> {
    await this.server.welcome();
    await this.server.play(...this.server.tab.until(step));
    return this.server.socket;
  }

  /** Let everything happen up to the end of a step, and connect only then. */
  async comeAfter(step: string): Promise<FakeSocket> {
    this.server.pass(step);
    return await this.server.welcome();
  }

  /** The one conversation the agent holds. */
  get conversation(): string {
    return this.client.state.mine()[0]!.view.conversation;
  }

  get customer(): string {
    return this.client.state.mine()[0]!.view.customer.id;
  }

  write(text: string, seenVersion: number | null = null): void {
    this.client.outbox.put({
      kind: "message",
      conversation: this.conversation,
      customer: this.customer,
      text,
      via: null,
      attachments: [],
      names: [],
      writtenAt: "",
      seenVersion,
    });
  }

  private made(): DeskClient {
    const token = (renew: boolean) => {
      this.renewals.push(renew);
      return Promise.resolve(renew ? "renewed" : "token");
    };
    const client = new DeskClient({
      subject: "ana",
      socket: (given) => {
        const socket = new FakeSocket(given);
        this.sockets.push(socket);
        return socket;
      },
      rest: new DeskRest("", token, ((address: string) => Promise.resolve(this.rest(address))) as typeof fetch),
      token,
      memory: this.memory,
      timers: this.timers,
      lock: (_, action) => action(),
    });
    client.listen((happening) => this.happened.push(happening));
    return client;
  }

  /** A customer's page has the entries of the answer to a `hello`: the recorder has made sure of that. */
  private rest(address: string): Response {
    const customer = /^\/threads\/([^?]+)/.exec(address)?.[1];
    if (customer !== undefined) this.pages.push(address);
    const held = this.server.whole.conversations.find((one) => one.customer.id === customer);
    if (held === undefined || this.restStatus !== 200) return new Response("{}", { status: this.restStatus });
    return new Response(JSON.stringify({ customer, entries: held.entries, before: null }));
  }
}

/** What a state knows that was told all of this after its first snapshot. */
export function told(tab: Tab, frames: readonly Frame[]): DeskState {
  const state = new DeskState();
  state.applySnapshot(tab.all("snapshot")[0]!, state.now(), {});
  tell(state, frames);
  return state;
}

export function tell(state: DeskState, frames: readonly Frame[]): void {
  for (const frame of frames) state.apply(frame, 0);
}

/** What was written with a customer, as it reads. */
export function words(state: DeskState, customer: string): (string | undefined)[] {
  return entries(state, customer).map((one) => one.text);
}

export function entries(state: DeskState, customer: string): Entry[] {
  const thread = state.thread(customer);
  return thread.slice(0, thread.length);
}
