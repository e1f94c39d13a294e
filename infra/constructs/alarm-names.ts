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
