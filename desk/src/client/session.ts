/**
 * Who is signed in: the OIDC code flow with PKCE.
 *
 * Tokens live in sessionStorage, gone with the tab, and never stand in an address. The identity token is what the API
 * takes; its signature is the API's to check, so here only what concerns this sign-in is: issuer, audience, nonce, expiry.
 */

import type { Memory } from "./storage";

export interface SignInConfig {
  issuer: string;
  client_id: string;
  /** Where the issuer describes itself, if not under its own name. */
  discovery?: string;
  scope?: string;
}

interface Endpoints {
  authorization_endpoint: string;
  token_endpoint: string;
  end_session_endpoint?: string;
}

interface Kept {
  token: string;
  refresh: string | null;
  /** Epoch milliseconds by this machine's clock, from how long the token lives. */
  expiresAt: number;
}

export interface Claims {
  sub: string;
  name?: string;
  nonce?: string;
  iss: string;
  aud: string | string[];
  exp: number;
  iat?: number;
  [claim: string]: unknown;
}

export class SignInError extends Error {}

const TOKENS = "throughline.session";
const FLOW = "throughline.sign_in";
const EARLY_MS = 60_000;

export class Session {
  private kept: Kept | null = null;
  private renewing: Promise<string | null> | null = null;

  constructor(
    private readonly config: SignInConfig,
    private readonly memory: Memory,
    private readonly here: string,
    private readonly now: () => number = Date.now,
    private readonly fetching: typeof fetch = (...given) => fetch(...given),
  ) {
    const text = memory.read(TOKENS);
    this.kept = text ? (JSON.parse(text) as Kept) : null;
  }

  get claims(): Claims | null {
    return this.kept ? claimsOf(this.kept.token) : null;
  }

  /** When the token ends, in epoch milliseconds. */
  get expiresAt(): number | null {
    return this.kept?.expiresAt ?? null;
  }

  get canRenew(): boolean {
    return Boolean(this.kept?.refresh);
  }

  /** A token that is good for a while yet, renewed if it has to be or `renew` asks for it; null: sign in again. */
  async token(renew = false): Promise<string | null> {
    if (this.kept === null) return null;
    const left = this.kept.expiresAt - this.now();
    if (!renew && left > EARLY_MS) return this.kept.token;
    if (this.kept.refresh) return await this.renew();
    return !renew && left > 0 ? this.kept.token : null;
  }

  /** Where to go to sign in. What the answer has to match is kept in this tab. */
  async begin(wanted: Record<string, string> = {}): Promise<string> {
    const { authorization_endpoint } = await this.endpoints();
    const [state, nonce, verifier] = [random(), random(), random() + random()];
    this.memory.write(FLOW, JSON.stringify({ state, nonce, verifier }));
    const address = new URL(authorization_endpoint, this.here);
    const fields = {
      response_type: "code",
      client_id: this.config.client_id,
      redirect_uri: this.here,
      scope: this.config.scope ?? "openid profile",
      state,
      nonce,
      code_challenge: await challenge(verifier),
      code_challenge_method: "S256",
      ...wanted,
    };
    for (const [name, value] of Object.entries(fields)) address.searchParams.set(name, value);
    return address.href;
  }

  /** Whether this address is an answer of the issuer. */
  static isAnswer(address: URL): boolean {
    return address.searchParams.has("state") && (address.searchParams.has("code") || address.searchParams.has("error"));
  }

  /** Take the issuer's answer: after this somebody is signed in. */
  async finish(address: URL): Promise<void> {
    const flow = JSON.parse(this.memory.read(FLOW) ?? "null") as { state: string; nonce: string; verifier: string } | null;
    this.memory.write(FLOW, null);
    if (flow === null || address.searchParams.get("state") !== flow.state) throw new SignInError("state");
    const code = address.searchParams.get("code");
    if (code === null) throw new SignInError(address.searchParams.get("error") ?? "code");
    const answer = await this.ask({
      grant_type: "authorization_code",
      code,
      code_verifier: flow.verifier,
      redirect_uri: this.here,
    });
    this.keep(answer, flow.nonce);
  }

  forget(): void {
    this.kept = null;
    this.memory.write(TOKENS, null);
  }

  private renew(): Promise<string | null> {
    this.renewing ??= this.refreshed().finally(() => (this.renewing = null));
    return this.renewing;
  }

  private async refreshed(): Promise<string | null> {
    try {
      const answer = await this.ask({ grant_type: "refresh_token", refresh_token: this.kept?.refresh ?? "" });
      return this.keep({ refresh_token: this.kept?.refresh, ...answer }, null);
    } catch (error) {
      if (!(error instanceof SignInError)) throw error; // the network: try again later
      this.forget();
      return null;
    }
  }

  private async ask(fields: Record<string, string>): Promise<Record<string, unknown>> {
    const { token_endpoint } = await this.endpoints();
    const body = new URLSearchParams({ client_id: this.config.client_id, ...fields });
    const answer = await this.fetching(new URL(token_endpoint, this.here), { method: "POST", body, cache: "no-store" });
    if (answer.status >= 500) throw new TypeError(`the issuer answered ${answer.status}`);
    const said = (await answer.json()) as Record<string, unknown>;
    if (!answer.ok) throw new SignInError(String(said.error ?? answer.status));
    return said;
  }

  private keep(answer: Record<string, unknown>, nonce: string | null): string {
    const token = String(answer.id_token ?? "");
    const claims = claimsOf(token);
    const audience = claims && (Array.isArray(claims.aud) ? claims.aud : [claims.aud]);
    if (!claims || claims.iss !== this.config.issuer || !audience?.includes(this.config.client_id)) {
      throw new SignInError("token");
    }
    if (nonce !== null && claims.nonce !== nonce) throw new SignInError("nonce");
    const life_ms = (claims.exp - (claims.iat ?? this.now() / 1000)) * 1000;
    const refresh = answer.refresh_token ? String(answer.refresh_token) : null;
    this.kept = { token, refresh, expiresAt: this.now() + life_ms };
    this.memory.write(TOKENS, JSON.stringify(this.kept));
    return token;
  }

  private known: Promise<Endpoints> | null = null;

  private endpoints(): Promise<Endpoints> {
    this.known ??= this.discover().catch((error: unknown) => {
      this.known = null;
      throw error;
    });
    return this.known;
  }

  private async discover(): Promise<Endpoints> {
    const address = this.config.discovery ?? `${this.config.issuer.replace(/\/$/, "")}/.well-known/openid-configuration`;
    const answer = await this.fetching(new URL(address, this.here));
    if (!answer.ok) throw new TypeError(`the issuer answered ${answer.status}`);
    const said = (await answer.json()) as Endpoints & { issuer?: string };
    if (said.issuer !== this.config.issuer) throw new SignInError("issuer");
    return said;
  }
}

export function claimsOf(token: string): Claims | null {
  const part = token.split(".")[1];
  if (!part) return null;
  try {
    const binary = atob(part.replaceAll("-", "+").replaceAll("_", "/"));
    const bytes = Uint8Array.from(binary, (character) => character.charCodeAt(0));
    return JSON.parse(new TextDecoder().decode(bytes)) as Claims;
  } catch {
    return null;
  }
}

async function challenge(verifier: string): Promise<string> {
  return base64url(new Uint8Array(await crypto.subtle.digest("SHA-256", new TextEncoder().encode(verifier))));
}

function random(): string {
  return base64url(crypto.getRandomValues(new Uint8Array(24)));
}

function base64url(bytes: Uint8Array): string {
  return btoa(String.fromCharCode(...bytes)).replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");
}
