import { text } from 'node:stream/consumers';
import { systemClock } from '../../../../src/core/clock';
import { messageOf } from '../../../../src/core/errors';
import type { UpstreamProxy } from '../../door/protocol';
import { EgressGuard, systemNetwork } from '../../egress/egress-guard';
import type { EgressRules } from '../../egress/egress-policy';
import type { User } from '../../process/run-root';
import { ForwardProxy } from './forward-proxy';
import { reportTraffic } from './traffic-report';

/** What the keeper writes to the standard input, so that credentials are in neither arguments nor environment. */
export interface ForwardProxyOrder {
  /** Where to listen; port 0 takes a free one. */
  readonly host: string;
  readonly port: number;
  /** The Unix socket to listen on instead; null: none. */
  readonly socket: string | null;
  /** Null: everything goes straight on. */
  readonly upstream: UpstreamProxy | null;
  /** Null: everything may be reached. */
  readonly egress: EgressRules | null;
  /** The user to change to; only for a process that is started by root. */
  readonly user: User;
}

/**
 * The forward proxy of one browser, a process of its own. Started as the keeper's user, because the browser's may not
 * be able to read the program; drops its privileges before it listens. A process that has changed its user cannot be
 * inspected by its new user (proc(5), PR_SET_DUMPABLE), so the browser's user cannot read the password out of its
 * memory.
 *
 * Writes one line, `{"port": …}` or `{"error": …}`, and nothing after that: its keeper may be gone. What goes through it
 * is written to a file that it inherits.
 */
async function main(): Promise<void> {
  // SAFETY: only the keeper starts this program. A schema would double the time it takes to start.
  const { host, port, socket, upstream, egress, user } = JSON.parse(
    await text(process.stdin),
  ) as ForwardProxyOrder;
  if (process.getuid?.() === 0) {
    process.setgroups?.([]);
    process.setgid?.(user.gid);
    process.setuid?.(user.uid);
  }
  const guard = new EgressGuard(egress, systemNetwork(systemClock));
  const proxy =
    socket === null
      ? await ForwardProxy.listen(host, port, upstream, guard)
      : await ForwardProxy.listenOn(socket, upstream, guard);
  reportTraffic(() => proxy.traffic);
  process.stdout.write(`${JSON.stringify({ port: socket === null ? proxy.port : port })}\n`);
}

main().catch((error: unknown) => {
  process.stdout.write(`${JSON.stringify({ error: messageOf(error) })}\n`, () => process.exit(1));
});
