import { widthOf } from '../../../src/cli/columns';
import { contextsView, sizeOf, versionsView } from '../../../src/cli/commands/contexts/views';
import { jobsView } from '../../../src/cli/commands/jobs';
import { EVENTS, HISTORY, sessionsView } from '../../../src/cli/commands/sessions/views';
import { workersView } from '../../../src/cli/commands/workers';
import { plain } from '../../../src/cli/colours';
import { StreamPrinter, tableLines, type View } from '../../../src/cli/output';
import { Terminal } from '../../../src/cli/terminal';
import type { Session } from '../../../src/client/session';

const AT = '2026-11-20T06:27:30.992Z';
const NOW_MS = Date.parse(AT) + 4 * 86_400_000;
const LONG = 'a name of a session that somebody has made as long as it can be';
/** Two sessions of one millisecond, as in a burst. */
const IDS = ['01a1f7a3-7f86-7888-b3d1-8c6f8e66dca5', '01a1f7a3-7f86-7999-b3d1-8c6f8e66dca5'];

/* SAFETY of these casts: each has every field that its table shows. */
const SESSIONS = IDS.map(id => ({
  id,
  status: 'timed_out',
  createdAt: AT,
  expiresAt: AT,
  endReason: 'client_closed_browser',
  name: LONG,
  labels: { team: LONG, run: LONG },
})) as unknown as Session[];
const CONTEXTS = IDS.map(id => ({
  id: `ctx_${id}`,
  name: LONG,
  labels: { team: LONG, run: LONG },
  currentVersion: 1_000,
  bytes: 12_345_678,
  updatedAt: AT,
}));
const VERSIONS = IDS.map(sessionId => ({
  version: 1_000,
  isCurrent: true,
  createdAt: AT,
  bytes: 999,
  source: 'session',
  baseVersion: 999,
  sessionId,
}));
const WORKERS = IDS.map(id => ({
  id,
  hostname: LONG,
  slots: 64,
  used: 64,
  alive: false,
  leaseExpiresAt: AT,
}));
const JOBS = IDS.map(id => ({
  id,
  at: AT,
  queue: 'sessions',
  name: LONG,
  reason: 'unknown_command',
  detail: LONG,
}));
const HISTORY_LINES = IDS.map(id => ({
  seq: 1_000,
  at: AT,
  event: 'browser_unresponsive',
  from: 'timed_out',
  to: 'timed_out',
  cause: 'released_by_client',
  actor: `worker:${id}`,
}));
const SERVICE_EVENTS = IDS.map(sessionId => ({
  type: 'transition',
  sessionId,
  at: AT,
  event: 'browser_unresponsive',
  from: 'timed_out',
  to: 'timed_out',
  endReason: 'browser_unresponsive',
}));

const TABLES: readonly (readonly [string, readonly unknown[], View<never>, isStreamed: boolean])[] = [
  ['sessions', SESSIONS, sessionsView(NOW_MS), true],
  ['contexts', CONTEXTS, contextsView(NOW_MS), false],
  ['the versions of a context', VERSIONS, versionsView(NOW_MS), false],
  ['workers', WORKERS, workersView(NOW_MS), false],
  ['jobs', JOBS, jobsView(NOW_MS), false],
  ['the history of a session', HISTORY_LINES, HISTORY, true],
  ['what happens', SERVICE_EVENTS, EVENTS, true],
];

describe.each(TABLES)('the table of %s', (_name, things, view, isStreamed) => {
  const rows = things as never[];

  it('fits a terminal of 80 columns', () => {
    for (const line of tableLines({ width: 80, paint: plain }, rows, view)) {
      expect([line, widthOf(line) <= 80]).toEqual([line, true]);
    }
  });

  it('fits a terminal of 80 columns as a stream, too', () => {
    if (!isStreamed) return;
    let text = '';
    const output = { write: (written: string) => (text += written), isTTY: true, columns: 80 };
    const printer = new StreamPrinter(new Terminal(output, { noColor: true }), 'table', view);
    for (const row of rows) printer.print(row);
    for (const line of text.split('\n')) expect([line, widthOf(line) <= 80]).toEqual([line, true]);
  });

  it('shows whole ids when the output is not a terminal', () => {
    const [first = ''] = tableLines({ width: null, paint: plain }, rows, view).slice(1);
    expect(first).toMatch(/[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}/);
  });
});

describe('a size', () => {
  it.each([
    [0, '0 B'],
    [999, '999 B'],
    [1_000, '1.0 KB'],
    [304_128, '304 KB'],
    [999_999, '999 KB'],
    [12_345_678, '12 MB'],
    [5e15, '5000 TB'],
  ])('of %d bytes is %s', (bytes, text) => {
    expect(sizeOf(bytes)).toBe(text);
  });
});
