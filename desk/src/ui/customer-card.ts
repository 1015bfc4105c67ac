import { css, html, nothing } from "lit";
import { addressOf, callAddress, ourEnd } from "../client/accounts";
import type { CustomerCard, PastConversation } from "../client/frames";
import { t } from "../i18n";
import { channelName, date, languageName, moment, number, word } from "../i18n/format";
import { DeskElement } from "./element";
import { channelIcon, icon } from "./icons";
import { shared } from "./styles";

const KINDS: Record<string, string> = {
  tel: "twilio_sms",
  "fb-psid": "messenger",
  ig: "instagram",
  cookie: "webchat",
  visitor: "webchat",
  "external-id": "webchat",
};

/** Who the customer is, at a glance; and what was before. */
export class CardPane extends DeskElement {
  static override properties = { ...DeskElement.properties, editing: { state: true }, busy: { state: true } };
  declare editing: boolean;
  declare busy: boolean;

  static override styles = [
    shared,
    css`
      :host {
        display: block;
        overflow-y: auto;
        padding: 1rem;
        background: var(--surface);
        border-inline-start: 1px solid var(--line);
      }
      header {
        display: flex;
        align-items: center;
        gap: 0.5rem;
      }
      h2 {
        flex: 1;
        font-size: 1.125rem;
        font-weight: 650;
        min-inline-size: 0;
      }
      h3 {
        font-size: 0.75rem;
        font-weight: 650;
        color: var(--soft);
        margin-block: 1.25rem 0.4rem;
      }
      .glance {
        display: flex;
        flex-wrap: wrap;
        gap: 0.35rem;
        margin-block-start: 0.5rem;
      }
      .chip {
        padding: 0.15rem 0.6rem;
        border-radius: 99px;
        background: var(--accent-soft);
        color: var(--accent-ink);
        font-size: 0.8125rem;
        font-weight: 600;
      }
      .chip.quiet {
        background: var(--hover);
        color: var(--ink);
        font-weight: 500;
      }
      li.way,
      li.past {
        display: grid;
        grid-template-columns: auto 1fr;
        gap: 0.1rem 0.6rem;
        padding-block: 0.45rem;
        border-block-end: 1px solid var(--line);
        align-items: center;
      }
      li .small {
        grid-column: 2;
      }
      li bdi,
      li .call {
        justify-self: start;
        overflow-wrap: anywhere;
      }
      .changed {
        margin-block-start: 1.25rem;
      }
      .out {
        color: var(--bad-ink);
        font-weight: 600;
      }
      form {
        display: grid;
        gap: 0.6rem;
        margin-block-start: 0.75rem;
      }
      .field {
        display: grid;
        gap: 0.2rem;
        font-size: 0.8125rem;
      }
      .buttons {
        display: flex;
        gap: 0.5rem;
        justify-content: flex-end;
      }
      .narrow {
        display: none;
      }
      @media (max-width: 1200px) {
        .narrow {
          display: inline-flex;
        }
      }
    `,
  ];

  override render() {
    const { looked } = this.app;
    if (!looked) return nothing;
    const customer = this.app.lookedAt?.view.customer.id ?? looked.customer;
    const card = this.app.card(customer);
    return html`<header>
        <button class="plain icon narrow" @click=${() => this.app.showPane("thread")}>${icon("back", true)}<span class="hidden">${t("action.back")}</span></button>
        <h2 class="cut">${card && card !== "failed" ? html`<bdi>${this.app.whoIs(this.app.lookedAt?.view.customer ?? { id: customer, name: card.name }, this.app.lookedAt?.view.via?.split("|")[1])}</bdi>` : t("card.title")}</h2>
        ${card && card !== "failed" && card.conversations && !this.editing
          ? html`<button class="plain icon" @click=${() => (this.editing = true)}>${icon("edit")}<span class="hidden">${t("action.edit")}</span></button>`
          : nothing}
      </header>
      ${card === "failed"
        ? html`<p class="soft" role="alert">${t("card.failed")}</p>
            <button @click=${() => this.app.refreshCard(customer, looked.conversation)}>${t("action.try_again")}</button>`
        : card
          ? this.renderCard(card)
          : html`<p class="soft">${t("loading")}</p>`}`;
  }

  private renderCard(card: CustomerCard) {
    return html`${this.editing ? this.renderForm(card) : this.renderGlance(card)}
      <h3>${t("card.identifiers")}</h3>
      <ul>
        ${card.identifiers.map((one) => this.renderIdentifier(one))}
      </ul>
      ${card.conversations ? this.renderEarlier(card.conversations) : nothing}
      ${card.changed
        ? html`<p class="small soft changed">${t("card.changed", { name: this.app.nameOf(card.changed.by), date: date(card.changed.at) })}</p>`
        : nothing}`;
  }

  private renderGlance(card: CustomerCard) {
    return html`<div class="glance">
        ${card.tier ? html`<span class="chip">${card.tier}</span>` : nothing}
        ${card.value !== null && card.value !== undefined ? html`<span class="chip quiet">${t("card.value")}: ${number(card.value)}</span>` : nothing}
        ${card.language ? html`<span class="chip quiet">${languageName(card.language)}</span>` : nothing}
      </div>
      <p class="small soft">${t("card.since", { date: date(card.since) })}</p>`;
  }

  private renderIdentifier(one: CustomerCard["identifiers"][number]) {
    const kind = one.identifier.split(":")[0] ?? "";
    const refused = Object.keys(one.consents).filter((account) => one.consents[account] === false);
    const accounts = refused.flatMap((account) => this.app.accountOf(ourEnd(account)) ?? []);
    return html`<li class="way">
      ${channelIcon(KINDS[kind] ?? kind)}
      ${this.renderAddress(one.identifier, channelName(KINDS[kind] ?? kind))}
      <span class="small soft">
        ${one.evidence ? word("card.evidence", one.evidence) : channelName(KINDS[kind] ?? kind)}
        ${refused.length
          ? html` · <span class="out">${t("card.opted_out")}</span> ${accounts.map((account) => html`<bdi>(${account})</bdi>`)}`
          : nothing}
      </span>
    </li>`;
  }

  /** A number can be called: by whatever the agent's computer calls with. */
  private renderAddress(identifier: string, channel: string) {
    const address = html`<bdi dir="auto">${addressOf(identifier) ?? channel}</bdi>`;
    const called = callAddress(identifier);
    return called ? html`<a class="call" href=${called} title=${t("card.call")}>${address}<span class="hidden"> (${t("card.call")})</span></a>` : address;
  }

  private renderEarlier(conversations: readonly PastConversation[]) {
    return html`<h3>${t("card.earlier")}</h3>
      ${conversations.length === 0
        ? html`<p class="small soft">${t("card.none_earlier")}</p>`
        : html`<ul>
            ${conversations.map(
              (one) => html`<li class="past">
                <span>${one.channels.map((channel) => channelIcon(channel))}</span>
                <span>
                  ${one.disposition ? word("disposition", one.disposition) : one.queue}
                  <span class="hidden">${one.channels.map(channelName).join(", ")}</span>
                </span>
                <span class="small soft">
                  ${moment(one.closed_at ?? one.opened_at)}${one.agent ? html` · <bdi>${this.app.nameOf(one.agent)}</bdi>` : nothing}
                </span>
              </li>`,
            )}
          </ul>`}`;
  }

  private renderForm(card: CustomerCard) {
    return html`<form @submit=${(event: SubmitEvent) => this.save(event, card)}>
      <label class="field">${t("card.name")}<input name="name" maxlength="200" dir="auto" .value=${card.name ?? ""} /></label>
      <label class="field">${t("card.tier")}<input name="tier" maxlength="40" dir="auto" .value=${card.tier ?? ""} /></label>
      <label class="field">${t("card.value")}<input name="value" type="number" min="0" step="1" .value=${String(card.value ?? "")} /></label>
      <label class="field">
        ${t("card.language")}<input name="language" maxlength="35" dir="ltr" placeholder="en, ar, fa, id" .value=${card.language ?? ""} />
      </label>
      <div class="buttons">
        <button type="button" @click=${() => (this.editing = false)}>${t("action.cancel")}</button>
        <button class="primary" ?disabled=${this.busy}>${t("action.save")}</button>
      </div>
    </form>`;
  }

  private async save(event: SubmitEvent, card: CustomerCard): Promise<void> {
    event.preventDefault();
    const form = new FormData(event.target as HTMLFormElement);
    const said = (name: string) => String(form.get(name) ?? "").trim() || null;
    const value = said("value") === null ? null : Number(said("value"));
    const wanted = { name: said("name"), tier: said("tier"), language: said("language"), value };
    const change = Object.fromEntries(
      Object.entries(wanted).filter(([key, given]) => given !== (card[key as keyof typeof wanted] ?? null)),
    );
    const looked = this.app.looked!;
    this.busy = true;
    const saved = await this.app.attempt(async () => {
      if (Object.keys(change).length === 0) return;
      const conversation = this.app.state!.isMine(looked.conversation) ? null : looked.conversation;
      this.app.keepCard(await this.app.client!.rest.changeCustomer(card.customer, change, conversation));
    });
    this.busy = false;
    if (saved) this.editing = false;
  }
}

customElements.define("tl-card", CardPane);
