/** What every component of the desk is: it looks at one model and is drawn again when that or the language changes. */

import { LitElement } from "lit";
import type { App } from "../desk/app";
import { onLanguage } from "../i18n";

export abstract class DeskElement extends LitElement {
  static override properties = { app: { attribute: false } };
  declare app: App;

  /** Whether it shows how time passes: then it is drawn again every second. */
  protected ticks = false;
  private readonly stops: (() => void)[] = [];

  override connectedCallback(): void {
    super.connectedCallback();
    const draw = () => this.requestUpdate();
    this.stops.push(onLanguage(draw), this.app.onChange(draw));
    if (this.ticks) this.stops.push(this.app.onTick(draw));
  }

  override disconnectedCallback(): void {
    super.disconnectedCallback();
    for (const stop of this.stops.splice(0)) stop();
  }

  /** What has been taken off the page is not drawn again: the person it was drawn for may have signed out. */
  protected override shouldUpdate(): boolean {
    return this.isConnected;
  }

  protected find<T extends Element>(selector: string): T | null {
    return this.renderRoot.querySelector<T>(selector);
  }
}
