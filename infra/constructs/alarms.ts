import { Duration } from 'aws-cdk-lib';
import {
  Alarm,
  ComparisonOperator,
  type IMetric,
  MathExpression,
  TreatMissingData,
} from 'aws-cdk-lib/aws-cloudwatch';
import { SnsAction } from 'aws-cdk-lib/aws-cloudwatch-actions';
import type { IFunction } from 'aws-cdk-lib/aws-lambda';
import type { ITopic } from 'aws-cdk-lib/aws-sns';
import { Construct } from 'constructs';
import { ALARM_NAMES, type AlarmName } from './alarm-names.ts';
import { consumerMetric } from './metrics.ts';
import type { Settings } from './settings.ts';

export interface ConsumerAlarmsProps {
  readonly settings: Settings;
  readonly serviceName: string;
  readonly poller: IFunction;
  readonly executor: IFunction;
  readonly alarmTopic?: ITopic;
  readonly declinedAlarms: Partial<Readonly<Record<AlarmName, string>>>;
}

interface AlarmDefinition {
  readonly metric: IMetric;
  /** Fires at or above. */
  readonly threshold: number;
  /** How many periods must be at fault, and of how many. Runs begin at uneven moments: now and then a period has none. */
  readonly periods: readonly [atFault: number, of: number];
  readonly isMissingBad?: boolean;
  /** What it means for users, and what to do. */
  readonly description: string;
}

/** Alarms that say in words what they mean; docs/runbook.md has a line for each. */
export class ConsumerAlarms extends Construct {
  constructor(scope: Construct, id: string, props: ConsumerAlarmsProps) {
    super(scope, id);
    const definitions = defineAlarms(props);
    for (const name of ALARM_NAMES)
      if (props.declinedAlarms[name] === undefined) this.#create(name, definitions[name], props.alarmTopic);
  }

  #create(name: AlarmName, definition: AlarmDefinition, topic: ITopic | undefined): void {
    const alarm = new Alarm(this, name, {
      metric: definition.metric,
      threshold: definition.threshold,
      datapointsToAlarm: definition.periods[0],
      evaluationPeriods: definition.periods[1],
      comparisonOperator: ComparisonOperator.GREATER_THAN_OR_EQUAL_TO_THRESHOLD,
      treatMissingData:
        definition.isMissingBad === true ? TreatMissingData.BREACHING : TreatMissingData.NOT_BREACHING,
      alarmDescription: `${definition.description} Runbook: docs/runbook.md, "${name}".`,
    });
    if (topic === undefined) return;
    alarm.addAlarmAction(new SnsAction(topic));
    alarm.addOkAction(new SnsAction(topic));
  }
}

function defineAlarms(props: ConsumerAlarmsProps): Record<AlarmName, AlarmDefinition> {
  const { poller, executor, settings } = props;
  const period = Duration.minutes(settings.scheduleMinutes);
  const runPeriod = Duration.minutes(minutesOfRun(settings));
  // A poller that is reserved to one run at a time is not invoked while that lasts.
  const invocationPeriod = settings.reservePoller ? runPeriod : period;
  const { serviceName } = props;
  return {
    deadLetters: {
      metric: consumerMetric({ serviceName, name: 'NewDeadLetters', statistic: 'Sum', period }),
      threshold: 1,
      periods: [1, 1],
      description:
        'Changes that users made could not be applied to MySQL, or the function of an own stream gave entries up, and they are set aside. Nothing is lost: look at them with `consumer dead-letters list`, mend the cause, then redrive them.',
    },
    oldestEntry: {
      metric: consumerMetric({ serviceName, name: 'OldestEntryAge', statistic: 'Maximum', period }),
      threshold: settings.oldestEntryAlarmMinutes * 60,
      periods: [2, 5],
      description: `Changes that users made more than ${settings.oldestEntryAlarmMinutes} minutes ago are not in MySQL yet, or entries of an own stream are not handled. Ask \`consumer status\` which server or function can't be reached, or raise lazyConcurrency where the backlog grows.`,
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
      periods: [3, 5],
      description:
        'The poller fails again and again: a server, a secret or a permission is at fault. Changes wait in Redis and are not lost. `consumer status` names the stage that fails.',
    },
    pollerNotRunning: {
      metric: new MathExpression({
        expression: 'IF(invocations < 1, 1, 0)',
        label: 'not running',
        period: invocationPeriod,
        usingMetrics: { invocations: poller.metricInvocations({ period: invocationPeriod }) },
      }),
      threshold: 1,
      periods: [5, 5],
      isMissingBad: settings.enabled,
      description:
        'The poller was not started for several ticks, so changes wait in Redis. Look whether the schedule is switched off (`enabled`), or whether Lambda throttles the account.',
    },
    executorThrottled: {
      metric: executor.metricThrottles({ period, statistic: 'Sum' }),
      threshold: 1,
      periods: [10, 15],
      description:
        "Lambda refuses executors: the account's or the function's concurrency is used up. Changes come later, none is lost. Lower lazyConcurrency, or ask AWS for a higher quota.",
    },
    executorFailing: {
      metric: executor.metricErrors({ period, statistic: 'Sum' }),
      threshold: 1,
      periods: [3, 5],
      description:
        'Executors end without an answer: by a timeout, or by a crash. Batches are looked up and tried again, none is done twice. Read the log of the executor; a statement that runs too long is the usual cause.',
    },
    budgetUsedUp: {
      metric: consumerMetric({ serviceName, name: 'BudgetUsedUp', statistic: 'Minimum', period: runPeriod }),
      threshold: 1,
      periods: [10, 15],
      description:
        'Run after run ends by its budget with entries left: they come in faster than they are applied, and wait longer and longer. Raise budgetSeconds or lazyConcurrency, or look why MySQL is slow.',
    },
  };
}

/** A period in which a run begins or ends: shorter ones, in which there is none, would count as healthy. */
function minutesOfRun({ scheduleMinutes, pollerTimeoutSeconds }: Settings): number {
  return Math.max(scheduleMinutes, Math.ceil(pollerTimeoutSeconds / 60));
}
