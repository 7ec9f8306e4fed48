import { text } from 'node:stream/consumers';
import { messageOf } from '../../../../src/core/errors';
import type { UpstreamProxy } from '../../door/protocol';
import type { User } from '../../process/run-root';
import { ForwardProxy } from './forward-proxy';

/** What the keeper says on the standard input: credentials are in neither arguments nor environment. */
export interface ForwardProxyOrder {
  /** Where to listen; port 0 takes a free one. */
  readonly host: string;
  readonly port: number;
  readonly upstream: UpstreamProxy;
  /** Whose rights are enough; only for a process that is started by root. */
  readonly user: User;
}

/**
 * The forward proxy of one browser, a process of its own. Started as the keeper's user, because the browser's may not be
 * able to read the program; gives the rights up before it listens. A process that has changed its user cannot be looked
 * into by its new user (proc(5), PR_SET_DUMPABLE), so the browser's user cannot read the password out of its memory.
 *
 * Answers one line, `{"port": …}` or `{"error": …}`, and says nothing more for the rest of its life: its keeper may be gone.
 */
async function main(): Promise<void> {
  // SAFETY: the keeper alone starts this program. A schema would double the time it takes to start.
  const { host, port, upstream, user } = JSON.parse(await text(process.stdin)) as ForwardProxyOrder;
  if (process.getuid?.() === 0) {
    process.setgroups?.([]);
    process.setgid?.(user.gid);
    process.setuid?.(user.uid);
  }
  const proxy = await ForwardProxy.listen(host, port, upstream);
  process.stdout.write(`${JSON.stringify({ port: proxy.port })}\n`);
}

main().catch((error: unknown) => {
  process.stdout.write(`${JSON.stringify({ error: messageOf(error) })}\n`, () => process.exit(1));
});
