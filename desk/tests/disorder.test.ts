/**
 * Whatever is lost, late, doubled or out of order: a client that follows the rules ends up with what the server has.
 *
 * Each recording is played to a real client many times over, disturbed by a generator that is seeded, so that a failure
 * can be repeated. What it knows in the end is compared with a client that heard everything in order, and that with one
 * that knows nothing and asks.
 */

import { describe, expect, it, vi } from "vitest";
import { GAP_MS } from "../src/client/client";
import { Chance } from "./chance";
import { Desk, entries } from "./desks";
import { Tab } from "./recorded";
import { Browser } from "./visitors";

const RUNS = 100;
vi.setConfig({ testTimeout: 120_000 });
const RECORDINGS = [
  ["sign_on", "ana"],
  ["words", "ana"],
  ["answers", "ana"],
  ["two_tabs", "ana"],
  ["two_tabs", "ana-2"],
  ["offers", "ana"],
  ["leavings", "ana"],
  ["leavings", "lea"],
  ["joined", "ana"],
  ["visit", "ana"],
  ["sign_in", "ana"],
] as const;

/**
 * What an agent sees of it, without what no frame tells again: signs that pass, and that something came late. A reply
 * that is only queued stands in the answer to whoever sent it, and nobody sends anything here.
 */
function picture(desk: Desk) {
  const { agent, me, offers } = desk.client.state;
  return {
    me,
    agent: { ...agent, load: null, version: null },
    offers: [...offers.values()].map(({ offer, conversation, requirement }) => ({ offer, conversation, requirement })),
    conversations: conversations(desk),
  };
}

function conversations(desk: Desk) {
  return desk.client.state.mine().map((known) => {
    const { version: _version, via: _via, vias: _vias, ...view } = known.view;
    const written = entries(desk.client.state, view.customer.id).filter((entry) => entry.status !== "queued");
    const thread = written.map(({ late: _late, reactions, ...entry }) => (reactions?.length ? { ...entry, reactions } : entry));
    return { ...view, version: known.version, thread };
  });
}

async function inOrder(recording: string, tab: string, step: string): Promise<Desk> {
  const desk = new Desk(recording, tab);
  await desk.hear(step);
  await settleGaps(desk);
  return desk;
}

/** Let the client ask for what it misses, until it misses nothing. */
async function settleGaps(desk: Desk): Promise<void> {
  for (let round = 0; round < 5; round += 1) {
    await desk.timers.pass(GAP_MS);
    await desk.server.greet();
  }
}

async function reconnect(desk: Desk, ...meanwhile: string[]): Promise<void> {
  desk.server.socket.break();
  await desk.timers.pass(60_000);
  await desk.server.welcome(...meanwhile);
}

describe.each(RECORDINGS)("%s, as %s heard it", (recording, tab) => {
  const recorded = new Tab(recording, tab);
  const last = recorded.steps.at(-1)!.name;
  const frames = recorded.posted().filter((frame) => frame.event !== "snapshot");

  async function disturbed(act: (desk: Desk, chance: Chance) => Promise<void>): Promise<void> {
    const expected = picture(await inOrder(recording, tab, last));
    for (let seed = 0; seed < RUNS; seed += 1) {
      const desk = new Desk(recording, tab);
      await desk.server.welcome();
      await act(desk, new Chance(seed));
      expect(picture(desk), `disturbed by ${seed}`).toEqual(expected);
    }
  }

  it("leaves a client that heard everything with what one is told who asks", async () => {
    for (const { name, known } of recorded.steps) {
      if (known === undefined) continue;
      const fresh = new Desk(recording, tab);
      await fresh.comeAfter(name);
      expect(picture(await inOrder(recording, tab, name)), name).toEqual(picture(fresh));
    }
  });

  it("is understood in any order, each frame once or twice, before anybody asks", async () => {
    const expected = threads(await inOrder(recording, tab, last));
    await disturbed(async (desk, chance) => {
      desk.server.pass(last);
      for (const frame of chance.shuffled(frames.flatMap((one) => chance.doubled(one)))) desk.server.say(frame);
      await settleGaps(desk);
      expect(threads(desk), `disturbed by ${chance.seed}`).toEqual(expected);
      await reconnect(desk);
    });
  });

  it("is completed where frames were lost, and what was late comes after that", async () => {
    await disturbed(async (desk, chance) => {
      const kept = frames.filter(() => chance.happens(0.75)).flatMap((one) => chance.doubled(one));
      const [early, late] = chance.parted(chance.jumbled(kept));
      desk.server.pass(last);
      for (const frame of early) desk.server.say(frame);
      await settleGaps(desk);
      if (chance.happens(0.5)) await reconnect(desk);
      for (const frame of late) desk.server.say(frame);
      await settleGaps(desk);
      await reconnect(desk);
    });
  });

  it("is completed over connections that break, though much overtakes the answer", async () => {
    const names = recorded.steps.filter((step) => step.known).map((step) => step.name);
    await disturbed(async (desk, chance) => {
      for (let place = 1; place < names.length; place += 1) {
        if (chance.happens(0.6)) await desk.server.play(names[place]!);
        else {
          desk.server.pass(names[place]!);
          const meanwhile = names.slice(place + 1, place + 1 + chance.below(3));
          await reconnect(desk, ...meanwhile);
          place += meanwhile.length;
        }
      }
      await settleGaps(desk);
    });
  });
});

function threads(desk: Desk) {
  return conversations(desk).map(({ conversation, version, thread }) => ({ conversation, version, thread }));
}

describe.each([
  ["visit", "mina"],
  ["return_visit", "mina-2"],
  ["sign_in", "mina-0"],
])("%s, as %s heard it in the widget", (recording, tab) => {
  const recorded = new Tab(recording, tab);
  const names = recorded.steps.filter((step) => step.known).map((step) => step.name);
  const last = names.at(-1)!;
  const seen = ({ client }: Browser) => ({ entries: client.entries, conversation: client.conversation });

  async function inOrder(step: string): Promise<Browser> {
    const browser = new Browser(recording, tab);
    await browser.hear(step);
    return browser;
  }

  async function disturbed(act: (browser: Browser, chance: Chance) => Promise<void>): Promise<void> {
    const expected = seen(await inOrder(last));
    for (let seed = 0; seed < RUNS; seed += 1) {
      const browser = new Browser(recording, tab);
      await act(browser, new Chance(seed));
      expect(seen(browser), `disturbed by ${seed}`).toEqual(expected);
    }
  }

  it("leaves a client that heard everything with what one is told who asks", async () => {
    for (const name of names) {
      const fresh = new Browser(recording, tab);
      await fresh.comeAfter(name);
      expect(seen(await inOrder(name)), name).toEqual(seen(fresh));
    }
  });

  it("has the same thread in any order, each frame once or twice, and everything after the next hello", async () => {
    const { entries: thread } = seen(await inOrder(last));
    const frames = recorded.posted().filter((frame) => frame.event !== "snapshot");
    await disturbed(async (browser, chance) => {
      await browser.enter();
      browser.server.pass(last);
      for (const frame of chance.shuffled(frames.flatMap((one) => chance.doubled(one)))) browser.server.say(frame);
      expect(browser.client.entries, `disturbed by ${chance.seed}`).toEqual(thread);
      await browser.reconnect();
    });
  });

  it("is completed over connections that break, though much overtakes the answer", async () => {
    await disturbed(async (browser, chance) => {
      await browser.enter(...names.slice(1, 1 + chance.below(3)));
      for (let place = names.indexOf(browser.server.step) + 1; place < names.length; place += 1) {
        if (chance.happens(0.5)) await browser.server.play(names[place]!);
        else {
          browser.server.pass(names[place]!);
          const meanwhile = names.slice(place + 1, place + 1 + chance.below(3));
          await browser.reconnect(...meanwhile);
          place += meanwhile.length;
        }
      }
    });
  });
});
