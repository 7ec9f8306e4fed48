import { Consumer, type ConsumerBase } from '../../src/queue/consumer';
import { acceptedPayload } from '../../src/queue/payloads';
import type { AcceptedHandler } from './accepted-handler';

/** A process works on so many accepted jobs at most. Releases and extensions find room among them that creates leave. */
const ACCEPTED_CONCURRENCY = 1_000;

/** The queue `accepted`: jobs of other services whose session is known go on to their end, beside each other. */
export function acceptedConsumer(
  base: ConsumerBase,
  handler: Pick<AcceptedHandler, 'handle'>,
): Consumer<typeof acceptedPayload> {
  return new Consumer({
    ...base,
    queue: 'accepted',
    schema: acceptedPayload,
    concurrency: ACCEPTED_CONCURRENCY,
    handle: (payload, delivery) => handler.handle(payload, delivery),
  });
}
