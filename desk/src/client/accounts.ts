/** The two ends of a way: which account of ours is meant, where a channel has several, and who the customer is. */

import type { ChannelAccount } from "./frames";

/** The channel and the account in a way (`whatsapp/1000|tel:+49…`). */
export function ourEnd(via: string | null | undefined): { channel: string; account: string } {
  const [end = ""] = (via ?? "").split("|");
  const slash = end.indexOf("/");
  return slash < 0 ? { channel: end, account: "" } : { channel: end.slice(0, slash), account: end.slice(slash + 1) };
}

/** An identifier of the customer's without its kind; null of a visitor's, which is drawn and tells nobody anything. */
export function addressOf(identifier: string): string | null {
  const colon = identifier.indexOf(":");
  return identifier.slice(0, colon) === "visitor" ? null : identifier.slice(colon + 1);
}

/** Where a phone calls an identifier that is a number; else null. */
export function callAddress(identifier: string): string | null {
  return /^tel:\+?\d+$/.test(identifier) ? identifier : null;
}

/** What a person can read of an identifier of the customer's: a number or an address; else null. */
export function readable(identifier: string | null | undefined): string | null {
  return /^(?:tel|email|shortcode):(.+)$/s.exec(identifier ?? "")?.[1] ?? null;
}

/**
 * What the configuration calls an account where its channel has several; one it no longer has goes by its address.
 *
 * Null where there is nothing to tell apart, or nothing is known.
 */
export function nameOfAccount(accounts: readonly ChannelAccount[], channel: string, account: string): string | null {
  const siblings = accounts.filter((one) => one.channel === channel);
  const mine = siblings.find((one) => one.account === account) ?? siblings.find((one) => one.name === account);
  if (mine && siblings.length === 1) return null;
  return mine?.name ?? (siblings.length && account ? account : null);
}
