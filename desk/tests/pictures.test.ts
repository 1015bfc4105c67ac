import { beforeEach, describe, expect, it } from "vitest";
import { RestError } from "../src/client/rest";
import { isPicture, Pictures } from "../src/widget/pictures";

const PNG = "image/png";
const painted = (name: string) => ({ name }) as unknown as HTMLCanvasElement;

let asked: string[];
let failing: Record<string, Error>;
let pictures: Pictures;

beforeEach(() => {
  [asked, failing] = [[], {}];
  const fetching = (id: string) => {
    asked.push(id);
    return failing[id] ? Promise.reject(failing[id]) : Promise.resolve(new Blob([id]));
  };
  pictures = new Pictures(fetching, () => undefined, async (bytes) => painted(await bytes.text()));
});

describe("a picture", () => {
  it("is fetched once it is looked at, and once", async () => {
    expect([pictures.look("a", PNG), asked]).toEqual(["coming", []]);
    await Promise.all([pictures.load("a"), pictures.load("a")]);
    await pictures.load("a");
    expect([pictures.look("a", PNG), asked]).toEqual([painted("a"), ["a"]]);
  });

  it("that was painted before it was sent is not fetched when it comes back", () => {
    pictures.keep("u-1", painted("mine"));
    pictures.sent("m-1", ["u-0", "u-1"]);
    expect(pictures.look(pictures.paintedAs("m-1", 1, "e.1"), PNG)).toEqual(painted("mine"));
    expect([pictures.paintedAs("m-1", 0, "e.0"), pictures.paintedAs(undefined, 1, "e.1")]).toEqual(["e.0", "e.1"]);
  });

  it("stays a file where it cannot be had, and others are tried all the same", async () => {
    failing = { gone: new RestError(404, "not_found", "") };
    await pictures.load("gone");
    expect([pictures.look("gone", PNG), pictures.look("a", PNG)]).toEqual([null, "coming"]);
  });

  it("stays a file on a page that lets the very first one not through: no other is tried", async () => {
    failing = { a: new TypeError("Failed to fetch") };
    await pictures.load("a");
    expect([pictures.look("a", PNG), pictures.look("b", PNG)]).toEqual([null, null]);
  });

  it("that fails for want of a network is no reason to give up the others, once one has come", async () => {
    failing = { b: new TypeError("Failed to fetch") };
    await pictures.load("a");
    await pictures.load("b");
    expect([pictures.look("b", PNG), pictures.look("c", PNG)]).toEqual([null, "coming"]);
  });
});

it.each([
  [PNG, true],
  ["image/jpeg", true],
  ["image/gif", true],
  ["image/webp", true],
  ["image/svg+xml", false],
  ["image/svg+xml;image/png", false],
  ["text/html", false],
  ["application/pdf", false],
  [null, false],
])("of %s it says that it is a picture: %s", (type, expected) => {
  expect(isPicture(type)).toBe(expected);
});
