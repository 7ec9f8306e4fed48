import type { Timeouts } from '../../src/engine/timeouts';
import { Consumer, type ConsumerBase } from '../../src/queue/consumer';
import { timerPayload } from '../../src/queue/payloads';
import { STEPPING_CONCURRENCY } from './stepping-concurrency';

/** The queue `timers`: delayed jobs, which end sessions whose time is up. */
export function timersConsumer(
  base: ConsumerBase,
  timeouts: Pick<Timeouts, 'handleJob'>,
): Consumer<typeof timerPayload> {
  return new Consumer({
    ...base,
    queue: 'timers',
    schema: timerPayload,
    concurrency: STEPPING_CONCURRENCY,
    handle: payload => timeouts.handleJob(payload),
  });
}
