import { beforeEach, describe, expect, it } from "vitest";
import { ANSWER_MS, LIFE_MS, PING_MS } from "../src/client/connection";
import { GAP_MS } from "../src/client/client";
import { Desk, entries, words } from "./desks";
import { settle } from "./fakes";
import { Tab } from "./recorded";

let desk: Desk;

const said = () => words(desk.client.state, desk.customer);
const offers = () => desk.happened.filter((one) => one.kind === "offer");

beforeEach(() => {
  desk = new Desk("words");
});

describe("connecting", () => {
  it("comes back by itself, later each time, and has everything", async () => {
    const first = await desk.hear("Ana accepts");
    first.break();
    expect(desk.client.connection.state).toBe("waiting");
    await desk.timers.pass(400);
    desk.server.socket.break(); // refused before it opened
    await desk.timers.pass(800);
    expect(desk.sockets).toHaveLength(3);
    await desk.comeAfter("What Eva wrote between comes late");
    expect([desk.client.connection.state, said()]).toEqual(["open", ["One", "Two", "Three", "Four", "Five", "Six"]]);
  });

  it("resumes with the version that is complete", async () => {
    desk = new Desk("reconnections");
    (await desk.hear("Ana answers")).break();
    await desk.timers.pass(400);
    desk.server.socket.open();
    const [recorded] = new Tab("reconnections", "ana-2").sent("hello");
    expect(desk.server.socket.last("hello").resume).toEqual(recorded!.resume);
  });

  it("never waits longer than half a minute", async () => {
    for (let attempt = 0; attempt < 12; attempt += 1) {
      await desk.timers.pass(30_000);
      desk.server.socket.break();
    }
    const before = desk.sockets.length;
    await desk.timers.pass(30_000);
    expect(desk.sockets.length).toBe(before + 1);
  });

  it("hurries when the network comes back", async () => {
    (await desk.server.welcome()).break();
    desk.client.connection.hurry();
    await settle();
    expect(desk.sockets).toHaveLength(2);
  });

  it("replaces its socket before API Gateway cuts it, and has one in service all the time", async () => {
    const first = await desk.server.welcome();
    const pings = Math.floor(LIFE_MS / PING_MS);
    for (let ping = 0; ping < pings; ping += 1) {
      await desk.timers.pass(PING_MS);
      first.say({ event: "ack", id: first.last("ping").id });
    }
    await desk.timers.pass(LIFE_MS - pings * PING_MS);
    expect([desk.sockets.length, first.readyState, desk.client.connection.isOpen]).toEqual([2, 1, true]);
    await desk.server.welcome();
    expect([first.readyState, desk.client.connection.isOpen]).toEqual([3, true]);
  });

  it("takes a socket that does not answer for dead", async () => {
    const first = await desk.server.welcome();
    void desk.client.ask("offer.accept", { offer: "o" });
    await desk.timers.pass(ANSWER_MS + 400);
    expect([first.readyState, desk.sockets.length]).toEqual([3, 2]);
  });

  it("gets a new token when the old one has expired", async () => {
    const first = await desk.hear("Ana accepts");
    const closing = desk.client.ask("conversation.close", { conversation: desk.conversation });
    const { id } = first.last("conversation.close");
    first.say({ event: "error", id, code: "unauthenticated", message: "" });
    await desk.timers.pass(400);
    const second = await desk.server.welcome();
    expect([second.token, desk.renewals.includes(true)]).toEqual(["renewed", true]);
    second.say({ event: "ack", id: second.last("conversation.close").id });
    expect((await closing).id).toBe(id);
  });

  it("stops trying when nobody knows this agent", async () => {
    await settle();
    desk.restStatus = 403;
    desk.sockets[0]!.break();
    await desk.timers.pass(60_000);
    expect([desk.client.connection.state, desk.sockets.length]).toEqual(["refused", 1]);
  });

  it("repeats a frame that got no answer, under the same id", async () => {
    const first = await desk.hear("Eva writes twice before anybody takes it");
    const [offer] = desk.client.state.offers.keys();
    const accepting = desk.client.ask("offer.accept", { offer });
    first.break();
    await desk.timers.pass(400);
    const second = await desk.server.welcome();
    expect(second.last("offer.accept").id).toBe(first.last("offer.accept").id);
    await desk.server.play("Ana accepts");
    await expect(accepting).resolves.toMatchObject({ event: "ack", conversation: { holder: "ana" } });
    expect([desk.client.state.offers.size, said()]).toEqual([0, ["One", "Two"]]);
  });

  it("repeats what the server was too busy for, and gives the last word to the one who asked", async () => {
    const socket = await desk.server.welcome();
    const asking = desk.client.ask("offer.accept", { offer: "o" }).catch((error: Error) => error.message);
    for (let attempt = 0; attempt < 5; attempt += 1) {
      const { id } = socket.last("offer.accept");
      socket.say({ event: "error", id, code: "store_unavailable", message: "busy" });
      await desk.timers.pass(9_000);
    }
    expect([await asking, socket.all("offer.accept").length]).toEqual(["busy", 5]);
  });

  it("tells whoever asked why it was refused", async () => {
    desk = new Desk("sign_on");
    await desk.hear("Ana goes to lunch, says her second tab");
    const asking = desk.client.ask("presence.set", { presence: "not_ready", reason: "boredom" });
    const refused = expect(asking).rejects.toThrow("lunch, training");
    await desk.server.play("Ana gives a reason nobody knows");
    await refused;
  });
});

describe("gaps", () => {
  const tab = new Tab("words", "ana");

  it("are given half a second before the client asks", async () => {
    const socket = await desk.hear("Ana accepts");
    const [five, six] = tab.all("message", "Eva writes on");
    const [four, three] = tab.all("message", "What Eva wrote between comes late");
    for (const frame of [six!, five!]) desk.server.say(frame);
    await desk.timers.pass(GAP_MS);
    expect(socket.all("hello")).toHaveLength(1);
    desk.server.say(three!);
    await desk.timers.pass(GAP_MS);
    expect(socket.last("hello")).toMatchObject({ resume: { [desk.conversation]: 4 } });
    desk.server.pass("What Eva wrote between comes late");
    await desk.server.greet();
    expect(said()).toEqual(["One", "Two", "Three", "Four", "Five", "Six"]);
    desk.server.say(four!); // late after all
    await desk.timers.pass(GAP_MS);
    expect([socket.all("hello").length, said().length]).toEqual([2, 6]);
  });

  it("are closed where another conversation has joined", async () => {
    desk = new Desk("joined");
    const socket = await desk.hear("They are one person");
    await desk.timers.pass(GAP_MS);
    expect(socket.all("hello")).toHaveLength(2);
    await desk.server.greet();
    expect(said()).toEqual(["Hello", "Hello from the phone", "One", "Two", undefined]);
  });

  it("of a conversation that another tab has accepted are filled", async () => {
    desk = new Desk("two_tabs", "ana");
    await desk.hear("The second tab accepts");
    expect(said()).toEqual([]);
    await desk.timers.pass(GAP_MS);
    await desk.server.greet();
    expect(said()).toEqual(["Hello"]);
  });
});

describe("offers", () => {
  beforeEach(() => {
    desk = new Desk("offers");
  });

  it("ring once, however often they come", async () => {
    await desk.hear("Eva writes");
    desk.server.say(desk.server.tab.all("offer", "Eva writes")[0]!);
    desk.client.connection.hello();
    await desk.server.greet();
    expect(offers()).toHaveLength(1);
  });

  it("ring when they are there already", async () => {
    await desk.comeAfter("Eva writes");
    expect(offers()).toHaveLength(1);
  });

  it("do not ring when their end has overtaken them", async () => {
    await desk.server.welcome();
    const { tab } = desk.server;
    for (const frame of [...tab.posted("Ana lets it pass"), ...tab.posted("Eva writes")]) desk.server.say(frame);
    expect(offers()).toEqual([]);
  });

  it("end for nobody to whom they were not shown any more", async () => {
    desk = new Desk("leavings");
    await desk.hear("Ana hands it to Ben with a note");
    const { tab } = desk.server;
    expect(tab.all("offer.ended", "Ana takes a conversation", "Ana hands it to Ben with a note").map((one) => one.reason)).toEqual(["accepted", "gone"]);
    expect(desk.happened.filter((one) => one.kind === "offer.ended").map((one) => one.reason)).toEqual(["accepted"]);
  });

  it("go on ringing though an older answer does not have them, and so does the presence", async () => {
    (await desk.hear("Ana lets it pass")).break();
    await desk.timers.pass(400);
    await desk.server.welcome("Ana is available again and, after a while, offered it once more");
    expect([desk.client.state.offers.size, desk.client.state.agent?.presence]).toEqual([1, "available"]);
  });
});

describe("the outbox", () => {
  const tab = new Tab("answers", "ana");

  beforeEach(() => {
    desk = new Desk("answers");
  });

  it("lets go of what was acknowledged, and its entry stands on the thread at once", async () => {
    const socket = await desk.hear("Ana takes a conversation");
    desk.write("Good morning");
    await settle();
    expect(desk.client.outbox.parcels().map((one) => one.attempts)).toEqual([1]);
    await desk.server.play("Ana answers");
    expect([desk.client.outbox.parcels(), said()]).toEqual([[], ["Hello", "Good morning"]]);
    await desk.server.play("Ana's tab did not hear that it was taken and sends it again", "It is sent");
    expect([socket.all("message.send").length, said()]).toEqual([1, ["Hello", "Good morning"]]);
    expect(entries(desk.client.state, desk.customer).at(-1)?.status).toBe("sent");
  });

  it("sends what was written while offline once the connection is back, in order and once", async () => {
    (await desk.hear("Ana takes a conversation")).break();
    desk.write("Good morning");
    desk.write("Are you there?");
    expect(desk.client.outbox.of(desk.conversation).map((one) => one.text)).toEqual(["Good morning", "Are you there?"]);
    await desk.timers.pass(400);
    const second = await desk.server.welcome();
    await desk.server.play("Ana answers", "It is sent", "The provider is away for the next one");
    expect(second.all("message.send").map((one) => one.text)).toEqual(["Good morning", "Are you there?"]);
    expect([desk.client.outbox.parcels(), said()]).toEqual([[], ["Hello", "Good morning", "Are you there?"]]);
  });

  it("gives a message one id, also after a lost acknowledgement and a reload", async () => {
    const first = await desk.hear("Ana takes a conversation");
    desk.write("Good morning");
    await settle();
    const { id, message_id } = first.last("message.send");
    expect([id, String(message_id)[14]]).toEqual([message_id, "7"]);
    desk.reload();
    const second = await desk.comeAfter("Ana answers"); // it was taken, but nobody heard
    expect(second.last("message.send")).toMatchObject({ id, message_id });
    await desk.server.play("Ana's tab did not hear that it was taken and sends it again", "It is sent");
    expect([desk.client.outbox.parcels(), said()]).toEqual([[], ["Hello", "Good morning"]]);
  });

  it("sends quick replies with the text, and a template in place of it", async () => {
    const socket = await desk.hear("Ana sends it all the same");
    const { conversation, customer } = desk;
    const parcel = { kind: "message", conversation, customer, via: null, writtenAt: "", seenVersion: null } as const;
    const [recorded] = tab.sent("message.send", "Ana lays answers ready");
    const quickReplies = ["Yes", "No"].map((text) => ({ kind: "reply", text }) as const);
    desk.client.outbox.put({ ...parcel, attachments: [], names: [], text: "Shall we call you?", quickReplies });
    await settle();
    const { id, message_id } = socket.last("message.send");
    expect(socket.last("message.send")).toEqual({ ...recorded, id, message_id });
    await desk.server.play("Ana lays answers ready");
    const template = { name: "order_update", parameters: ["Maya"] };
    desk.client.outbox.put({ ...parcel, attachments: [], names: [], text: "Good day Maya", template });
    await settle();
    const sent = socket.last("message.send");
    expect(sent).toMatchObject({ template });
    expect(sent).not.toHaveProperty("text");
    expect(sent).not.toHaveProperty("quick_replies");
  });

  it("takes an id without a time when the very first attempt is refused: our clock may be wrong", async () => {
    const socket = await desk.hear("Ana takes a conversation");
    desk.write("Good morning");
    await settle();
    socket.say({ event: "error", id: socket.last("message.send").id, code: "invalid_request", message: "message_id: …" });
    await settle();
    expect(String(socket.last("message.send").message_id)[14]).toBe("4");
    socket.say({ event: "error", id: socket.last("message.send").id, code: "invalid_request", message: "via: …" });
    await settle();
    expect(desk.client.outbox.parcels()[0]?.failed).toMatchObject({ code: "invalid_request", message: "via: …" });
  });

  it("holds a reply back when somebody else has answered, and sends it under its own id when told to", async () => {
    const socket = await desk.hear("Somebody answers from the shop's phone");
    const [blind] = tab.sent("message.send", "Ana has not seen that and is held back");
    desk.write("We are open until seven", Number(blind!.seen_version));
    await settle();
    const { message_id } = socket.last("message.send");
    await desk.server.play("Ana has not seen that and is held back");
    const [parcel] = desk.client.outbox.parcels();
    const [seeing] = tab.sent("message.send", "Ana sends it all the same");
    expect(parcel?.failed).toMatchObject({ code: "conflict", version: seeing!.seen_version });
    desk.client.outbox.again(parcel!.key);
    await settle();
    expect(socket.last("message.send")).toMatchObject({ message_id, seen_version: seeing!.seen_version });
    await desk.server.play("Ana sends it all the same");
    expect([desk.client.outbox.parcels(), said().at(-1)]).toEqual([[], "We are open until seven"]);
  });

  it("goes on with the next message when one was refused for good", async () => {
    const socket = await desk.hear("Ana takes a conversation");
    desk.write("first");
    desk.write("second");
    await settle();
    socket.say({ event: "error", id: socket.last("message.send").id, code: "window_closed", message: "" });
    await settle();
    expect(socket.last("message.send").text).toBe("second");
    expect(desk.client.outbox.parcels()[0]?.failed?.code).toBe("window_closed");
  });

  it("gives the words back when a message is withdrawn", async () => {
    (await desk.hear("Ana takes a conversation")).break();
    desk.write("a thought");
    expect(desk.client.outbox.withdraw(desk.client.outbox.parcels()[0]!.key)?.text).toBe("a thought");
    expect(desk.client.outbox.parcels()).toEqual([]);
  });

  it("does not take back what is under way", async () => {
    await desk.hear("Ana takes a conversation");
    desk.write("too late");
    await settle();
    const [parcel] = desk.client.outbox.parcels();
    expect([parcel?.attempts, desk.client.outbox.withdraw(parcel!.key), desk.client.outbox.parcels().length]).toEqual([1, null, 1]);
  });
});

describe("reading", () => {
  it("is told to the other tabs and outlives a reload", async () => {
    const socket = await desk.hear("Ana accepts");
    desk.client.read(desk.conversation);
    desk.client.read(desk.conversation);
    expect(socket.all("read")).toHaveLength(1);
    desk.reload();
    await desk.comeAfter("Eva writes on");
    expect(desk.client.state.unread(desk.client.state.mine()[0]!)).toBe(2);
  });
});

describe("what is about an answer of ours", () => {
  it("names it as the provider does, and stands there at once", async () => {
    await desk.hear("Ana answers");
    const before = desk.pages.length;
    await desk.server.play("Eva likes the answer", "Eva answers the answer");
    const [answer, reply] = entries(desk.client.state, desk.customer).slice(-2);
    expect([answer?.text, answer?.reactions?.map((one) => one.emoji)]).toEqual(["Ten", ["❤"]]);
    expect([reply?.text, desk.client.state.thread(desk.customer).named(reply!.reply_to!)?.text]).toEqual(["Twelve", "Ten"]);
    expect(desk.pages.length).toBe(before);
  });
});
