import * as z from 'zod';

/** What a contestant's program reports: the time of its work, without preparations. */
export const secondsReport = z.object({ seconds: z.number().positive() });
