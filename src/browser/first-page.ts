import { WebSocket } from 'ws';
import { z } from 'zod';
import type { Endpoint } from '../../machines/session/session.types';
import { withDeadline } from '../core/abort';

/** How long a browser whose socket accepts may take to open a page. */
const FIRST_PAGE_TIMEOUT_MS = 15_000;

const FIRST_PAGE_URL = 'about:blank';

const targetCreated = z.object({ result: z.object({ targetId: z.string() }) });

/**
 * Opens the first page of a browser that was started without a window, then lets go. This is one CDP command on a
 * socket that attaches to nothing: a client library would attach to every target and make new ones wait for it, and it
 * takes twice as long because it sets the page up for a use that nobody has for it here.
 *
 * Opened with `Target.createTarget` and not with `PUT /json/new`, whose page never gets the focus (Chromium 156).
 *
 * @throws if the browser does not answer, answers with an error, or goes meanwhile.
 */
export async function openFirstPage({ port, path }: Pick<Endpoint, 'port' | 'path'>): Promise<void> {
  const socket = new WebSocket(`ws://127.0.0.1:${port}${path}`, { perMessageDeflate: false });
  try {
    await withDeadline('opening the first page', FIRST_PAGE_TIMEOUT_MS, createPage(socket));
  } finally {
    socket.terminate();
  }
}

function createPage(socket: WebSocket): Promise<void> {
  return new Promise((resolve, reject) => {
    socket.on('error', reject);
    socket.once('close', () => reject(new Error('the browser closed the connection')));
    socket.once('open', () => {
      const params = { url: FIRST_PAGE_URL };
      socket.send(JSON.stringify({ id: 1, method: 'Target.createTarget', params }));
    });
    // Events come only to those who have asked for them, so the first message is the answer.
    socket.once('message', data => {
      // SAFETY: with the default binaryType every message is one Buffer.
      const answer = (data as Buffer).toString();
      if (isTargetCreated(answer)) resolve();
      else reject(new Error(`the browser opened no page: ${answer.slice(0, 200)}`));
    });
  });
}

function isTargetCreated(answer: string): boolean {
  return targetCreated.safeParse(JSON.parse(answer)).success;
}
