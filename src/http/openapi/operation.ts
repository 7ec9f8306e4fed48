import type { z } from 'zod';
import type { ErrorCode } from '../../core/errors';
import type { Scope } from '../../core/scopes';
import type { TimeoutPolicy } from '../../contract/schemas';

/** Parameters of one kind, by name. */
export type ParametersSchema = z.ZodObject<Readonly<Record<string, z.ZodType>>>;

/** One answer that is not an error. */
export interface AnswerSpec {
  readonly description: string;
  /** Left out: the answer has no body. */
  readonly schema?: z.ZodType;
  /** Default: `application/json`. */
  readonly mediaType?: string;
  /** Also as `text/html`, to clients that prefer it. */
  readonly isPage?: true;
  /** Also as `text/csv`, to clients that prefer it. */
  readonly isTable?: true;
  /** Headers by name, with their descriptions. */
  readonly headers?: Readonly<Record<string, string>>;
}

/** Who may call an operation. */
type Access =
  /** Who has a key with this scope. */
  | { readonly isOpen?: undefined; readonly scope: Scope }
  /** Anybody; if its handler accepts keys beside tokens of its own, they need this scope. */
  | { readonly isOpen: true; readonly scope?: Scope };

/** One method of one path: everything on which the server and the document must agree. */
export type Operation = Access & OperationFacts;

interface OperationFacts {
  readonly method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';
  /** With parameters as `{name}`. */
  readonly path: string;
  readonly tag: 'Sessions' | 'Contexts' | 'Events' | 'Jobs' | 'Keys' | 'Service';
  readonly summary: string;
  readonly description?: string;
  /** The query parameters that it reads. */
  readonly query?: ParametersSchema;
  /** The headers that it reads; keys are described by `security`. */
  readonly headers?: ParametersSchema;
  /** Schema of the body; depends on the operator's settings. */
  readonly body?: (policy: TimeoutPolicy) => z.ZodType;
  /** Largest body, bytes; left out: that of all operations. */
  readonly bodyMaxBytes?: number;
  /** Reads its body itself as it comes; its schema by media type. */
  readonly streamedBody?: Readonly<Record<string, z.ZodType>>;
  /** An example of the body. */
  readonly bodyExample?: Readonly<Record<string, unknown>>;
  /** The answers by status. */
  readonly answers: Readonly<Record<number, AnswerSpec>>;
  /** Its own errors; {@link commonErrors} are added. */
  readonly errors: readonly ErrorCode[];
}

/** The errors that any operation of this kind may answer besides its own. */
export function commonErrors({ isOpen, path, streamedBody }: Operation): readonly ErrorCode[] {
  const always: ErrorCode[] = ['malformed_request', 'forbidden_origin', 'internal_error'];
  // While a process waits for its first Redis it answers nothing but /livez.
  if (path !== '/livez') always.push('redis_unavailable');
  if (isOpen === true) return always;
  // `invalid_request` at least for an unknown query parameter.
  const ofBody: readonly ErrorCode[] =
    streamedBody === undefined ? ['body_too_large', 'unsupported_media_type'] : ['unsupported_media_type'];
  return [...always, 'unauthorized', 'too_many_failures', 'forbidden', ...ofBody, 'invalid_request'];
}
