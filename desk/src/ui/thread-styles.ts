import { css } from "lit";

export const threadStyles = css`
  :host {
    display: block;
    position: relative;
    min-block-size: 0;
    overflow: hidden;
  }
  .scroller {
    block-size: 100%;
    overflow-y: auto;
    overflow-anchor: none;
    overscroll-behavior: contain;
    padding: 0.5rem clamp(0.75rem, 3vw, 2rem) 1rem;
    scrollbar-gutter: stable;
  }
  .scroller:focus-visible {
    outline-offset: -3px;
  }
  .edge {
    text-align: center;
    font-size: 0.8125rem;
    padding: 0.75rem 0;
  }
  .day {
    display: flex;
    align-items: center;
    gap: 0.8rem;
    margin: 1.1rem 0 0.6rem;
    font-size: 0.75rem;
    font-weight: 600;
    color: var(--soft);
  }
  .day::before,
  .day::after {
    content: "";
    flex: 1;
    border-block-start: 1px solid var(--line);
  }
  .bubble-row {
    display: flex;
    flex-direction: column;
    align-items: flex-start;
    margin-block-start: 0.7rem;
    max-inline-size: min(44rem, 86%);
  }
  .bubble-row.joined {
    margin-block-start: 0.15rem;
  }
  .bubble-row.out {
    align-items: flex-end;
    margin-inline-start: auto;
  }
  .bubble-row.note {
    align-items: stretch;
    margin-inline: auto;
    inline-size: min(40rem, 92%);
    max-inline-size: none;
  }
  .bubble {
    max-inline-size: 100%;
    padding: 0.5rem 0.85rem 0.55rem;
    border-radius: 16px;
    background: var(--bubble-in);
    border: 1px solid var(--bubble-in-line);
    display: grid;
    gap: 0.35rem;
    line-height: 1.45;
  }
  .in .bubble {
    border-start-start-radius: 5px;
  }
  .out .bubble {
    background: var(--bubble-out);
    border-color: var(--bubble-out-line);
    border-start-end-radius: 5px;
  }
  .note .bubble {
    background: var(--note);
    border-color: var(--note-line);
    border-radius: 10px;
  }
  .parcel .bubble {
    border-style: dashed;
  }
  .author {
    display: flex;
    flex-wrap: wrap;
    align-items: center;
    gap: 0.2rem 0.6rem;
    font-size: 0.75rem;
    font-weight: 650;
    color: var(--accent-ink);
  }
  .note .author {
    color: var(--note-ink);
  }
  .author .channel {
    display: inline-flex;
    gap: 0.25rem;
    align-items: center;
    color: var(--soft);
    font-weight: 500;
  }
  .text {
    white-space: pre-wrap;
    overflow-wrap: anywhere;
  }
  a {
    color: var(--accent-ink);
    overflow-wrap: anywhere;
  }
  .gone {
    color: var(--soft);
    font-style: italic;
  }
  blockquote {
    margin: 0;
    padding-inline-start: 0.6rem;
    border-inline-start: 3px solid var(--line-strong);
    color: var(--soft);
    font-size: 0.875rem;
  }
  .details {
    display: grid;
    grid-template-columns: auto 1fr;
    gap: 0.1rem 0.7rem;
    font-size: 0.8125rem;
  }
  .details dt {
    color: var(--soft);
  }
  .details dd {
    overflow-wrap: anywhere;
    white-space: pre-wrap;
  }
  .more {
    font-size: 0.8125rem;
    color: var(--soft);
  }
  .more summary {
    cursor: pointer;
  }
  .more .details {
    margin-block-start: 0.3rem;
    color: var(--ink);
  }
  .place {
    display: flex;
    gap: 0.5rem;
    font-size: 0.875rem;
  }
  .reactions {
    display: flex;
    gap: 0.25rem;
    margin-block-start: -0.45rem;
    margin-inline: 0.6rem;
    z-index: 1;
  }
  .reactions span {
    background: var(--surface);
    border: 1px solid var(--line);
    border-radius: 99px;
    padding: 0.05rem 0.4rem;
    font-size: 0.875rem;
  }
  .foot {
    display: flex;
    flex-wrap: wrap;
    align-items: center;
    gap: 0.15rem 0.55rem;
    padding: 0.15rem 0.5rem 0;
    font-size: 0.75rem;
    color: var(--soft);
  }
  .out .foot {
    justify-content: flex-end;
    text-align: end;
  }
  .quick {
    display: flex;
    flex-wrap: wrap;
    gap: 0.3rem;
    margin: 0.3rem 0 0.15rem;
    padding: 0;
    list-style: none;
  }
  .quick li {
    max-inline-size: 100%;
    border: 1px solid var(--accent);
    border-radius: 99px;
    background: var(--surface);
    color: var(--accent-ink);
    padding: 0.15rem 0.7rem;
    font-size: 0.875rem;
    overflow-wrap: anywhere;
  }
  .foot .template,
  .foot .late {
    display: inline-flex;
    align-items: center;
    gap: 0.2rem;
  }
  .foot .late {
    color: var(--warn-ink);
  }
  .foot .bad {
    color: var(--bad-ink);
    font-weight: 600;
  }
  .foot .why {
    overflow-wrap: anywhere;
  }
  .foot button {
    min-block-size: 1.75rem;
    padding: 0.1rem 0.6rem;
    font-size: 0.8125rem;
  }
  .event {
    display: flex;
    align-items: flex-start;
    justify-content: center;
    gap: 0.45rem;
    margin-block: 0.6rem;
    margin-inline: auto;
    max-inline-size: 40rem;
    font-size: 0.8125rem;
    color: var(--soft);
    text-align: center;
  }
  .newest {
    position: absolute;
    inset-block-end: 0.75rem;
    inset-inline-end: 1.25rem;
    border-radius: 99px;
    box-shadow: var(--shadow);
    background: var(--surface);
  }
`;
