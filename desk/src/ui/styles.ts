/** What all components share. Colours are custom properties of the page (desk.css), so they follow light and dark. */

import { css } from "lit";
import { reset } from "./reset";

export const shared = css`
  ${reset}
  button,
  .button {
    appearance: none;
    display: inline-flex;
    align-items: center;
    justify-content: center;
    gap: 0.45em;
    min-block-size: 2.25rem;
    padding: 0.35rem 0.8rem;
    border: 1px solid var(--line-strong);
    border-radius: var(--round);
    background: var(--surface);
    color: var(--ink);
    text-decoration: none;
    cursor: pointer;
    transition: background 120ms;
  }
  button:hover:not([disabled]) {
    background: var(--hover);
  }
  button[disabled] {
    cursor: default;
    color: var(--soft);
    border-color: var(--line);
  }
  button.primary {
    background: var(--accent);
    border-color: var(--accent);
    color: var(--on-accent);
    font-weight: 600;
  }
  button.primary:hover:not([disabled]) {
    background: var(--accent-strong);
  }
  button.primary[disabled] {
    background: var(--hover);
    border-color: var(--line);
    color: var(--soft);
  }
  button.plain {
    border-color: transparent;
    background: transparent;
  }
  button.plain:hover:not([disabled]) {
    background: var(--hover);
  }
  button.icon {
    inline-size: 2.25rem;
    padding: 0;
  }
  input:not([type="radio"], [type="checkbox"]),
  select,
  textarea {
    inline-size: 100%;
    min-block-size: 2.25rem;
    padding: 0.4rem 0.6rem;
    border: 1px solid var(--line-strong);
    border-radius: var(--round);
    background: var(--field);
  }
  input[type="radio"],
  input[type="checkbox"] {
    accent-color: var(--accent);
    inline-size: 1.05rem;
    block-size: 1.05rem;
    margin: 0;
  }
  :focus-visible {
    outline: 2px solid var(--focus);
    outline-offset: 2px;
  }
  .soft {
    color: var(--soft);
  }
  .small {
    font-size: 0.8125rem;
  }
  .disc {
    display: grid;
    place-items: center;
    inline-size: 2.4rem;
    block-size: 2.4rem;
    border-radius: 50%;
    background: var(--accent-soft);
    color: var(--accent-ink);
    flex: none;
  }
  .dot {
    display: inline-block;
    inline-size: 0.65rem;
    block-size: 0.65rem;
    border-radius: 50%;
    background: var(--soft);
    flex: none;
  }
  .dot.available {
    background: var(--good);
  }
  .dot.not_ready {
    background: var(--warn);
  }
  .panel {
    position: absolute;
    inset-block-start: calc(100% + 0.4rem);
    inset-inline-end: 0;
    z-index: 20;
    max-inline-size: calc(100vw - 1.5rem);
    display: grid;
    border: 1px solid var(--line);
    border-radius: 14px;
    background: var(--surface);
    box-shadow: var(--shadow-strong);
  }
  .cut {
    overflow: hidden;
    text-overflow: ellipsis;
    white-space: nowrap;
  }
  bdi {
    unicode-bidi: isolate;
  }
  svg.icon {
    inline-size: 1.15em;
    block-size: 1.15em;
    flex: none;
    fill: none;
    stroke: currentColor;
    stroke-width: 1.75;
    stroke-linecap: round;
    stroke-linejoin: round;
  }
  [dir="rtl"] svg.mirrored,
  :host-context([dir="rtl"]) svg.mirrored {
    transform: scaleX(-1);
  }
  @media (prefers-reduced-motion: reduce) {
    *,
    *::before,
    *::after {
      animation: none !important;
      transition: none !important;
    }
  }
`;

export const dialogs = css`
  dialog {
    inline-size: min(30rem, calc(100vw - 2rem));
    max-block-size: calc(100dvh - 2rem);
    padding: 1.25rem;
    border: 1px solid var(--line);
    border-radius: 14px;
    background: var(--surface);
    color: var(--ink);
    box-shadow: var(--shadow-strong);
  }
  dialog::backdrop {
    background: rgb(8 20 18 / 45%);
  }
  dialog h2 {
    font-size: 1.125rem;
    font-weight: 650;
    margin-block-end: 0.25rem;
  }
  dialog form {
    display: grid;
    gap: 0.9rem;
  }
  dialog .buttons {
    display: flex;
    justify-content: flex-end;
    gap: 0.5rem;
    flex-wrap: wrap;
  }
  .choices {
    display: grid;
    grid-template-columns: minmax(0, 1fr);
    gap: 0.35rem;
    max-block-size: 40dvh;
    overflow-y: auto;
    padding: 2px;
    border: 0;
    margin: 0;
    min-inline-size: 0;
  }
  .choices label {
    display: flex;
    flex-wrap: wrap;
    align-items: center;
    gap: 0.6rem;
    padding: 0.5rem 0.7rem;
    border: 1px solid var(--line);
    border-radius: var(--round);
    cursor: pointer;
  }
  .choices label:hover {
    background: var(--hover);
  }
  .choices label:has(:checked) {
    border-color: var(--accent);
    background: var(--accent-soft);
  }
  .choices label > span:first-of-type {
    flex: 1;
    min-inline-size: 5rem;
  }
  .choices label > input[type="datetime-local"] {
    inline-size: auto;
    max-inline-size: 100%;
  }
  fieldset {
    border: 0;
    padding: 0;
    margin: 0;
    min-inline-size: 0;
  }
  .tabs {
    display: flex;
    gap: 0.35rem;
  }
  .tabs button[aria-pressed="true"] {
    background: var(--accent-soft);
    border-color: var(--accent);
    color: var(--accent-ink);
  }
  .field {
    display: grid;
    gap: 0.25rem;
  }
  .field > span {
    font-size: 0.8125rem;
    color: var(--soft);
  }
`;
