import { dirname } from 'node:path';
import type { Queue } from 'bullmq';
import type { RequestHandler } from 'express';
import { notFound } from '../edge/error-handler';
import { BoardAdapter } from './board-adapter';

/**
 * Makes the board of these queues, for a router that is mounted at `basePath`. Loads Bull Board on demand, so that the
 * start of the process does not wait for it.
 */
export async function queueBoard(queues: readonly Queue[], basePath: string): Promise<RequestHandler> {
  const [{ createBullBoard }, { BullMQAdapter }] = await Promise.all([
    import('@bull-board/api'),
    import('@bull-board/api/bullMQAdapter'),
  ]);
  const serverAdapter = new BoardAdapter(basePath);
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
  serverAdapter.router.use(notFound);
  return serverAdapter.router;
}
