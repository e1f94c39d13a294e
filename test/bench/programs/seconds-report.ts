import * as z from 'zod';

/** The report of a candidate's program: how long it worked, without preparations. */
export const secondsReport = z.object({ seconds: z.number().positive() });
