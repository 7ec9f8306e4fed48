/*
 * The tables of calls in docs/migrate, from the registries of the dialects. The rest of a page is written by hand.
 */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

const BEGIN = '<!-- calls: made by `npm run docs` from the registry of the routes -->';
const END = '<!-- /calls -->';

/** The page of each dialect that has a registry: path, registry, and the page as it is written. */
export function migrationPages(root, compiled) {
  const folder = 'src/http/dialects';
  return readdirSync(join(root, folder), { withFileTypes: true })
    .filter(entry => entry.isDirectory() && existsSync(join(root, folder, entry.name, 'calls.ts')))
    .map(({ name }) => {
      const [calls] = Object.entries(compiled(`${folder}/${name}/calls.js`))
        .filter(([exported]) => exported.endsWith('_CALLS'))
        .map(([, registry]) => registry);
      if (calls === undefined) throw new Error(`${folder}/${name}/calls.ts exports no …_CALLS`);
      const path = `docs/migrate/${name}.md`;
      return { path, render: () => renderMigration(readFileSync(join(root, path), 'utf8'), calls, path) };
    });
}

/**
 * Puts the tables between the two marks of a page.
 *
 * @param calls the registry of a dialect
 */
export function renderMigration(page, calls, path = 'the page') {
  const [from, to] = [page.indexOf(BEGIN), page.indexOf(END)];
  if (from === -1 || to < from) throw new Error(`${path} has no place for the calls: ${BEGIN} … ${END}`);
  return `${page.slice(0, from + BEGIN.length)}\n\n${callTables(Object.values(calls))}\n\n${page.slice(to)}`;
}

function callTables(calls) {
  // Some have a handler of their own to be refused.
  const isNotThere = ({ isMissing, differs = '' }) => isMissing === true || /^Refused\b/.test(differs);
  const missing = calls.filter(isNotThere);
  const had = calls.filter(call => !isNotThere(call));
  const differing = had.filter(({ differs }) => differs !== undefined);
  const same = had.filter(({ differs }) => differs === undefined);
  return [
    section(
      'As before',
      ['call', 'request'],
      same.map(call => [nameOf(call), requestOf(call)]),
    ),
    section(
      'What differs',
      ['call', 'request', 'what differs'],
      differing.map(call => [nameOf(call), requestOf(call), cell(call.differs)]),
    ),
    section(
      'Not there',
      ['call', 'why'],
      byReason(missing).map(([reason, found]) => [found.map(nameOf).join(', '), cell(reason)]),
    ),
  ]
    .filter(text => text !== '')
    .join('\n\n');
}

const section = (title, head, rows) =>
  rows.length === 0
    ? ''
    : [`### ${title}`, '', row(head), row(head.map(() => '---')), ...rows.map(row)].join('\n');

const row = cells => `| ${cells.join(' | ')} |`;

/* Calls that are missing for the same reason share a row. */
function byReason(calls) {
  const groups = new Map();
  for (const call of calls) {
    const reason = call.differs ?? '';
    groups.set(reason, [...(groups.get(reason) ?? []), call]);
  }
  return [...groups];
}

/* The path of an RPC action is its name. */
const requestOf = ({ method, path }) =>
  /^\/[A-Z]\w*$/.test(path) ? `\`${path.slice(1)}\`` : `\`${method} ${path.replaceAll('{+', '{')}\``;

/* A method or a request is code; words around it are not. */
const nameOf = ({ call }) =>
  cell(
    /^[A-Z]+ \S+$/.test(call)
      ? `\`${call}\``
      : call.replaceAll(/(?:[\w.]+\((?:[^()]|\([^()]*\))*\))+|\b[a-z]\w*(?:\.\w+)+/g, code => `\`${code}\``),
  );

const cell = text => text.replaceAll('|', '\\|').replaceAll('\n', ' ');
