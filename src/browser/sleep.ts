import { json } from 'node:stream/consumers';
import { z } from 'zod';
import { withDeadline } from '../core/abort';
import { keeperPath } from '../core/keeper-ticket';
import type { KeeperRoute } from './dial';
import { keeperAnswer } from './keeper-answer';

/** Short, because the answer of the API is useful without it. */
const ANSWER_TIMEOUT_MS = 1_000;

const answerSchema = z.object({ asleepSinceMs: z.number().nullable() });

/**
 * Since when a running browser sleeps, epoch milliseconds; null: it is awake. The question does not wake it.
 *
 * @throws if the keeper does not answer within a second, or does not know the question.
 */
export async function asleepSinceMs({ keeper, claimId, secret }: KeeperRoute): Promise<number | null> {
  const path = keeperPath(secret, claimId, '/sleep');
  const answer = await keeperAnswer({ ...keeper, path, method: 'GET', agent: false }, ANSWER_TIMEOUT_MS);
  if (answer.statusCode !== 200) {
    answer.destroy();
    throw new Error(`the keeper answered with status ${answer.statusCode ?? 'unknown'}`);
  }
  return answerSchema.parse(await withDeadline('the sleep', ANSWER_TIMEOUT_MS, json(answer))).asleepSinceMs;
}
