import type { IncomingMessage } from 'node:http';

/**
 * The base URL of this service for a client: the operator's setting, else the host that the request names. The edge
 * guard has checked that host.
 */
export const baseUrlOf = ({ headers }: Pick<IncomingMessage, 'headers'>, publicUrl: string | null): string =>
  publicUrl ?? `http://${headers.host ?? '127.0.0.1'}`;
