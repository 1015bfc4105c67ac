/** Made by `python -m infra.api` from docs/asyncapi.json and docs/openapi.json. Do not edit. */

export type AckEvent = {
  event: "ack";
  id: string;
};

export type Answer = {
  name: string;
  text: string;
  shortcut: string | null;
  queues: string[];
  languages: string[];
};

export type Answers = {
  answers: Answer[];
};

export type Attachment = {
  id: string;
  kind: "image" | "video" | "audio" | "voice" | "document" | "sticker";
  name: string | null;
  content_type: string | null;
  size_bytes: number | null;
  ready: boolean;
  failed: string | null;
};

export type CardChange = {
  name?: string | null;
  language?: string | null;
  tier?: string | null;
  value?: number | null;
};

export type ChannelAccount = {
  channel: string;
  account: string;
  name: string;
};

export type ChannelAccounts = {
  accounts: ChannelAccount[];
};

export type ClientFrame = HelloFrame | PingFrame | PresenceSetFrame | OfferAcceptFrame | OfferRejectFrame | MessageSendFrame | NoteAddFrame | TypingFrame | ReadFrame | ConversationWrapUpFrame | ConversationCloseFrame | ConversationTransferFrame | ConversationPauseFrame | ConversationTakeOverFrame | ContactAssignFrame;

export type Colleague = {
  agent: string;
  name: string;
  teams: string[];
  presence: PresenceName;
  connected: boolean;
  work_classes: WorkClass[];
  reason?: string | null;
  since?: string | null;
  next?: {
    presence: PresenceName;
    reason: string | null;
  } | null;
  capacity?: Record<string, number>;
  load?: Record<string, number>;
  version?: number;
  holds?: Held[];
};

export type Colleagues = {
  agents: Colleague[];
};

export type ContactAssignFrame = {
  action: "contact.assign";
  id: string;
  conversation: string;
  turn: number;
  agent: string;
};

export type ContactChange = {
  turn: number;
  state: ContactState;
  at: string;
  by: string;
  why: string;
  agent: string | null;
  decision: Record<string, unknown> | null;
};

export type ContactState = "queued" | "offered" | "active" | "paused" | "wrapping" | "resolved";

export type Conversation = {
  conversation: string;
  version: number;
  turn: number;
  state: ContactState;
  customer: CustomerName;
  queue: string;
  requirement: string;
  opened_at: string;
  via: string | null;
  vias: ({
    via: string;
    last_inbound_at: string;
  })[];
  language: string | null;
  holder: string | null;
  disposition: string | null;
  until: string | null;
};

export type ConversationCloseAck = {
  event: "ack";
  id: string;
  conversation: ConversationState;
};

export type ConversationCloseFrame = {
  action: "conversation.close";
  id: string;
  conversation: string;
  disposition?: string | null;
  version?: number | null;
};

export type ConversationEvent = {
  event: "conversation";
  conversation: string;
  version: number;
  turn: number;
  state: ContactState;
  customer: CustomerName;
  queue: string;
  requirement: string;
  opened_at: string;
  via: string | null;
  vias: ({
    via: string;
    last_inbound_at: string;
  })[];
  language: string | null;
  holder: string | null;
  disposition: string | null;
  until: string | null;
};

export type ConversationPauseAck = {
  event: "ack";
  id: string;
  conversation: ConversationState;
};

export type ConversationPauseFrame = {
  action: "conversation.pause";
  id: string;
  conversation: string;
  until: string;
};

export type ConversationState = {
  conversation: string;
  version: number;
  turn: number;
  state: ContactState;
  until: string | null;
};

export type ConversationTakeOverAck = {
  event: "ack";
  id: string;
  conversation: ConversationWithEntries;
};

export type ConversationTakeOverFrame = {
  action: "conversation.take_over";
  id: string;
  conversation: string;
  turn: number;
};

export type ConversationTransferFrame = {
  action: "conversation.transfer";
  id: string;
  conversation: string;
  to: {
    queue: string;
  } | {
    agent: string;
  };
  note?: string | null;
};

export type ConversationWithChanges = {
  conversation: string;
  version: number;
  turn: number;
  state: ContactState;
  customer: CustomerName;
  queue: string;
  requirement: string;
  opened_at: string;
  via: string | null;
  vias: ({
    via: string;
    last_inbound_at: string;
  })[];
  language: string | null;
  holder: string | null;
  disposition: string | null;
  until: string | null;
  changes: ContactChange[];
};

export type ConversationWithEntries = {
  conversation: string;
  version: number;
  turn: number;
  state: ContactState;
  customer: CustomerName;
  queue: string;
  requirement: string;
  opened_at: string;
  via: string | null;
  vias: ({
    via: string;
    last_inbound_at: string;
  })[];
  language: string | null;
  holder: string | null;
  disposition: string | null;
  until: string | null;
  entries: Entry[];
  more?: boolean;
};

export type ConversationWrapUpAck = {
  event: "ack";
  id: string;
  conversation: ConversationState;
};

export type ConversationWrapUpFrame = {
  action: "conversation.wrap_up";
  id: string;
  conversation: string;
};

export type Customer = {
  customer: string;
  name: string | null;
  language: string | null;
  tier: string | null;
  value: number | null;
  since: string;
  changed: {
    by: string;
    at: string;
  } | null;
  identifiers: CustomerIdentifier[];
  conversation: Conversation | null;
  conversations: PastConversation[];
};

export type CustomerIdentifier = {
  identifier: string;
  since: string;
  evidence: "attested" | "verified" | "claimed" | "inferred";
  opted_out: boolean;
  consents: Record<string, boolean>;
};

export type CustomerName = {
  id: string;
  name: string | null;
};

export type DeliveryStatus = "queued" | "sending" | "retrying" | "unknown" | "sent" | "delivered" | "read" | "failed";

export type EntriesEvent = {
  event: "entries";
  conversation: string;
  version: number;
  entries: Entry[];
  more: boolean;
};

export type Entry = {
  id: string;
  kind: "message" | "note" | "edit" | "deletion" | "reaction" | "postback" | "consent" | "identity" | "call";
  direction: "inbound" | "outbound" | "internal";
  channel: string;
  sent_at: string;
  received_at: string;
  late: boolean;
  type?: string;
  text?: string;
  author?: string;
  attachments?: Attachment[];
  quick_replies?: QuickReply[];
  location?: Location;
  reply_to?: string;
  target?: string;
  emoji?: string;
  via?: string;
  status?: DeliveryStatus;
  reason?: string;
  template?: string;
  names?: string[];
  details?: Record<string, unknown>;
  edited_at?: string;
  deleted?: true;
  reactions?: ({
    emoji: string;
    by: string;
  })[];
  withheld?: true;
};

export type Error = {
  error: string;
  message?: string;
};

export type ErrorEvent = {
  event: "error";
  id: string | null;
  code: string;
  message: string;
  version?: number;
};

export type File = {
  content_type: string;
  size_bytes: number;
  name: string;
};

export type Held = {
  conversation: string;
  turn: number;
  customer: CustomerName;
  channel: string;
  account: string;
  identifier: string;
  queue: string;
  requirement: string;
  waiting_since: string;
  language: string | null;
  state: ContactState;
  work_class: WorkClass;
  until: string | null;
};

export type HelloFrame = {
  action: "hello";
  id: string;
  resume?: Record<string, number> | null;
};

export type Link = {
  url: string;
};

export type Location = {
  latitude: number;
  longitude: number;
  name: string | null;
  address: string | null;
};

export type Me = {
  agent: string;
  name: string;
  role: "agent" | "supervisor";
  teams: string[];
  skills: Record<string, number>;
  language: string | null;
  not_ready_reasons: string[];
};

export type MessageEvent = {
  event: "message";
  conversation: string;
  version: number;
  entry: Entry;
};

export type MessageSendAck = {
  event: "ack";
  id: string;
  entry: Entry;
};

export type MessageSendFrame = {
  action: "message.send";
  id: string;
  conversation: string;
  message_id: string;
  text?: string | null;
  attachments?: string[] | null;
  via?: string | null;
  quick_replies?: ({
    kind: "reply" | "link" | "form" | "location";
    text: string;
    description?: string | null;
    url?: string | null;
    form?: {
      id: string;
      screen?: string | null;
      values?: Record<string, string> | null;
      token?: string | null;
    } | null;
  })[] | null;
  template?: {
    name: string;
    parameters?: string[] | null;
  } | null;
  seen_version?: number | null;
};

export type MessageStatusEvent = {
  event: "message.status";
  conversation: string;
  version: number;
  entry: string;
  status: DeliveryStatus;
  reason: string | null;
  names: string[];
};

export type NoteAddAck = {
  event: "ack";
  id: string;
  entry: Entry;
};

export type NoteAddFrame = {
  action: "note.add";
  id: string;
  conversation: string;
  text: string;
  note_id?: string | null;
};

export type Offer = {
  offer: string;
  conversation: string;
  customer: CustomerName;
  channel: string;
  account: string;
  identifier: string;
  queue: string;
  requirement: string;
  preview: string | null;
  waiting_since: string;
  expires_at: string;
};

export type OfferAcceptAck = {
  event: "ack";
  id: string;
  conversation: ConversationWithEntries;
};

export type OfferAcceptFrame = {
  action: "offer.accept";
  id: string;
  offer: string;
};

export type OfferEndedEvent = {
  event: "offer.ended";
  offer: string;
  conversation: string;
  reason: "accepted" | "rejected" | "timed_out" | "gone";
};

export type OfferEvent = {
  event: "offer";
  offer: string;
  conversation: string;
  customer: CustomerName;
  channel: string;
  account: string;
  identifier: string;
  queue: string;
  requirement: string;
  preview: string | null;
  waiting_since: string;
  expires_at: string;
};

export type OfferRejectFrame = {
  action: "offer.reject";
  id: string;
  offer: string;
  reason?: string | null;
};

export type PastConversation = {
  conversation: string;
  opened_at: string;
  closed_at: string | null;
  queue: string;
  channels: string[];
  agent: string | null;
  disposition: string | null;
};

export type PingFrame = {
  action: "ping";
  id: string;
};

export type Presence = {
  agent: string;
  name: string;
  presence: PresenceName;
  reason: string | null;
  since: string | null;
  next: {
    presence: PresenceName;
    reason: string | null;
  } | null;
  capacity: Record<string, number>;
  load: Record<string, number>;
  version: number;
};

export type PresenceEvent = {
  event: "presence";
  agent: string;
  name: string;
  presence: PresenceName;
  reason: string | null;
  since: string | null;
  next: {
    presence: PresenceName;
    reason: string | null;
  } | null;
  capacity: Record<string, number>;
  load: Record<string, number>;
  version: number;
};

export type PresenceName = "available" | "not_ready" | "offline";

export type PresenceSetFrame = {
  action: "presence.set";
  id: string;
  presence: PresenceName;
  reason?: string | null;
  after_work?: boolean | null;
};

export type Queue = {
  queue: string;
  work_class: WorkClass;
  offer_s: number;
  wrap_up_s: number;
  dispositions: string[];
  waiting: number;
  oldest_since: string | null;
};

export type Queues = {
  queues: Queue[];
};

export type QuickReply = {
  kind: "reply" | "link" | "form" | "location";
  text: string;
  description?: string;
  url?: string;
};

export type ReadEvent = {
  event: "read";
  conversation: string;
  by: string;
};

export type ReadFrame = {
  action: "read";
  id: string;
  conversation: string;
};

export type ServerFrame = SnapshotEvent | EntriesEvent | OfferEvent | OfferEndedEvent | MessageEvent | MessageStatusEvent | ConversationEvent | PresenceEvent | TypingEvent | ReadEvent | AckEvent | ErrorEvent | OfferAcceptAck | MessageSendAck | NoteAddAck | ConversationWrapUpAck | ConversationCloseAck | ConversationPauseAck | ConversationTakeOverAck;

export type SnapshotEvent = {
  event: "snapshot";
  id: string;
  me: Me;
  agent: Presence;
  offers: Offer[];
  conversations: ConversationWithEntries[];
};

export type Template = {
  name: string;
  language: string;
  text: string;
  parameters: number;
  header: "image" | "video" | "audio" | "voice" | "document" | "sticker" | null;
};

export type Thread = {
  customer: string;
  entries: Entry[];
  before: string | null;
};

export type TypingEvent = {
  event: "typing";
  conversation: string;
  from: string;
};

export type TypingFrame = {
  action: "typing";
  id: string;
  conversation: string;
};

export type Upload = {
  id: string;
  upload: {
    url: string;
    fields: Record<string, string>;
  };
};

export type VisitorAckEvent = {
  event: "ack";
  id: string;
  message_id?: string;
};

export type VisitorConversation = {
  state: "none" | "waiting" | "assigned" | "ended";
  agent: string | null;
};

export type VisitorConversationEvent = {
  event: "conversation";
  state: "none" | "waiting" | "assigned" | "ended";
  agent: string | null;
};

export type VisitorEntry = {
  id: string;
  kind: "deletion" | "edit" | "message" | "postback" | "reaction";
  direction: "inbound" | "outbound";
  sent_at: string;
  type?: string;
  text?: string;
  author?: string;
  attachments?: Attachment[];
  quick_replies?: QuickReply[];
  location?: Location;
  reply_to?: string;
  target?: string;
  emoji?: string;
  status?: "delivered" | "read" | "sent";
  message_id?: string;
  edited_at?: string;
  deleted?: true;
  withheld?: true;
  reactions?: ({
    emoji: string;
    by: "inbound" | "outbound";
  })[];
};

export type VisitorErrorEvent = {
  event: "error";
  id: string | null;
  code: string;
  message: string;
};

export type VisitorHelloFrame = {
  action: "hello";
  id: string;
  resume?: string | null;
};

export type VisitorMessageEvent = {
  event: "message";
  entry: VisitorEntry;
};

export type VisitorMessageSendFrame = {
  action: "message.send";
  id: string;
  message_id: string;
  text?: string | null;
  attachments?: string[] | null;
  reply_to?: string | null;
};

export type VisitorMessageStatusEvent = {
  event: "message.status";
  entry: string;
  status: "delivered" | "read" | "sent";
};

export type VisitorPingFrame = {
  action: "ping";
  id: string;
};

export type VisitorReadEvent = {
  event: "read";
  until: string;
};

export type VisitorReadFrame = {
  action: "read";
  id: string;
  entries: string[];
};

export type VisitorReceivedFrame = {
  action: "received";
  id: string;
  entries: string[];
};

export type VisitorSnapshotEvent = {
  event: "snapshot";
  id: string;
  visitor: {
    name: string | null;
    identified: boolean;
  };
  conversation: VisitorConversation;
  entries: VisitorEntry[];
  before: string | null;
};

export type VisitorThread = {
  entries: VisitorEntry[];
  before: string | null;
};

export type VisitorToken = {
  token: string;
  expires_at: string;
  visitor: string | null;
  socket: string;
};

export type VisitorTold = {
  name?: string | null;
  email?: string | null;
  phone?: string | null;
  language?: string | null;
  visitor?: string | null;
  identity?: string | null;
  fields?: Record<string, string | null> | null;
};

export type VisitorTypingEvent = {
  event: "typing";
  from: string | null;
};

export type VisitorTypingFrame = {
  action: "typing";
  id: string;
};

export type Waiting = {
  conversation: string;
  turn: number;
  customer: CustomerName;
  channel: string;
  account: string;
  identifier: string;
  queue: string;
  requirement: string;
  waiting_since: string;
  language: string | null;
  preview: string | null;
};

export type WaitingContacts = {
  queue: string;
  waiting: Waiting[];
};

export type Way = {
  via: string;
  channel: string;
  account: string;
  identifier: string;
  last_inbound_at: string;
  default: boolean;
  open: boolean;
  closed_because: "opted_out" | "window_closed" | "no_channel" | null;
  opted_out: boolean;
  window_closes_at: string | null;
  text_limit: number | null;
  segments: boolean;
  attachments: ("image" | "video" | "audio" | "voice" | "document" | "sticker")[];
  quick_replies: ("reply" | "link" | "form" | "location")[];
  templates: Template[];
};

export type Ways = {
  conversation: string;
  ways: Way[];
};

export type WebChat = {
  account: string;
  title: string | null;
  colour: string | null;
  open: boolean;
  languages: string[];
  pre_chat: ({
    field: string;
    required: boolean;
  })[];
  identity: boolean;
  attachments: {
    max_bytes: number;
    content_types: string[];
  };
};

export type WorkClass = "voice" | "chat" | "email";
