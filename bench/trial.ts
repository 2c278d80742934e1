/** One trial: one plan, once, in two fresh processes. */
import { rmSync } from 'node:fs';
import { mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import type { Meters } from './conversation.ts';
import { type Credentials, createSide } from './credentials.ts';
import { coreBusyMs, type Pinning } from './machine.ts';
import { Participant } from './participant.ts';
import type { Plan } from './plan.ts';
import type { Run } from './road.ts';
import type { Latency } from './tally.ts';

/** What one trial found. Shares are of one core, 1 being all of it. */
export interface Trial {
  readonly plan: string;
  /** The cipher, where the road told it. */
  readonly agreed: string;
  /** Answered messages a second; 0 in an idle plan. */
  readonly messagesPerSecond: number;
  /** Of several streams (Jain's index); null where there is one or none. */
  readonly fairness: number | null;
  /** Of the round trips; null unless depth is 1. */
  readonly latency: Latency | null;
  readonly senderShare: number;
  readonly receiverShare: number;
  /** The larger share that other programs (and a hypervisor) took of one of the two cores; null where nobody knows. */
  readonly othersShare: number | null;
  /** What each of the peers of an idle plan costs the receiver; null in a rate plan. */
  readonly idle: IdleCost | null;
}

/** The cost of one silent peer to a receiver. */
export interface IdleCost {
  readonly rssBytesPerPeer: number;
  readonly timersPerPeer: number;
}

/** How a trial is run. */
export interface TrialOptions {
  readonly credentials: Credentials;
  readonly pinning: Pinning;
  readonly warmUpMs: number;
  readonly windowMs: number;
  readonly attempts: number;
}

/** Others' use of a core above which a trial is disturbed. */
export const QUIET_SHARE = 0.05;

/** How often a disturbed trial is made at most. */
export const ATTEMPTS_MAX = 3;

/**
 * Runs `plan` until other programs leave the machine alone, `attempts` times at most, and returns the least disturbed trial.
 * What is chosen by is their use of the cores alone, never the result.
 */
export async function runQuietTrial(plan: Plan, options: TrialOptions): Promise<Trial> {
  let best = await runTrial(plan, options);
  for (let attempt = 2; attempt <= options.attempts && isDisturbed(best); attempt++) {
    const trial = await runTrial(plan, options);
    if ((trial.othersShare ?? 0) < (best.othersShare ?? 0)) best = trial;
  }
  return best;
}

/** Whether other programs took so much of a core that the trial says more of them than of its plan. */
export function isDisturbed(trial: Trial): boolean {
  return (trial.othersShare ?? 0) > QUIET_SHARE;
}

/** Runs `plan` once. Both processes are gone when it returns, however it ends. */
export async function runTrial(plan: Plan, options: TrialOptions): Promise<Trial> {
  const directory = await mkdtemp(join(tmpdir(), 'flaminia-bench-'));
  const sweep = (): void => rmSync(directory, { recursive: true, force: true });
  process.once('exit', sweep);
  try {
    const { credentials } = options;
    const receiver = await createSide(credentials, plan.link, directory, 'receiver');
    const sender = await createSide(credentials, plan.link, directory, 'sender');
    return await runPair({ plan, credentials, receiver, sender }, options);
  } finally {
    process.off('exit', sweep);
    sweep();
  }
}

async function runPair(run: Run, options: TrialOptions): Promise<Trial> {
  const { pinning } = options;
  const cores = pinning.kind === 'pinned' ? pinning : { sender: undefined, receiver: undefined };
  const exposeGc = run.plan.kind === 'idle';
  const receiver = new Participant({ core: cores.receiver, exposeGc });
  const sender = new Participant({ core: cores.sender, exposeGc });
  const pair: Pair = { run, receiver, sender };
  try {
    const trial = run.plan.kind === 'rate' ? await measureRate(pair, options) : await measureIdle(pair, options);
    await sender.close();
    await receiver.close();
    return trial;
  } finally {
    await Promise.all([sender.kill(), receiver.kill()]);
  }
}

interface Pair {
  readonly run: Run;
  readonly sender: Participant;
  readonly receiver: Participant;
}

async function measureRate({ run, sender, receiver }: Pair, options: TrialOptions): Promise<Trial> {
  await receiver.receive(run);
  const agreed = await sender.send(run, run.plan.peers);
  await delay(options.warmUpMs);
  const window = await openWindow(sender, receiver, options.pinning);
  await delay(options.windowMs);
  const result = await window.close();
  if (result.messagesPerSecond === 0) throw new Error(`${run.plan.name}: no message was answered`);
  return { plan: run.plan.name, agreed, ...result, idle: null };
}

/** The first peer comes before the first reading, so that loading the code is nobody's cost. */
async function measureIdle({ run, sender, receiver }: Pair, options: TrialOptions): Promise<Trial> {
  const { peers } = run.plan;
  await receiver.receive(run);
  const agreed = await sender.send(run, 1);
  const alone = await receiver.read(true);
  await sender.send(run, peers);
  const crowded = await receiver.read(true);
  const window = await openWindow(sender, receiver, options.pinning);
  await delay(options.windowMs);
  const idle = {
    rssBytesPerPeer: (crowded.rssBytes - alone.rssBytes) / peers,
    timersPerPeer: (crowded.timers - alone.timers) / peers,
  };
  return { plan: run.plan.name, agreed, ...(await window.close()), idle };
}

type WindowResult = Pick<
  Trial,
  'messagesPerSecond' | 'fairness' | 'latency' | 'senderShare' | 'receiverShare' | 'othersShare'
>;

/** Reads the meters of both sides now and again at `close`. Each side's share is by its own clock. */
async function openWindow(
  sender: Participant,
  receiver: Participant,
  pinning: Pinning,
): Promise<{ close(): Promise<WindowResult> }> {
  const readAll = async (): Promise<Reading> => {
    const [sent, received] = await Promise.all([sender.read(), receiver.read()]);
    return { sent, received, busy: busyOf(pinning) };
  };
  const first = await readAll();
  return {
    close: async () => {
      const last = await readAll();
      const elapsedMs = last.sent.atMs - first.sent.atMs;
      return {
        messagesPerSecond: ((countOf(last) - countOf(first)) / elapsedMs) * 1_000,
        fairness: last.received.fairness,
        latency: last.sent.latency,
        senderShare: shareOf(first.sent, last.sent),
        receiverShare: shareOf(first.received, last.received),
        othersShare: othersShareOf(first, last),
      };
    },
  };
}

interface Reading {
  readonly sent: Meters;
  readonly received: Meters;
  readonly busy: { readonly sender: number; readonly receiver: number } | undefined;
}

/** One of the two sides counts. */
function countOf({ sent, received }: Reading): number {
  return sent.acked + received.acked;
}

function busyOf(pinning: Pinning): Reading['busy'] {
  if (pinning.kind === 'unpinned') return undefined;
  const sender = coreBusyMs(pinning.sender);
  const receiver = coreBusyMs(pinning.receiver);
  return sender === undefined || receiver === undefined ? undefined : { sender, receiver };
}

function shareOf(first: Meters, last: Meters): number {
  return (last.cpuMs - first.cpuMs) / (last.atMs - first.atMs);
}

function othersShareOf(first: Reading, last: Reading): number | null {
  if (first.busy === undefined || last.busy === undefined) return null;
  const ofSender = (last.busy.sender - first.busy.sender) / (last.sent.atMs - first.sent.atMs);
  const ofReceiver = (last.busy.receiver - first.busy.receiver) / (last.received.atMs - first.received.atMs);
  const sender = ofSender - shareOf(first.sent, last.sent);
  const receiver = ofReceiver - shareOf(first.received, last.received);
  return Math.max(0, sender, receiver);
}
