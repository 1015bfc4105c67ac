import { css, html, nothing } from "lit";
import { RefusedError } from "../client/connection";
import type { Colleague, ContactView, WorkClass } from "../client/frames";
import { t } from "../i18n";
import { clock, duration, word } from "../i18n/format";
import { DeskElement } from "../ui/element";
import { channelIcon } from "../ui/icons";
import { presenceWords } from "../ui/presence";
import { requirementWords } from "../ui/requirement";
import { shared } from "../ui/styles";

const EVERY_MS = 5_000;

/** A supervisor's first look: who is on, what each holds, what waits and how long; open, assign, take over. */
export class TeamView extends DeskElement {
  static override properties = { ...DeskElement.properties, waiting: { state: true }, failed: { state: true }, at: { state: true } };
  declare waiting: ContactView[];
  declare failed: boolean;
  declare at: string | null;
  private timer: ReturnType<typeof setInterval> | null = null;
  protected override ticks = true;

  static override styles = [
    shared,
    css`
      :host {
        display: block;
        overflow: auto;
        padding: 1.25rem clamp(0.75rem, 3vw, 2rem);
      }
      h1 {
        font-size: 1.25rem;
        font-weight: 650;
      }
      h2 {
        font-size: 1rem;
        font-weight: 650;
        margin-block: 1.5rem 0.5rem;
      }
      .table {
        overflow-x: auto;
        border: 1px solid var(--line);
        border-radius: 14px;
        background: var(--surface);
      }
      table {
        inline-size: 100%;
        border-collapse: collapse;
      }
      th,
      td {
        text-align: start;
        padding: 0.6rem 0.85rem;
        vertical-align: top;
        border-block-end: 1px solid var(--line);
      }
      tr:last-child td,
      tr:last-child th[scope="row"] {
        border-block-end: 0;
      }
      th {
        font-size: 0.75rem;
        font-weight: 650;
        color: var(--soft);
      }
      th[scope="row"] {
        font-size: 1rem;
        font-weight: 600;
        color: var(--ink);
      }
      .dot {
        margin-inline-end: 0.4rem;
      }
      .holds {
        display: flex;
        flex-wrap: wrap;
        gap: 0.35rem;
      }
      .holds button {
        min-block-size: 1.9rem;
        padding: 0.1rem 0.6rem;
        font-size: 0.875rem;
      }
      .actions {
        display: flex;
        flex-wrap: wrap;
        gap: 0.35rem;
      }
      .actions select {
        inline-size: auto;
        min-inline-size: 8rem;
      }
      .preview {
        max-inline-size: 26rem;
      }
      .queues {
        display: flex;
        flex-wrap: wrap;
        gap: 0.6rem;
        margin-block-end: 0.75rem;
      }
      .queue {
        padding: 0.6rem 0.9rem;
        border: 1px solid var(--line);
        border-radius: 12px;
        background: var(--surface);
        min-inline-size: 9rem;
      }
      .queue strong {
        font-size: 1.5rem;
        display: block;
        line-height: 1.2;
      }
    `,
  ];

  constructor() {
    super();
    this.waiting = [];
    this.failed = false;
    this.at = null;
  }

  override connectedCallback(): void {
    super.connectedCallback();
    void this.load();
    this.timer = setInterval(() => document.visibilityState === "visible" && void this.load(), EVERY_MS);
  }

  override disconnectedCallback(): void {
    super.disconnectedCallback();
    if (this.timer) clearInterval(this.timer);
  }

  override render() {
    return html`<h1 tabindex="-1">${t("team.title")}</h1>
      <p class="small soft" role="status">
        ${this.failed ? t("team.failed") : this.at ? t("team.updated", { time: clock(this.at) }) : t("loading")}
      </p>
      <h2>${t("team.waiting")}</h2>
      <div class="queues">${this.app.queues.map((queue) => this.renderQueue(queue.queue, queue.waiting, queue.oldest_since))}</div>
      ${this.waiting.length ? this.renderWaiting() : html`<p class="soft">${t("team.none_waiting")}</p>`}
      <h2>${t("team.agents")}</h2>
      ${this.renderAgents()}`;
  }

  private renderQueue(name: string, waiting: number, since: string | null) {
    return html`<div class="queue">
      <span class="small soft"><bdi>${name}</bdi></span>
      <strong>${waiting}</strong>
      <span class="small soft">${since ? t("offer.waiting", { time: duration(this.app.now - Date.parse(since)) }) : nothing}</span>
    </div>`;
  }

  private renderWaiting() {
    return html`<div class="table" tabindex="0" role="region" aria-label=${t("team.waiting")}>
      <table>
        <thead>
          <tr>
            <th scope="col">${t("team.customer")}</th>
            <th scope="col">${t("team.queue")}</th>
            <th scope="col">${t("team.for")}</th>
            <th scope="col">${t("team.needs")}</th>
            <td><span class="hidden">${t("action.more")}</span></td>
          </tr>
        </thead>
        <tbody>
          ${this.waiting.map((contact) => this.renderContact(contact))}
        </tbody>
      </table>
    </div>`;
  }

  private renderContact(contact: ContactView) {
    const name = this.app.whoIs(contact.customer, contact.identifier);
    const account = this.app.accountOf(contact);
    const able = this.app.colleagues.filter((one) => canTake(one, this.workOf(contact)));
    return html`<tr>
      <th scope="row">
        <span title=${this.app.nameOfEnd(contact)}>${channelIcon(contact.channel)}</span> <bdi>${name}</bdi>
        ${account ? html`<bdi class="small soft">${account}</bdi>` : nothing}
        <p class="small soft cut preview" dir="auto">${contact.preview ?? t("offer.no_preview")}</p>
      </th>
      <td><bdi>${contact.queue}</bdi></td>
      <td>${duration(this.app.now - Date.parse(contact.waiting_since))}</td>
      <td><bdi>${requirementWords(contact.requirement, this.app) || "–"}</bdi></td>
      <td>
        <div class="actions">
          <button @click=${() => this.app.look(contact.conversation, contact.customer.id)}>${t("team.open")}<span class="hidden"> ${name}</span></button>
          <select aria-label="${t("team.assign")} ${name}" @change=${(event: Event) => this.assign(contact, event.target as HTMLSelectElement)}>
            <option value="">${t("team.assign")}</option>
            ${able.map((one) => html`<option value=${one.agent}>${one.name}</option>`)}
          </select>
          <button @click=${() => this.app.takeOver(contact.conversation, contact.turn)}>${t("conversation.take_over")}<span class="hidden"> ${name}</span></button>
        </div>
      </td>
    </tr>`;
  }

  private renderAgents() {
    return html`<div class="table" tabindex="0" role="region" aria-label=${t("team.agents")}>
      <table>
        <thead>
          <tr>
            <th scope="col">${t("team.agent")}</th>
            <th scope="col">${t("team.presence")}</th>
            <th scope="col">${t("team.load")}</th>
            <th scope="col">${t("team.holds")}</th>
          </tr>
        </thead>
        <tbody>
          ${this.app.colleagues.map((agent) => this.renderAgent(agent))}
        </tbody>
      </table>
    </div>`;
  }

  private renderAgent(agent: Colleague) {
    const { now } = this.app;
    const load = Object.entries(agent.capacity ?? {}).map(([work, most]) =>
      t("presence.load", { load: agent.load?.[work] ?? 0, capacity: most, work: word("work", work) }),
    );
    return html`<tr>
      <th scope="row"><bdi>${agent.name}</bdi></th>
      <td>
        <span class="dot ${agent.presence}"></span>${presenceWords(agent.presence, agent.reason)}
        <span class="small soft">
          ${agent.since ? duration(now - Date.parse(agent.since)) : nothing}
          ${agent.next ? t("presence.next", { presence: presenceWords(agent.next.presence, agent.next.reason) }) : nothing}
          ${agent.connected === false && agent.presence !== "offline" ? t("team.disconnected") : nothing}
        </span>
      </td>
      <td>${load.length ? load.map((line) => html`<span class="small">${line}</span><br />`) : "–"}</td>
      <td>
        ${agent.holds?.length
          ? html`<div class="holds">
              ${agent.holds.map(
                (contact) => html`<button @click=${() => this.app.look(contact.conversation, contact.customer.id)}>
                  ${channelIcon(contact.channel)} <bdi>${this.app.whoIs(contact.customer, contact.identifier)}</bdi>
                  <span class="soft">${duration(now - Date.parse(contact.waiting_since))}</span>
                </button>`,
              )}
            </div>`
          : html`<span class="soft">${t("team.nothing")}</span>`}
      </td>
    </tr>`;
  }

  private async assign(contact: ContactView, select: HTMLSelectElement): Promise<void> {
    const agent = select.value;
    select.value = "";
    if (!agent) return;
    const { conversation, turn } = contact;
    const name = this.app.nameOf(agent);
    try {
      await this.app.client!.ask("contact.assign", { conversation, turn, agent });
      this.app.say(t("team.assigned", { name }));
      await this.load();
    } catch (error) {
      await this.load();
      this.app.say(this.isFull(error, contact) ? t("team.cannot", { name }) : this.app.explain(error), "error");
    }
  }

  /** Whether it was the agent who stood in the way: the contact still waits where it was seen. */
  private isFull(error: unknown, { conversation, turn }: ContactView): boolean {
    const isConflict = error instanceof RefusedError && error.code === "conflict";
    return isConflict && this.waiting.some((one) => one.conversation === conversation && one.turn === turn);
  }

  private workOf(contact: ContactView): WorkClass | null {
    return this.app.queues.find((one) => one.queue === contact.queue)?.work_class ?? null;
  }

  private async load(): Promise<void> {
    try {
      await this.app.refreshCentre();
      const queues = this.app.queues.filter((queue) => queue.waiting > 0);
      const waiting = await Promise.all(queues.map((queue) => this.app.client!.rest.waiting(queue.queue)));
      this.waiting = waiting.flat().sort((a, b) => (a.waiting_since < b.waiting_since ? -1 : 1));
      this.at = new Date().toISOString();
      this.failed = false;
    } catch {
      this.failed = true;
    }
  }
}

/** Whether an agent whose work we see could take one more of a class now; a call excludes everything else. */
function canTake(agent: Colleague, work: WorkClass | null): boolean {
  if (agent.presence !== "available" || !agent.connected || !agent.capacity || work === null) return false;
  if (agent.next && agent.next.presence !== "available") return false;
  const load = agent.load ?? {};
  if (load.voice || (work === "voice" && load.chat)) return false;
  return (load[work] ?? 0) < (agent.capacity[work] ?? 0);
}

customElements.define("tl-team", TeamView);
