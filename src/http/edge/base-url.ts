import type { IncomingMessage } from 'node:http';

/**
 * What a caller reaches us under: what the operator says, else the host that the request names. The edge guard has made sure
 * that it names us.
 */
export const baseUrlOf = ({ headers }: Pick<IncomingMessage, 'headers'>, publicUrl: string | null): string =>
  publicUrl ?? `http://${headers.host ?? '127.0.0.1'}`;
