import { Consumer, type ConsumerBase } from '../../src/queue/consumer';
import { acceptedPayload } from '../../src/queue/payloads';
import type { AcceptedHandler } from './accepted-handler';

/**
 * How many accepted jobs a process works on at most. More than creates may use, so that releases and extensions have
 * room.
 */
const ACCEPTED_CONCURRENCY = 1_000;

/** The queue `accepted`: accepted jobs of other services are worked on in parallel until their end. */
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
