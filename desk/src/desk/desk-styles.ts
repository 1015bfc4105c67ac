import { css } from "lit";

export const deskStyles = css`
  :host {
    display: grid;
    grid-template: auto minmax(0, 1fr) / minmax(0, 1fr);
    block-size: 100dvh;
    min-block-size: 0;
  }
  .top {
    display: flex;
    align-items: center;
    gap: 0.5rem 0.9rem;
    padding: 0.5rem 1rem;
    border-block-end: 1px solid var(--line);
    background: var(--surface);
    position: relative;
    z-index: 10;
  }
  .brand {
    display: flex;
    align-items: center;
    gap: 0.5rem;
    font-size: 1rem;
    font-weight: 700;
    letter-spacing: -0.01em;
  }
  .brand svg {
    inline-size: 1.6rem;
    block-size: 1.6rem;
  }
  .me {
    display: flex;
    align-items: center;
    gap: 0.45rem;
    min-inline-size: 0;
    max-inline-size: 14rem;
    font-size: 0.875rem;
  }
  .me .disc {
    inline-size: 2rem;
    block-size: 2rem;
    font-size: 0.75rem;
    font-weight: 650;
  }
  .views {
    display: flex;
    gap: 0.25rem;
  }
  .views button[aria-current="page"] {
    background: var(--accent-soft);
    color: var(--accent-ink);
    font-weight: 600;
  }
  .space {
    flex: 1;
  }
  .banner {
    display: flex;
    flex-wrap: wrap;
    gap: 0.4rem 1rem;
    align-items: center;
    justify-content: center;
    padding: 0.3rem 1rem;
    font-size: 0.875rem;
    background: var(--note);
    color: var(--note-ink);
    border-block-end: 1px solid var(--note-line);
  }
  .banner button {
    min-block-size: 1.75rem;
    padding: 0.05rem 0.7rem;
  }
  main {
    display: grid;
    grid-template-columns: minmax(17rem, 21rem) minmax(0, 1fr) minmax(16rem, 20rem);
    min-block-size: 0;
  }
  main.team {
    grid-template-columns: 1fr;
  }
  tl-list {
    border-inline-end: 1px solid var(--line);
    min-block-size: 0;
  }
  @media (min-width: 1800px) {
    main {
      grid-template-columns: 26rem minmax(0, 1fr) 26rem;
    }
  }
  @media (max-width: 1200px) {
    main {
      grid-template-columns: minmax(16rem, 19rem) minmax(0, 1fr);
    }
    main:not([data-pane="card"]) tl-card {
      display: none;
    }
    main[data-pane="card"] tl-conversation {
      display: none;
    }
  }
  @media (max-width: 900px) {
    main {
      grid-template-columns: minmax(0, 1fr);
    }
    main:not([data-pane="list"]) tl-list,
    main:not([data-pane="thread"]) tl-conversation,
    main:not([data-pane="card"]) tl-card {
      display: none;
    }
    .brand span,
    .me .name,
    .views span {
      display: none;
    }
    .top {
      padding-inline: 0.6rem;
      column-gap: 0.45rem;
    }
    .views button {
      inline-size: 2.25rem;
      padding: 0;
    }
    .me {
      flex: none;
    }
    tl-presence {
      min-inline-size: 0;
    }
    tl-list,
    tl-card {
      border: 0;
    }
  }
  .apart {
    position: fixed;
    inset-block-start: 4.25rem;
    inset-inline-end: 0.75rem;
    inline-size: min(22rem, calc(100vw - 1.5rem));
    max-block-size: calc(100dvh - 5rem);
    overflow-y: auto;
    border-radius: 14px;
    box-shadow: var(--shadow-strong);
    z-index: 8;
  }
  .said {
    position: fixed;
    inset-block-end: 1.25rem;
    inset-inline: 0;
    margin-inline: auto;
    inline-size: fit-content;
    max-inline-size: min(34rem, calc(100vw - 2rem));
    display: flex;
    align-items: center;
    gap: 0.75rem;
    padding: 0.6rem 0.6rem 0.6rem 1.1rem;
    border-radius: 12px;
    border: 1px solid var(--line-strong);
    background: var(--surface);
    box-shadow: var(--shadow-strong);
    z-index: 50;
  }
  .said.error {
    border-color: var(--bad-ink);
  }
  .skip {
    position: absolute;
    inset-block-start: -4rem;
    inset-inline-start: 1rem;
    z-index: 60;
  }
  .skip:focus {
    inset-block-start: 0.5rem;
  }
  dl.keys {
    display: grid;
    grid-template-columns: auto 1fr;
    gap: 0.5rem 1rem;
    margin-block: 0.75rem 1rem;
  }
  kbd {
    font: inherit;
    font-size: 0.875rem;
    padding: 0.1rem 0.5rem;
    border: 1px solid var(--line-strong);
    border-radius: 6px;
    background: var(--back);
  }
`;
