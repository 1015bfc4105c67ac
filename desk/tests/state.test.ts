import { beforeEach, describe, expect, it } from "vitest";
import type { ConversationView, ServerFrame } from "../src/client/frames";
import { DeskState, type Known, TYPING_MS } from "../src/client/state";
import { entries, tell, told, words } from "./desks";
import { Tab } from "./recorded";

const only = (state: DeskState): Known => [...state.conversations.values()][0]!;
const said = (state: DeskState) => words(state, only(state).view.customer.id);

describe("versions", () => {
  const tab = new Tab("words", "ana");
  const accepted = tab.until("Ana accepts");
  const [five, six] = tab.all("message", "Eva writes on");
  let state: DeskState;

  beforeEach(() => {
    state = told(tab, tab.posted(...accepted));
  });

  it("begin with the answer to the accepted offer", () => {
    expect([only(state).version, said(state), state.isBehind()]).toEqual([2, ["One", "Two"], false]);
  });

  it("go on with the next one, and its entry is applied", () => {
    tell(state, [five!]);
    expect([only(state).version, said(state), state.isBehind()]).toEqual([3, ["One", "Two", "Five"], false]);
  });

  it("stay when an entry came too early: it is applied, and something is missing", () => {
    tell(state, [six!]);
    expect([only(state).version, said(state).at(-1), state.isBehind()]).toEqual([2, "Six", true]);
    expect(state.resumable()).toEqual({ [only(state).view.conversation]: 2 });
  });

  it("go on over what came ahead as soon as the missing one is here", () => {
    tell(state, tab.all("message", "Eva writes on", "What Eva wrote between comes late").reverse());
    expect([only(state).version, state.isBehind()]).toEqual([6, false]);
    expect(said(state)).toEqual(["One", "Two", "Three", "Four", "Five", "Six"]);
  });

  it("count an announcement that came twice once", () => {
    tell(state, [five!, five!, five!]);
    expect([only(state).version, said(state).length]).toEqual([3, 3]);
  });

  it("stay when a status or a state tells that something is missing", () => {
    const answers = new Tab("answers", "ana");
    const behind = told(answers, answers.posted(...answers.until("Ana takes a conversation")));
    tell(behind, answers.all("message.status", "It is sent"));
    expect([only(behind).version, only(behind).heard, behind.isBehind()]).toEqual([1, 2, true]);

    const both = new Tab("joined", "ana");
    const joined = told(both, both.posted(...both.until("Ana answers both")));
    tell(joined, both.all("conversation", "They are one person"));
    expect([only(joined).version, only(joined).heard, joined.isBehind()]).toEqual([2, 4, true]);
  });

  it("of a conversation whose announcement comes before the conversation itself are not lost", () => {
    const early = told(tab, [...tab.posted(...tab.until("Eva writes twice before anybody takes it")), five!]);
    tell(early, tab.posted("Ana accepts"));
    expect([only(early).version, said(early)]).toEqual([3, ["One", "Two", "Five"]]);
  });
});

describe("resuming", () => {
  const first = new Tab("reconnections", "ana");
  const again = (number: number) => new Tab("reconnections", `ana-${number}`);
  let state: DeskState;

  /** Connect as a later tab did, which had this state; `overtaking` comes before the answer. */
  function resume(number: number, overtaking: readonly ServerFrame[] = []): void {
    const [moment, asked] = [state.now(), state.resumable()];
    tell(state, overtaking);
    const [answer, ...rest] = again(number).posted();
    state.applySnapshot(answer as Extract<ServerFrame, { event: "snapshot" }>, moment, asked);
    tell(state, rest);
  }

  beforeEach(() => {
    state = told(first, first.posted());
  });

  it("brings what was missed, late ones in their place", () => {
    expect([only(state).version, said(state)]).toEqual([2, ["Hello", "Good morning"]]);
    resume(2);
    expect([only(state).version, state.isBehind()]).toEqual([5, false]);
    expect(said(state)).toEqual(["Hello", "Good morning", "Three, late", "Four", "Five"]);
  });

  it("keeps the higher version when a frame overtakes the answer", () => {
    resume(2, again(2).all("message"));
    expect([only(state).version, said(state).length]).toEqual([5, 5]);
  });

  it("keeps what a frame brought that overtakes the very first answer", () => {
    state = new DeskState();
    const moment = state.now();
    tell(state, again(2).all("message"));
    state.applySnapshot(again(2).all("snapshot")[0]!, moment, {});
    expect([only(state).version, said(state).at(-1)]).toEqual([5, "Five"]);
  });

  it("takes only the statuses of ours when nothing was missed", () => {
    resume(2);
    resume(3);
    expect([only(state).version, said(state).length]).toEqual([5, 5]);
  });

  it("counts a version that is announced with more only when all entries have come", () => {
    const [answer, ...parts] = again(5).posted("Ana begins anew, and all of it does not fit into a frame");
    state.applySnapshot(answer as Extract<ServerFrame, { event: "snapshot" }>, state.now(), {});
    expect(only(state).version).toBe(2);
    tell(state, parts.slice(0, -1));
    expect([parts.length, only(state).version]).toEqual([2, 2]);
    tell(state, parts.slice(-1));
    expect([only(state).version, said(state).length, state.isBehind()]).toEqual([5, 5, false]);
  });

  it("forgets what is not the agent's any more", () => {
    for (const number of [2, 3, 4, 5]) resume(number);
    expect([state.mine().length, only(state).version]).toEqual([1, 6]);
    resume(6);
    expect([...state.conversations.keys()]).toEqual([]);
  });

  it("keeps what came after it was asked for, though the answer does not have it yet", () => {
    const tab = new Tab("two_tabs", "ana");
    state = told(tab, []);
    const moment = state.now();
    tell(state, tab.posted("Eva writes", "The second tab accepts"));
    state.applySnapshot(tab.answer({}, "Ana opens both"), moment, {});
    expect(state.mine()).toHaveLength(1);
  });
});

describe("what is known", () => {
  const tab = new Tab("words", "ana");
  const known = (state: DeskState) => entries(state, only(state).view.customer.id);

  it.each(["Ana accepts", "Eva writes on", "Eva edits one", "Eva likes one, and another way", "An edit comes before its message"])(
    "is not undone by what was told in “%s” and comes again later",
    (step) => {
      const state = new DeskState();
      state.applySnapshot(tab.answer({}), state.now(), {});
      const before = known(state);
      tell(state, [...tab.posted(step), ...tab.posted(step).reverse()]);
      expect([known(state), only(state).version, state.isBehind()]).toEqual([before, only(state).view.version, false]);
    },
  );

  it("is what an answer says where that is newer: an older reaction is gone", () => {
    const step = "Eva likes one, and another way";
    const state = told(tab, tab.posted(...tab.until("Ana accepts")));
    tell(state, tab.posted(step).slice(0, 1)); // the second one is lost
    const asked = state.resumable();
    state.applySnapshot(tab.answer(asked, step), state.now(), asked);
    expect(known(state)[1]?.reactions?.map((one) => one.emoji)).toEqual(["🎉"]);
  });

  it("keeps an edit that overtakes the answer which does not have it yet", () => {
    const state = told(tab, tab.posted(...tab.until("Ana accepts")));
    const [moment, asked] = [state.now(), state.resumable()];
    tell(state, tab.posted("Eva edits one"));
    state.applySnapshot(tab.answer(asked, "Two messages of one instant come in the wrong order"), moment, asked);
    expect([known(state)[0]?.text, state.isBehind()]).toEqual(["One, better", false]);
  });
});

describe("the state of a conversation", () => {
  const tab = new Tab("leavings", "ana");
  const holds = (step: string) => told(tab, tab.posted(...tab.until(step))).mine().map((one) => one.view.state);

  it.each([
    ["Ana takes a conversation", ["active"]],
    ["Ana hands it to Ben with a note", []],
    ["Ana has it again", ["active"]],
    ["Ana sets it aside for half a minute", ["paused"]],
    ["The half minute is over", []],
    ["Ana lets it pass, and Ben has it", []],
    ["Lea takes it over and gives it to Ana", ["active"]],
    ["Lea takes it from Ana", []],
    ["Lea gives it back and Ana accepts", ["active"]],
    ["Ana wraps up", ["wrapping"]],
    ["Ana closes it", []],
    ["Eva comes back and Ana has it once more", ["active"]],
    ["Ana sends it to the queue for sales", []],
  ])("after “%s” is as the server has it", (step, states) => {
    expect(holds(step)).toEqual(states);
    expect(tab.answer(null, step).conversations.map((one) => one.state)).toEqual(states);
  });

  it("ends up right in whatever order it was told", () => {
    const changes = tab.all("conversation");
    const last = changes.at(-1)!;
    for (let first = 0; first < changes.length; first += 1) {
      const turned = [...changes.slice(first), ...changes.slice(0, first)];
      for (const order of [turned, [...turned].reverse()]) {
        const { turn, state, holder } = only(told(tab, order)).view;
        expect([turn, state, holder]).toEqual([last.turn, last.state, last.holder]);
      }
    }
  });

  it("takes its thread along when its customer turns out to be another one's other half", () => {
    const state = told(tab, tab.posted("Ana takes a conversation"));
    const { event: _, ...view } = tab.all("conversation", "Ana takes a conversation")[0]! as ConversationView & { event: string };
    tell(state, [{ event: "conversation", ...view, customer: { id: "h-0", name: "Eva" } }]);
    expect([words(state, "h-0"), words(state, view.customer.id)]).toEqual([["Hello"], []]);
  });
});

it("shows both halves of a customer in one thread once they are one person", () => {
  const tab = new Tab("joined", "ana");
  const state = told(tab, tab.posted());
  const [moment, asked] = [state.now(), state.resumable()];
  expect(state.isBehind()).toBe(true);
  state.applySnapshot(tab.answer(asked), moment, asked);
  const [conversation, ...others] = state.mine();
  expect([others, state.isBehind()]).toEqual([[], false]);
  expect(words(state, conversation!.view.customer.id)).toEqual([
    "Hello",
    "Hello from the phone",
    "One",
    "Two",
    undefined,
    "It is me",
    "Me too",
  ]);
});

describe("offers", () => {
  const tab = new Tab("offers", "ana");

  it.each([
    ["Eva writes", 1],
    ["Ana lets it pass", 0],
    ["Ana is available again and, after a while, offered it once more", 1],
    ["Ana rejects it, and Ben is there", 0],
    ["Lea assigns it to Ana", 1],
    ["Ana goes offline while it rings", 0],
  ])("after “%s” are as the server has them", (step, count) => {
    const { offers } = told(tab, tab.posted(...tab.until(step)));
    expect([offers.size, [...offers.keys()]]).toEqual([count, tab.answer(null, step).offers.map((one) => one.offer)]);
  });

  it("say that they are for this agent alone", () => {
    const state = told(tab, tab.posted(...tab.until("Lea assigns it to Ana")));
    expect([...state.offers.values()].map((one) => one.requirement)).toEqual(["@ana"]);
  });

  it("do not ring when their end has overtaken them", () => {
    const state = told(tab, [...tab.all("offer.ended"), ...tab.all("offer")]);
    expect(state.offers.size).toBe(0);
  });

  it("keep their ends only until an answer is here that was asked for after them", () => {
    const [offer] = tab.all("offer");
    const state = told(tab, []);
    const askedBefore = state.now();
    tell(state, tab.all("offer.ended", "Ana lets it pass"));
    const answer = tab.answer(null, "Ana lets it pass");
    state.applySnapshot(answer, askedBefore, {});
    tell(state, [offer!]);
    expect(state.offers.size).toBe(0);
    state.applySnapshot(answer, state.now(), {});
    tell(state, [offer!]);
    expect(state.offers.size).toBe(1);
  });

  it("that pass take along what was announced with them, but not that there was something", () => {
    const words = new Tab("words", "ana");
    const [five] = words.all("message", "Eva writes on");
    const [offer] = words.all("offer");
    const ended = { event: "offer.ended", offer: offer!.offer, conversation: offer!.conversation, reason: "timed_out" } as const;
    const before = words.posted(...words.until("Eva writes twice before anybody takes it"));
    const state = told(words, [...before, five!, ended]);
    tell(state, words.posted("Ana accepts"));
    expect([said(state), state.isBehind()]).toEqual([["One", "Two"], true]);
  });
});

describe("presence", () => {
  const tab = new Tab("sign_on", "ana");

  it("is the one of the highest version, whatever overtakes what", () => {
    const posted = tab.all("presence");
    const state = told(tab, [...posted].reverse());
    expect(state.agent?.presence).toBe("offline");
    state.applySnapshot(tab.answer(null, "Ana will leave after her work"), state.now(), {});
    expect([state.agent?.presence, state.agent?.next]).toEqual(["offline", null]);
  });

  it.each([
    ["Ana signs on", "offline", null, null],
    ["Ana is available", "available", null, null],
    ["Ana goes to lunch, says her second tab", "not_ready", "lunch", null],
    ["Ana gives a reason nobody knows", "not_ready", "lunch", null],
    ["Ana comes back and takes a conversation", "available", null, null],
    ["Ana will leave after her work", "available", null, { presence: "offline", reason: null }],
    ["Ana closes her last conversation", "offline", null, null],
  ])("after “%s” is as it was declared in either tab", (step, presence, reason, next) => {
    expect(told(tab, tab.posted(...tab.until(step))).agent).toMatchObject({ presence, reason, next });
  });

  it("comes with who one is and which reasons there are", () => {
    expect(told(tab, []).me).toMatchObject({ agent: "ana", name: "Ana", role: "agent", not_ready_reasons: ["lunch", "training"] });
  });
});

describe("typing and reading", () => {
  it("of the customer is believed for a while, or until the message is here", () => {
    const tab = new Tab("visit", "ana");
    const state = told(tab, tab.posted(...tab.until("It has arrived, and Mina looks at it")));
    state.apply(tab.all("typing", "Mina types")[0]!, 100);
    expect(only(state).typing).toEqual({ from: "customer", until: 100 + TYPING_MS });
    tell(state, tab.posted("It is sent again, and taken"));
    expect(only(state).typing).toBeNull();
  });

  it("of the customer leaves what this agent has not read unread", () => {
    const tab = new Tab("visit", "ana");
    const state = told(tab, tab.posted(...tab.until("It has arrived, and Mina looks at it")));
    expect([tab.all("read").map((one) => one.by), state.unread(only(state))]).toEqual([["customer"], 1]);
  });

  it("in the first tab shows in the second, and is no longer unread there", () => {
    const tab = new Tab("two_tabs", "ana-2");
    const state = told(tab, tab.posted(...tab.until("Eva writes again")));
    expect(state.unread(only(state))).toBe(2);
    tell(state, tab.posted("The first tab shows that Ana reads and writes"));
    expect([state.unread(only(state)), only(state).typing?.from]).toEqual([0, "ana"]);
  });

  it("says since when the customer waits for an answer", () => {
    const tab = new Tab("two_tabs", "ana-2");
    const waits = (step: string) => {
      const state = told(tab, tab.posted(...tab.until(step)));
      return [state.waitingSince(only(state)), entries(state, only(state).view.customer.id)[0]!.sent_at];
    };
    const [since, first] = waits("Eva writes again");
    expect(since).toBe(first);
    expect(waits("The first tab answers")[0]).toBeNull();
  });

  it("takes an answer that failed for none, until it was delivered after all", () => {
    const tab = new Tab("two_tabs", "ana-2");
    const state = told(tab, tab.posted(...tab.until("The first tab answers")));
    const { view, version } = only(state);
    const answer = entries(state, view.customer.id).find((one) => one.direction === "outbound")!;
    const became = { event: "message.status" as const, conversation: view.conversation, version, entry: answer.id, names: [] };
    tell(state, [{ ...became, status: "failed", reason: "gone" }]);
    expect(state.waitingSince(only(state))).not.toBeNull();
    tell(state, [{ ...became, status: "delivered", reason: null }]);
    expect(state.waitingSince(only(state))).toBeNull();
  });
});
