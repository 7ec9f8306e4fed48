import type { Installation } from '../test/support/installation';
import { timed, type Lane } from './harness';
import { ONE_OF_A_HUNDRED } from './population';

/** A page of sessions. */
export const PAGE = '/v1/sessions';

/** The same of those that carry two labels. */
export const PAGE_BY_TWO_LABELS = `${PAGE}?labelSelector=${encodeURIComponent(ONE_OF_A_HUNDRED)}`;

const PAGE_SIZE = 50;

/** How long a page takes through HTTP, which has to be full. */
export function pageLane(api: Installation, path: string): Lane {
  return async () => {
    const { tookMs, result } = await timed(() =>
      api.call<{ readonly sessions?: readonly unknown[] }>('GET', path),
    );
    if (result.status !== 200) throw new Error(`${path} answered ${result.status}`);
    if (result.body.sessions?.length !== PAGE_SIZE) throw new Error('the page is not full');
    return tookMs;
  };
}

/** The same for `/livez`, which asks no other process. */
export function livezLane(api: Installation): Lane {
  return async () => {
    const { tookMs, result } = await timed(() => api.call('GET', '/livez'));
    if (result.status !== 200) throw new Error(`/livez answered ${result.status}`);
    return tookMs;
  };
}
