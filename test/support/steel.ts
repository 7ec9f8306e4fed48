import type { Answer, CallOptions, TestApi } from './api';

/** A session as Steel's clients see it, as far as tests read it. */
export interface SteelView {
  readonly id: string;
  readonly status: string;
  readonly websocketUrl: string;
  readonly [name: string]: unknown;
}

/** Calls Steel's API as one of its clients. */
export class SteelCaller {
  constructor(
    private readonly api: TestApi,
    private readonly key: string,
  ) {}

  /** One call below `/steel/v1`. */
  call(method: string, path: string, { headers = {}, ...options }: CallOptions = {}): Promise<Answer> {
    return this.api.call(method, `/steel/v1${path}`, {
      ...options,
      headers: { 'steel-api-key': this.key, ...headers },
    });
  }

  /** Creates a session. @throws if that is refused. */
  async create(body: Record<string, unknown> = {}): Promise<SteelView> {
    const answer = await this.call('POST', '/sessions', { body });
    if (answer.status !== 200) throw new Error(`${answer.status}: ${JSON.stringify(answer.body)}`);
    // SAFETY: a 200 carries a session.
    return answer.body as SteelView;
  }

  /** One page of a list. */
  async list(query: string): Promise<{ ids: string[]; nextCursor: unknown }> {
    const { body } = await this.call('GET', `/sessions?${query}`);
    // SAFETY: the answer is a page.
    const sessions = body['sessions'] as SteelView[];
    return { ids: sessions.map(({ id }) => id), nextCursor: body['nextCursor'] };
  }
}

/** An API with two tenants. */
export const TWO_TENANTS = [
  { tenant: 'a', key: 'key-a' },
  { tenant: 'b', key: 'key-b' },
];
