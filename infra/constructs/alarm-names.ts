import * as z from 'zod';

export const ALARM_NAMES = [
  'deadLetters',
  'oldestEntry',
  'pollerFailing',
  'pollerNotRunning',
  'executorThrottled',
  'executorFailing',
  'budgetUsedUp',
] as const;
export type AlarmName = (typeof ALARM_NAMES)[number];

/** Why an alarm is declined, for the operator who later finds it missing. */
const reason = z.string().min(10, 'expected a reason of at least 10 characters').optional();

export const declinedAlarmsSchema = z.partialRecord(z.enum(ALARM_NAMES), reason).default({});
