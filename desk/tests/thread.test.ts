import { beforeEach, describe, expect, it } from "vitest";
import type { DeliveryStatus, Entry } from "../src/client/frames";
import { orderOf, Thread } from "../src/client/thread";
import { Tab } from "./recorded";

const words = new Tab("words", "ana");
const answers = new Tab("answers", "ana");

let thread: Thread;

const shown = () => thread.slice(0, thread.length);
const texts = () => shown().map((one) => one.text);
const announced = (tab: Tab, ...steps: string[]) => tab.all("message", ...steps).map((frame) => frame.entry);
/** All that was said, as the server has it after a step. */
const page = (step: string) => words.answer(null, step).conversations[0]!.entries;
/** The one entry that was announced in a step. */
const only = (tab: Tab, step: string): Entry => announced(tab, step)[0]!;

beforeEach(() => {
  thread = new Thread("h-1");
});

describe("order", () => {
  const steps = ["Eva writes on", "What Eva wrote between comes late", "Two messages of one instant come in the wrong order"];
  const inOrder = ["Three", "Four", "Five", "Six", "Seven", "Eight"];

  it("is the provider's, and what comes late says so", () => {
    thread.apply(announced(words, ...steps));
    expect(texts()).toEqual(inOrder);
    expect(shown().map((one) => one.late)).toEqual([true, true, false, false, true, false]);
  });

  it("is the same whatever order entries come in", () => {
    for (const entry of announced(words, ...steps).reverse()) thread.apply([entry]);
    expect(texts()).toEqual(inOrder);
  });

  it("follows the provider's own number within one instant", () => {
    const [eight, seven] = announced(words, "Two messages of one instant come in the wrong order");
    expect([eight!.text, eight!.sent_at === seven!.sent_at]).toEqual(["Eight", true]);
    expect(orderOf(seven!.id) < orderOf(eight!.id)).toBe(true);
  });

  it("does not depend on the home an entry stands in", () => {
    const joined = new Tab("joined", "ana");
    const [here, there] = announced(joined, "Eva writes on both").slice(-2);
    expect(here!.id.split(".")[0]).not.toBe(there!.id.split(".")[0]);
    thread.apply([there!]);
    thread.apply([here!]);
    expect(texts()).toEqual(["It is me", "Me too"]);
  });

  it("has each entry once, and keeps that it was late", () => {
    const late = announced(words, "What Eva wrote between comes late");
    thread.apply([...late, ...late]);
    thread.applyPage(page("What Eva wrote between comes late"));
    expect(texts()).toEqual(["One", "Two", "Three", "Four", "Five", "Six"]);
    expect(shown().map((one) => one.late)).toEqual([false, false, true, true, false, false]);
  });

  it("joins two threads of one person", () => {
    const other = new Thread("h-2");
    const [first, second, third, fourth] = announced(words, ...steps);
    other.apply([first!, third!]);
    thread.apply([second!, fourth!]);
    thread.absorb(other);
    expect(texts()).toEqual(["Three", "Four", "Five", "Six"]);
  });
});

describe("status", () => {
  const entry = only(answers, "It is sent");
  const [second] = announced(answers, "The provider is away for the next one");
  const queued: Entry = { ...entry, status: "queued" };
  const become = (...steps: string[]) => {
    for (const one of answers.all("message.status", ...steps)) thread.applyStatus(one.entry, one.status, one.reason);
  };

  it("rises with what is told of it", () => {
    thread.apply([queued]);
    become("It is sent");
    expect(thread.at(0)?.status).toBe("sent");
    become("It is read, and only then delivered");
    expect(thread.at(0)?.status).toBe("read");
  });

  it("never moves backwards, whatever order it is told in", () => {
    thread.apply([second!]);
    const told = ["It cannot be delivered, and then it was delivered after all", "The provider takes it after all"];
    become(...told);
    become(...[...told].reverse());
    expect([thread.at(0)?.status, thread.at(0)?.reason]).toEqual(["delivered", undefined]);
  });

  it("that overtakes its entry waits for it", () => {
    become("It is sent", "It is read, and only then delivered");
    thread.apply([entry]);
    expect(thread.at(0)?.status).toBe("read");
  });

  it("stays when the entry is announced again with an older one", () => {
    thread.apply([{ ...entry, status: "read" }, queued]);
    expect(thread.at(0)?.status).toBe("read");
  });

  it("of a failure brings its reason, and so does that of a delay", () => {
    thread.apply([second!, { ...only(answers, "The provider refuses one for good"), status: "queued", reason: undefined }]);
    become("The provider is away for the next one", "The provider refuses one for good");
    const told = (status: DeliveryStatus) => shown().find((one) => one.status === status)?.reason;
    expect([told("retrying"), told("failed")]).toEqual(["provider_unavailable", "too long for this provider"]);
  });
});

describe("what is said about a message", () => {
  const one = only(words, "Eva writes twice before anybody takes it"); // it is “Two”: “One” comes with the accepted offer
  const first = page("Ana accepts")[0]!;
  const edits = announced(words, "Eva edits one", "Eva edits it twice more, and the last edit overtakes the other");
  const likes = announced(words, "Eva likes one, and another way");
  const takenBack = announced(words, "Eva edits and likes one more", "Eva takes it back");
  const six = announced(words, "Eva writes on").find((entry) => entry.text === "Six")!;

  it.each([
    ["after it", [first, one, ...edits, ...likes]],
    ["before it", [...likes, ...edits, one, first]],
  ])("is folded onto it when it comes %s", (_, given) => {
    for (const entry of given) thread.apply([entry]);
    expect(shown()).toMatchObject([
      { text: "One, best", edited_at: edits[1]!.sent_at },
      { text: "Two", reactions: [{ emoji: "🎉", by: "telegram:3527065" }] },
    ]);
  });

  it("counts by its own time, not by its arrival", () => {
    expect(edits.map((edit) => edit.text)).toEqual(["One, better", "One, best", "One, again"]);
    thread.apply([first, ...edits]);
    expect(thread.at(0)?.text).toBe("One, best");
  });

  it("is taken away with an empty reaction", () => {
    thread.apply(announced(words, "Eva writes on", "Eva likes another, and takes it away"));
    expect(thread.at(0)).toMatchObject({ text: "Five", reactions: [] });
  });

  it.each([
    ["in order", [six, ...takenBack]],
    ["the other way round", [...takenBack, six].reverse()],
  ])("withholds everything once the message was taken back, %s", (_, given) => {
    for (const entry of given) thread.apply([entry]);
    thread.apply([six]);
    const [gone, ...others] = shown();
    expect([gone?.deleted, others]).toEqual([true, []]);
    for (const field of ["text", "edited_at", "reactions"]) expect(gone).not.toHaveProperty(field);
  });

  it("withholds what a page had folded onto it, too", () => {
    thread.applyPage(page("Eva edits and likes one more"));
    const liked = thread.find(six.id);
    expect([liked?.text, liked?.reactions?.length]).toEqual(["Six, better", 1]);
    thread.apply(announced(words, "Eva takes it back"));
    for (const field of ["text", "edited_at", "reactions"]) expect(thread.find(six.id)).not.toHaveProperty(field);
  });

  it("withholds the edits of a message that was taken back and is not known", () => {
    const [edit, deletion] = announced(words, "Eva edits and takes back what nobody here has seen");
    thread.apply([edit!]);
    expect(thread.at(0)?.text).toBe("Nought");
    thread.apply([deletion!]);
    expect([thread.at(0)?.deleted, thread.at(0)?.text]).toEqual([true, undefined]);
  });

  it("stays a readable entry as long as the message is not known", () => {
    const edit = only(words, "An edit comes before its message");
    thread.apply([edit]);
    expect([thread.length, thread.at(0)?.kind]).toEqual([1, "edit"]);
    thread.apply([only(words, "The message it is about comes")]);
    expect(texts()).toEqual(["Nine, better"]);
  });
});

describe("what names an answer of ours as the provider does", () => {
  const said = announced(words, "Ana answers")[0]!; // before anybody handed it over
  const like = only(words, "Eva likes the answer");
  const names = page("Ana answers").at(-1)!.names;
  const know = () => thread.applyStatus(said.id, "sent", null, names);

  it.each([
    ["after that is known", [() => thread.apply([said]), know, () => thread.apply([like])]],
    ["before that is known", [() => thread.apply([said, like]), know]],
    ["before the answer", [() => thread.apply([like]), know, () => thread.apply([said])]],
  ])("is folded onto it when it comes %s", (_, steps) => {
    for (const step of steps) step();
    expect(shown()).toMatchObject([{ text: "Ten", status: "sent", names, reactions: [{ emoji: "❤" }] }]);
  });

  it("stays known by that name when the answer is announced once more", () => {
    thread.apply([said, like]);
    know();
    thread.apply([said]);
    expect([thread.named(names![0]!)?.id, thread.length]).toEqual([said.id, 1]);
  });
});

describe("a page of the server's", () => {
  const before = "Ana answers";
  const like = only(words, "Eva likes the answer"); // by the provider's id of our message

  beforeEach(() => {
    thread.applyPage(page(before));
  });

  it("says onto which message something was folded", () => {
    thread.apply([like]);
    thread.applyPage(page("Eva likes the answer"), thread.end);
    expect([shown().at(-1)?.text, shown().at(-1)?.reactions]).toEqual(["Ten", [{ emoji: "❤", by: "telegram:3527065" }]]);
  });

  it("does not take what came after it was asked for", () => {
    const { end } = thread;
    thread.apply([like]);
    thread.applyPage(page(before), end);
    expect(shown().at(-1)?.reactions?.map((one) => one.emoji)).toEqual(["❤"]);
  });

  it("is not undone by an announcement that comes once more", () => {
    const folded = shown();
    thread.apply(announced(words, "Eva writes twice before anybody takes it", "Eva writes on", "The message it is about comes"));
    expect(shown()).toEqual(folded);
  });
});
