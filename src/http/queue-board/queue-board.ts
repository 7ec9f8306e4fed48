import { dirname } from 'node:path';
import type { Queue } from 'bullmq';
import type { Express } from 'express';
import { notFound } from '../edge/error-handler';
import { readOnlyAdapter } from './board-adapter';

/**
 * Makes the board of these queues, for a router that is mounted at `basePath`. Loads Bull Board on demand, so that the
 * start of the process does not wait for it.
 */
export async function queueBoard(queues: readonly Queue[], basePath: string): Promise<Express> {
  const [{ createBullBoard }, { BullMQAdapter }, { ExpressAdapter }] = await Promise.all([
    import('@bull-board/api'),
    import('@bull-board/api/bullMQAdapter'),
    import('@bull-board/express'),
  ]);
  const serverAdapter = readOnlyAdapter(ExpressAdapter, basePath);
  createBullBoard({
    queues: queues.map(queue => new BullMQAdapter(queue, { readOnlyMode: true, allowRetries: false })),
    serverAdapter,
    options: {
      uiBasePath: dirname(require.resolve('@bull-board/ui/package.json')),
      uiConfig: {
        boardTitle: 'Holdfast queues',
        hideDocsLink: true,
        // Both would read from Redis at every poll what /metrics shows better.
        hideRedisDetails: true,
        showWorkers: false,
      },
    },
  });
  // SAFETY: the adapter has an Express application, which it gives away as `any`.
  const board = serverAdapter.getRouter() as Express;
  return board.use(notFound);
}
