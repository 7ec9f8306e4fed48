import type { Answer, Installation, SessionView } from './installation';

/** One call made during an outage. */
export interface OutageCall {
  readonly call: string;
  readonly status: number;
  readonly code: string | undefined;
  readonly retryAfter: string | null;
  readonly tookMs: number;
}

/** Makes every kind of call once, all at the same time, and answers how each was answered. */
export async function callEverything(
  installation: Installation,
  session: SessionView,
): Promise<OutageCall[]> {
  const one = `/v1/sessions/${session.id}`;
  const calls: readonly (readonly [method: string, path: string, body?: unknown])[] = [
    ['POST', '/v1/sessions', {}],
    ['GET', '/v1/sessions'],
    ['GET', one],
    ['GET', `${one}/events`],
    ['GET', `${one}/live`],
    ['POST', `${one}/release`],
    ['DELETE', one],
    ['POST', '/v1/sessions/release', {}],
  ];
  return Promise.all(
    calls.map(async ([method, path, body]) => {
      const beganMs = performance.now();
      const answer: Answer<{ code?: string }> = await installation.call(method, path, body);
      return {
        call: `${method} ${path}`,
        status: answer.status,
        code: answer.body.code,
        retryAfter: answer.headers.get('retry-after'),
        tookMs: performance.now() - beganMs,
      };
    }),
  );
}
