/**
 * How the widget looks, whatever the page around it does. What a site may change are the custom properties whose names
 * begin with `--throughline`; `--account` is the account's own colour, set where it is known.
 */

import { css } from "lit";
import { reset } from "../ui/reset";

export const styles = css`
  ${reset}
  :host {
    all: initial;
    color-scheme: light dark;
    --ink: light-dark(#1b2326, #e8edef);
    --soft: light-dark(#52616a, #a9b8bf);
    --surface: var(--throughline-surface, light-dark(#ffffff, #182024));
    --back: light-dark(#f3f5f6, #11171a);
    --line: light-dark(#d8dfe3, #334047);
    --edge: light-dark(#7c8a92, #74858e);
    --bad: light-dark(#a8231c, #ff9b92);
    --round: var(--throughline-radius, 14px);
  }
  :host([theme="light"]) {
    color-scheme: light;
  }
  :host([theme="dark"]) {
    color-scheme: dark;
  }
  .root {
    --accent: var(--throughline-accent, var(--account, #0b5fff));
    --on-accent: var(--throughline-on-accent, var(--on-account, #ffffff));
    position: fixed;
    inset-block-end: var(--throughline-bottom, 20px);
    inset-inline-end: var(--throughline-side, 20px);
    z-index: var(--throughline-layer, 2147483000);
    color: var(--ink);
    font: 15px/1.45 var(--throughline-font, system-ui, "Segoe UI", Roboto, "Noto Sans", "Noto Sans Arabic", sans-serif);
  }
  h2,
  h3 {
    font: inherit;
  }
  button,
  input,
  select,
  textarea {
    margin: 0;
  }
  button {
    appearance: none;
    cursor: pointer;
    border: 1px solid var(--edge);
    border-radius: 9px;
    background: var(--surface);
    min-block-size: 36px;
    padding: 6px 12px;
  }
  button.main {
    background: var(--accent);
    border-color: var(--accent);
    color: var(--on-accent);
  }
  button.icon {
    border-color: transparent;
    background: none;
    inline-size: 40px;
    block-size: 40px;
    padding: 8px;
    display: grid;
    place-items: center;
    flex: none;
  }
  :focus-visible {
    outline: 3px solid var(--ink);
    outline-offset: 2px;
    box-shadow: 0 0 0 2px var(--surface);
  }
  svg {
    inline-size: 24px;
    block-size: 24px;
    fill: none;
    stroke: currentColor;
    stroke-width: 2;
    stroke-linecap: round;
    stroke-linejoin: round;
  }
  [dir="rtl"] svg.turns {
    transform: scaleX(-1);
  }
  .launcher {
    inline-size: 60px;
    block-size: 60px;
    border-radius: 50%;
    background: var(--accent);
    color: var(--on-accent);
    border: 2px solid #ffffff;
    box-shadow:
      0 0 0 1px rgb(0 0 0 / 35%),
      0 6px 20px rgb(0 0 0 / 25%);
    display: grid;
    place-items: center;
    position: relative;
  }
  .badge {
    position: absolute;
    inset-block-start: -6px;
    inset-inline-end: -6px;
    min-inline-size: 24px;
    padding: 1px 6px;
    border-radius: 12px;
    background: #a8231c;
    color: #ffffff;
    font-size: 13px;
    font-weight: 600;
  }
  .panel {
    inline-size: min(376px, calc(100vw - 40px));
    block-size: min(600px, calc(100dvh - 40px));
    display: flex;
    flex-direction: column;
    background: var(--surface);
    border: 1px solid var(--line);
    border-radius: var(--round);
    overflow: hidden;
    box-shadow: 0 16px 50px rgb(0 0 0 / 30%);
    animation: rise 0.18s ease-out;
  }
  @keyframes rise {
    from {
      opacity: 0;
      transform: translateY(12px);
    }
  }
  @media (prefers-reduced-motion: reduce) {
    .panel {
      animation: none;
    }
  }
  @media (max-width: 480px) {
    .root.open {
      inset: 0;
    }
    .panel {
      inline-size: 100%;
      block-size: 100%;
      border: 0;
      border-radius: 0;
    }
  }
  .head {
    display: flex;
    align-items: center;
    gap: 8px;
    padding-block: 10px;
    padding-inline: 16px 8px;
    background: var(--accent);
    color: var(--on-accent);
  }
  .head :focus-visible {
    outline-color: var(--on-accent);
    box-shadow: none;
    outline-offset: -3px;
  }
  .head div {
    flex: 1;
    min-inline-size: 0;
  }
  h2 {
    font-size: 17px;
    font-weight: 650;
    overflow-wrap: anywhere;
  }
  .head p {
    font-size: 13px;
  }
  .notice {
    padding: 8px 16px;
    background: var(--back);
    border-block-end: 1px solid var(--line);
    font-size: 14px;
    display: flex;
    gap: 8px;
    align-items: center;
    justify-content: space-between;
  }
  .middle {
    flex: 1;
    display: grid;
    place-items: center;
    padding: 24px;
    text-align: center;
  }
  .log {
    flex: 1;
    overflow-y: auto;
    overscroll-behavior: contain;
    padding: 12px 14px;
    background: var(--back);
    display: flex;
    flex-direction: column;
    gap: 6px;
  }
  .log > :first-child {
    margin-block-start: auto;
  }
  .aside,
  .day {
    align-self: center;
    color: var(--soft);
    font-size: 13px;
    padding: 4px;
    text-align: center;
  }
  .row {
    display: flex;
    flex-direction: column;
    align-items: flex-start;
    max-inline-size: 86%;
    align-self: flex-start;
  }
  .row.own {
    align-self: flex-end;
    align-items: flex-end;
  }
  .author,
  .foot {
    font-size: 12.5px;
    color: var(--soft);
    padding-inline: 4px;
  }
  .foot {
    display: flex;
    gap: 6px;
    align-items: center;
    flex-wrap: wrap;
  }
  .foot button {
    min-block-size: 28px;
    padding: 1px 8px;
    color: var(--ink);
  }
  .foot button.icon {
    inline-size: 28px;
    block-size: 28px;
    padding: 5px;
    color: inherit;
  }
  .foot svg {
    inline-size: 16px;
    block-size: 16px;
  }
  .bad {
    color: var(--bad);
  }
  .bubble {
    border-radius: 14px;
    padding: 8px 12px;
    background: var(--surface);
    border: 1px solid var(--line);
    max-inline-size: 100%;
    overflow-wrap: anywhere;
    white-space: pre-wrap;
  }
  .own .bubble {
    background: var(--accent);
    border-color: var(--accent);
    color: var(--on-accent);
  }
  .bubble.gone {
    font-style: italic;
  }
  .bubble a {
    color: inherit;
  }
  .bubble button {
    display: block;
    inline-size: 100%;
    margin-block-start: 4px;
    text-align: start;
    color: var(--ink);
    overflow-wrap: anywhere;
  }
  .picture,
  .file {
    display: block;
    margin-block-start: 4px;
  }
  .picture,
  .bubble button.picture {
    inline-size: 202px;
    block-size: 152px;
    padding: 0;
    overflow: hidden;
    background: var(--surface);
    border: 1px solid var(--edge);
    border-radius: 9px;
    text-align: center;
  }
  canvas {
    display: block;
    inline-size: 200px;
    block-size: 150px;
    background: #ffffff;
  }
  blockquote {
    margin: 0;
    padding-inline-start: 8px;
    border-inline-start: 3px solid;
    font-size: 13px;
    white-space: normal;
  }
  .bubble blockquote {
    margin-block-end: 4px;
  }
  blockquote > span:last-child {
    display: -webkit-box;
    -webkit-box-orient: vertical;
    -webkit-line-clamp: 2;
    overflow: hidden;
    text-align: match-parent;
  }
  .choices {
    display: flex;
    flex-wrap: wrap;
    gap: 6px;
    margin-block: 6px;
  }
  .choices a {
    display: inline-block;
    padding: 7px 12px;
    border: 1px solid var(--edge);
    border-radius: 9px;
    background: var(--surface);
    color: var(--ink);
    text-decoration: underline;
  }
  form.intro {
    flex: 1;
    overflow-y: auto;
    padding: 16px;
    display: flex;
    flex-direction: column;
    gap: 12px;
  }
  label {
    display: block;
    font-weight: 600;
    margin-block-end: 3px;
  }
  label span,
  .hint {
    font-weight: 400;
    color: var(--soft);
    font-size: 13px;
  }
  input,
  select,
  textarea {
    inline-size: 100%;
    border: 1px solid var(--edge);
    border-radius: 9px;
    background: var(--surface);
    padding: 8px 10px;
    min-block-size: 40px;
  }
  textarea {
    resize: none;
    display: block;
  }
  [dir="rtl"] textarea:placeholder-shown {
    direction: rtl;
  }
  [dir="rtl"] input {
    text-align: right;
  }
  form.composer {
    border-block-start: 1px solid var(--line);
    padding: 8px;
    display: flex;
    align-items: flex-end;
    gap: 4px;
  }
  .files {
    padding: 6px 14px;
    display: flex;
    flex-direction: column;
    gap: 4px;
    font-size: 14px;
    border-block-start: 1px solid var(--line);
  }
  .files li,
  .answered {
    display: flex;
    flex-direction: row;
    align-items: center;
    gap: 8px;
  }
  .files canvas {
    inline-size: 48px;
    block-size: 36px;
    border-radius: 4px;
  }
  .files li span,
  .answered blockquote {
    flex: 1;
    min-inline-size: 0;
    overflow-wrap: anywhere;
  }
  .files button {
    min-block-size: 28px;
    padding: 1px 9px;
  }
`;

/** Black or white: what can be read upon a colour written as `#rrggbb`. Null: it is not one. */
export function inkUpon(colour: string): string | null {
  if (!/^#[0-9a-f]{6}$/i.test(colour)) return null;
  const parts = [1, 3, 5].map((at) => parseInt(colour.slice(at, at + 2), 16) / 255);
  const [red, green, blue] = parts.map((part) => (part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4));
  const luminance = 0.2126 * red! + 0.7152 * green! + 0.0722 * blue!;
  return 1.05 / (luminance + 0.05) >= 4.5 ? "#ffffff" : "#000000";
}
