/**
 * Frames of the WebSocket API and answers of the REST API, under the names that are used here.
 *
 * The types are made from the two API documents; what is added is what a client has to expect of a later server: kinds
 * of entries it does not know.
 */

import type * as api from "./api";

export type {
  Attachment,
  ChannelAccount,
  Colleague,
  ContactState,
  CustomerName,
  DeliveryStatus,
  Me,
  PastConversation,
  PresenceName,
  QuickReply,
  Template,
  Way,
  WorkClass,
} from "./api";

export type Entry = Omit<api.Entry, "kind"> & { kind: api.Entry["kind"] | (string & {}) };
export type ConversationView = api.Conversation;
export type SnapshotConversation = Omit<api.ConversationWithEntries, "entries"> & { entries: Entry[] };
export type OfferView = api.Offer;
export type AgentView = api.Presence;
export type QueueView = api.Queue;
export type CannedAnswer = api.Answer;
export type CustomerCard = api.Customer;

/** A contact as supervisors see it: one that waits says how it begins, one that is held in which state it is. */
export type ContactView = api.Waiting;
export type HeldContact = api.Held;

export type Snapshot = Omit<api.SnapshotEvent, "conversations"> & { conversations: SnapshotConversation[] };

/** The answers to all actions as one: what a field is depends on the action. */
export type Ack = Omit<api.AckEvent, never> & {
  entry?: Entry;
  conversation?: Partial<SnapshotConversation> & { conversation?: string };
};
export type ErrorFrame = api.ErrorEvent;

type WithEntries<Event, Field extends string, Value> = Omit<Event, Field> & Record<Field, Value>;

export type ServerFrame =
  | Snapshot
  | Ack
  | ErrorFrame
  | WithEntries<api.EntriesEvent, "entries", Entry[]>
  | api.OfferEvent
  | api.OfferEndedEvent
  | WithEntries<api.MessageEvent, "entry", Entry>
  | api.MessageStatusEvent
  | api.ConversationEvent
  | api.PresenceEvent
  | api.TypingEvent
  | api.ReadEvent;

export interface ClientFrame {
  action: string;
  id: string;
  [field: string]: unknown;
}

export type ThreadPage = WithEntries<api.Thread, "entries", Entry[]>;
