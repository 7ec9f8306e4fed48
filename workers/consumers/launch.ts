import { Consumer, type ConsumerBase } from '../../src/queue/consumer';
import { launchPayload } from '../../src/queue/payloads';
import type { SessionLauncher } from '../launch/session-launcher';

/** The queue `launch`: a worker with a free slot claims the session and starts its browser. */
export function launchConsumer(
  base: ConsumerBase,
  launcher: Pick<SessionLauncher, 'handle'>,
  concurrency: number,
): Consumer<typeof launchPayload> {
  return new Consumer({
    ...base,
    queue: 'launch',
    schema: launchPayload,
    concurrency,
    handle: payload => launcher.handle(payload),
  });
}
