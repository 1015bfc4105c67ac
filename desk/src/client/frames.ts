/** Frames of the WebSocket API and answers of the REST API, as docs/protocol.md describes them. */

export type PresenceName = "available" | "not_ready" | "offline";

export type ContactState = "queued" | "offered" | "active" | "paused" | "wrapping" | "resolved";

export type EntryKind =
  | "message"
  | "note"
  | "edit"
  | "deletion"
  | "reaction"
  | "postback"
  | "consent"
  | "identity"
  | "call"
  | (string & {});

export type DeliveryStatus =
  | "queued"
  | "sending"
  | "retrying"
  | "unknown"
  | "sent"
  | "failed"
  | "delivered"
  | "read";

export interface Attachment {
  id: string;
  kind: string;
  name: string | null;
  content_type: string | null;
  size_bytes: number | null;
  ready: boolean;
  failed: string | null;
}

export interface Place {
  latitude: number;
  longitude: number;
  name?: string | null;
  address?: string | null;
}

export interface Entry {
  id: string;
  kind: EntryKind;
  direction: "inbound" | "outbound" | "internal";
  channel: string;
  via?: string;
  type?: string;
  text?: string;
  author?: string;
  sent_at: string;
  received_at: string;
  status?: DeliveryStatus;
  reason?: string;
  attachments?: Attachment[];
  location?: Place;
  reply_to?: string;
  target?: string;
  emoji?: string;
  details?: Record<string, unknown>;
  late?: boolean;
  edited_at?: string;
  deleted?: boolean;
  withheld?: boolean;
  reactions?: { emoji: string; by: string }[];
}

export interface CustomerName {
  id: string;
  name: string | null;
}

export interface Via {
  via: string;
  last_inbound_at: string;
}

export interface ConversationView {
  conversation: string;
  version: number;
  turn: number;
  state: ContactState;
  customer: CustomerName;
  queue: string;
  requirement: string;
  opened_at: string;
  via: string | null;
  vias: Via[];
  language: string | null;
  holder: string | null;
  disposition: string | null;
  until: string | null;
}

export interface OfferView {
  offer: string;
  conversation: string;
  customer: CustomerName;
  channel: string;
  queue: string;
  requirement: string;
  preview: string | null;
  waiting_since: string;
  expires_at: string;
}

export interface NextPresence {
  presence: PresenceName;
  reason: string | null;
}

export interface AgentView {
  agent: string;
  name: string;
  presence: PresenceName;
  reason: string | null;
  since?: string | null;
  next?: NextPresence | null;
  capacity: Record<string, number>;
  load: Record<string, number>;
}

/** Who signed in, as configured. */
export interface Me {
  agent: string;
  name: string;
  role: "agent" | "supervisor";
  teams: string[];
  skills: Record<string, number>;
  language: string | null;
  not_ready_reasons: string[];
}

/** A contact as supervisors see it: waiting, or held by an agent. */
export interface ContactView {
  conversation: string;
  turn: number;
  customer: CustomerName;
  channel: string;
  queue: string;
  requirement: string;
  preview: string | null;
  waiting_since: string;
  language: string | null;
  state?: ContactState;
  work_class?: string;
  until?: string | null;
}

/** A colleague. What is optional is told to supervisors of their team. */
export interface Colleague {
  agent: string;
  name: string;
  teams: string[];
  presence: PresenceName;
  connected?: boolean;
  work_classes?: string[];
  reason?: string | null;
  since?: string | null;
  next?: NextPresence | null;
  capacity?: Record<string, number>;
  load?: Record<string, number>;
  holds?: ContactView[];
}

/** How the customer can be answered right now. */
export interface Way {
  via: string;
  channel: string;
  account: string;
  identifier: string;
  last_inbound_at: string | null;
  default: boolean;
  open: boolean;
  closed_because?: "opted_out" | "window_closed" | "no_channel" | null;
  opted_out: boolean;
  window_closes_at: string | null;
  text_limit: number;
  segments: boolean;
  attachments: string[];
}

export interface CannedAnswer {
  name: string;
  text: string;
  shortcut: string | null;
  languages: string[];
  queues: string[];
}

export interface PastConversation {
  conversation: string;
  opened_at: string;
  closed_at: string | null;
  queue: string;
  channels: string[];
  agent: string | null;
  disposition: string | null;
}

export type SnapshotConversation = ConversationView & { entries: Entry[]; more?: boolean };

export interface Snapshot {
  event: "snapshot";
  id: string;
  me?: Me;
  agent: AgentView;
  offers: OfferView[];
  conversations: SnapshotConversation[];
}

export interface Ack {
  event: "ack";
  id: string;
  entry?: Entry;
  conversation?: Partial<SnapshotConversation> & { conversation?: string };
  [field: string]: unknown;
}

export interface ErrorFrame {
  event: "error";
  id: string | null;
  code: string;
  message: string;
  /** Of a `conflict` over a version: the present one. */
  version?: number | null;
}

export type ServerFrame =
  | Snapshot
  | Ack
  | ErrorFrame
  | { event: "entries"; conversation: string; version: number; entries: Entry[]; more: boolean }
  | ({ event: "offer" } & OfferView)
  | { event: "offer.ended"; offer: string; conversation: string; reason: string }
  | { event: "message"; conversation: string; version: number; entry: Entry }
  | {
      event: "message.status";
      conversation: string;
      version: number;
      entry: string;
      status: DeliveryStatus;
      reason: string | null;
    }
  | ({ event: "conversation" } & ConversationView)
  | ({ event: "presence" } & AgentView)
  | { event: "typing"; conversation: string; from: string }
  | { event: "read"; conversation: string; by: string };

export interface ClientFrame {
  action: string;
  id: string;
  [field: string]: unknown;
}

export interface ThreadPage {
  customer: string;
  entries: Entry[];
  before: string | null;
}

export interface CustomerCard {
  customer: string;
  name: string | null;
  language: string | null;
  tier?: string | null;
  value?: number | null;
  since: string;
  changed?: { by: string; at: string } | null;
  identifiers: {
    identifier: string;
    since: string;
    evidence?: string;
    opted_out?: boolean;
    consents: Record<string, boolean>;
  }[];
  conversation: ConversationView | null;
  conversations?: PastConversation[];
}

export interface QueueView {
  queue: string;
  work_class: string;
  offer_s: number;
  wrap_up_s?: number | null;
  dispositions: string[];
  waiting: number;
  oldest_since: string | null;
}
