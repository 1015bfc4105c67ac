import { beforeEach, expect, it } from "vitest";
import { type Centre, refreshCentre } from "../src/client/centre";
import type { Colleague, QueueView } from "../src/client/frames";

const queue: QueueView = {
  queue: "support",
  work_class: "chat",
  offer_s: 30,
  wrap_up_s: 30,
  dispositions: [],
  waiting: 2,
  oldest_since: null,
};
const accounts = [{ channel: "telegram", account: "shop_bot", name: "shop" }];
const ana = (presence: Colleague["presence"], version?: number): Colleague => ({
  agent: "ana",
  name: "Ana",
  teams: [],
  presence,
  connected: true,
  work_classes: ["chat"],
  ...(version === undefined ? {} : { version }),
});

let centre: Centre;
const failing = () => Promise.reject(new Error("not found"));
const answering = (...agents: Colleague[]) => ({
  queues: () => Promise.resolve([queue]),
  agents: () => Promise.resolve(agents),
  accounts: () => Promise.resolve(accounts),
});

beforeEach(() => {
  centre = { queues: [], colleagues: [], accounts: [] };
});

it("has queues and colleagues although an API of before knows no accounts", async () => {
  await refreshCentre(centre, { ...answering(ana("available")), accounts: failing });
  expect(centre).toEqual({ queues: [queue], colleagues: [ana("available")], accounts: [] });
});

it("keeps what could not be had, takes the rest, and says so", async () => {
  await refreshCentre(centre, answering(ana("available")));
  await expect(refreshCentre(centre, { ...answering(ana("offline")), queues: failing })).rejects.toThrow("not found");
  expect(centre).toEqual({ queues: [queue], colleagues: [ana("offline")], accounts });
});

it("knows of a colleague what is newest, whichever answer comes last", async () => {
  await refreshCentre(centre, answering(ana("offline", 4)));
  await refreshCentre(centre, answering(ana("available", 3)));
  expect(centre.colleagues).toEqual([ana("offline", 4)]);
  await refreshCentre(centre, answering(ana("available", 5)));
  expect(centre.colleagues).toEqual([ana("available", 5)]);
});

it("takes what it is told where no version is told", async () => {
  await refreshCentre(centre, answering(ana("offline", 4)));
  await refreshCentre(centre, answering(ana("available")));
  expect(centre.colleagues).toEqual([ana("available")]);
});
