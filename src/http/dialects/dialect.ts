import type { Request, RequestHandler } from 'express';
import type { Service } from '../../contract/service';
import type { Scope } from '../../core/scopes';
import type { Authenticator } from '../edge/authenticator';
import type { ErrorAnswer } from '../edge/problem';
import type { ConnectToCreate } from '../gateway/connect-to-create';
import type { Door } from '../gateway/door';

/** What the dialects translate to. */
export interface DialectParts {
  readonly service: Service;
  readonly authenticator: Authenticator;
  /** For doors where every connection is a session. */
  readonly connectToCreate: ConnectToCreate;
  /** Where clients reach the API, without a trailing slash. */
  readonly url: string;
  /** The secret of the installation. */
  readonly secret: string;
}

/**
 * One call of another system's API: what the server, the tests and the tables in docs/migrate know of it. `call` is
 * what its users write.
 */
export interface DialectCall {
  readonly method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';
  /** Below the mount, with parameters as `{name}`; `{+name}` is the rest of the path, as an array of its parts. */
  readonly path: string;
  readonly call: string;
  /** What differs from the original, or why it is missing; left out: nothing. */
  readonly differs?: string;
  /** The service has nothing like it: it is answered with `not_supported`. */
  readonly isMissing?: true;
  /** Needs no API key. */
  readonly isOpen?: true;
  /** Its handler reads the body as it comes. */
  readonly isStreamed?: true;
  /** How large the body may be, bytes; left out: as of the native API. */
  readonly bodyMaxBytes?: number;
}

/** The calls of a dialect by a name of their own. */
export type DialectCalls = Readonly<Record<string, DialectCall>>;

/** The handler of each call that is not missing. */
export type DialectHandlers<C extends DialectCalls> = {
  readonly [Name in keyof C as C[Name] extends { readonly isMissing: true } ? never : Name]: RequestHandler;
};

/**
 * The API of another system, translated at the edge to the commands and queries of this service: its own words, units,
 * errors and pages. A dialect is one folder; only `dialects.ts` names it.
 */
export interface Dialect {
  /** The word for it in paths and docs. */
  readonly name: string;
  /** The path below which its calls are, such as `/steel`; empty: each is a `POST /`. */
  readonly mount: string;
  /** Its clients speak TLS only, and are no pages: it is on the TLS listener, for programs, and nowhere else. */
  readonly isOnTls?: true;
  /** Runs before a call is chosen by its path, for clients that say elsewhere what they call, and with which key. */
  readonly enter?: readonly RequestHandler[];
  /** Reads the bodies of its calls; left out: JSON. */
  readonly bodyReaders?: readonly RequestHandler[];
  readonly calls: DialectCalls;
  readonly handlers: Readonly<Record<string, RequestHandler>>;
  /** What a key needs for its calls and its doors: their answers contain addresses of browsers. */
  readonly scope: Scope;
  /** The API key that a request contains; null: none. */
  readonly keyOf: (request: Request) => string | null;
  /** How its clients are told of an error. */
  readonly errorAnswer: ErrorAnswer;
  /** Where its clients connect to browsers. */
  readonly doors: readonly Door[];
}
