const REASONS = { 400: 'Bad Request', 403: 'Forbidden', 502: 'Bad Gateway' } as const;

/** Statuses with which a forward proxy answers by itself. */
export type RefusalStatus = keyof typeof REASONS;

/** A whole answer that is not of the page's server: a line of text. The connection is to be closed after it. */
export function refusalAnswer(status: RefusalStatus, reason: string): string {
  const body = `${reason}\n`;
  const headers = [
    'connection: close',
    'content-type: text/plain; charset=utf-8',
    `content-length: ${Buffer.byteLength(body)}`,
  ];
  return [`HTTP/1.1 ${status} ${REASONS[status]}`, ...headers, '', body].join('\r\n');
}
