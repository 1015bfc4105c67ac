/** A visitor's client as it really is, on fake sockets, with what the server said in a recording. */

import type { VisitorEntry } from "../src/client/api";
import type { Entry } from "../src/client/frames";
import { MapMemory } from "../src/client/storage";
import { VisitorClient } from "../src/widget/visitor";
import { FakeSocket, FakeTimers, settle } from "./fakes";
import { Server, Tab } from "./recorded";

export const LIFE_S = 900;

export class Browser {
  readonly timers = new FakeTimers();
  readonly memory = new MapMemory();
  readonly sockets: FakeSocket[] = [];
  /** What was asked of the sign-in, and what it answers: to each in turn, and a new token when there is nothing here. */
  readonly posted: Record<string, unknown>[] = [];
  answers: (() => Response | Promise<Response>)[] = [];
  /** What was fetched of files, and how. */
  readonly fetched: [string, RequestInit][] = [];
  readonly arrived: VisitorEntry[] = [];
  readonly server: Server;
  chat: Record<string, unknown> = {
    account: "shop",
    title: null,
    colour: null,
    open: true,
    languages: [],
    pre_chat: [],
    identity: true,
    attachments: { max_bytes: 10, content_types: [] },
  };
  thread: unknown = { entries: [], before: null };
  client: VisitorClient;

  constructor(recording = "visit", tab = "mina") {
    this.server = new Server(new Tab(recording, tab), this.sockets);
    this.client = this.made();
  }

  /** The page is loaded again: what is in the browser's memory stays. */
  async reload(): Promise<void> {
    this.client.end();
    this.client = this.made();
    await this.client.begin();
    await settle();
  }

  /** The visitor opens the chat, and is connected. */
  async enter(...meanwhile: string[]): Promise<FakeSocket> {
    await this.client.begin();
    this.client.enter();
    return await this.server.welcome(...meanwhile);
  }

  /** Let everything happen up to the end of a step, heard from the beginning. */
  async hear(step: string): Promise<FakeSocket> {
    await this.enter();
    await this.server.play(...this.server.tab.until(step));
    return this.server.socket;
  }

  /** Let everything happen up to the end of a step, and connect only then. */
  async comeAfter(step: string): Promise<FakeSocket> {
    this.server.pass(step);
    return await this.enter();
  }

  /** The connection breaks and comes back; what happens in `meanwhile` overtakes the answer. */
  async reconnect(...meanwhile: string[]): Promise<FakeSocket> {
    this.server.socket.break();
    await this.timers.pass(1000);
    return await this.server.welcome(...meanwhile);
  }

  /** Let time pass while the server answers every ping. */
  async stay(ms: number): Promise<void> {
    const answered = new Set<string>();
    for (let left = ms; left > 0; left -= 5000) {
      await this.timers.pass(Math.min(5000, left));
      for (const socket of this.sockets.filter((one) => one.readyState === 1)) {
        for (const { id } of socket.all("ping")) if (!answered.has(id)) socket.say({ event: "ack", id });
        for (const { id } of socket.all("ping")) answered.add(id);
      }
    }
  }

  get texts(): (string | undefined)[] {
    return this.client.entries.map((one: Entry) => one.text);
  }

  private made(): VisitorClient {
    const client = new VisitorClient({
      api: "https://api.test",
      account: "shop",
      socket: (_, token) => {
        const socket = new FakeSocket(token);
        this.sockets.push(socket);
        return socket;
      },
      memory: this.memory,
      timers: this.timers,
      lock: (_, action) => action(),
      fetching: ((address: string, how: RequestInit = {}) => Promise.resolve(this.answer(address, how))) as typeof fetch,
    });
    client.listen((happening) => happening.arrived && this.arrived.push(happening.arrived));
    return client;
  }

  private answer(address: string, how: RequestInit): Response | Promise<Response> {
    if (address.endsWith("/webchat/shop")) return json(this.chat);
    if (address.includes("/thread")) return json(this.thread);
    if (address.includes("/attachments/")) return json({ url: `https://files.test/${address.split("/").pop()}` });
    if (address.startsWith("https://files.test/")) {
      this.fetched.push([address, how]);
      return new Response("bytes", { status: address.endsWith("gone") ? 404 : 200 });
    }
    this.posted.push(JSON.parse(String(how.body)) as Record<string, unknown>);
    return (this.answers.shift() ?? (() => this.signedIn()))();
  }

  private signedIn(): Response {
    const number = this.posted.length;
    const token = jwt({ sub: "v", iat: 1000, exp: 1000 + LIFE_S, n: number });
    return json({ token, expires_at: "", visitor: `proof-${number}`, socket: "wss://s.test" });
  }
}

export function jwt(claims: object): string {
  return `h.${btoa(JSON.stringify(claims)).replaceAll("=", "")}.s`;
}

export function json(value: unknown, status = 200, headers: Record<string, string> = {}): Response {
  return new Response(JSON.stringify(value), { status, headers });
}
