import { beforeEach, describe, expect, it } from "vitest";
import type { VisitorEntry } from "../src/client/api";
import { ANSWER_MS, SLOW_MS } from "../src/client/connection";
import type { ServerFrame } from "../src/client/frames";
import { MapMemory } from "../src/client/storage";
import { introductionOf } from "../src/widget/intro";
import { EARLY_MS } from "../src/widget/sign-in";
import { inkUpon } from "../src/widget/styles";
import { CATALOGUES, type Key, Words } from "../src/widget/texts";
import { VisitorClient } from "../src/widget/visitor";
import { choicesOf, closing } from "../src/i18n/messages";
import { FakeSocket, FakeTimers, settle } from "./fakes";

const LIFE_S = 900;
const PLACE = "throughline.visitor.https://api.test/demo";

let timers: FakeTimers;
let memory: MapMemory;
let sockets: FakeSocket[];
let posted: Record<string, unknown>[];
let answers: (() => Response | Promise<Response>)[];
let fetched: [string, RequestInit][];
let chat: Record<string, unknown>;
let thread: unknown;
let client: VisitorClient;
let arrived: VisitorEntry[];

const jwt = (claims: object) => `h.${btoa(JSON.stringify(claims)).replaceAll("=", "")}.s`;
const json = (value: unknown, status = 200, headers: Record<string, string> = {}) =>
  new Response(JSON.stringify(value), { status, headers });

function signedIn(): Response {
  const token = jwt({ sub: "v", iat: 1000, exp: 1000 + LIFE_S, n: posted.length });
  return json({ token, expires_at: "", visitor: `proof-${posted.length}`, socket: "wss://s.test" });
}

const fetching = ((address: string, how: RequestInit = {}) => {
  if (address.endsWith("/webchat/demo")) return Promise.resolve(json(chat));
  if (address.includes("/thread")) return Promise.resolve(json(thread));
  if (address.includes("/attachments/")) return Promise.resolve(json({ url: `https://files.test/${address.split("/").pop()}` }));
  if (address.startsWith("https://files.test/")) {
    fetched.push([address, how]);
    return Promise.resolve(new Response("bytes", { status: address.endsWith("gone") ? 404 : 200 }));
  }
  posted.push(JSON.parse(String(how.body)) as Record<string, unknown>);
  return Promise.resolve((answers.shift() ?? signedIn)());
}) as typeof fetch;

function made(): VisitorClient {
  const one = new VisitorClient({
    api: "https://api.test",
    account: "demo",
    socket: (_, token) => {
      const socket = new FakeSocket(token);
      sockets.push(socket);
      return socket;
    },
    memory,
    timers,
    lock: (_, action) => action(),
    fetching,
  });
  one.listen((happening) => happening.arrived && arrived.push(happening.arrived));
  return one;
}

const say = (socket: FakeSocket, frame: object) => socket.say(frame as ServerFrame);

function entry(number: number, more: Partial<VisitorEntry> = {}): VisitorEntry {
  const ms = 1_780_000_000_000 + number * 1000;
  const hash = number.toString(16).padStart(22, "0");
  return {
    id: `h-v.${ms}.${hash}`,
    kind: "message",
    direction: "outbound",
    text: `Message ${number}`,
    author: "Ana",
    sent_at: new Date(ms).toISOString(),
    status: "sent",
    ...more,
  };
}

function snapshot(socket: FakeSocket, entries: VisitorEntry[] = [], before: string | null = null): void {
  const conversation = { state: "none", agent: null };
  const visitor = { name: null, identified: false };
  say(socket, { event: "snapshot", id: socket.last("hello").id, visitor, conversation, entries, before });
}

async function welcome(entries: VisitorEntry[] = [], before: string | null = null): Promise<FakeSocket> {
  await settle();
  const socket = sockets.at(-1)!;
  socket.open();
  snapshot(socket, entries, before);
  await settle();
  return socket;
}

async function acknowledge(socket: FakeSocket): Promise<void> {
  const { id, message_id } = socket.last("message.send");
  say(socket, { event: "ack", id, message_id });
  await settle();
}

/** Let time pass while the server answers every ping. */
async function stay(ms: number): Promise<void> {
  const answered = new Set<string>();
  for (let left = ms; left > 0; left -= 5000) {
    await timers.pass(Math.min(5000, left));
    for (const socket of sockets.filter((one) => one.readyState === 1)) {
      for (const { id } of socket.all("ping")) if (!answered.has(id)) say(socket, { event: "ack", id });
      for (const { id } of socket.all("ping")) answered.add(id);
    }
  }
}

const texts = () => client.entries.map((one) => one.text);

beforeEach(async () => {
  timers = new FakeTimers();
  memory = new MapMemory();
  [sockets, posted, answers, arrived, fetched] = [[], [], [], [], []];
  const attachments = { max_bytes: 10, content_types: [] };
  chat = { account: "demo", title: null, colour: null, open: true, languages: [], pre_chat: [], identity: true, attachments };
  thread = { entries: [], before: null };
  client = made();
  await client.begin();
});

describe("signing in", () => {
  it("asks nothing of anybody who only passes by", () => {
    expect([posted.length, sockets.length]).toEqual([0, 0]);
  });

  it("keeps the proof and gives it back", async () => {
    client.enter();
    await welcome();
    expect(posted).toEqual([{}]);
    client.end();
    client = made();
    await client.begin();
    await settle();
    expect(posted.at(-1)).toEqual({ visitor: "proof-1" });
    expect(memory.read(PLACE)).toBe("proof-2");
  });

  it("begins anew when the proof is not accepted any more", async () => {
    memory.write(PLACE, "old");
    answers = [() => json({ error: "unauthenticated" }, 401)];
    client.enter();
    await welcome();
    expect(posted).toEqual([{ visitor: "old" }, {}]);
    expect(memory.read(PLACE)).toBe("proof-2");
  });

  it("waits as long as it is told to, and no less", async () => {
    answers = [() => json({ error: "too_many_requests" }, 429, { "Retry-After": "7" })];
    client.enter();
    await settle();
    await timers.pass(6_900);
    expect(posted.length).toBe(1);
    await timers.pass(200);
    expect(posted.length).toBe(2);
    await welcome();
    expect(client.connection.isOpen).toBe(true);
  });

  it("asks what the account wants to know, and again what was not taken", async () => {
    chat = { ...chat, pre_chat: [{ field: "phone", required: true }] };
    await client.refresh();
    expect(client.view).toBe("form");
    client.enter();
    await settle();
    expect(posted).toEqual([]);
    answers = [() => json({ error: "invalid_request" }, 400)];
    client.write("Call me");
    client.introduce({ phone: "no number", language: "en" });
    await settle();
    expect([client.view, client.signIn.told?.phone]).toEqual(["form", "no number"]);
    client.introduce({ phone: "+971505550142", language: "en" });
    const socket = await welcome();
    expect(client.view).toBe("chat");
    expect(posted.at(-1)).toEqual({ phone: "+971505550142", language: "en" });
    expect(socket.last("message.send").text).toBe("Call me");
  });

  it("leaves it at that where the page may not use the account", async () => {
    answers = [() => json({ error: "forbidden" }, 403)];
    client.enter();
    await timers.pass(600_000);
    expect([client.view, posted.length]).toEqual(["refused", 1]);
  });

  it("takes the next socket into service a minute before the token ends, and only then lets go of the old one", async () => {
    client.enter();
    const first = await welcome([entry(1)]);
    await stay(LIFE_S * 1000 - EARLY_MS - 1000);
    expect(sockets.length).toBe(1);
    await timers.pass(1000);
    expect([sockets.length, first.readyState]).toEqual([2, 1]);
    expect(sockets[1]!.token).not.toBe(first.token);
    await welcome();
    expect([client.connection.isOpen, first.readyState]).toEqual([true, 3]);
    await stay(LIFE_S * 1000 - EARLY_MS);
    expect(sockets.length).toBe(3);
  });

  it("does not call a connection lost because a renewal did not work at once", async () => {
    client.enter();
    await welcome();
    answers = [() => json({}, 503)];
    await stay(LIFE_S * 1000 - EARLY_MS);
    expect([client.connection.state, sockets.length]).toEqual(["open", 1]);
    await timers.pass(1000);
    expect(sockets.length).toBe(2);
  });
});

describe("the company's own users", () => {
  const identity = (sub: string) => jwt({ sub, exp: 9_999_999_999 });

  it("sends what the page says, keeps nothing, and asks it again at each renewal", async () => {
    let asked = 0;
    answers = [1, 2].map(() => () => json({ token: "t", expires_at: "", visitor: null, socket: "wss://s.test" }));
    await client.identify(() => {
      asked += 1;
      return identity("u1");
    });
    await welcome();
    expect([posted, memory.read(PLACE)]).toEqual([[{ identity: identity("u1") }], null]);
    await stay(LIFE_S * 1000 - EARLY_MS);
    expect([posted.length, asked]).toEqual([2, 3]);
  });

  it("shows and sends nothing of one user as another", async () => {
    await client.identify(identity("u1"));
    await welcome([entry(1)]);
    sockets.at(-1)!.break();
    client.write("Mine");
    await client.identify(identity("u2"));
    const socket = await welcome();
    expect([texts(), client.pending(), socket.all("message.send")]).toEqual([[], [], []]);
    await client.identify(identity("u1"));
    expect((await welcome()).last("message.send").text).toBe("Mine");
  });

  it("never takes what one user was answered for another, however late it comes", async () => {
    memory.write(PLACE, "mine");
    let answer = (_: Response): void => undefined;
    answers = [() => new Promise<Response>((done) => (answer = done))];
    await client.identify(identity("u1"));
    await settle();
    await client.identify(null);
    answer(json({ token: "of u1", expires_at: "", visitor: null, socket: "wss://s.test" }));
    await timers.pass(1000);
    await welcome();
    expect(sockets.map((socket) => socket.token === "of u1")).toEqual([false]);
    expect(posted).toEqual([{ identity: identity("u1"), visitor: "mine" }, { visitor: "mine" }]);
  });

  it("says so when the page's word has expired, and goes on with a new one", async () => {
    answers = [() => json({ error: "unauthenticated" }, 401)];
    await client.identify(identity("u1"));
    await settle();
    expect(client.view).toBe("identity");
    await client.identify(`${identity("u1")}2`);
    await welcome();
    expect(client.view).toBe("chat");
  });
});

describe("a visitor who signs in on the page", () => {
  const identity = (sub: string) => jwt({ sub, exp: 9_999_999_999 });
  const known = () => json({ token: jwt({ sub: "u", iat: 1000, exp: 1000 + LIFE_S }), expires_at: "", visitor: null, socket: "wss://s.test" });

  it("hands over the proof of who they were, once, and keeps it no longer", async () => {
    client.enter();
    await welcome([entry(1)]);
    answers = [known, known];
    await client.identify(identity("u1"));
    await welcome([entry(1), entry(2)]);
    expect([posted.at(-1), memory.read(PLACE)]).toEqual([{ identity: identity("u1"), visitor: "proof-1" }, null]);
    expect(texts()).toEqual(["Message 1", "Message 2"]);
    memory.write(PLACE, "of another tab");
    await stay(LIFE_S * 1000 - EARLY_MS);
    expect([posted.length, posted.at(-1), memory.read(PLACE)]).toEqual([3, { identity: identity("u1") }, "of another tab"]);
  });

  it("keeps the proof while the page's word is not accepted", async () => {
    memory.write(PLACE, "proof");
    answers = [() => json({ error: "unauthenticated" }, 401), known];
    await client.identify(identity("u1"));
    await settle();
    expect([client.view, memory.read(PLACE), posted.length]).toEqual(["identity", "proof", 1]);
    await client.identify(`${identity("u1")}2`);
    await welcome();
    expect(posted.at(-1)).toEqual({ identity: `${identity("u1")}2`, visitor: "proof" });
  });

  it("is somebody new when the page says that nobody is signed in any more", async () => {
    client.enter();
    await welcome([entry(1)]);
    answers = [known];
    await client.identify(identity("u1"));
    await welcome([entry(1)]);
    await client.identify(null);
    expect([texts(), sockets.at(-1)!.readyState]).toEqual([[], 3]);
    client.enter();
    await welcome();
    expect(posted.at(-1)).toEqual({});
  });

  it("takes along what was not sent yet, and sends nothing twice", async () => {
    client.enter();
    const socket = await welcome([entry(1)]);
    client.write("Perhaps taken");
    await settle();
    const { message_id } = socket.last("message.send");
    socket.break();
    client.write("Not sent");
    client.draft = "Half a wo";
    expect(client.pending().map((one) => one.parcel.text)).toEqual(["Perhaps taken", "Not sent"]);
    answers = [known];
    await client.identify(identity("u1"));
    const next = await welcome([entry(1)]);
    expect(next.all("message.send").map((frame) => frame.text)).toEqual(["Not sent"]);
    expect(client.pending().map((one) => [one.parcel.text, one.parcel.failed !== null])).toEqual([
      ["Perhaps taken", true],
      ["Not sent", false],
    ]);
    next.break();
    await timers.pass(1000);
    await welcome([entry(1), entry(2, { direction: "inbound", status: undefined, text: "Perhaps taken", message_id: String(message_id) })]);
    expect(client.pending().map((one) => one.parcel.text)).toEqual(["Not sent"]);
    expect(client.draft).toBe("Half a wo");
    await client.identify(null);
    expect([client.pending(), client.draft]).toEqual([[], ""]);
  });

  it("is not let in as who they were because that was asked for a moment ago", async () => {
    let answer = (_: Response): void => undefined;
    answers = [() => new Promise<Response>((done) => (answer = done)) as unknown as Response, known];
    client.enter();
    await settle();
    await client.identify(identity("u1"));
    answer(signedIn());
    const socket = await welcome();
    expect(posted).toEqual([{}, { identity: identity("u1") }]);
    expect([socket.token, sockets.length]).toEqual([jwt({ sub: "u", iat: 1000, exp: 1000 + LIFE_S }), 1]);
  });

  it("shows nothing of it where it happened in another tab", async () => {
    client.enter();
    const socket = await welcome([entry(1)]);
    client.write("Is this lost?");
    await settle();
    const token = jwt({ sub: "fresh", iat: 1000, exp: 1000 + LIFE_S });
    answers = [() => json({ error: "unauthenticated" }, 401), () => json({ token, expires_at: "", visitor: "fresh", socket: "wss://s.test" })];
    say(socket, { event: "error", id: socket.last("message.send").id, code: "unauthenticated", message: "" });
    await timers.pass(1000);
    expect(texts()).toEqual([]);
    const next = await welcome();
    expect([posted.at(-2), posted.at(-1), memory.read(PLACE)]).toEqual([{ visitor: "proof-1" }, {}, "fresh"]);
    expect([next.last("hello").resume, next.last("message.send").text]).toEqual([null, "Is this lost?"]);
  });
});

describe("the outbox", () => {
  it("sends the next message when the one before was acknowledged", async () => {
    client.enter();
    const socket = await welcome();
    client.write("One");
    client.write("Two");
    await settle();
    expect(socket.all("message.send").map((frame) => frame.text)).toEqual(["One"]);
    await acknowledge(socket);
    expect(socket.all("message.send").map((frame) => frame.text)).toEqual(["One", "Two"]);
  });

  it("says which message is answered, also when it goes out after a reload", async () => {
    client.enter();
    (await welcome([entry(1)])).break();
    client.write("The red one", [], entry(1).id);
    client.end();
    client = made();
    await client.begin();
    const socket = await welcome([entry(1)]);
    expect(socket.last("message.send")).toMatchObject({ text: "The red one", reply_to: entry(1).id });
    await acknowledge(socket);
    client.write("And it blinks");
    await settle();
    expect(Object.keys(socket.last("message.send"))).not.toContain("reply_to");
  });

  it("waits ten seconds where it sends too much, and then goes on in order", async () => {
    client.enter();
    const socket = await welcome();
    client.write("One");
    client.write("Two");
    await settle();
    const refused = { event: "error", id: socket.last("message.send").id, code: "too_many_requests", message: "" };
    for (const _ of [1, 2, 3, 4, 5, 6]) {
      say(socket, refused);
      await timers.pass(SLOW_MS - 1);
      await timers.pass(1);
    }
    expect(new Set(socket.all("message.send").map((frame) => frame.text))).toEqual(new Set(["One"]));
    expect([socket.all("message.send").length, client.pending().length]).toEqual([7, 2]);
    await acknowledge(socket);
    expect(socket.last("message.send").text).toBe("Two");
  });

  it("sends what was written off-line once, under one id however often it has to try, over a reload too", async () => {
    client.enter();
    const first = await welcome();
    client.write("Hello?");
    await settle();
    const { message_id } = first.last("message.send");
    first.break();
    client.end();
    client = made();
    await client.begin();
    const second = await welcome();
    expect(second.last("message.send")).toMatchObject({ id: message_id, message_id, text: "Hello?" });
    await timers.pass(ANSWER_MS); // no answer: that socket is given up
    await timers.pass(1000);
    const third = await welcome();
    expect(third.all("message.send").map((frame) => frame.message_id)).toEqual([message_id]);
    await acknowledge(third);
    expect(client.pending()).toMatchObject([{ acknowledged: true, parcel: { text: "Hello?" } }]);
    say(third, { event: "message", entry: entry(1, { direction: "inbound", status: undefined, message_id: String(message_id) }) });
    expect([client.pending(), client.entries.length]).toEqual([[], 1]);
    third.break();
    await timers.pass(1000);
    expect((await welcome()).all("message.send")).toEqual([]);
  });
});

describe("what is being written", () => {
  const identity = (sub: string) => jwt({ sub, exp: 9_999_999_999 });

  it("is there after a reload until it is empty", async () => {
    client.draft = "My router is";
    client.end();
    client = made();
    expect(client.draft).toBe("My router is");
    client.draft = "";
    expect(made().draft).toBe("");
  });

  it("is one person's own, and goes along with who signs in", async () => {
    client.draft = "As nobody";
    await client.identify(identity("u1"));
    expect(client.draft).toBe("As nobody");
    client.draft = "As the first";
    await client.identify(identity("u2"));
    expect(client.draft).toBe("");
    await client.identify(identity("u1"));
    expect(client.draft).toBe("As the first");
    await client.identify(null);
    expect(client.draft).toBe("");
  });
});

describe("the thread", () => {
  it("is in the server's order, whatever order it comes in, each entry once", async () => {
    client.enter();
    const socket = await welcome([entry(2), entry(4)]);
    for (const number of [3, 5, 3]) say(socket, { event: "message", entry: entry(number) });
    expect(texts()).toEqual([2, 3, 4, 5].map((number) => `Message ${number}`));
    expect(arrived.map((one) => one.text)).toEqual(["Message 3", "Message 5"]);
  });

  it("resumes from the newest entry it has, and tells what is new", async () => {
    client.enter();
    const socket = await welcome([entry(1)]);
    expect(socket.last("hello").resume).toBeNull();
    socket.break();
    await timers.pass(1000);
    const next = await welcome([entry(1, { status: "read" }), entry(2)]);
    expect(next.last("hello").resume).toBe(entry(1).id);
    expect([texts(), arrived.length]).toEqual([["Message 1", "Message 2"], 1]);
  });

  it("has no hole after a long absence: what it had is read again page by page", async () => {
    client.enter();
    (await welcome([entry(1)])).break();
    await timers.pass(1000);
    await welcome([entry(300), entry(301)], entry(300).id);
    expect([texts(), client.hasEarlier]).toEqual([["Message 300", "Message 301"], true]);
    thread = { entries: [entry(1), entry(299)], before: null };
    await client.loadEarlier();
    expect([texts().length, client.hasEarlier]).toEqual([4, false]);
  });

  it("tells of each message once that it came, and once that it was seen", async () => {
    client.enter();
    const socket = await welcome([entry(1), entry(2, { status: "read" })]);
    expect(client.unread).toBe(1);
    for (const status of ["received", "received", "read", "read", "received"] as const) client.tellSeen(status);
    expect(socket.sent.slice(1).map((frame) => [frame.action, frame.entries])).toEqual([
      ["received", [entry(1).id]],
      ["read", [entry(1).id]],
    ]);
    expect(client.unread).toBe(0);
    socket.break(); // perhaps it did not arrive: the next snapshot says
    await timers.pass(1000);
    const next = await welcome([entry(1)]);
    client.tellSeen("read");
    expect(next.last("read").entries).toEqual([entry(1).id]);
  });

  it("shows that the agent writes for a while, and what they have read", async () => {
    client.enter();
    const socket = await welcome();
    say(socket, { event: "typing", from: "Ana" });
    expect(client.typing?.from).toBe("Ana");
    await timers.pass(8_000);
    expect(client.typing).toBeNull();
    say(socket, { event: "read", until: "2026-11-25T10:00:02.000Z" });
    say(socket, { event: "read", until: "2026-11-25T10:00:01.000Z" });
    expect(client.readUntil).toBe("2026-11-25T10:00:02.000Z");
  });

  it("shows a reaction as the server does, whether it was announced or came folded", async () => {
    client.enter();
    const socket = await welcome([entry(1)]);
    const reaction = { kind: "reaction", target: entry(1).id.slice(-22), emoji: "👍", text: undefined, status: undefined } as const;
    say(socket, { event: "message", entry: entry(2, { ...reaction, direction: "inbound", author: "Mina" }) });
    expect(client.entries.map((one) => one.reactions)).toEqual([[{ by: "inbound", emoji: "👍" }]]);
  });

  it("tells that the visitor writes at most every few seconds, and of each message anew", async () => {
    client.enter();
    client.type(); // into nothing
    const socket = await welcome();
    client.type();
    client.type();
    expect(socket.all("typing").length).toBe(1);
    client.write("Done");
    client.type();
    expect(socket.all("typing").length).toBe(2);
  });
});

describe("a file", () => {
  it("is fetched by the link that its id is answered with, and nothing of the visitor's goes along", async () => {
    client.enter();
    await welcome();
    await expect(client.file("e.0")).resolves.toHaveProperty("size", 5);
    expect(fetched).toEqual([["https://files.test/e.0", { credentials: "omit", referrerPolicy: "no-referrer" }]]);
  });

  it("that is gone is an error, not its words", async () => {
    client.enter();
    await welcome();
    await expect(client.file("gone")).rejects.toThrow("not handed out");
  });
});

describe.each(Object.keys(CATALOGUES) as (keyof typeof CATALOGUES)[])("the texts in %s", (language) => {
  const keys = Object.keys(CATALOGUES.en) as Key[];

  it("are all there, about the same things, and translated", () => {
    expect(Object.keys(CATALOGUES[language])).toEqual(keys);
    const places = (text: string) => [...text.matchAll(/\{(\w+)[,}]/g)].map((match) => match[1]);
    for (const key of keys) {
      expect(CATALOGUES[language][key].trim(), key).not.toBe("");
      expect(places(CATALOGUES[language][key]), key).toEqual(places(CATALOGUES.en[key]));
      if (language !== "en") expect(CATALOGUES[language][key], key).not.toBe(CATALOGUES.en[key]);
    }
  });

  it("have each plural form the language needs", () => {
    const text = CATALOGUES[language].open_unread;
    const inside = text.slice(text.indexOf("plural,") + 7, closing(text, text.search(/\{\w+, plural,/)));
    const needed = new Intl.PluralRules(language).resolvedOptions().pluralCategories;
    expect([...choicesOf(inside).keys()]).toEqual(expect.arrayContaining(needed));
  });
});

it("has no text that nothing shows", () => {
  const sources = Object.entries(import.meta.glob<string>("../src/widget/*.ts", { query: "?raw", import: "default", eager: true }));
  const written = sources.flatMap(([path, text]) => (path.endsWith("/texts.ts") ? [] : [text])).join("\n");
  const made = /^(field\.|loading|unreachable|refused|identity)/;
  expect((Object.keys(CATALOGUES.en) as Key[]).filter((key) => !made.test(key) && !written.includes(`"${key}"`))).toEqual([]);
});

it("calls a field it does not know by the word the account gives it", () => {
  expect([new Words("en").field("order_number"), new Words("ar").field("name")]).toEqual(["Order number", "اسمك"]);
});

it("takes from the form what was filled in, and its own language where none was asked", () => {
  const form = new FormData();
  for (const [name, value] of [["name", " Mina "], ["phone", ""], ["order_number", "7731"], ["message:", " Hello "]] as const) {
    form.set(name, value);
  }
  expect(introductionOf(form, "ar")).toEqual({
    told: { name: "Mina", language: "ar", fields: { order_number: "7731" } },
    message: "Hello",
  });
});

it.each([
  ["#0b5fff", "#ffffff"],
  ["#ffd400", "#000000"],
  ["red;}*{", null],
])("writes upon %s in what can be read there", (colour, expected) => {
  expect(inkUpon(colour)).toBe(expected);
});
