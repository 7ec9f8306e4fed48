import { systemClock } from '../../../../src/core/clock';
import { messageOf } from '../../../../src/core/errors';
import type { Traffic } from '../../../../src/core/traffic';
import type { UpstreamProxy } from '../../door/protocol';
import { EgressGuard, systemNetwork } from '../../egress/egress-guard';
import type { EgressRules } from '../../egress/egress-policy';
import type { User } from '../../process/run-root';
import type { StartProxy } from '../../process/start-options';
import { reportTraffic } from './traffic-report';

/**
 * What the keeper writes to the standard input, so that credentials are in neither arguments nor environment: one line.
 */
export interface ForwardProxyOrder {
  /** Where to listen; port 0 takes a free one. */
  readonly host: string;
  readonly port: number;
  /** The Unix socket to listen on instead; null: none. */
  readonly socket: string | null;
  /** Null: everything goes straight on. `later`: the next line names it; until then nothing goes anywhere. */
  readonly upstream: StartProxy;
  /** Null: everything may be reached. */
  readonly egress: EgressRules | null;
  /** The user to change to; only for a process that is started by root. */
  readonly user: User;
}

/** A proxy that listens. */
export interface Listening {
  readonly port: number;
  readonly traffic: Traffic;
  /** Takes the upstream that the order did not name; left out by what has none. */
  assign?(upstream: UpstreamProxy): void;
}

/** Starts to listen on a Unix socket, if the order names one, else at its host and port. */
export type Listen = (order: ForwardProxyOrder, guard: EgressGuard) => Promise<Listening>;

/**
 * The forward proxy of one browser, a process of its own. Started as the keeper's user, because the browser's may not
 * be able to read the program; drops its privileges before it listens. A process that has changed its user cannot be
 * inspected by its new user (proc(5), PR_SET_DUMPABLE), so the browser's user cannot read the password out of its
 * memory.
 *
 * Answers each line with one, `{"port": …}` or `{"error": …}`, and writes nothing after that: its keeper may be gone.
 * One that waits for its upstream ends when its keeper does. What goes through it is written to a file that it
 * inherits.
 *
 * Each kind of proxy is a program, because what speaks HTTP and TLS takes twice as long to load as all of the rest.
 */
export function runForwardProxy(listen: Listen): void {
  start(listen).catch((error: unknown) => {
    process.stdout.write(`${JSON.stringify({ error: messageOf(error) })}\n`, () => process.exit(1));
  });
}

async function start(listen: Listen): Promise<void> {
  const lines = inputLines();
  // SAFETY: only the keeper starts these programs. A schema would double the time that it takes.
  const order = JSON.parse(await nextLine(lines)) as ForwardProxyOrder;
  const { egress, user, upstream } = order;
  if (process.getuid?.() === 0) {
    process.setgroups?.([]);
    process.setgid?.(user.gid);
    process.setuid?.(user.uid);
  }
  const proxy = await listen(order, new EgressGuard(egress, systemNetwork(systemClock)));
  reportTraffic(() => proxy.traffic);
  const answer = `${JSON.stringify({ port: order.socket === null ? proxy.port : order.port })}\n`;
  process.stdout.write(answer);
  if (upstream !== 'later') return;
  // SAFETY: as above.
  proxy.assign?.(JSON.parse(await nextLine(lines)) as UpstreamProxy);
  process.stdout.write(answer);
}

async function nextLine(lines: AsyncIterator<string, void>): Promise<string> {
  const { value } = await lines.next();
  if (value === undefined) throw new Error('the keeper says no more');
  return value;
}

async function* inputLines(): AsyncGenerator<string, void> {
  let rest = '';
  process.stdin.setEncoding('utf8');
  for await (const chunk of process.stdin) {
    const lines = `${rest}${String(chunk)}`.split('\n');
    rest = lines.pop() ?? '';
    yield* lines;
  }
  // A keeper of an earlier version, whose program this has replaced on the disk, ends no line.
  if (rest !== '') yield rest;
}
