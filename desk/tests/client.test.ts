import { beforeEach, describe, expect, it } from "vitest";
import { ANSWER_MS, LIFE_MS, PING_MS } from "../src/client/connection";
import { DeskClient, GAP_MS, type Happening } from "../src/client/client";
import type { SnapshotConversation } from "../src/client/frames";
import { Rest } from "../src/client/rest";
import { MapMemory } from "../src/client/storage";
import { FakeSocket, FakeTimers, settle } from "./fakes";
import { CONVERSATION, conversation, entry, HOME, message, snapshot } from "./frames";

let timers: FakeTimers;
let sockets: FakeSocket[];
let memory: MapMemory;
let client: DeskClient;
let happened: Happening[];
let restStatus: number;
let asked: boolean[];

function made(): DeskClient {
  const token = (renew: boolean) => {
    asked.push(renew);
    return Promise.resolve(renew ? "renewed" : "token");
  };
  const answer = () => Promise.resolve(new Response("{}", { status: restStatus }));
  const one = new DeskClient({
    subject: "ana",
    socket: (given) => {
      const socket = new FakeSocket(given);
      sockets.push(socket);
      return socket;
    },
    rest: new Rest("", token, answer as typeof fetch),
    token,
    memory,
    timers,
    lock: (_, action) => action(),
  });
  one.listen((happening) => happened.push(happening));
  return one;
}

async function welcome(...conversations: SnapshotConversation[]): Promise<FakeSocket> {
  await settle();
  const socket = sockets.at(-1)!;
  socket.open();
  socket.say(snapshot(conversations, { id: socket.last("hello").id }));
  await settle();
  return socket;
}

const held = (version: number, ...numbers: number[]) => ({
  ...conversation(version),
  entries: numbers.map((number) => entry(number)),
});

function write(text: string, seenVersion: number | null = null): void {
  client.outbox.put({
    kind: "message",
    conversation: CONVERSATION,
    customer: HOME,
    text,
    via: null,
    attachments: [],
    names: [],
    writtenAt: "",
    seenVersion,
  });
}

beforeEach(() => {
  timers = new FakeTimers();
  sockets = [];
  memory = new MapMemory();
  happened = [];
  asked = [];
  restStatus = 200;
  client = made();
  client.start();
});

describe("connecting", () => {
  it("comes back by itself, later each time, and resumes from what it has", async () => {
    const first = await welcome(held(2, 1, 2));
    first.break();
    expect(client.connection.state).toBe("waiting");
    await timers.pass(400);
    sockets.at(-1)!.break(); // refused before it opened
    await timers.pass(800);
    expect(sockets).toHaveLength(3);
    const third = await welcome(held(4, 1, 2, 3, 4));
    expect(third.all("hello")[0]).toMatchObject({ resume: { [CONVERSATION]: 2 } });
    expect([client.connection.state, client.state.thread(HOME).length]).toEqual(["open", 4]);
  });

  it("never waits longer than half a minute", async () => {
    for (let attempt = 0; attempt < 12; attempt += 1) {
      await timers.pass(30_000);
      sockets.at(-1)!.break();
    }
    const before = sockets.length;
    await timers.pass(30_000);
    expect(sockets.length).toBe(before + 1);
  });

  it("hurries when the network comes back", async () => {
    (await welcome(held(1, 1))).break();
    client.connection.hurry();
    await settle();
    expect(sockets).toHaveLength(2);
  });

  it("replaces its socket before API Gateway cuts it, and has one in service all the time", async () => {
    const first = await welcome(held(1, 1));
    const pings = Math.floor(LIFE_MS / PING_MS);
    for (let ping = 0; ping < pings; ping += 1) {
      await timers.pass(PING_MS);
      first.say({ event: "ack", id: first.last("ping").id });
    }
    await timers.pass(LIFE_MS - pings * PING_MS);
    expect([sockets.length, first.readyState, client.connection.isOpen]).toEqual([2, 1, true]);
    await welcome(held(1, 1));
    expect([first.readyState, client.connection.isOpen]).toEqual([3, true]);
  });

  it("takes a socket that does not answer for dead", async () => {
    const first = await welcome(held(1, 1));
    void client.ask("offer.accept", { offer: "o" });
    await timers.pass(ANSWER_MS + 400);
    expect([first.readyState, sockets.length]).toEqual([3, 2]);
  });

  it("gets a new token when the old one has expired", async () => {
    const first = await welcome(held(1, 1));
    const closing = client.ask("conversation.close", { conversation: CONVERSATION });
    const { id } = first.last("conversation.close");
    first.say({ event: "error", id, code: "unauthenticated", message: "" });
    await timers.pass(400);
    const second = await welcome(held(1, 1));
    expect([second.token, asked.includes(true)]).toEqual(["renewed", true]);
    second.say({ event: "ack", id: second.last("conversation.close").id });
    expect((await closing).id).toBe(id);
  });

  it("stops trying when nobody knows this agent", async () => {
    await settle();
    restStatus = 403;
    sockets[0]!.break();
    await timers.pass(60_000);
    expect([client.connection.state, sockets.length]).toEqual(["refused", 1]);
  });

  it("repeats a frame that got no answer, under the same id", async () => {
    const first = await welcome(held(1, 1));
    const accepting = client.ask("offer.accept", { offer: "o" });
    first.break();
    await timers.pass(400);
    const second = await welcome(held(1, 1));
    expect(second.last("offer.accept").id).toBe(first.last("offer.accept").id);
    second.say({ event: "ack", id: second.last("offer.accept").id });
    await expect(accepting).resolves.toMatchObject({ event: "ack" });
  });

  it("repeats what the server was too busy for, and gives the last word to the one who asked", async () => {
    const socket = await welcome(held(1, 1));
    const asking = client.ask("offer.accept", { offer: "o" }).catch((error: Error) => error.message);
    for (let attempt = 0; attempt < 5; attempt += 1) {
      const { id } = socket.last("offer.accept");
      socket.say({ event: "error", id, code: "store_unavailable", message: "busy" });
      await timers.pass(9_000);
    }
    expect([await asking, socket.all("offer.accept").length]).toEqual(["busy", 5]);
  });
});

describe("gaps", () => {
  it("waits half a second for what is missing before it asks", async () => {
    const socket = await welcome(held(1, 1));
    socket.say(message(3, entry(3)));
    socket.say(message(2, entry(2)));
    await timers.pass(GAP_MS);
    expect(socket.all("hello")).toHaveLength(1);
    socket.say(message(5, entry(5)));
    await timers.pass(GAP_MS);
    expect(socket.last("hello")).toMatchObject({ resume: { [CONVERSATION]: 3 } });
  });
});

describe("offers", () => {
  it("ring once, whether they come alone or in a snapshot", async () => {
    const socket = await welcome(held(1, 1));
    const offer = { offer: "o.1", conversation: "o", customer: { id: "h-9", name: null }, channel: "telegram", queue: "q" };
    const whole = { ...offer, requirement: "", preview: null, waiting_since: "", expires_at: "" };
    socket.say({ event: "offer", ...whole });
    socket.say({ event: "offer", ...whole });
    client.connection.hello();
    socket.say(snapshot([held(1, 1)], { id: socket.last("hello").id, offers: [whole] }));
    expect(happened.filter((one) => one.kind === "offer")).toHaveLength(1);
  });
});

describe("the outbox", () => {
  it("sends what was written while offline once the connection is back, in order and once", async () => {
    (await welcome(held(1, 1))).break();
    write("first");
    write("second");
    expect(client.outbox.of(CONVERSATION).map((one) => one.text)).toEqual(["first", "second"]);
    await timers.pass(400);
    const second = await welcome(held(1, 1));
    second.say({ event: "ack", id: second.last("message.send").id, entry: entry(2, { direction: "outbound" }) });
    await settle();
    second.say({ event: "ack", id: second.last("message.send").id, entry: entry(3, { direction: "outbound" }) });
    await settle();
    expect(second.all("message.send").map((one) => one.text)).toEqual(["first", "second"]);
    expect([client.outbox.parcels(), client.state.thread(HOME).length]).toEqual([[], 3]);
  });

  it("gives a message one id, also after a lost acknowledgement and a reload", async () => {
    const first = await welcome(held(1, 1));
    write("hello");
    await settle();
    const id = first.last("message.send").message_id;
    client.stop();
    client = made(); // the page was loaded again
    client.start();
    const second = await welcome(held(1, 1));
    expect(second.last("message.send").message_id).toBe(id);
    expect(String(id)[14]).toBe("7");
  });

  it("sends quick replies with the text, and a template in place of it", async () => {
    const socket = await welcome(held(1, 1));
    const parcel = { kind: "message", conversation: CONVERSATION, customer: HOME, via: null, writtenAt: "", seenVersion: null } as const;
    client.outbox.put({ ...parcel, attachments: [], names: [], text: "Which?", quickReplies: [{ kind: "reply", text: "This" }] });
    await settle();
    expect(socket.last("message.send")).toMatchObject({ text: "Which?", quick_replies: [{ kind: "reply", text: "This" }] });
    socket.say({ event: "ack", id: socket.last("message.send").id, entry: entry(2, { direction: "outbound" }) });
    await settle();
    client.outbox.put({ ...parcel, attachments: [], names: [], text: "Good day Maya", template: { name: "order_update", parameters: ["Maya"] } });
    await settle();
    const sent = socket.last("message.send");
    expect(sent).toMatchObject({ template: { name: "order_update", parameters: ["Maya"] } });
    expect(sent).not.toHaveProperty("text");
    expect(sent).not.toHaveProperty("quick_replies");
  });

  it("takes an id without a time when the very first attempt is refused: our clock may be wrong", async () => {
    const socket = await welcome(held(1, 1));
    write("hello");
    await settle();
    socket.say({ event: "error", id: socket.last("message.send").id, code: "invalid_request", message: "message_id: …" });
    await settle();
    expect(String(socket.last("message.send").message_id)[14]).toBe("4");
    socket.say({ event: "error", id: socket.last("message.send").id, code: "invalid_request", message: "via: …" });
    await settle();
    expect(client.outbox.parcels()[0]?.failed).toMatchObject({ code: "invalid_request", message: "via: …" });
  });

  it("holds a reply back when a colleague has answered, and sends it under its own id when told to", async () => {
    const socket = await welcome(held(4, 1));
    write("hello", 4);
    await settle();
    const { id, message_id, seen_version } = socket.last("message.send");
    expect(seen_version).toBe(4);
    socket.say({ event: "error", id, code: "conflict", message: "", version: 6 });
    await settle();
    const [parcel] = client.outbox.parcels();
    expect(parcel?.failed?.version).toBe(6);
    client.outbox.again(parcel!.key);
    await settle();
    expect(socket.last("message.send")).toMatchObject({ message_id, seen_version: 6 });
  });

  it("goes on with the next message when one was refused for good", async () => {
    const socket = await welcome(held(1, 1));
    write("first");
    write("second");
    await settle();
    socket.say({ event: "error", id: socket.last("message.send").id, code: "window_closed", message: "" });
    await settle();
    expect(socket.last("message.send").text).toBe("second");
    expect(client.outbox.parcels()[0]?.failed?.code).toBe("window_closed");
  });

  it("gives the words back when a message is withdrawn", async () => {
    (await welcome(held(1, 1))).break();
    write("a thought");
    expect(client.outbox.withdraw(client.outbox.parcels()[0]!.key)?.text).toBe("a thought");
    expect(client.outbox.parcels()).toEqual([]);
  });
});

it("does not take back what is under way", async () => {
  await welcome(held(1, 1));
  write("too late");
  await settle();
  const [parcel] = client.outbox.parcels();
  expect([parcel?.attempts, client.outbox.withdraw(parcel!.key), client.outbox.parcels().length]).toEqual([1, null, 1]);
});

describe("reading", () => {
  it("is told to the other tabs and outlives a reload", async () => {
    const socket = await welcome(held(2, 1, 2));
    client.read(CONVERSATION);
    client.read(CONVERSATION);
    expect(socket.all("read")).toHaveLength(1);
    client.stop();
    client = made();
    client.start();
    await welcome(held(3, 1, 2, 3));
    expect(client.state.unread(client.state.conversations.get(CONVERSATION)!)).toBe(1);
  });
});
