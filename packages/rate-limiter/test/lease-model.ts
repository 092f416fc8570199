// A store that lends, as plainly as it can be written: what real ones are held against, and what simulations run on.

import type { LeaseReading, LeaseRequest, LeasingStore, RuleSet, StoreReading } from "../src/index.ts";
import { fits, remainingTokens } from "../src/token-bucket.ts";

interface Lease {
  readonly id: string;
  readonly tokens: number;
  readonly expiresAt: number;
}

interface Subject {
  at: number;
  used: number[];
  leases: Lease[];
}

export interface LeaseModel extends LeasingStore {
  /** Tokens lent out now, spent or not. */
  lentNow(rules: RuleSet, key: string): number;
}

export function leaseModel(now: () => number): LeaseModel {
  const subjects = new Map<string, Subject>();

  const idOf = (rules: RuleSet, key: string): string => `${rules.id} ${key}`;

  /** As it is now. What is only looked at is not written: its time does not move. */
  function visit(rules: RuleSet, key: string): Subject {
    const subject = { ...(subjects.get(idOf(rules, key)) ?? { at: 0, used: rules.rules.map(() => 0), leases: [] }) };
    // Millisecond by millisecond would be plainer still; from expiry to expiry comes to the same.
    const ends = subject.leases.map((lease) => lease.expiresAt).filter((end) => end <= now());
    for (const moment of [...ends.sort((a, b) => a - b), now()]) {
      const elapsed = Math.max(0, moment - subject.at);
      const lent = subject.leases.reduce((sum, lease) => sum + lease.tokens, 0);
      subject.used = subject.used.map((used, index) => {
        const rule = rules.rules[index]!;
        return Math.max(Math.min(used, lent * rule.tokenUnits), used - elapsed * rule.refillUnits);
      });
      subject.at = Math.max(subject.at, moment);
      subject.leases = subject.leases.filter((lease) => lease.expiresAt > moment);
    }
    return subject;
  }

  function take(rules: RuleSet, subject: Subject, cost: number): boolean {
    if (!rules.rules.every((rule, index) => fits(rule, subject.used[index]!, cost))) return false;
    subject.used = subject.used.map((used, index) => used + cost * rules.rules[index]!.tokenUnits);
    return true;
  }

  const reading = (outcome: StoreReading["outcome"], { used }: Subject): StoreReading => ({
    outcome,
    used: [...used],
    blockedMs: 0,
  });

  return {
    lentNow: (rules, key) => visit(rules, key).leases.reduce((sum, lease) => sum + lease.tokens, 0),
    async consume(rules, key, cost) {
      const subject = visit(rules, key);
      if (!take(rules, subject, cost)) return reading("refused", subject);
      subjects.set(idOf(rules, key), subject);
      return reading("passed", subject);
    },
    async lease(rules, key, request: LeaseRequest): Promise<LeaseReading> {
      const subject = visit(rules, key);
      const back = subject.leases.find((lease) => lease.id === request.returned?.id);
      if (back && request.returned) {
        const unspent = Math.min(request.returned.unspent, back.tokens);
        subject.leases = subject.leases.filter((lease) => lease !== back);
        subject.used = subject.used.map((used, index) => Math.max(0, used - unspent * rules.rules[index]!.tokenUnits));
      }
      const left = Math.min(...rules.rules.map((rule, index) => remainingTokens(rule, subject.used[index]!)));
      const lent = Math.min(request.tokens, left);
      if (back || (lent > 0 && lent >= request.least)) subjects.set(idOf(rules, key), subject);
      if (lent < request.least) return { ...reading("refused", subject), lent: 0 };
      if (lent > 0) {
        take(rules, subject, lent);
        subject.leases = [...subject.leases, { id: request.id, tokens: lent, expiresAt: now() + request.ttlMs }];
      }
      return { ...reading("passed", subject), lent };
    },
    peek: async (rules, key) => reading("passed", visit(rules, key)),
    async refund(rules, key, cost) {
      const subject = visit(rules, key);
      if (subjects.has(idOf(rules, key))) subjects.set(idOf(rules, key), subject);
      const lent = subject.leases.reduce((sum, lease) => sum + lease.tokens, 0);
      subject.used = subject.used.map((used, index) => {
        const { tokenUnits } = rules.rules[index]!;
        return Math.max(Math.min(used, lent * tokenUnits), used - cost * tokenUnits);
      });
    },
    async reset(rules, key) {
      subjects.delete(idOf(rules, key));
    },
    block: () => Promise.reject(new Error("the model does not block")),
    unblock: () => Promise.reject(new Error("the model does not block")),
    async close() {},
  };
}
