import type { Request } from 'express';

/**
 * The base URL of this service for a client: the operator's setting, else the host that the request names, with TLS if
 * it came so. The edge guard has checked that host.
 */
export const baseUrlOf = (
  { headers, protocol }: Pick<Request, 'headers' | 'protocol'>,
  publicUrl: string | null,
): string => publicUrl ?? `${protocol}://${headers.host ?? '127.0.0.1'}`;
