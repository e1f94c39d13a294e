import { Duration } from 'aws-cdk-lib';
import {
  Alarm,
  ComparisonOperator,
  type IMetric,
  MathExpression,
  TreatMissingData,
} from 'aws-cdk-lib/aws-cloudwatch';
import { SnsAction } from 'aws-cdk-lib/aws-cloudwatch-actions';
import type { ITopic } from 'aws-cdk-lib/aws-sns';
import { Construct } from 'constructs';
import { ALARM_NAMES, type AlarmName } from './alarm-names.ts';
import { consumerMetric, type WatchedConsumer } from './metrics.ts';
import type { Settings } from './settings.ts';

export interface ConsumerAlarmsProps {
  readonly watched: WatchedConsumer;
  readonly alarmTopic?: ITopic;
  readonly declinedAlarms: Partial<Readonly<Record<AlarmName, string>>>;
}

interface AlarmDefinition {
  readonly metric: IMetric;
  /** A value at or above the threshold breaches it. */
  readonly threshold: number;
  /** The alarm fires when `breaching` of the last `evaluated` periods breach the threshold. */
  readonly periods: { readonly breaching: number; readonly evaluated: number };
  readonly isMissingDataBreaching?: boolean;
  /** What the alarm means for users, and what the operator should do. */
  readonly description: string;
}

/** Alarms whose descriptions explain what they mean. docs/runbook.md has a section for each. */
export class ConsumerAlarms extends Construct {
  constructor(scope: Construct, id: string, props: ConsumerAlarmsProps) {
    super(scope, id);
    const definitions = defineAlarms(props.watched);
    for (const name of ALARM_NAMES)
      if (props.declinedAlarms[name] === undefined) this.#create(name, definitions[name], props.alarmTopic);
  }

  #create(name: AlarmName, definition: AlarmDefinition, topic: ITopic | undefined): void {
    const alarm = new Alarm(this, name, {
      metric: definition.metric,
      threshold: definition.threshold,
      datapointsToAlarm: definition.periods.breaching,
      evaluationPeriods: definition.periods.evaluated,
      comparisonOperator: ComparisonOperator.GREATER_THAN_OR_EQUAL_TO_THRESHOLD,
      treatMissingData:
        definition.isMissingDataBreaching === true
          ? TreatMissingData.BREACHING
          : TreatMissingData.NOT_BREACHING,
      alarmDescription: `${definition.description} Runbook: docs/runbook.md, "${name}".`,
    });
    if (topic === undefined) return;
    alarm.addAlarmAction(new SnsAction(topic));
    alarm.addOkAction(new SnsAction(topic));
  }
}

function defineAlarms({
  settings,
  serviceName,
  poller,
  executor,
}: WatchedConsumer): Record<AlarmName, AlarmDefinition> {
  const period = Duration.minutes(settings.scheduleMinutes);
  const runPeriod = Duration.minutes(runMinutes(settings));
  // A poller with a reserved concurrency of 1 is not invoked again while a run lasts.
  const invocationPeriod = settings.reservePoller ? runPeriod : period;
  return {
    deadLetters: {
      metric: consumerMetric({ serviceName, name: 'NewDeadLetters', statistic: 'Sum', period }),
      threshold: 1,
      periods: { breaching: 1, evaluated: 1 },
      description:
        'Some user changes could not be applied to MySQL, or the function bound to an own stream kept failing on some entries, and these entries became dead letters. Nothing is lost: inspect them with `consumer dead-letters list`, fix the cause, then redrive them.',
    },
    oldestEntry: {
      metric: consumerMetric({ serviceName, name: 'OldestEntryAge', statistic: 'Maximum', period }),
      threshold: settings.oldestEntryAlarmMinutes * 60,
      periods: { breaching: 2, evaluated: 5 },
      description: `User changes made more than ${settings.oldestEntryAlarmMinutes} minutes ago have not reached MySQL yet, or entries of an own stream have not been handled. Run \`consumer status\` to see which server or function cannot be reached, or raise lazyConcurrency if the backlog is growing.`,
    },
    pollerFailing: {
      metric: new MathExpression({
        expression: 'FILL(errors, 0) + FILL(failed, 0)',
        label: 'failed runs',
        period: runPeriod,
        usingMetrics: {
          errors: poller.metricErrors({ period: runPeriod }),
          failed: consumerMetric({ serviceName, name: 'DrainFailed', statistic: 'Sum', period: runPeriod }),
        },
      }),
      threshold: 1,
      periods: { breaching: 3, evaluated: 5 },
      description:
        'The poller keeps failing because of a server, a secret or a permission, so user changes wait in Redis, where none of them is lost. Run `consumer status` to see which stage fails, and fix it.',
    },
    pollerNotRunning: {
      metric: new MathExpression({
        expression: 'IF(invocations < 1, 1, 0)',
        label: 'not running',
        period: invocationPeriod,
        usingMetrics: { invocations: poller.metricInvocations({ period: invocationPeriod }) },
      }),
      threshold: 1,
      // Runs start at irregular times, so an occasional period without one is normal.
      periods: { breaching: 5, evaluated: 5 },
      isMissingDataBreaching: settings.enabled,
      description:
        'The poller has not been started for several schedule intervals, so user changes wait in Redis, where none of them is lost. Check whether the schedule is disabled (`enabled: false`) and whether Lambda throttles the account.',
    },
    executorThrottled: {
      metric: executor.metricThrottles({ period, statistic: 'Sum' }),
      threshold: 1,
      periods: { breaching: 10, evaluated: 15 },
      description:
        'Lambda rejects executor invocations because the concurrency of the account or the function is exhausted, so user changes are applied later, but none is lost. Lower lazyConcurrency, or ask AWS for a higher quota.',
    },
    executorFailing: {
      metric: executor.metricErrors({ period, statistic: 'Sum' }),
      threshold: 1,
      periods: { breaching: 3, evaluated: 5 },
      description:
        'Executor invocations time out or crash, so user changes are applied later; the affected batches are looked up in the ledger and retried, and none is applied twice. Read the log of the executor: the usual cause is a statement that runs too long.',
    },
    budgetUsedUp: {
      metric: consumerMetric({ serviceName, name: 'BudgetUsedUp', statistic: 'Minimum', period: runPeriod }),
      threshold: 1,
      periods: { breaching: 10, evaluated: 15 },
      description:
        'Run after run uses up its budget before the streams are empty: entries arrive faster than they are applied, so user changes take longer and longer to reach MySQL. Raise budgetSeconds or lazyConcurrency, or find out why MySQL is slow.',
    },
  };
}

/** Long enough that a run starts or ends in each period. A shorter period without a run would count as healthy. */
function runMinutes({ scheduleMinutes, pollerTimeoutSeconds }: Settings): number {
  return Math.max(scheduleMinutes, Math.ceil(pollerTimeoutSeconds / 60));
}
