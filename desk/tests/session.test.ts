import { beforeEach, expect, it } from "vitest";
import { Session, SignInError } from "../src/client/session";
import { MapMemory } from "../src/client/storage";

const HERE = "https://desk.example/desk/";
const CONFIG = { issuer: "https://id.example", client_id: "throughline" };

let memory: MapMemory;
let now: number;
let requests: { url: string; fields: Record<string, string> }[];
let answers: (fields: Record<string, string>) => [number, object];

function token(claims: object): string {
  const part = (value: object) => btoa(JSON.stringify(value)).replaceAll("=", "");
  return `${part({ alg: "ES256" })}.${part(claims)}.signature`;
}

function claims(more: object = {}): object {
  return { iss: CONFIG.issuer, aud: "throughline", sub: "ana", iat: now / 1000, exp: now / 1000 + 3600, ...more };
}

function session(): Session {
  const fetching = (url: URL, init?: RequestInit) => {
    const fields = Object.fromEntries((init?.body as URLSearchParams | undefined) ?? []);
    requests.push({ url: String(url), fields });
    const metadata = {
      issuer: CONFIG.issuer,
      authorization_endpoint: "https://id.example/authorize",
      token_endpoint: "https://id.example/token",
    };
    const [status, body] = init ? answers(fields) : [200, metadata];
    return Promise.resolve(new Response(JSON.stringify(body), { status }));
  };
  return new Session(CONFIG, memory, HERE, () => now, fetching as typeof fetch);
}

async function signedIn(): Promise<Session> {
  const one = session();
  const address = new URL(await one.begin());
  const nonce = address.searchParams.get("nonce");
  answers = () => [200, { id_token: token(claims({ nonce })), refresh_token: "refresh" }];
  await one.finish(new URL(`${HERE}?code=c&state=${address.searchParams.get("state")}`));
  return one;
}

beforeEach(() => {
  memory = new MapMemory();
  now = 1_780_000_000_000;
  requests = [];
  answers = () => [500, {}];
});

it("proves with its verifier that it is the one who asked", async () => {
  const one = session();
  const address = new URL(await one.begin());
  const nonce = address.searchParams.get("nonce");
  answers = () => [200, { id_token: token(claims({ nonce })) }];
  await one.finish(new URL(`${HERE}?code=c&state=${address.searchParams.get("state")}`));
  const { code_verifier } = requests.at(-1)!.fields;
  const digest = await crypto.subtle.digest("SHA-256", new TextEncoder().encode(code_verifier));
  const expected = btoa(String.fromCharCode(...new Uint8Array(digest))).replaceAll("+", "-").replaceAll("/", "_");
  expect(address.searchParams.get("code_challenge")).toBe(expected.replaceAll("=", ""));
  expect(one.claims?.sub).toBe("ana");
});

it("outlives a reload of the tab", async () => {
  await signedIn();
  expect(session().claims?.sub).toBe("ana");
});

it.each([
  ["another state", { state: "other" }, {}],
  ["another nonce", {}, { nonce: "other" }],
  ["another issuer", {}, { iss: "https://evil.example" }],
  ["another audience", {}, { aud: "other" }],
])("takes no answer with %s", async (_, query: { state?: string }, wrong) => {
  const one = session();
  const address = new URL(await one.begin());
  const nonce = address.searchParams.get("nonce");
  answers = () => [200, { id_token: token(claims({ nonce, ...wrong })) }];
  const state = query.state ?? address.searchParams.get("state");
  await expect(one.finish(new URL(`${HERE}?code=c&state=${state}`))).rejects.toThrow(SignInError);
  expect(one.claims).toBeNull();
});

it("takes an answer once", async () => {
  const one = session();
  const address = new URL(await one.begin());
  const answer = new URL(`${HERE}?code=c&state=${address.searchParams.get("state")}`);
  answers = () => [200, { id_token: token(claims({ nonce: address.searchParams.get("nonce") })) }];
  await one.finish(answer);
  await expect(one.finish(answer)).rejects.toThrow(SignInError);
});

it("renews its token before it ends, once for everybody who asks", async () => {
  const one = await signedIn();
  const before = requests.length;
  now += 3600_000 - 30_000;
  answers = () => [200, { id_token: token(claims()) }];
  const [a, b] = await Promise.all([one.token(), one.token()]);
  expect([a === b, requests.length - before]).toEqual([true, 1]);
  expect(requests.at(-1)!.fields).toMatchObject({ grant_type: "refresh_token", refresh_token: "refresh" });
  expect(one.canRenew).toBe(true);
});

it("is over when the issuer does not renew it, but not when it cannot be reached", async () => {
  const one = await signedIn();
  now += 3600_000;
  answers = () => [503, {}];
  await expect(one.token()).rejects.toThrow(TypeError);
  expect(one.claims).not.toBeNull();
  answers = () => [400, { error: "invalid_grant" }];
  expect([await one.token(), one.claims]).toEqual([null, null]);
});
