/** What REST tells of the contact centre: queues with what waits in them, colleagues, our accounts. */

import type { ChannelAccount, Colleague, QueueView } from "./frames";
import type { DeskRest } from "./rest";

export interface Centre {
  queues: QueueView[];
  colleagues: Colleague[];
  accounts: ChannelAccount[];
}

/**
 * Ask for all of it; what cannot be had stays as it was. Throws, once everything was asked, if queues or colleagues could
 * not be had: an API of before knows no accounts.
 */
export async function refreshCentre(centre: Centre, rest: Pick<DeskRest, "queues" | "agents" | "accounts">): Promise<void> {
  const [queues, agents, accounts] = await Promise.allSettled([rest.queues(), rest.agents(), rest.accounts()]);
  if (queues.status === "fulfilled") centre.queues = queues.value;
  if (agents.status === "fulfilled") centre.colleagues = newest(centre.colleagues, agents.value);
  if (accounts.status === "fulfilled") centre.accounts = accounts.value;
  for (const answer of [queues, agents]) if (answer.status === "rejected") throw answer.reason;
}

/** Answers overtake one another: of each colleague the higher version counts, where this caller is told versions. */
function newest(known: readonly Colleague[], given: readonly Colleague[]): Colleague[] {
  return given.map((one) => {
    const before = known.find((other) => other.agent === one.agent);
    return one.version !== undefined && (before?.version ?? 0) > one.version ? before! : one;
  });
}
