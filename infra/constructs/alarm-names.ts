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

/** Why an alarm is not wanted: whoever finds it missing later reads this. */
const reason = z.string().min(10, 'expected the reason in words').optional();

export const declinedAlarmsSchema = z.partialRecord(z.enum(ALARM_NAMES), reason).default({});
