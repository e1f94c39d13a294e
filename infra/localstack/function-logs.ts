import { CloudWatchLogs, ResourceNotFoundException } from '@aws-sdk/client-cloudwatch-logs';
import { clientConfig } from './client-config.ts';
import type { LocalStackAddress } from './localstack.ts';

export interface LogLine {
  /** Milliseconds since 1970. */
  readonly time: number;
  readonly text: string;
}

/** The log of a function in CloudWatch Logs. LocalStack delivers the lines of an invocation once it has ended. */
export class FunctionLogs {
  readonly #client: CloudWatchLogs;
  readonly #logGroupName: string;
  readonly #seen = new Set<string>();
  #latest = 0;

  constructor(localStack: LocalStackAddress, functionName: string) {
    this.#client = new CloudWatchLogs(clientConfig(localStack));
    // LocalStack ignores the log group that is configured for a function.
    this.#logGroupName = `/aws/lambda/${functionName}`;
  }

  /** Returns the lines that were added since the last call, oldest first. */
  async read(): Promise<LogLine[]> {
    const lines: LogLine[] = [];
    let nextToken: string | undefined;
    try {
      do {
        const { events = [], nextToken: next } = await this.#client.filterLogEvents({
          logGroupName: this.#logGroupName,
          startTime: this.#latest,
          ...(nextToken === undefined ? {} : { nextToken }),
        });
        for (const { eventId = '', timestamp = 0, message = '' } of events) {
          if (this.#seen.has(eventId)) continue;
          this.#seen.add(eventId);
          lines.push({ time: timestamp, text: message.trimEnd() });
        }
        nextToken = next;
      } while (nextToken !== undefined);
    } catch (error) {
      // The log group is created with the first lines.
      if (!(error instanceof ResourceNotFoundException)) throw error;
    }
    this.#latest = Math.max(this.#latest, ...lines.map(({ time }) => time));
    return lines;
  }
}
