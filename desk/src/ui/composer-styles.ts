import { css } from "lit";

export const composerStyles = css`
  :host {
    display: block;
    border-block-start: 1px solid var(--line);
    background: var(--surface);
    padding: 0.6rem clamp(0.75rem, 3vw, 2rem) 0.8rem;
  }
  .modes {
    display: flex;
    flex-wrap: wrap;
    align-items: center;
    gap: 0.4rem 0.6rem;
    margin-block-end: 0.45rem;
  }
  .modes .tab {
    min-block-size: 2rem;
    padding: 0.2rem 0.75rem;
    border-color: transparent;
    background: none;
    color: var(--soft);
  }
  .modes .tab[aria-pressed="true"] {
    background: var(--accent-soft);
    color: var(--accent-ink);
    font-weight: 600;
  }
  .note .modes .tab[aria-pressed="true"] {
    background: var(--note);
    color: var(--note-ink);
  }
  .box {
    border: 1px solid var(--line-strong);
    border-radius: 14px;
    background: var(--field);
    padding: 0.35rem;
  }
  .box:focus-within {
    border-color: var(--accent);
    box-shadow: 0 0 0 1px var(--accent);
  }
  .note .box {
    background: var(--note);
    border-color: var(--note-line);
  }
  textarea {
    display: block;
    border: 0;
    background: none;
    resize: none;
    max-block-size: 38dvh;
    min-block-size: 3.25rem;
    padding: 0.35rem 0.55rem;
    field-sizing: content;
    line-height: 1.45;
  }
  textarea:focus-visible {
    outline: none;
  }
  .tools {
    display: flex;
    flex-wrap: wrap;
    align-items: center;
    gap: 0.25rem;
  }
  .count {
    margin-inline-start: auto;
    padding-inline: 0.5rem;
    font-size: 0.75rem;
    color: var(--soft);
  }
  .bad {
    color: var(--bad-ink);
  }
`;
