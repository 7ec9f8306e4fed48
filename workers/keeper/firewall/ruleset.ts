/** An address of this machine's loopback that a browser may reach: its own proxy. */
export interface Door {
  /** IPv4. */
  readonly host: string;
  readonly port: number;
}

/** What a browser may send to: whatever the machine reaches, or its doors and nothing else. */
export type Reach = 'everything' | readonly Door[];

/** One browser in the rules. */
export interface FirewallEntry {
  readonly uid: number;
  readonly reach: Reach;
  /** Where its DevTools listen on 127.0.0.1; null: nobody gets an answer of it. */
  readonly devToolsPort: number | null;
}

/* TCP: who asks for a connection, and who accepts one. */
const ASKS = 'tcp flags & (syn | ack) == syn';
const ACCEPTS = 'tcp flags & (syn | ack) == syn | ack';

/** Names of the table's sets. */
type SetName = 'browsers' | 'closed' | 'devtools' | 'doors';

const SET_TYPES: Readonly<Record<SetName, string>> = {
  browsers: 'uid',
  closed: 'uid',
  devtools: 'inet_service',
  doors: 'uid . ipv4_addr . inet_service',
};

/**
 * The whole table, in place of what there was, in one transaction: at no moment are there fewer rules. They look at
 * single packets, not at connections, so they need no connection tracking, and cut what was connected before.
 *
 * - A DevTools port takes connections of root alone: of the keeper, its workers and APIs.
 * - Of a browser's sockets nothing else takes connections, whatever address it listens on.
 * - A closed browser opens connections to its doors alone. Answers of its DevTools leave; all else is refused.
 *
 * A packet that belongs to no process any more matches no user, and passes: only the kernel makes those.
 */
export function wholeTable(table: string, all: readonly FirewallEntry[]): string {
  const sets = setNames.map(name => `  set ${name} { type ${SET_TYPES[name]}; }`);
  const isOwn = 'ip saddr 127.0.0.1 tcp sport @devtools';
  return lines([
    withoutTable(table),
    `table inet ${table} {`,
    ...sets,
    '  chain output {',
    '    type filter hook output priority filter; policy accept;',
    '    ip daddr 127.0.0.1 tcp dport @devtools meta skuid != 0 reject with tcp reset',
    '    meta skuid @browsers jump browser',
    '  }',
    '  chain browser {',
    `    ${ACCEPTS} ${isOwn} accept`,
    `    ${ACCEPTS} drop`,
    '    meta skuid @closed jump closed',
    '  }',
    '  chain closed {',
    '    meta skuid . ip daddr . tcp dport @doors accept',
    // Before its answers: a browser could ask from the port of its DevTools, too.
    `    ${ASKS} reject with tcp reset`,
    `    ${isOwn} accept`,
    '    reject with icmpx admin-prohibited',
    '  }',
    '}',
    ...all.map(entry => added(table, entry)),
  ]);
}

/** No table, whether there was one or not. */
export function withoutTable(table: string): string {
  return lines([`table inet ${table}`, `delete table inet ${table}`]);
}

/** What enters a browser into the table, or changes what it may do. Adding twice has no effect. */
export function added(table: string, entry: FirewallEntry): string {
  return statements('add', table, elementsOf(entry));
}

/**
 * What removes a browser from the table.
 *
 * @param others - the browsers that stay: a port that is free may be another's already, before this is carried out
 */
export function removed(table: string, entry: FirewallEntry, others: Iterable<FirewallEntry>): string {
  const { devtools, ...own } = elementsOf(entry);
  const isTaken = [...others].some(({ devToolsPort }) => devToolsPort === entry.devToolsPort);
  return statements('delete', table, { ...own, devtools: isTaken ? [] : devtools });
}

type Elements = Readonly<Record<SetName, readonly string[]>>;

function elementsOf({ uid, reach, devToolsPort }: FirewallEntry): Elements {
  const isClosed = reach !== 'everything';
  return {
    browsers: [String(uid)],
    closed: isClosed ? [String(uid)] : [],
    devtools: devToolsPort === null ? [] : [String(devToolsPort)],
    doors: isClosed ? reach.map(({ host, port }) => `${uid} . ${host} . ${port}`) : [],
  };
}

// SAFETY: the keys of a record that is complete by its type.
const setNames = Object.keys(SET_TYPES) as SetName[];

function statements(verb: 'add' | 'delete', table: string, elements: Elements): string {
  return lines(
    setNames
      .filter(name => elements[name].length > 0)
      .map(name => `${verb} element inet ${table} ${name} { ${elements[name].join(', ')} }`),
  );
}

const lines = (all: readonly string[]): string => all.map(line => `${line.replace(/\n$/, '')}\n`).join('');
