import { effectsBetween, type SessionEffect } from '../../machines/session/session.effects';
import type { SessionContext, SessionSnapshot } from '../../machines/session/session.types';
import { MACHINE_VERSION } from '../../machines/session/session.versions';
import { isEnded, statusOf } from '../../machines/session/session.view';
import type { SessionRef } from '../core/ids';
import { indexMember, keys } from '../redis/keys';
import { NOTICES_MAX } from './notice-stream';
import type { Commit } from './session-store';
import { usageDay, USAGE_KEPT_MS } from './usage-store';

/* What the commit script is given, made from two snapshots. */

const CONTROL_MAX = 1_000;

/** A committed effect on its way to a queue; kept until acknowledged. */
export interface PendingEffect {
  readonly ref: SessionRef;
  readonly revision: number;
  readonly effect: SessionEffect;
}

/** The effects of a step as the script stores them: each names its session and revision, so it is unique. */
export function pendingEffects(
  ref: SessionRef,
  revision: number,
  before: SessionSnapshot | null,
  after: SessionSnapshot,
): string[] {
  return effectsBetween(before, after).map(effect =>
    JSON.stringify({ ref, revision, effect } satisfies PendingEffect),
  );
}

/** The keys of a commit, in the order of the script's header. */
export function commitKeys({ before, after }: Commit): string[] {
  const { ref } = before;
  const { tenant } = before.snapshot.context;
  const { left, joined } = labelDelta(before.snapshot.context, after.context);
  const ownerBefore = before.snapshot.context.owner?.workerId;
  const ownerAfter = after.context.owner?.workerId;
  return [
    keys.row(ref),
    keys.history(ref),
    keys.due,
    keys.effects,
    keys.notices,
    keys.closing,
    keys.activity,
    keys.attached,
    keys.leases,
    keys.queued,
    keys.ended,
    keys.counts,
    keys.indexStatus(tenant, statusOf(before.snapshot)),
    keys.indexStatus(tenant, statusOf(after)),
    ownerBefore === undefined ? keys.none : keys.owned(ownerBefore),
    ownerAfter === undefined ? keys.none : keys.owned(ownerAfter),
    ownerAfter === undefined ? keys.none : keys.control(ownerAfter),
    after.context.endedAtMs === null ? keys.none : keys.usage(tenant, usageDay(after.context.endedAtMs)),
    ...left.map(label => keys.indexLabel(tenant, label)),
    ...joined.map(label => keys.indexLabel(tenant, label)),
  ];
}

/** The arguments of a commit: what the script checks and writes, and the snapshot. */
export function commitArgs({ before, after, opId, history, asOwner, asReaperOf, timer }: Commit): string[] {
  const { ref, revision } = before;
  const { context } = after;
  const [from, to] = [statusOf(before.snapshot), statusOf(after)];
  const { left, joined } = labelDelta(before.snapshot.context, context);
  const command = {
    ref,
    opId,
    rev: revision,
    mv: MACHINE_VERSION,
    status: to,
    member: indexMember(context.createdAtMs, context.id),
    deadlines: context.deadlines,
    effects: pendingEffects(ref, revision + 1, before.snapshot, after),
    history: { ...history, from, to },
    notice: { type: 'transition', ref, opId, event: history.event, from, to, reason: context.endReason },
    noticesMax: NOTICES_MAX,
    controlMax: CONTROL_MAX,
    labelKeys: left.length + joined.length === 0 ? null : JSON.stringify(labelEntries(context.labels)),
    labelsLeft: left.length,
    ended: isEnded(to),
    usage: isEnded(to) ? usageOf(context) : null,
    queued: context.deadlines.queue !== undefined,
    owner: context.owner === null ? null : { workerId: context.owner.workerId, ...context.owner.fence },
    expectFence: asOwner ?? null,
    expectLapsed: asReaperOf ?? null,
    claimBeforeMs: claimBefore(before.snapshot, after),
    timer: timer === undefined ? null : { ...timer, idleTimeoutMs: context.limits.idleTimeoutMs ?? 0 },
  };
  return [JSON.stringify(command), JSON.stringify(after)];
}

/* Read off the step, so that nobody who claims can forget it: a session whose queue time is up is not claimed. */
function claimBefore(before: SessionSnapshot, after: SessionSnapshot): number | null {
  const isClaim = before.context.owner === null && after.context.deadlines.launch !== undefined;
  return isClaim ? (before.context.deadlines.queue ?? null) : null;
}

/**
 * Under which names a session stands in the label indexes: `name=value`, and `name` alone for those who ask whether it
 * has the label at all.
 */
export function labelEntries(labels: SessionContext['labels']): string[] {
  return Object.entries(labels).flatMap(([name, value]) => [`${name}=${value}`, name]);
}

/** The labels that such names come from: those without a value only repeat a name. */
export function labelsOfEntries(entries: readonly string[]): SessionContext['labels'] {
  const pairs = entries.filter(entry => entry.includes('='));
  return Object.fromEntries(
    pairs.map(pair => [pair.slice(0, pair.indexOf('=')), pair.slice(pair.indexOf('=') + 1)]),
  );
}

/* A step replaces its context, but passes on the labels it does not change: most steps are told by that alone. */
function labelDelta(before: SessionContext, after: SessionContext): { left: string[]; joined: string[] } {
  if (before.labels === after.labels) return { left: [], joined: [] };
  const [was, is] = [labelEntries(before.labels), labelEntries(after.labels)];
  return { left: was.filter(label => !is.includes(label)), joined: is.filter(label => !was.includes(label)) };
}

function usageOf({ endReason, liveAtMs, endedAtMs }: SessionContext): UsageEntry {
  const liveMs = liveAtMs === null ? 0 : Math.max(0, (endedAtMs ?? liveAtMs) - liveAtMs);
  return { reason: endReason, liveMs, startedMinutes: Math.ceil(liveMs / 60_000), keptMs: USAGE_KEPT_MS };
}

interface UsageEntry {
  readonly reason: SessionContext['endReason'];
  readonly liveMs: number;
  readonly startedMinutes: number;
  readonly keptMs: number;
}
