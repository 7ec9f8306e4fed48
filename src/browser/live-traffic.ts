import { json } from 'node:stream/consumers';
import { z } from 'zod';
import { withDeadline } from '../core/abort';
import { keeperTrafficPath } from '../core/keeper-ticket';
import type { Traffic } from '../core/traffic';
import type { KeeperRoute } from './dial';
import { keeperAnswer } from './keeper-answer';

/** Short, because the answer of the API is useful without the traffic. */
const ANSWER_TIMEOUT_MS = 1_000;

const count = z.number().int().min(0);
const answerSchema: z.ZodType<{ readonly traffic: Traffic | null }> = z.object({
  traffic: z
    .object({ sentBytes: count, receivedBytes: count, refused: count, refusedHosts: z.array(z.string()) })
    .nullable(),
});

/**
 * What has gone through the forward proxy of a running browser until a second ago; null: it has none.
 *
 * @throws if the keeper does not answer within a second, or does not know the question.
 */
export async function liveTraffic({ keeper, claimId, secret }: KeeperRoute): Promise<Traffic | null> {
  const path = keeperTrafficPath(secret, claimId);
  const answer = await keeperAnswer({ ...keeper, path, method: 'GET', agent: false }, ANSWER_TIMEOUT_MS);
  if (answer.statusCode !== 200) {
    answer.destroy();
    throw new Error(`the keeper answered with status ${answer.statusCode ?? 'unknown'}`);
  }
  return answerSchema.parse(await withDeadline('the traffic', ANSWER_TIMEOUT_MS, json(answer))).traffic;
}
