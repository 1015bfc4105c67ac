import { beforeEach, describe, expect, it } from "vitest";
import type { VisitorEntry } from "../src/client/api";
import { ANSWER_MS, SLOW_MS } from "../src/client/connection";
import type { ServerFrame } from "../src/client/frames";
import { introductionOf } from "../src/widget/intro";
import { EARLY_MS } from "../src/widget/sign-in";
import { inkUpon } from "../src/widget/styles";
import { CATALOGUES, type Key, Words } from "../src/widget/texts";
import { choicesOf, closing } from "../src/i18n/messages";
import type { FakeSocket } from "./fakes";
import { settle } from "./fakes";
import { Tab } from "./recorded";
import { Browser, json, jwt, LIFE_S } from "./visitors";

const PLACE = "throughline.visitor.https://api.test/shop";
const visit = new Tab("visit", "mina");

let browser: Browser;

const sentTexts = (socket: FakeSocket) => socket.all("message.send").map((frame) => frame.text);

beforeEach(() => {
  browser = new Browser();
});

describe("signing in", () => {
  it("asks nothing of anybody who only passes by", async () => {
    await browser.client.begin();
    expect([browser.posted.length, browser.sockets.length]).toEqual([0, 0]);
  });

  it("keeps the proof and gives it back", async () => {
    await browser.enter();
    expect(browser.posted).toEqual([{}]);
    await browser.reload();
    expect(browser.posted.at(-1)).toEqual({ visitor: "proof-1" });
    expect(browser.memory.read(PLACE)).toBe("proof-2");
  });

  it("begins anew when the proof is not accepted any more", async () => {
    browser.memory.write(PLACE, "old");
    browser.answers = [() => json({ error: "unauthenticated" }, 401)];
    await browser.enter();
    expect(browser.posted).toEqual([{ visitor: "old" }, {}]);
    expect(browser.memory.read(PLACE)).toBe("proof-2");
  });

  it("waits as long as it is told to, and no less", async () => {
    browser.answers = [() => json({ error: "too_many_requests" }, 429, { "Retry-After": "7" })];
    await browser.client.begin();
    browser.client.enter();
    await settle();
    await browser.timers.pass(6_900);
    expect(browser.posted.length).toBe(1);
    await browser.timers.pass(200);
    expect(browser.posted.length).toBe(2);
    await browser.server.welcome();
    expect(browser.client.connection.isOpen).toBe(true);
  });

  it("asks what the account wants to know, and again what was not taken", async () => {
    browser.chat = { ...browser.chat, pre_chat: [{ field: "phone", required: true }] };
    const { client } = browser;
    await client.begin();
    expect(client.view).toBe("form");
    client.enter();
    await settle();
    expect(browser.posted).toEqual([]);
    browser.answers = [() => json({ error: "invalid_request" }, 400)];
    client.write("Call me");
    client.introduce({ phone: "no number", language: "en" });
    await settle();
    expect([client.view, client.signIn.told?.phone]).toEqual(["form", "no number"]);
    client.introduce({ phone: "+971505550142", language: "en" });
    const socket = await browser.server.welcome();
    expect(client.view).toBe("chat");
    expect(browser.posted.at(-1)).toEqual({ phone: "+971505550142", language: "en" });
    expect(socket.last("message.send").text).toBe("Call me");
  });

  it("leaves it at that where the page may not use the account", async () => {
    browser.answers = [() => json({ error: "forbidden" }, 403)];
    await browser.client.begin();
    browser.client.enter();
    await browser.timers.pass(600_000);
    expect([browser.client.view, browser.posted.length]).toEqual(["refused", 1]);
  });

  it("takes the next socket into service a minute before the token ends, and only then lets go of the old one", async () => {
    const first = await browser.hear("Ana answers");
    await browser.stay(LIFE_S * 1000 - EARLY_MS - 1000);
    expect(browser.sockets.length).toBe(1);
    await browser.timers.pass(1000);
    expect([browser.sockets.length, first.readyState]).toEqual([2, 1]);
    expect(browser.sockets[1]!.token).not.toBe(first.token);
    await browser.server.welcome();
    expect([browser.client.connection.isOpen, first.readyState]).toEqual([true, 3]);
    await browser.stay(LIFE_S * 1000 - EARLY_MS);
    expect(browser.sockets.length).toBe(3);
  });

  it("does not call a connection lost because a renewal did not work at once", async () => {
    await browser.enter();
    browser.answers = [() => json({}, 503)];
    await browser.stay(LIFE_S * 1000 - EARLY_MS);
    expect([browser.client.connection.state, browser.sockets.length]).toEqual(["open", 1]);
    await browser.timers.pass(1000);
    expect(browser.sockets.length).toBe(2);
  });
});

describe("the company's own users", () => {
  const identity = (sub: string) => jwt({ sub, exp: 9_999_999_999 });

  beforeEach(async () => {
    await browser.client.begin();
  });

  it("sends what the page says, keeps nothing, and asks it again at each renewal", async () => {
    let asked = 0;
    browser.answers = [1, 2].map(() => () => json({ token: "t", expires_at: "", visitor: null, socket: "wss://s.test" }));
    await browser.client.identify(() => {
      asked += 1;
      return identity("u1");
    });
    await browser.server.welcome();
    expect([browser.posted, browser.memory.read(PLACE)]).toEqual([[{ identity: identity("u1") }], null]);
    await browser.stay(LIFE_S * 1000 - EARLY_MS);
    expect([browser.posted.length, asked]).toEqual([2, 3]);
  });

  it("shows and sends nothing of one user as another", async () => {
    const { client, server } = browser;
    await client.identify(identity("u1"));
    await server.welcome();
    await server.play("Mina writes");
    server.socket.break();
    client.write("Mine");
    await client.identify(identity("u2"));
    server.pass("Ana is there and Mina opens the chat");
    const socket = await server.welcome();
    expect([browser.texts, client.pending(), socket.all("message.send")]).toEqual([[], [], []]);
    await client.identify(identity("u1"));
    expect((await server.welcome()).last("message.send").text).toBe("Mine");
  });

  it("never takes what one user was answered for another, however late it comes", async () => {
    browser.memory.write(PLACE, "mine");
    let answer = (_: Response): void => undefined;
    browser.answers = [() => new Promise<Response>((done) => (answer = done))];
    await browser.client.identify(identity("u1"));
    await settle();
    await browser.client.identify(null);
    answer(json({ token: "of u1", expires_at: "", visitor: null, socket: "wss://s.test" }));
    await browser.timers.pass(1000);
    await browser.server.welcome();
    expect(browser.sockets.map((socket) => socket.token === "of u1")).toEqual([false]);
    expect(browser.posted).toEqual([{ identity: identity("u1"), visitor: "mine" }, { visitor: "mine" }]);
  });

  const later = (): [Promise<string>, (word: string) => void] => {
    let say = (_: string): void => undefined;
    return [new Promise<string>((done) => (say = done)), (word) => say(word)];
  };

  it.each([
    ["", null],
    ["u2", identity("u2")],
  ])("is who the page said last (%o), however late it hears of whom it said before", async (subject, last) => {
    const [slow, say] = later();
    const first = browser.client.identify(() => slow);
    await browser.client.identify(last);
    say(identity("u1"));
    await first;
    expect([browser.client.signIn.subject, browser.client.signIn.identity]).toEqual([subject, last]);
  });

  it("asks nothing of the one who is here now for what the page says late of the one before", async () => {
    const [slow, say] = later();
    let asked = 0;
    await browser.client.identify(() => (asked++ === 0 ? identity("u1") : slow));
    await settle();
    await browser.client.identify(identity("u2"));
    say(identity("u1"));
    await browser.server.welcome();
    expect([browser.client.view, browser.posted]).toEqual(["chat", [{ identity: identity("u2") }]]);
  });

  it("says so when the page's word has expired, and goes on with a new one", async () => {
    browser.answers = [() => json({ error: "unauthenticated" }, 401)];
    await browser.client.identify(identity("u1"));
    await settle();
    expect(browser.client.view).toBe("identity");
    await browser.client.identify(`${identity("u1")}2`);
    await browser.server.welcome();
    expect(browser.client.view).toBe("chat");
  });
});

describe("a visitor who signs in on the page", () => {
  const identity = (sub: string) => jwt({ sub, exp: 9_999_999_999 });
  const token = (sub: string) => jwt({ sub, iat: 1000, exp: 1000 + LIFE_S });
  const known = () => json({ token: token("u"), expires_at: "", visitor: null, socket: "wss://s.test" });
  const nothing = "Ana is there and Mina opens the chat";

  it("hands over the proof of who they were, once, and keeps it no longer", async () => {
    browser = new Browser("sign_in");
    await browser.hear("Mina writes, as nobody");
    browser.answers = [known, known];
    await browser.client.identify(identity("u1"));
    await settle();
    browser.server.socket.open();
    const own = new Tab("sign_in", "mina-2").all("snapshot")[0]!;
    browser.server.socket.say({ ...own, id: browser.server.socket.last("hello").id });
    await settle();
    expect([browser.posted.at(-1), browser.memory.read(PLACE)]).toEqual([{ identity: identity("u1"), visitor: "proof-1" }, null]);
    expect(browser.texts).toEqual(["As a user, yesterday", "My router is dead"]);
    browser.memory.write(PLACE, "of another tab");
    await browser.stay(LIFE_S * 1000 - EARLY_MS);
    const { posted, memory } = browser;
    expect([posted.length, posted.at(-1), memory.read(PLACE)]).toEqual([3, { identity: identity("u1") }, "of another tab"]);
  });

  it("keeps the proof while the page's word is not accepted", async () => {
    await browser.client.begin();
    browser.memory.write(PLACE, "proof");
    browser.answers = [() => json({ error: "unauthenticated" }, 401), known];
    await browser.client.identify(identity("u1"));
    await settle();
    expect([browser.client.view, browser.memory.read(PLACE), browser.posted.length]).toEqual(["identity", "proof", 1]);
    await browser.client.identify(`${identity("u1")}2`);
    await browser.server.welcome();
    expect(browser.posted.at(-1)).toEqual({ identity: `${identity("u1")}2`, visitor: "proof" });
  });

  it("is somebody new when the page says that nobody is signed in any more", async () => {
    const { client, server } = browser;
    await browser.hear("Ana answers");
    browser.answers = [known];
    await client.identify(identity("u1"));
    await server.welcome();
    await client.identify(null);
    expect([browser.texts, server.socket.readyState]).toEqual([[], 3]);
    client.enter();
    server.pass(nothing);
    await server.welcome();
    expect(browser.posted.at(-1)).toEqual({});
  });

  it("takes along what was not sent yet, and sends nothing twice", async () => {
    const { client, server } = browser;
    const socket = await browser.hear("Ana lays answers ready");
    client.write("It blinks"); // perhaps taken
    await settle();
    socket.break();
    client.write("Not sent");
    client.draft = "Half a wo";
    expect(client.pending().map((one) => one.parcel.text)).toEqual(["It blinks", "Not sent"]);
    browser.answers = [known];
    await client.identify(identity("u1"));
    const next = await server.welcome();
    expect(sentTexts(next)).toEqual(["Not sent"]);
    expect(client.pending().map((one) => [one.parcel.text, one.parcel.failed !== null])).toEqual([
      ["It blinks", true],
      ["Not sent", false],
    ]);
    server.expect(visit.sent("message.send", "Mina answers the first question")[0]!);
    server.pass("Mina answers the first question");
    await browser.reconnect();
    expect(client.pending().map((one) => one.parcel.text)).toEqual(["Not sent"]);
    expect(client.draft).toBe("Half a wo");
    await client.identify(null);
    expect([client.pending(), client.draft]).toEqual([[], ""]);
  });

  it("is not let in as who they were because that was asked for a moment ago", async () => {
    let answer = (_: Response): void => undefined;
    browser.answers = [() => new Promise<Response>((done) => (answer = done)), known];
    await browser.client.begin();
    browser.client.enter();
    await settle();
    await browser.client.identify(identity("u1"));
    answer(json({ token: token("v"), expires_at: "", visitor: "proof", socket: "wss://s.test" }));
    const socket = await browser.server.welcome();
    expect(browser.posted).toEqual([{}, { identity: identity("u1") }]);
    expect([socket.token, browser.sockets.length]).toEqual([token("u"), 1]);
  });

  it("shows nothing of it where it happened in another tab", async () => {
    const socket = await browser.hear("Ana answers");
    browser.client.write("Is this lost?");
    await settle();
    const fresh = () => json({ token: token("fresh"), expires_at: "", visitor: "fresh", socket: "wss://s.test" });
    browser.answers = [() => json({ error: "unauthenticated" }, 401), fresh];
    socket.say({ event: "error", id: socket.last("message.send").id, code: "unauthenticated", message: "" });
    await browser.timers.pass(1000);
    expect(browser.texts).toEqual([]);
    browser.server.pass(nothing);
    const next = await browser.server.welcome();
    const { posted, memory } = browser;
    expect([posted.at(-2), posted.at(-1), memory.read(PLACE)]).toEqual([{ visitor: "proof-1" }, {}, "fresh"]);
    expect([next.last("hello").resume, next.last("message.send").text]).toEqual([null, "Is this lost?"]);
  });
});

describe("a tab in which another person goes on without being told", () => {
  const refused = () => json({ error: "unauthenticated" }, 401);
  const fresh = () => json({ token: jwt({ sub: "fresh" }), expires_at: "", visitor: "fresh", socket: "wss://s.test" });
  const failed = () => browser.client.pending().map((one) => [one.parcel.text, one.parcel.failed?.code ?? null]);

  /** The anonymous visitor's proof and token are good for nothing any more. */
  async function becomesAnother(): Promise<FakeSocket> {
    browser.answers = [refused, fresh];
    await browser.stay(LIFE_S * 1000 - EARLY_MS);
    browser.server.pass("Ana is there and Mina opens the chat");
    return await browser.server.welcome();
  }

  beforeEach(async () => {
    browser.answers = [() => json({ token: jwt({ sub: "v", iat: 1, exp: 1 + LIFE_S }), expires_at: "", visitor: "p", socket: "wss://s.test" })];
    await browser.hear("Ana answers");
  });

  it("sends nothing as that person that may have been taken from the one before, but what nobody had yet", async () => {
    browser.client.write("Perhaps taken");
    browser.client.write("Not sent");
    await settle();
    browser.server.socket.break();
    await browser.timers.pass(1000);
    const { socket } = browser.server;
    socket.open();
    socket.say({ event: "error", id: socket.last("hello").id, code: "unauthenticated", message: "" });
    const next = await becomesAnother();
    expect([browser.posted.at(-1), sentTexts(next)]).toEqual([{}, ["Not sent"]]);
    expect(failed()).toEqual([
      ["Perhaps taken", "disconnected"],
      ["Not sent", null],
    ]);
    const [parcel] = browser.client.outbox.parcels();
    browser.client.outbox.again(parcel!.key);
    next.say({ event: "ack", id: next.last("message.send").id } as ServerFrame);
    await settle();
    expect(sentTexts(next)).toEqual(["Not sent", "Perhaps taken"]);
  });

  it("does not take for refused what was refused only when it was sent once more", async () => {
    browser.client.write("Perhaps taken");
    await settle();
    const again = await browser.reconnect();
    again.say({ event: "error", id: again.last("message.send").id, code: "unauthenticated", message: "" });
    const next = await becomesAnother();
    expect([sentTexts(next), failed()]).toEqual([[], [["Perhaps taken", "disconnected"]]]);
  });

  it("says that somebody else is here", async () => {
    const { person } = browser.client;
    await becomesAnother();
    expect(browser.client.person).not.toBe(person);
  });
});

describe("the outbox", () => {
  it("sends the next message when the one before was acknowledged", async () => {
    const socket = await browser.enter();
    browser.client.write("My router is dead");
    browser.client.write("Yes");
    await settle();
    expect(sentTexts(socket)).toEqual(["My router is dead"]);
    await browser.server.play("Mina writes");
    expect(sentTexts(socket)).toEqual(["My router is dead", "Yes"]);
  });

  it("says which message is answered, also when it goes out after a reload", async () => {
    (await browser.hear("Ana lays answers ready")).break();
    const [recorded] = visit.sent("message.send", "Mina answers the first question");
    browser.client.write("It blinks", [], browser.client.entries[1]!.id);
    await browser.reload();
    const socket = await browser.server.welcome();
    const { id, message_id } = socket.last("message.send");
    expect(socket.last("message.send")).toEqual({ ...recorded, id, message_id });
    await browser.server.play("Mina answers the first question");
    expect(browser.client.entries.at(-1)).toMatchObject({ text: "It blinks", reply_to: browser.client.entries[1]!.id.slice(-22) });
    browser.client.write("Yes");
    await settle();
    expect(Object.keys(socket.last("message.send"))).not.toContain("reply_to");
  });

  it("repeats under the same id what the server could not take", async () => {
    const socket = await browser.hear("Mina answers the first question");
    browser.client.write("Yes");
    await settle();
    await browser.server.play("Mina taps one, but the queue does not answer");
    expect([browser.client.pending().length, socket.all("message.send").length]).toEqual([1, 1]);
    await browser.timers.pass(10_000);
    expect(new Set(socket.all("message.send").map((frame) => frame.message_id)).size).toBe(1);
    await browser.server.play("It is sent again, and taken");
    expect([browser.client.pending(), socket.all("message.send").length]).toEqual([[], 2]);
  });

  it("waits ten seconds where it sends too much, and then goes on in order", async () => {
    const socket = await browser.enter();
    browser.client.write("My router is dead");
    browser.client.write("Yes");
    await settle();
    const refused = { event: "error", id: socket.last("message.send").id, code: "too_many_requests", message: "" } as const;
    for (const _ of [1, 2, 3, 4, 5, 6]) {
      socket.say(refused);
      await browser.timers.pass(SLOW_MS - 1);
      await browser.timers.pass(1);
    }
    expect(new Set(sentTexts(socket))).toEqual(new Set(["My router is dead"]));
    expect([sentTexts(socket).length, browser.client.pending().length]).toEqual([7, 2]);
    await browser.server.play("Mina writes");
    expect(socket.last("message.send").text).toBe("Yes");
  });

  it("sends what was written off-line once, under one id however often it has to try, over a reload too", async () => {
    const first = await browser.enter();
    browser.client.write("My router is dead");
    await settle();
    const { message_id } = first.last("message.send");
    first.break();
    await browser.reload();
    const second = await browser.server.welcome();
    expect(second.last("message.send")).toMatchObject({ id: message_id, message_id, text: "My router is dead" });
    await browser.timers.pass(ANSWER_MS); // no answer: that socket is given up
    await browser.timers.pass(1000);
    const third = await browser.server.welcome();
    expect(third.all("message.send").map((frame) => frame.message_id)).toEqual([message_id]);

    const [ack, ...shown] = visit.posted("Mina writes");
    browser.server.expect(visit.sent("message.send", "Mina writes")[0]!);
    browser.server.say(ack!);
    await settle();
    expect(browser.client.pending()).toMatchObject([{ acknowledged: true, parcel: { text: "My router is dead" } }]);
    for (const frame of shown) browser.server.say(frame);
    expect([browser.client.pending(), browser.texts]).toEqual([[], ["My router is dead"]]);
    browser.server.say(ack!); // once more
    expect((await browser.reconnect()).all("message.send")).toEqual([]);
  });
});

describe("what is being written", () => {
  const identity = (sub: string) => jwt({ sub, exp: 9_999_999_999 });

  it("is there after a reload until it is empty", async () => {
    browser.client.draft = "My router is";
    await browser.reload();
    expect(browser.client.draft).toBe("My router is");
    browser.client.draft = "";
    await browser.reload();
    expect(browser.client.draft).toBe("");
  });

  it("is one person's own, and goes along with who signs in", async () => {
    const { client } = browser;
    await client.begin();
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

  it("is forgotten when its author signs out, and not because the page could not say who they are", async () => {
    const { client } = browser;
    await client.begin();
    await client.identify(identity("u1"));
    client.draft = "Half a wo";
    const down = () => Promise.reject(new Error("the page's server is down"));
    await client.identify(down);
    await client.identify(identity("u1"));
    expect(client.draft).toBe("Half a wo");
    await client.identify(down);
    await client.identify(null);
    await client.identify(identity("u1"));
    expect([client.draft, browser.memory.keys().filter((key) => key.includes("draft"))]).toEqual(["", []]);
  });

  it("is of another person as soon as the page says another one, and of nobody else when the line is lost", async () => {
    const { client } = browser;
    await browser.hear("Ana answers");
    const { person } = client;
    await browser.reconnect();
    expect(client.person).toBe(person);
    await client.identify(identity("u1"));
    expect(client.person).not.toBe(person);
  });
});

describe("a file", () => {
  it("is fetched by the link that its id is answered with, and nothing of the visitor's goes along", async () => {
    await browser.enter();
    await expect(browser.client.file("e.0")).resolves.toHaveProperty("size", 5);
    expect(browser.fetched).toEqual([["https://files.test/e.0", { credentials: "omit", referrerPolicy: "no-referrer" }]]);
  });

  it("that is gone is an error, not its words", async () => {
    await browser.enter();
    await expect(browser.client.file("gone")).rejects.toThrow("not handed out");
  });
});

describe("the thread", () => {
  it("is in the server's order, whatever order it comes in, each entry once", async () => {
    await browser.enter();
    const shown = visit.all("message");
    for (const frame of [...shown, ...shown].reverse()) browser.server.say(frame);
    expect(browser.texts).toEqual(["My router is dead", "Is its light on?", "Is it on?", "It blinks", "Yes", "And off again"]);
    expect(browser.arrived.map((one) => one.text)).toEqual(["Is it on?", "Is its light on?"]);
  });

  it("shows answers that are laid ready, and who wrote them", async () => {
    await browser.hear("Ana lays answers ready");
    const { author, quick_replies } = browser.client.entries.at(-1)!;
    expect([author, quick_replies?.map((one) => one.text)]).toEqual(["Ana", ["Yes", "No"]]);
  });

  it("resumes from the newest entry it has, and tells what is new", async () => {
    browser = new Browser("return_visit", "mina");
    const first = await browser.hear("Ana answers, and the second tab shows it");
    expect(first.last("hello").resume ?? null).toBeNull();
    first.break();
    await browser.timers.pass(1000);
    await settle();
    browser.server.socket.open();
    const back = new Tab("return_visit", "mina-3");
    expect(browser.server.socket.last("hello").resume).toBe(back.sent("hello")[0]!.resume);
    browser.server.socket.say({ ...back.all("snapshot")[0]!, id: browser.server.socket.last("hello").id });
    expect(browser.texts).toEqual(["Hello", "Good morning", "Are you there?", "In the other tab", "I see"]);
    expect(browser.arrived.map((one) => one.text)).toEqual(["Good morning", "I see"]);
  });

  it("resumes from nothing as long as it was answered nothing, whatever was announced", async () => {
    await browser.client.begin();
    browser.client.enter();
    await settle();
    browser.server.socket.open();
    browser.server.socket.say(new Tab("visit", "mina").all("message")[0]!);
    expect(browser.texts).toHaveLength(1);
    browser.server.socket.break();
    await browser.timers.pass(1000);
    browser.server.socket.open();
    expect(browser.server.socket.last("hello").resume ?? null).toBeNull();
  });

  it("shows what is written in another tab", async () => {
    browser = new Browser("return_visit", "mina-2");
    await browser.hear("Ana answers twice and notes something, and Mina writes in her second tab");
    expect(browser.texts).toEqual(["Hello", "Good morning", "Are you there?", "In the other tab", "I see"]);
    expect(browser.client.pending()).toEqual([]);
  });

  it("tells of each message once that it came, and once that it was seen", async () => {
    const socket = await browser.hear("Ana answers");
    const [entry] = visit.all("message", "Ana answers").map((frame) => frame.entry.id);
    expect(browser.client.unread).toBe(1);
    for (const status of ["received", "received", "read", "read", "received"] as const) browser.client.tellSeen(status);
    const told = socket.sent.filter((frame) => frame.action !== "hello").map((frame) => [frame.action, frame.entries]);
    expect(told).toEqual([
      ["received", [entry]],
      ["read", [entry]],
    ]);
    expect(browser.client.unread).toBe(0);
    const next = await browser.reconnect(); // perhaps it did not arrive: the answer says
    browser.client.tellSeen("read");
    expect(next.last("read").entries).toEqual([entry]);
    await browser.server.play("It has arrived, and Mina looks at it");
    expect(browser.client.entries.at(-1)?.status).toBe("read");
    browser.client.tellSeen("read");
    expect((await browser.reconnect()).all("read")).toEqual([]);
  });

  it("shows that the agent writes for a while, and what they have read", async () => {
    await browser.hear("Ana accepts");
    await browser.server.play("Ana reads and writes");
    expect(browser.client.typing?.from).toBe("Ana");
    await browser.timers.pass(8_000);
    expect(browser.client.typing).toBeNull();
    const [read] = visit.all("read") as unknown as { event: "read"; until: string }[];
    browser.server.say({ ...read, until: "2020-01-01T00:00:00.000Z" } as unknown as ServerFrame);
    expect(browser.client.readUntil).toBe(read!.until);
  });

  it("no longer shows that the agent writes once their message is here", async () => {
    await browser.hear("Ana reads and writes");
    await browser.server.play("Ana answers");
    expect(browser.client.typing).toBeNull();
  });

  it("shows a reaction as the server does, whether it was announced or came folded", async () => {
    await browser.hear("Ana answers");
    const { id } = browser.client.entries[1]!;
    const sent_at = "2026-11-25T10:00:00.000Z";
    const reaction = { id: `h-v.1780000000000.${"f".repeat(22)}`, kind: "reaction", direction: "inbound", emoji: "👍", author: "Mina", sent_at };
    browser.server.say({ event: "message", entry: { ...reaction, target: id.slice(-22) } } as unknown as ServerFrame);
    expect(browser.client.entries[1]?.reactions).toEqual([{ by: "inbound", emoji: "👍" }]);
  });

  it("tells that the visitor writes at most every few seconds, and of each message anew", async () => {
    await browser.client.begin();
    browser.client.enter();
    browser.client.type(); // into nothing
    const socket = await browser.server.welcome();
    browser.client.type();
    browser.client.type();
    expect(socket.all("typing").length).toBe(1);
    browser.client.write("Done");
    browser.client.type();
    expect(socket.all("typing").length).toBe(2);
  });
});

it.each([
  ["Ana is there and Mina opens the chat", { state: "none", agent: null }],
  ["Mina writes", { state: "waiting", agent: null }],
  ["Ana accepts", { state: "assigned", agent: "Ana" }],
  ["Ana closes", { state: "ended", agent: null }],
  ["Mina writes once more", { state: "waiting", agent: null }],
])("knows how the conversation stands after “%s”", async (step, state) => {
  await browser.hear(step);
  expect(browser.client.conversation).toEqual(state);
});

it("keeps the state that overtakes the answer", async () => {
  await browser.hear("Mina writes");
  await browser.reconnect("Ana accepts");
  expect(browser.client.conversation).toEqual({ state: "assigned", agent: "Ana" });
});

describe("a long absence", () => {
  /** More than the server gives at once is more than a recording holds. */
  function entry(number: number): VisitorEntry {
    const ms = 1_780_000_000_000 + number * 1000;
    const id = `h-v.${ms}.${number.toString(16).padStart(22, "0")}`;
    const text = `Message ${number}`;
    return { id, kind: "message", direction: "outbound", text, author: "Ana", sent_at: new Date(ms).toISOString(), status: "sent" };
  }

  async function welcome(entries: VisitorEntry[], before: string | null, meanwhile: VisitorEntry[] = []): Promise<void> {
    await settle();
    const { socket } = browser.server;
    socket.open();
    for (const one of meanwhile) socket.say({ event: "message", entry: one } as unknown as ServerFrame);
    const visitor = { name: null, identified: false };
    const snapshot = { event: "snapshot", id: socket.last("hello").id, visitor, conversation: { state: "none", agent: null }, entries, before };
    socket.say(snapshot as unknown as ServerFrame);
    await settle();
  }

  beforeEach(async () => {
    await browser.client.begin();
    browser.client.enter();
    await welcome([entry(1)], null);
    browser.server.socket.break();
    await browser.timers.pass(1000);
  });

  it("leaves no hole: what there was is read again page by page", async () => {
    await welcome([entry(300), entry(301)], entry(300).id);
    expect([browser.texts, browser.client.hasEarlier]).toEqual([["Message 300", "Message 301"], true]);
    browser.thread = { entries: [entry(1), entry(299)], before: null };
    await browser.client.loadEarlier();
    expect([browser.texts.length, browser.client.hasEarlier]).toEqual([4, false]);
  });

  it("leaves no hole where a message overtakes the answer, and loses nothing", async () => {
    await welcome([entry(300), entry(301)], entry(300).id, [entry(302)]);
    expect(browser.texts).toEqual(["Message 300", "Message 301", "Message 302"]);
    expect(browser.client.hasEarlier).toBe(true);
  });

  it("is none of somebody who is here for the first time, though a message overtakes the answer", async () => {
    browser = new Browser();
    await browser.client.begin();
    browser.client.enter();
    await welcome([entry(300), entry(301)], entry(300).id, [entry(302)]);
    expect([browser.texts.length, browser.client.hasEarlier]).toEqual([3, true]);
    expect(browser.arrived.map((one) => one.text)).toEqual(["Message 302"]);
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
