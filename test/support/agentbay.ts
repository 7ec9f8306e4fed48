import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { request, type RequestOptions } from 'node:https';
import { caFile } from '../../src/config/data-dir';

/** An answer of AgentBay's API. */
export interface AgentBayAnswer {
  readonly status: number;
  readonly RequestId: string;
  readonly Success?: boolean;
  readonly Code: string;
  readonly HttpStatusCode: number;
  readonly Message: string;
  readonly Data?: unknown;
  readonly NextToken?: string;
  readonly MaxResults?: number;
  readonly TotalCount?: number;
}

/** A request as bytes. */
export interface RawRequest {
  readonly method?: string;
  readonly path: string;
  readonly headers?: Readonly<Record<string, string>>;
  /** Sent chunked, unless `headers` have a length. */
  readonly body?: string;
}

/** What AgentBay's SDKs send, from their observed requests; TLS is verified as they do it. */
export class AgentBayWire {
  private constructor(
    /** `https://host:port`. */
    readonly url: string,
    readonly ca: string,
    private readonly key: string,
  ) {}

  /** @param dataDir - of the service, which has its authority there */
  static async of(url: string, dataDir: string, key = 'any-key'): Promise<AgentBayWire> {
    return new AgentBayWire(url, await readFile(caFile(dataDir), 'utf8'), key);
  }

  /** The same client with another key. */
  withKey(key: string): AgentBayWire {
    return new AgentBayWire(this.url, this.ca, key);
  }

  /** A call as the TypeScript SDK sends it: a chunked form, with the key in it. */
  call(action: string, form: Readonly<Record<string, string>> = {}): Promise<AgentBayAnswer> {
    const body = new URLSearchParams({ ...form, Authorization: `Bearer ${this.key}` }).toString();
    return this.raw({ path: pathOf(action), headers: headersOf(action), body });
  }

  /** A call as the Python SDK sends it: with a length. */
  callFromPython(action: string, form: Readonly<Record<string, string>> = {}): Promise<AgentBayAnswer> {
    const body = new URLSearchParams({ ...form, Authorization: `Bearer ${this.key}` }).toString();
    const headers = { ...headersOf(action), 'content-length': String(Buffer.byteLength(body)) };
    return this.raw({ path: pathOf(action), headers, body });
  }

  /** A call with everything in the query, as `SyncContext` has its key. */
  callByQuery(action: string, query: Readonly<Record<string, string>> = {}): Promise<AgentBayAnswer> {
    const more = new URLSearchParams({ ...query, Authorization: `Bearer ${this.key}` }).toString();
    return this.raw({ path: `${pathOf(action)}&${more}`, headers: headersOf(action) });
  }

  /** `Data` of a call that has to succeed. */
  async data<T>(action: string, form: Readonly<Record<string, string>> = {}): Promise<T> {
    const answered = await this.call(action, form);
    if (answered.status !== 200) throw new Error(`${action} answered ${JSON.stringify(answered)}`);
    // SAFETY: the test knows the shape of the answer; a wrong one fails its expectations.
    return answered.Data as T;
  }

  /** Any request. */
  async raw(
    { method = 'POST', path, headers = {}, body = '' }: RawRequest,
    options: RequestOptions = {},
  ): Promise<AgentBayAnswer> {
    const { hostname, port } = new URL(this.url);
    const sent = request({ hostname, port, ca: this.ca, method, path, headers, agent: false, ...options });
    if (body !== '' && !('content-length' in headers)) sent.setHeader('transfer-encoding', 'chunked');
    sent.end(body === '' ? undefined : body);
    // SAFETY: the event has the response.
    const [response] = (await once(sent, 'response')) as [AsyncIterable<Buffer> & { statusCode: number }];
    const chunks: Buffer[] = [];
    for await (const chunk of response) chunks.push(chunk);
    const text = Buffer.concat(chunks).toString();
    // SAFETY: every answer has to be JSON of this shape; another one fails the test.
    return { status: response.statusCode, ...(JSON.parse(text) as Omit<AgentBayAnswer, 'status'>) };
  }
}

const pathOf = (action: string): string =>
  `/?Action=${action}&Format=json&Version=2025-05-06&Timestamp=2026-11-29T12%3A00%3A00Z&SignatureNonce=0f3a`;

const headersOf = (action: string): Record<string, string> => ({
  'x-acs-action': action,
  'x-acs-version': '2025-05-06',
  'user-agent': 'AlibabaCloud (linux; x64) Node.js/v20.0.0 Core/1.0.1 TeaDSL/2',
  'content-type': 'application/x-www-form-urlencoded',
});
