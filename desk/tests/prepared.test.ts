import { expect, it } from "vitest";
import type { CannedAnswer, Template } from "../src/client/frames";
import {
  answersWith,
  type Draft,
  isEmpty,
  isFilled,
  packed,
  personal,
  places,
  preview,
  type QuickReply,
  quickReplyProblem,
  unpacked,
  written,
  writtenOut,
} from "../src/client/prepared";

const link = (text: string, url: string): QuickReply => ({ kind: "link", text, url });
const reply = (text: string): QuickReply => ({ kind: "reply", text });
const template: Template = { name: "order", language: "en", text: "Hi {{1}}, {{2}} and again {{1}}", parameters: 2, header: null };

it("sends the rows that were written, without what belongs to another kind", () => {
  expect(written([reply(" Yes "), reply(" "), { kind: "reply", text: "No", url: "https://a.example" }])).toEqual([reply("Yes"), reply("No")]);
  expect(written([link("Pay", " https://a.example "), link("", "")])).toEqual([link("Pay", "https://a.example")]);
});

it.each([
  [[reply("Yes"), reply("No")], null],
  [[reply("Yes"), reply("Yes")], "same"],
  [[link("Pay", "https://pay.example/7?x=1")], null],
  [[link("Pay", "")], "incomplete"],
  [[link("", "https://pay.example")], "incomplete"],
  [[link("Pay", "javascript:alert(1)")], "address"],
  [[link("Pay", "https://bank.example@evil.example")], "address"],
  [[link("Pay", "https://localhost")], "address"],
] as const)("knows what the server would refuse: %j", (rows, problem) => {
  expect(quickReplyProblem(rows)).toBe(problem);
});

it("reads as the server writes them out", () => {
  expect(writtenOut("When?", [reply("Today"), reply("Tomorrow")])).toBe("When?\n\n1. Today\n2. Tomorrow");
  expect(writtenOut("Here", [link("Pay", "https://pay.example")])).toBe("Here\n\nPay: https://pay.example");
  expect(writtenOut("Alone", [])).toBe("Alone");
});

it("fills a template's places, and shows those that are still empty", () => {
  expect(preview(template, ["Maya", " "])).toBe("Hi Maya, {{2}} and again Maya");
  expect(preview(template, ["{{2}}", "$1"])).toBe("Hi {{2}}, $1 and again {{2}}");
});

it("goes out when every place is filled", () => {
  expect(isFilled(template, ["Maya"])).toBe(false);
  expect(isFilled(template, ["Maya", " "])).toBe(false);
  expect(isFilled(template, ["Maya", "7731"])).toBe(true);
  expect(isFilled({ ...template, parameters: 0 }, [])).toBe(true);
});

it("sends what stands in the places, and nothing for those that are empty", () => {
  expect(places(template, [" Maya "])).toEqual(["Maya", ""]);
  expect(places(template, ["Maya", "7731", "too much"])).toEqual(["Maya", "7731"]);
});

const HELLO: CannedAnswer = { name: "Greeting", shortcut: "/hi", text: "Hello {customer_name}, {agent_name} here. {customer_name}?", queues: [], languages: [] };
const HOURS: CannedAnswer = { name: "Hours", shortcut: null, text: "From nine to FIVE", queues: [], languages: [] };

it.each([
  ["", [HELLO, HOURS]],
  ["/HI", [HELLO]],
  ["greet", [HELLO]],
  ["five", [HOURS]],
  ["null", []],
])("finds canned answers by %j in name, shortcut or text", (words, found) => {
  expect(answersWith([HELLO, HOURS], words)).toEqual(found);
});

it("speaks of the customer and the agent wherever a canned answer does", () => {
  expect(personal(HELLO, "Mina", "Ana")).toBe("Hello Mina, Ana here. Mina?");
});

const NOTHING: Draft = { text: "", quick: null, template: null, via: null };
const WHOLE: Draft = {
  text: "When does it suit you?",
  quick: [reply("Tomorrow")],
  template: { name: "order_update", parameters: ["Maya"] },
  via: "whatsapp/1000|tel:+49",
};

it("keeps all of a draft in one text", () => {
  expect(unpacked(packed(WHOLE))).toEqual(WHOLE);
});

it.each<[Draft, boolean]>([
  [NOTHING, true],
  [{ ...NOTHING, via: "whatsapp/1000|tel:+49" }, true],
  [{ ...NOTHING, quick: [reply("")] }, true],
  [{ ...NOTHING, quick: [link("", "https://")] }, false],
  [{ ...NOTHING, text: " " }, false],
  [{ ...NOTHING, template: { name: "order_update", parameters: [] } }, false],
])("keeps a draft only with something begun: %j", (draft, empty) => {
  expect([isEmpty(draft), packed(draft) === ""]).toEqual([empty, empty]);
});

it.each(["", "Hello", "42", "{", "null"])("takes %j for the words alone", (kept) => {
  expect(unpacked(kept)).toEqual({ ...NOTHING, text: kept });
});

it("believes nothing that is not as it should be", () => {
  expect(unpacked('{"text":4,"quick":"x","template":{},"via":1}')).toEqual(NOTHING);
});
