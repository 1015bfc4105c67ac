import { expect, it } from "vitest";
import { nameOfAccount, ourEnd, readable } from "../src/client/accounts";

const ACCOUNTS = [
  { channel: "whatsapp", account: "1000", name: "demo" },
  { channel: "whatsapp", account: "2000", name: "sales" },
  { channel: "telegram", account: "shop_bot", name: "shop" },
];

it.each([
  ["whatsapp/1000|tel:+4930", { channel: "whatsapp", account: "1000" }],
  ["telegram/shop_bot|telegram:7/1", { channel: "telegram", account: "shop_bot" }],
  ["twilio_sms/+1500", { channel: "twilio_sms", account: "+1500" }],
  [null, { channel: "", account: "" }],
])("knows our end of %s", (via, end) => {
  expect(ourEnd(via)).toEqual(end);
});

it.each([
  ["tel:+4930", "+4930"],
  ["email:a@b.example", "a@b.example"],
  ["telegram:7", null],
  ["cookie:3f", null],
  [undefined, null],
])("reads a number or an address, and no machine's name: %s", (identifier, words) => {
  expect(readable(identifier)).toBe(words);
});

it.each([
  ["whatsapp", "2000", "sales"],
  ["whatsapp", "sales", "sales"],
  ["telegram", "shop_bot", null],
  ["telegram", "old_bot", "old_bot"],
  ["whatsapp", "", null],
  ["line", "x", null],
])("says which of several accounts is meant: %s %s", (channel, account, name) => {
  expect(nameOfAccount(ACCOUNTS, channel, account)).toBe(name);
});
