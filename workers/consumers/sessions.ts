import { commandHandler } from '../../src/engine/command-handler';
import type { Stepper } from '../../src/engine/stepper';
import { Consumer, type ConsumerBase } from '../../src/queue/consumer';
import { commandPayload } from '../../src/queue/payloads';
import type { Redis } from '../../src/redis/connection';
import { publishNotice } from '../../src/store/notice-stream';
import { STEPPING_CONCURRENCY } from './stepping-concurrency';

/** The queue `sessions`: commands of clients, each of which steps a session. */
export function sessionsConsumer(
  base: ConsumerBase,
  { stepper, redis }: { readonly stepper: Stepper; readonly redis: Redis },
): Consumer<typeof commandPayload> {
  return new Consumer({
    ...base,
    queue: 'sessions',
    schema: commandPayload,
    concurrency: STEPPING_CONCURRENCY,
    handle: commandHandler(stepper, notice => publishNotice(redis, notice)),
  });
}
