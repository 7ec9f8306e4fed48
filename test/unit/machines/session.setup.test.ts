import { base, type Topology } from '../../../machines/session/session.setup';

/* Each line with a misspelt name must not compile: `npm run types` fails when one does. */
const misspelt = {
  // @ts-expect-error: no event is called so.
  event: { on: { RELEASEE: { target: 'released' } } } satisfies Topology,
  inner: {
    // @ts-expect-error: nor in a state.
    states: { live: { on: { TIMEOUTT: { target: 'timed_out' } } } },
  } satisfies Topology,
  guard: {
    // @ts-expect-error: no guard is called so.
    on: { CLAIM: { guard: 'queueTimeIsLeftt', actions: 'claim' } },
  } satisfies Topology,
  kind: {
    // @ts-expect-error: no timer is called so.
    on: { TIMEOUT: { guard: { type: 'isDue', params: { kind: 'idel' } } } },
  } satisfies Topology,
  update: {
    // @ts-expect-error: no update is called so.
    on: { CLAIM: { actions: 'claimm' } },
  } satisfies Topology,
};

describe('the base of the topology', () => {
  it('refuses misspelt events, guards, timers and updates when it is compiled', () => {
    expect(Object.keys(misspelt)).toEqual(['event', 'inner', 'guard', 'kind', 'update']);
    expect(base.createMachine).toBeInstanceOf(Function);
  });
});
