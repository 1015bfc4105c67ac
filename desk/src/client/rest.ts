/** The REST API, for what lies further back than the socket rings for. */

import type {
  CannedAnswer,
  ChannelAccount,
  Colleague,
  ContactView,
  ConversationView,
  CustomerCard,
  QueueView,
  ThreadPage,
  Way,
} from "./frames";

export class RestError extends Error {
  constructor(
    readonly status: number,
    readonly code: string,
    message: string,
  ) {
    super(message);
  }
}

/** What agents and visitors both ask. */
export class Rest {
  constructor(
    private readonly base: string,
    private readonly token: (renew: boolean) => Promise<string | null>,
    private readonly fetching: typeof fetch = (...given) => fetch(...given),
  ) {}

  /** An address that hands the file out for five minutes. */
  async attachment(id: string, conversation?: string | null): Promise<string> {
    return (await this.get<{ url: string }>(`/attachments/${encodeURIComponent(id)}`, { conversation })).url;
  }

  /** Upload a file; returns the id that `message.send` takes. */
  async upload(file: File): Promise<string> {
    const wanted = { content_type: file.type || "application/octet-stream", size_bytes: file.size, name: file.name };
    const offered = await this.ask<{ id: string; upload: { url: string; fields: Record<string, string> } }>(
      "POST",
      "/attachments",
      wanted,
    );
    const form = new FormData();
    for (const [name, value] of Object.entries(offered.upload.fields)) form.append(name, value);
    form.append("file", file);
    const answer = await this.fetching(offered.upload.url, { method: "POST", body: form });
    if (!answer.ok) throw new RestError(answer.status, "upload_failed", "the file was not taken");
    return offered.id;
  }

  get<T>(path: string, query: Record<string, string | number | null | undefined>): Promise<T> {
    const fields = new URLSearchParams();
    for (const [name, value] of Object.entries(query)) if (value !== null && value !== undefined) fields.set(name, String(value));
    const text = fields.toString();
    return this.ask("GET", text ? `${path}?${text}` : path);
  }

  async ask<T>(method: string, path: string, body?: unknown): Promise<T> {
    const first = await this.send(method, path, body, false);
    const answer = first.status === 401 ? await this.send(method, path, body, true) : first;
    const said = (await answer.json().catch(() => ({}))) as T & { error?: string; message?: string };
    if (!answer.ok) throw new RestError(answer.status, said.error ?? "internal", said.message ?? "");
    return said;
  }

  private async send(method: string, path: string, body: unknown, renew: boolean): Promise<Response> {
    const token = await this.token(renew);
    if (token === null) throw new RestError(401, "unauthenticated", "nobody is signed in");
    return await this.fetching(this.base + path, {
      method,
      cache: "no-store",
      headers: {
        Accept: "application/json",
        Authorization: `Bearer ${token}`,
        ...(body === undefined ? {} : { "Content-Type": "application/json" }),
      },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
  }
}

export class DeskRest extends Rest {
  thread(customer: string, how: { before?: string | null; limit?: number; conversation?: string | null }): Promise<ThreadPage> {
    return this.get(`/threads/${encodeURIComponent(customer)}`, how);
  }

  customer(customer: string, conversation?: string | null): Promise<CustomerCard> {
    return this.get(`/customers/${encodeURIComponent(customer)}`, { conversation });
  }

  changeCustomer(
    customer: string,
    change: Partial<Pick<CustomerCard, "name" | "language" | "tier" | "value">>,
    conversation?: string | null,
  ): Promise<CustomerCard> {
    const query = conversation ? `?conversation=${encodeURIComponent(conversation)}` : "";
    return this.ask("PATCH", `/customers/${encodeURIComponent(customer)}${query}`, change);
  }

  conversation(conversation: string): Promise<ConversationView> {
    return this.get(`/conversations/${encodeURIComponent(conversation)}`, {});
  }

  async ways(conversation: string): Promise<Way[]> {
    return (await this.get<{ ways: Way[] }>(`/conversations/${encodeURIComponent(conversation)}/ways`, {})).ways;
  }

  async answers(conversation: string): Promise<CannedAnswer[]> {
    return (await this.get<{ answers: CannedAnswer[] }>("/answers", { conversation })).answers;
  }

  async waiting(queue: string): Promise<ContactView[]> {
    return (await this.get<{ waiting: ContactView[] }>(`/queues/${encodeURIComponent(queue)}/waiting`, {})).waiting;
  }

  async accounts(): Promise<ChannelAccount[]> {
    return (await this.get<{ accounts: ChannelAccount[] }>("/accounts", {})).accounts;
  }

  async agents(): Promise<Colleague[]> {
    return (await this.get<{ agents: Colleague[] }>("/agents", {})).agents;
  }

  async queues(): Promise<QueueView[]> {
    return (await this.get<{ queues: QueueView[] }>("/queues", {})).queues;
  }
}
