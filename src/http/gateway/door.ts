import type { IncomingMessage } from 'node:http';
import type { DevToolsPart } from '../../browser/dial';
import type { SessionRef } from '../../core/ids';
import type { Place } from '../../engine/quota-places';
import type { ErrorAnswer } from '../edge/problem';

/** The browser that an upgrade request asks for. */
export interface AskedBrowser {
  readonly ref: SessionRef;
  /** A page's WebSocket; left out: the browser's. */
  readonly part?: DevToolsPart;
  /** Of the connect token that it came with; null or left out: it came with a key. */
  readonly generation?: number | null;
  /**
   * Aborted when the key that it came with is revoked or has expired; null or left out: it came with none of that kind.
   */
  readonly revoked?: AbortSignal | null;
  /** Taken for the client by a door that could not begin without; it is freed when the client has gone. */
  readonly place?: Place;
  /** Called once when the client is gone, or was never connected. */
  readonly onLeft?: () => void;
}

/** An upgrade request. */
export interface UpgradeRequest {
  readonly request: IncomingMessage;
  readonly url: URL;
  readonly requestId: string;
  /** Aborted when the client has disconnected. */
  readonly gone: AbortSignal;
}

/** One kind of URL at which clients connect to browsers. */
export interface Door {
  /** Whether the path is one of this door. */
  readonly isFor: (pathname: string) => boolean;
  /**
   * Finds the session, or creates it.
   *
   * @throws ServiceError; the upgrade is refused.
   */
  readonly open: (upgrade: UpgradeRequest) => AskedBrowser | Promise<AskedBrowser>;
  /** How a refusal is answered; left out: as over HTTP. */
  readonly errorAnswer?: ErrorAnswer;
}
