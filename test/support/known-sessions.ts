import fc from 'fast-check';
import type { SessionStatus } from '../../machines/session/session.words';
import type { LabelRequirement } from '../../src/store/label-index';
import type { SessionIndex, Selection } from '../../src/store/session-index';
import { T0 } from './session-samples';

/* A filter over plain objects, for tests that compare the index in Redis with it. */

/** A session, as far as it can be selected. */
export interface KnownSession {
  readonly id: string;
  readonly createdAtMs: number;
  readonly labels: Readonly<Record<string, string>>;
  readonly status: SessionStatus;
}

const names = fc.constantFrom('team', 'env', 'app.kubernetes.io/name');
const values = fc.constantFrom('a', 'b', 'c', '', 'in (x)', 'größe');

/** Labels that {@link selections} asks for. */
export const knownLabels = fc.dictionary(names, values, { maxKeys: 3 });

/** Many sessions in one millisecond. */
export const knownTimes = fc.integer({ min: T0, max: T0 + 40 });

const requirement: fc.Arbitrary<LabelRequirement> = fc.oneof(
  fc.record({
    name: names,
    operator: fc.constantFrom('in' as const, 'notin' as const),
    values: fc.array(values, { minLength: 1, maxLength: 4 }),
  }),
  fc.record({ name: names, operator: fc.constantFrom('exists' as const, 'absent' as const) }),
);

/** Selections of sessions that have one of these statuses. */
export const selections = (...statuses: SessionStatus[]): fc.Arbitrary<Selection> =>
  fc.record({
    statuses: fc.array(fc.constantFrom(...statuses), { maxLength: 3 }),
    labels: fc.array(requirement, { maxLength: 4 }),
    createdAfterMs: fc.option(knownTimes),
    createdBeforeMs: fc.option(knownTimes),
  });

/** Ids of every kind: the order must not depend on the locale of a server. */
export const knownIds = (count: number): string[] =>
  // SAFETY: one run gives one array.
  fc.sample(
    fc.uniqueArray(fc.stringMatching(/^[A-Za-z0-9_-]{1,6}$/), { minLength: count, maxLength: count }),
    { numRuns: 1, seed: 7 },
  )[0] as string[];

function meets(labels: KnownSession['labels'], asked: LabelRequirement): boolean {
  const has = Object.hasOwn(labels, asked.name);
  switch (asked.operator) {
    case 'exists':
      return has;
    case 'absent':
      return !has;
    case 'in':
      return has && asked.values.includes(labels[asked.name] ?? '');
    case 'notin':
      return !has || !asked.values.includes(labels[asked.name] ?? '');
  }
}

const memberOf = ({ createdAtMs, id }: KnownSession): Buffer =>
  Buffer.from(createdAtMs.toString(16).padStart(12, '0') + id);

/** The ids of a selection, newest first. */
export function idsMeant(known: readonly KnownSession[], asked: Selection): string[] {
  return known
    .filter(
      ({ createdAtMs, labels, status }) =>
        (asked.statuses.length === 0 || asked.statuses.includes(status)) &&
        (asked.createdAfterMs === null || createdAtMs > asked.createdAfterMs) &&
        (asked.createdBeforeMs === null || createdAtMs < asked.createdBeforeMs) &&
        asked.labels.every(one => meets(labels, one)),
    )
    .sort((a, b) => Buffer.compare(memberOf(b), memberOf(a)))
    .map(({ id }) => id);
}

/** The ids that the index gives, page by page; `between` runs after each page. */
export async function idsFound(
  index: SessionIndex,
  asked: Selection,
  limit: number,
  between: () => Promise<unknown> = () => Promise.resolve(),
): Promise<string[]> {
  const seen: string[] = [];
  let cursor: string | null = null;
  do {
    const page = await index.page({ tenant: 'default', ...asked, cursor, limit });
    expect(page.refs.length).toBeLessThanOrEqual(limit);
    seen.push(...page.refs.map(ref => ref.replace('default/', '')));
    cursor = page.nextCursor;
    await between();
  } while (cursor !== null);
  return seen;
}
