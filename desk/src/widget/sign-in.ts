/**
 * Who the visitor is: the lasting proof this browser keeps, or what the company's own page says of its user.
 *
 * Tokens live in this object only. Tabs share the proof, and take turns at renewing it.
 */

import type { VisitorToken, VisitorTold } from "../client/api";
import type { Timers } from "../client/connection";
import type { Lock } from "../client/outbox";
import { claimsOf } from "../client/session";
import type { Memory } from "../client/storage";

export type Identity = string | (() => string | Promise<string>);
/** What has to come from outside before there can be a token. `refused`: this page may not use the account. */
export type Wanted = "form" | "identity" | "refused" | null;

export const EARLY_MS = 60_000;
const LIFE_MS = 15 * 60_000;
const MOST_WAIT_MS = 5 * 60_000;
/** The clock of a page may be wrong: how long a token lives is taken from its own claims, from when it came. */
interface Kept extends VisitorToken {
  endsAt: number;
}

export class SignIn {
  wanted: Wanted = null;
  identity: Identity | null = null;
  /** Whose identity it is: a renewed one has to be the same person's. */
  subject = "";
  /** A token is somebody else's than the last one, though the page has not said so: what is shown is not theirs. */
  anew: () => void = () => undefined;
  /** What the visitor tells of themselves, until it was taken. */
  told: VisitorTold | null = null;
  private kept: Kept | null = null;
  private who: string | undefined;
  /** The page has just said who its user is: that is who was here anonymously. */
  private arriving = false;
  private asking: Promise<string | null> | null = null;
  private notBefore = 0;

  constructor(
    private readonly address: string,
    private readonly place: string,
    private readonly memory: Memory,
    private readonly timers: Timers,
    private readonly lock: Lock,
    private readonly fetching: typeof fetch = (...given) => fetch(...given),
  ) {}

  /** Whether this browser was here before, or the page says who is. */
  get isKnown(): boolean {
    return this.identity !== null || this.memory.read(this.place) !== null;
  }

  get endsAt(): number | null {
    return this.kept?.endsAt ?? null;
  }

  get socket(): string {
    return this.kept?.socket ?? "";
  }

  become(subject: string): void {
    this.subject = subject;
    this.kept = this.wanted = null;
    this.who = undefined;
    this.arriving = subject !== "";
  }

  /** A token that is good for a while yet. Null: `wanted` says what is missing. Throws where one has to wait. */
  token(renew = false): Promise<string | null> {
    const left = (this.kept?.endsAt ?? 0) - this.timers.now();
    if (this.kept && this.told === null && !renew && left > EARLY_MS) return Promise.resolve(this.kept.token);
    this.asking ??= this.sign().finally(() => (this.asking = null));
    return this.asking;
  }

  private async sign(): Promise<string | null> {
    let token: string | null = null;
    await this.pause(this.notBefore - this.timers.now());
    await this.lock(this.place, async () => {
      token = await this.ask(true);
    });
    return token;
  }

  private async ask(again: boolean): Promise<string | null> {
    const { subject, told } = this;
    const identity = await saidBy(this.identity);
    if (subject !== this.subject) return await this.ask(again); // it was said of somebody else
    if (subjectOf(identity) !== this.subject) {
      this.wanted = "identity";
      return null;
    }
    const visitor = identity === null || this.arriving ? this.memory.read(this.place) : null;
    const answer = await this.fetching(this.address, {
      method: "POST",
      cache: "no-store",
      credentials: "omit",
      headers: { "Content-Type": "application/json" },
      body: JSON.stringify({ ...told, ...(identity && { identity }), ...(visitor && { visitor }) }),
    });
    const given = answer.ok ? ((await answer.json()) as VisitorToken) : null;
    if (subject !== this.subject) return await this.ask(again); // it was asked for somebody else
    if (given !== null) return this.keep(given, told, visitor);
    if (answer.status === 401 && identity === null && visitor !== null && again) {
      this.memory.write(this.place, null); // not accepted any more: begin anew, with what was told if anything was
      return await this.ask(false);
    }
    return this.refused(answer);
  }

  private keep(given: VisitorToken, told: VisitorTold | null, proof: string | null): string {
    const claims = claimsOf(given.token);
    const life_ms = claims?.iat ? (claims.exp - claims.iat) * 1000 : LIFE_MS;
    this.kept = { ...given, endsAt: this.timers.now() + life_ms };
    if ((given.visitor ?? proof) !== null) this.memory.write(this.place, given.visitor); // handed over, it is good for nothing
    this.arriving = false;
    if (this.who !== undefined && this.who !== claims?.sub) this.anew();
    this.who = claims?.sub;
    if (this.told === told) this.told = null;
    this.wanted = null;
    return given.token;
  }

  private refused(answer: Response): null {
    if (answer.status === 429) this.notBefore = this.timers.now() + waitMs(answer);
    this.wanted = wantedAfter(answer.status, this.identity !== null);
    if (this.wanted === null) throw new TypeError(`signing in was answered ${answer.status}`);
    this.kept = null;
    return null;
  }

  private pause(ms: number): Promise<void> {
    return ms > 0 ? new Promise((done) => this.timers.later(ms, done)) : Promise.resolve();
  }
}

/** What a page says now of who its user is. */
export async function saidBy(identity: Identity | null): Promise<string | null> {
  return typeof identity === "function" ? await identity() : identity;
}

/** Whose identity it is, unchecked: somebody else's words must not be sent in this one's name. */
export function subjectOf(identity: string | null): string {
  return identity === null ? "" : (claimsOf(identity)?.sub ?? "");
}

function wantedAfter(status: number, identified: boolean): Wanted {
  if (status === 401) return identified ? "identity" : "form";
  if (status === 400) return identified ? "refused" : "form";
  return status === 403 || status === 404 ? "refused" : null;
}

function waitMs(answer: Response): number {
  const seconds = Number(answer.headers.get("Retry-After") ?? 1);
  return Math.min(MOST_WAIT_MS, (Number.isFinite(seconds) ? seconds : 1) * 1000);
}
