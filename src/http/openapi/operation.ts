import type { z } from 'zod';
import type { ErrorCode } from '../../core/errors';
import type { TimeoutPolicy } from '../../contract/schemas';

/** A query parameter or a header that an operation reads. */
export interface Parameter {
  readonly in: 'query' | 'header';
  readonly name: string;
  readonly schema: z.ZodType;
  readonly description?: string;
}

/** One answer that is no error. */
export interface AnswerSpec {
  readonly description: string;
  /** Without one there is no body. */
  readonly schema?: z.ZodType;
  /** Default: `application/json`. */
  readonly mediaType?: string;
  /** Also as `text/html`, to those who would rather have that. */
  readonly isPage?: true;
  /** Headers by name: what they say. */
  readonly headers?: Readonly<Record<string, string>>;
}

/** One method of one path: everything the server and the document have to agree about. */
export interface Operation {
  readonly method: 'GET' | 'POST' | 'PATCH' | 'DELETE';
  /** With parameters as `{name}`. */
  readonly path: string;
  readonly tag: 'Sessions' | 'Events' | 'Jobs' | 'Service';
  readonly summary: string;
  readonly description?: string;
  /** Needs no API key. */
  readonly isOpen?: true;
  readonly parameters?: readonly Parameter[];
  /** What callers may send; depends on what the operator has set. */
  readonly body?: (policy: TimeoutPolicy) => z.ZodType;
  /** Such a body. */
  readonly bodyExample?: Readonly<Record<string, unknown>>;
  /** By status. */
  readonly answers: Readonly<Record<number, AnswerSpec>>;
  /** Its own errors; {@link commonErrors} come on top. */
  readonly errors: readonly ErrorCode[];
}

/** What any operation of this kind may answer besides its own errors. */
export function commonErrors({ isOpen, path }: Operation): readonly ErrorCode[] {
  const always: ErrorCode[] = ['malformed_request', 'forbidden_origin', 'internal_error'];
  // While a process waits for its first Redis it answers nothing but /livez.
  if (path !== '/livez') always.push('redis_unavailable');
  if (isOpen === true) return always;
  // At least for a query parameter that nobody knows.
  return [...always, 'unauthorized', 'body_too_large', 'unsupported_media_type', 'invalid_request'];
}
