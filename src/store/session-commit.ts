import { dueAtMs } from '../../machines/session/session.deadlines';
import type { SessionEffect } from '../../machines/session/session.effects';
import { eventName, type MachineEvent } from '../../machines/session/session.events';
import type { SessionContext } from '../../machines/session/session.types';
import { MACHINE_VERSION } from '../../machines/session/session.versions';
import { statusOf, isQueued, savesAtEnd } from '../../machines/session/session.view';
import { isEnded, ENDED_STATUSES } from '../../machines/session/session.words';
import type { SessionRef } from '../core/ids';
import { indexMember, keys } from '../redis/keys';
import { CONTROL_MAX } from './control-stream';
import { labelDelta, labelEntries } from './label-index';
import { NOTICES_MAX } from './notice-stream';
import { encodeSnapshot, encodeTransition } from './session-encoding';
import type { Commit } from './session-record';
import { usageDay, USAGE_KEPT_MS } from './usage-store';

/* The arguments of the commit script, made from two snapshots. */

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
  effects: readonly SessionEffect[],
): string[] {
  return effects.map(effect => JSON.stringify({ ref, revision, effect } satisfies PendingEffect));
}

/** The keys of a commit, in the order of the script's header. */
export function commitKeys({ before, after: { snapshot: after } }: Commit): string[] {
  const { ref } = before;
  const { tenant } = before.snapshot.context;
  const { left, joined } = labelDelta(before.snapshot.context.labels, after.context.labels);
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
    keys.present,
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
    keys.turns,
    keys.turnsOf(tenant),
    keys.servedTurns,
    ...left.map(label => keys.indexLabel(tenant, label)),
    ...joined.map(label => keys.indexLabel(tenant, label)),
  ];
}

/** The arguments of a commit: what the script checks and writes, the snapshot, and the line of the history. */
export function commitArgs(commit: Commit): string[] {
  const { before, event, opId, cause, actor, asOwner, asReaperOf } = commit;
  const { snapshot, effects } = commit.after;
  const { ref, revision } = before;
  const { context } = snapshot;
  const [from, to] = [statusOf(before.snapshot), statusOf(snapshot)];
  const name = eventName(event);
  const { left, joined } = labelDelta(before.snapshot.context.labels, context.labels);
  const command = {
    ref,
    tenant: context.tenant,
    opId,
    rev: revision,
    mv: MACHINE_VERSION,
    status: to,
    member: indexMember(context.createdAtMs, context.id),
    deadlines: context.deadlines,
    effects: pendingEffects(ref, revision + 1, effects),
    notice: { type: 'transition', ref, opId, event: name, from, to, reason: context.endReason },
    noticesMax: NOTICES_MAX,
    controlMax: CONTROL_MAX,
    endedStatuses: ENDED_STATUSES,
    labelKeys: left.length + joined.length === 0 ? null : JSON.stringify(labelEntries(context.labels)),
    labelsLeft: left.length,
    ended: isEnded(to),
    saves: savesAtEnd(snapshot),
    usage: isEnded(to) ? usageOf(context) : null,
    queued: isQueued(snapshot),
    owner: context.owner === null ? null : { workerId: context.owner.workerId, ...context.owner.fence },
    expectFence: asOwner,
    expectLapsed: asReaperOf,
    // Both are derived from the event, so that no sender can forget them.
    claimBeforeMs: event.type === 'CLAIM' ? (before.snapshot.context.deadlines.queue ?? null) : null,
    timeout: timeoutCheck(event, before.snapshot.context),
  };
  const line = encodeTransition({ event: name, from, to, cause, actor }, event);
  return [JSON.stringify(command), encodeSnapshot(snapshot), line];
}

/* The facts on which the machine decided a time-out; the script compares them with the current ones. */
function timeoutCheck(event: MachineEvent, context: SessionContext): object | null {
  if (event.type !== 'TIMEOUT') return null;
  return { dueMs: dueAtMs(context, event.kind, event.activity), ...event.activity };
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
