/** Go's zero time, which BeeORM writes for invalid dates such as 0000-00-00. */
const YEAR_1_SECONDS = -62_135_596_800;

const DATE_AND_TIME = /^(\d{4})-(\d\d)-(\d\d)(?:[ T](\d\d):(\d\d):(\d\d))?/;

/** Converts MySQL's dates and times into Unix seconds as BeeORM does, in the application's time zone. */
export class UnixTime {
  readonly #format: Intl.DateTimeFormat | undefined;

  /** `timeZone` is a name such as `Europe/Warsaw`. */
  constructor(timeZone: string) {
    this.#format =
      timeZone === 'UTC'
        ? undefined
        : new Intl.DateTimeFormat('en-u-ca-iso8601', {
            timeZone,
            hourCycle: 'h23',
            year: 'numeric',
            month: 'numeric',
            day: 'numeric',
            hour: 'numeric',
            minute: 'numeric',
            second: 'numeric',
          });
  }

  /** Converts `YYYY-MM-DD` or `YYYY-MM-DD hh:mm:ss`. January 1 of the year 1 is 0. */
  secondsOf(text: string): number {
    if (text.startsWith('0001-01-01')) return 0;
    const parts = DATE_AND_TIME.exec(text)?.slice(1).map(Number) ?? [];
    const [year = 0, month = 0, day = 0, hour = 0, minute = 0, second = 0] = parts.map((part) => part || 0);
    const local = utcSeconds(year, month, day, hour, minute, second);
    if (new Date(local * 1000).getUTCDate() !== day) return YEAR_1_SECONDS;
    // Look up the offset twice: near a clock change, the first result may be the offset of the other side.
    return local - this.#offsetAt(local - this.#offsetAt(local));
  }

  /** Seconds by which the time zone is ahead of UTC. */
  #offsetAt(unixSeconds: number): number {
    if (this.#format === undefined) return 0;
    const parts: Partial<Record<Intl.DateTimeFormatPartTypes, number>> = {};
    for (const { type, value } of this.#format.formatToParts(unixSeconds * 1000)) parts[type] = Number(value);
    const { year = 0, month = 0, day = 0, hour = 0, minute = 0, second = 0 } = parts;
    return utcSeconds(year, month, day, hour, minute, second) - unixSeconds;
  }
}

/** Does not use `Date.UTC`, which maps years below 100 to the 20th century. */
function utcSeconds(
  year: number,
  month: number,
  day: number,
  hour: number,
  minute: number,
  second: number,
): number {
  const date = new Date(0);
  date.setUTCFullYear(year, month - 1, day);
  date.setUTCHours(hour, minute, second);
  return date.getTime() / 1000;
}
