import { BASE_STYLE } from '../pages/html';

/** The style sheet of the document's page. */
export const PAGE_STYLE = `${BASE_STYLE}
header { padding: 1.5rem 1.25rem 0.5rem; max-width: 84rem; margin: 0 auto; }
.columns { max-width: 84rem; margin: 0 auto; padding: 0 1.25rem 4rem; }
@media (min-width: 62rem) {
  .columns { display: grid; grid-template-columns: 21rem minmax(0, 1fr); gap: 2.5rem; }
  nav { position: sticky; top: 0; max-height: 100vh; overflow-y: auto; padding: 1rem 0; align-self: start; }
}
@media (max-width: 62rem) {
  nav { position: sticky; top: 0; margin: 0 -1.25rem; padding: 0.6rem 1.25rem; background: Canvas; border-bottom: 1px solid var(--line); }
  nav details { max-height: 80vh; overflow-y: auto; }
}
summary { cursor: pointer; font-weight: 600; }
nav input { width: 100%; font: inherit; padding: 0.4rem 0.6rem; margin: 0.5rem 0; border: 1px solid var(--line); border-radius: 6px; background: transparent; color: inherit; }
nav h2 { font-size: 0.8125rem; text-transform: uppercase; letter-spacing: 0.05em; color: var(--quiet); border: 0; margin: 1rem 0 0.25rem; padding: 0; }
nav ul { list-style: none; margin: 0; padding: 0; }
nav a { display: flex; gap: 0.6rem; padding: 0.2rem 0; text-decoration: none; color: inherit; font-size: 0.875rem; }
nav a:hover { text-decoration: underline; }
.method { flex: none; width: 3.9rem; font: 600 0.75rem/1.6 ui-monospace, monospace; color: var(--accent); }
.operation { scroll-margin-top: 3.5rem; padding: 0.5rem 0 1.5rem; }
.operation + .operation { border-top: 1px solid var(--line); padding-top: 1.5rem; }
h3 { font-size: 1.0625rem; margin: 0 0 0.25rem; }
h3 .method { font-size: 0.875rem; margin-right: 0.5rem; }
h4 { margin: 1rem 0 0.25rem; font-size: 0.9375rem; }
table { border-collapse: collapse; width: 100%; margin: 0.25rem 0 1rem; font-size: 0.9375rem; }
th, td { text-align: left; vertical-align: top; padding: 0.3rem 1rem 0.3rem 0; border-bottom: 1px solid var(--line); }
th { font-weight: 600; color: var(--quiet); font-size: 0.8125rem; }
td:first-child code { white-space: nowrap; }
@media (max-width: 40rem) {
  thead { display: none; }
  tr { display: block; padding: 0.35rem 0; border-bottom: 1px solid var(--line); }
  td { display: block; border: 0; padding: 0; }
  pre { padding: 0.6rem 0.75rem; }
}
[hidden] { display: none; }
`;

/**
 * The script of the page: search, and a menu that is closed on a phone. Without the script everything is visible. The
 * search finds operations and schemas that contain all words, anywhere; `/` moves the focus to the box.
 */
export const PAGE_SCRIPT = `
const box = document.querySelector('#search');
const menu = document.querySelector('#menu');
const none = document.querySelector('#none');
const narrow = matchMedia('(max-width: 62rem)');
const places = [...document.querySelectorAll('.operation')].map(section => ({
  section,
  text: section.textContent.toLowerCase(),
  link: document.querySelector('nav a[href="#' + section.id + '"]'),
}));
const groups = [...document.querySelectorAll('[data-group]')];
box.hidden = false;
menu.open = !narrow.matches;
box.addEventListener('input', () => {
  const words = box.value.toLowerCase().split(/\\s+/);
  let found = 0;
  for (const { section, text, link } of places) {
    const isFound = words.every(word => text.includes(word));
    section.hidden = !isFound;
    link.parentElement.hidden = !isFound;
    if (isFound) found += 1;
  }
  for (const group of groups) {
    group.hidden = [...group.querySelectorAll('.operation, li')].every(({ hidden }) => hidden);
  }
  none.hidden = found > 0;
});
document.addEventListener('keydown', event => {
  if (event.key !== '/' || event.target === box) return;
  event.preventDefault();
  menu.open = true;
  box.focus();
});
menu.addEventListener('click', event => {
  if (narrow.matches && event.target.closest('a') !== null) menu.open = false;
});
`;
