import type { Session, SessionData } from './session';

/**
 * Makes `await using` work with a session. The member is not enumerable: a session that is printed, copied or sent
 * contains only the service's answer.
 */
export function disposable(data: SessionData, dispose: () => Promise<void>): Session {
  // Runtimes without the symbol have no `await using` either, and compiled code uses this one.
  const symbol = Symbol.asyncDispose ?? Symbol.for('Symbol.asyncDispose');
  // SAFETY: the property that makes it a Session is added in this very line.
  return Object.defineProperty(data, symbol, { value: dispose, enumerable: false }) as Session;
}
