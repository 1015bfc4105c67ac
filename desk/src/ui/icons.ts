/** Pictures that say nothing by themselves: the words stand beside them, or in the label of what they are in. */

import { svg, type SVGTemplateResult } from "lit";
import { html, type TemplateResult } from "lit";

const PATHS: Record<string, SVGTemplateResult> = {
  accept: svg`<path d="M4 12.5 9.5 18 20 6.5"/>`,
  back: svg`<path d="M15 5 8 12l7 7"/>`,
  call: svg`<path d="M6 3h3l2 5-2.5 1.5a12 12 0 0 0 6 6L16 13l5 2v3a3 3 0 0 1-3 3A15 15 0 0 1 3 6a3 3 0 0 1 3-3z"/>`,
  card: svg`<circle cx="12" cy="8" r="4"/><path d="M4.5 20c1-4 4-6 7.5-6s6.500 2 7.500 6"/>`,
  clip: svg`<path d="M20 11.500 11.500 20a5 5 0 0 1-7-7L13 4.500a3.500 3.500 0 0 1 5 5L9.500 18a2 2 0 0 1-3-3L14 7.500"/>`,
  close: svg`<path d="M6 6l12 12M18 6 6 18"/>`,
  done: svg`<circle cx="12" cy="12" r="9"/><path d="m8 12.500 2.500 2.500L16 9.500"/>`,
  down: svg`<path d="m6 9 6 6 6-6"/>`,
  edit: svg`<path d="M4 20h4L19 9l-4-4L4 16z"/>`,
  email: svg`<rect x="3" y="5" width="18" height="14" rx="2"/><path d="m4 7 8 6 8-6"/>`,
  file: svg`<path d="M6 3h8l5 5v13H6zM14 3v5h5"/>`,
  keys: svg`<rect x="2.500" y="6" width="19" height="12" rx="2"/><path d="M7 10h.01M11 10h.01M15 10h.01M8 14h8"/>`,
  late: svg`<circle cx="12" cy="12" r="9"/><path d="M12 7v5l-3.500 2"/>`,
  location: svg`<path d="M12 21s7-6 7-11.500A7 7 0 0 0 5 9.500C5 15 12 21 12 21z"/><circle cx="12" cy="9.500" r="2.500"/>`,
  menu: svg`<path d="M4 7h16M4 12h16M4 17h16"/>`,
  message: svg`<path d="M4 5h16v11H10l-5 4v-4H4z"/>`,
  note: svg`<path d="M5 4h14v10l-5 6H5zM14 20v-6h5"/>`,
  pause: svg`<path d="M9 6v12M15 6v12"/>`,
  phone: svg`<rect x="7" y="2.500" width="10" height="19" rx="2"/><path d="M11 18.500h2"/>`,
  quick: svg`<rect x="3" y="4" width="18" height="6.500" rx="3.250"/><rect x="3" y="13.500" width="12" height="6.500" rx="3.250"/>`,
  reject: svg`<path d="M6 6l12 12M18 6 6 18"/>`,
  search: svg`<circle cx="11" cy="11" r="6.500"/><path d="m16 16 5 5"/>`,
  send: svg`<path d="M4 12 20 4l-4 16-4.500-6.500zM11.500 13.500 20 4"/>`,
  team: svg`<circle cx="9" cy="8" r="3.500"/><path d="M2.500 19c.8-3.500 3.300-5 6.500-5s5.700 1.500 6.500 5M16 4.800a3.500 3.500 0 0 1 0 6.400M18 14.500c1.800.7 3 2.200 3.500 4.500"/>`,
  telegram: svg`<path d="m3 11.500 18-7-3.500 15-5.500-4-3 3-.5-5 8-6.500L6.500 13z"/>`,
  template: svg`<rect x="4" y="3.500" width="16" height="17" rx="2"/><path d="M8 8h8M8 12h3M14 12h2M8 16h6"/>`,
  transfer: svg`<path d="M4 8h14l-4-4M20 16H6l4 4"/>`,
  web: svg`<circle cx="12" cy="12" r="9"/><path d="M3 12h18M12 3c3 3 3.500 6 3.500 9S15 18 12 21c-3-3-3.500-6-3.500-9S9 6 12 3z"/>`,
  whatsapp: svg`<path d="m4 20 1.300-4A8.500 8.500 0 1 1 8.500 19z"/><path d="M9 8.500c0 4 2.500 6.500 6.500 6.500l.5-2-2-1-1 1c-1-.5-1.500-1-2-2l1-1-1-2z"/>`,
  unknown: svg`<circle cx="12" cy="12" r="9"/><path d="M9.500 9.500a2.500 2.500 0 1 1 3.500 2.300c-.7.300-1 .9-1 1.700M12 17h.01"/>`,
};

const OF_CHANNEL: Record<string, string> = {
  telegram: "telegram",
  twilio_sms: "phone",
  vonage: "phone",
  whatsapp: "whatsapp",
  twilio_whatsapp: "whatsapp",
  webchat: "web",
  twilio_voice: "call",
  note: "note",
};

export function icon(name: keyof typeof PATHS & string, mirrored = false): TemplateResult {
  return html`<svg class="icon ${mirrored ? "mirrored" : ""}" viewBox="0 0 24 24" aria-hidden="true">${PATHS[name]}</svg>`;
}

export function channelIcon(channel: string): TemplateResult {
  return icon(OF_CHANNEL[channel] ?? (channel.startsWith("email") ? "email" : "message"));
}
